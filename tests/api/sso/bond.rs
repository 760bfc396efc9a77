//! Whose account it is: a refused sign-in touches nobody, a name that passes to another person there does not pass here.

use super::people::{map, why};
use super::{Browser, HOST, Stage};
use std::time::Duration;
use vestibule::domain::administration::{MembershipDraft, NewUser};
use vestibule::domain::audit::{Act, Refusal};
use vestibule::domain::directory::AccountType;
use vestibule::settings::SsoAccounts;

/// A user of the provider's kind in those Orgs.
fn pre_created(name: &str, orgs: &[&str]) -> NewUser {
    let place = |org: &&str| MembershipDraft {
        org: (*org).to_owned(),
        groups: Vec::new(),
    };
    NewUser {
        account_type: AccountType::Oidc,
        memberships: orgs.iter().map(place).collect(),
        ..NewUser::named(name)
    }
}

#[tokio::test]
async fn a_refused_sign_in_ends_nothing_of_whoever_bears_that_name_here() {
    let stage = Stage::with(|settings| {
        settings.sso[0].org_attribute = Some("groups".to_owned());
        // Whoever signs in there is in no group that is gone, and so would leave the Org.
        settings.sso[0].org_map = vec![map("gone", "0")];
    });
    let bob = stage.app.bob().await;
    let token = stage.app.token("bob").await;
    let bearer = stage.app.anon().with_bearer(&token);
    assert_eq!(bearer.info().await.status, 200);
    stage.app.tick();
    let reply = stage.sign_in(HOST, "bob").await;
    assert_eq!(reply.status, 401);
    assert_eq!(why(&stage), Refusal::OtherAccountType);
    assert_eq!(bob.is_active().await, 204);
    assert_eq!(bearer.info().await.status, 200);

    // The same of somebody who is switched off.
    let (administration, by) = stage.app.administration();
    let lena = administration
        .create_user(pre_created("lena", &["0"]), &by)
        .await;
    let (_, api_token) = (
        administration.disable_user("lena", &by).await.unwrap(),
        administration
            .create_api_token(lena.unwrap().id, Duration::from_hours(1), &by)
            .await
            .unwrap(),
    );
    assert_eq!(stage.sign_in(HOST, "lena").await.status, 401);
    assert_eq!(why(&stage), Refusal::UserDisabled);
    let kept = administration.api_token_of(api_token.0.user).await.unwrap();
    assert!(kept.is_some());
}

#[tokio::test]
async fn whom_the_provider_takes_out_of_an_org_has_no_api_token_left() {
    let stage = Stage::with(|settings| {
        settings.sso[0].org_attribute = Some("groups".to_owned());
        settings.sso[0].org_map = vec![map("gone", "0")];
    });
    let (administration, by) = stage.app.administration();
    let lena = pre_created("lena", &["0", "Sales"]);
    let lena = administration.create_user(lena, &by).await.unwrap();
    let lifetime = Duration::from_hours(1);
    let made = administration.create_api_token(lena.id, lifetime, &by);
    made.await.unwrap();
    stage.signed_in("lena").await;
    let left = administration.api_token_of(lena.id).await.unwrap();
    assert_eq!(left, None);
}

#[tokio::test]
async fn a_name_that_somebody_else_bears_there_by_now_does_not_open_the_account_here() {
    let stage = Stage::new();
    assert_eq!(stage.sign_in(HOST, "lena").await.status, 302);
    // Another person of that provider, whom it calls lena as well.
    let reply = stage.sign_in(HOST, "another-lena").await;
    assert_eq!(reply.status, 401, "{}", reply.text());
    assert_eq!(why(&stage), Refusal::OtherSubject);
    assert_eq!(stage.sign_in(HOST, "lena").await.status, 302);
    assert_eq!(stage.app.user("lena").await.display_name, "Lena Lind");

    // An administrator may let the account go; whoever comes next has it.
    let (administration, by) = stage.app.administration();
    assert!(administration.release_user("lena", &by).await.unwrap().1);
    let act = stage.app.trail.last().act;
    let what = "user_released";
    assert!(matches!(act, Act::DirectoryChanged { what: said, .. } if said == what));
    assert!(!administration.release_user("lena", &by).await.unwrap().1);
    assert_eq!(stage.sign_in(HOST, "another-lena").await.status, 302);
    assert_eq!(stage.sign_in(HOST, "lena").await.status, 401);
    assert!(administration.release_user("nobody", &by).await.is_err());
}

#[tokio::test]
async fn who_was_known_by_the_provider_alone_is_bound_to_the_person_at_the_next_sign_in() {
    let stage = Stage::new();
    assert_eq!(stage.sign_in(HOST, "lena").await.status, 302);
    // As servers kept it that did not look at the person.
    let lena = stage.app.user("lena").await;
    let place = format!("sso_provider:{}", lena.id);
    let directory = &stage.app.services.login.directory;
    directory.set(&place, "company").await.unwrap();
    assert_eq!(stage.sign_in(HOST, "lena").await.status, 302);
    let bond = directory.get(&place).await.unwrap().unwrap();
    assert!(bond.starts_with("company ") && bond.len() == "company ".len() + 64);
    assert_eq!(stage.sign_in(HOST, "another-lena").await.status, 401);
}

#[tokio::test]
async fn of_two_providers_that_bring_the_same_new_name_at_once_one_gets_in() {
    let stage = Stage::with(|settings| {
        let mut other = settings.sso[0].clone();
        other.name = "other".to_owned();
        settings.sso.push(other);
    });
    let mut ready = Vec::new();
    for provider in ["company", "other"] {
        let path = format!("!/callosum/v1/oidc/login?provider={provider}");
        let (reply, client) = stage.follow(&stage.app.anon(), &path).await;
        let back = stage.at_provider(&reply, "lena").await;
        ready.push((client, back));
    }
    let (one, other) = tokio::join!(ready[0].0.get(&ready[0].1), ready[1].0.get(&ready[1].1));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [302, 401]);
}

#[tokio::test]
async fn of_two_sections_for_one_provider_both_hear_of_a_sign_out_there() {
    let stage = Stage::with(|settings| {
        let mut other = settings.sso[0].clone();
        other.name = "other".to_owned();
        settings.sso.push(other);
    });
    let browser = Browser::new();
    let begin = "!/callosum/v1/oidc/login?provider=other";
    let (reply, client) = stage.follow(&stage.app.anon(), begin).await;
    let (back, _) = browser
        .visit(reply.header("location").unwrap(), "lena")
        .await;
    let back = format!("!{}?{}", back.path(), back.query().unwrap());
    let mut lena = stage.app.anon();
    lena.keep(&client.get(&back).await);
    assert_eq!(lena.is_active().await, 204);
    // Signed out there by another application of the same provider's.
    let there = format!(
        "{}/session/end?client_id=by-secret&post_logout_redirect_uri=http://{}/callosum/v1/oidc/logout/complete",
        stage.provider.issuer(),
        stage.app.address
    );
    browser.visit(&there, "lena").await;
    let mut last = 204;
    for _ in 0..100 {
        last = lena.is_active().await;
        if last == 401 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(last, 401);
}

#[tokio::test]
async fn a_tenants_provider_does_not_claim_another_tenants_users() {
    let two = |accounts| {
        Stage::with(move |settings| {
            settings.sso[0].accounts = accounts;
            let mut other = settings.sso[0].clone();
            other.name = "other".to_owned();
            settings.sso.push(other);
        })
    };
    let stage = two(SsoAccounts::Local);
    let (administration, by) = stage.app.administration();
    for (name, orgs) in [("lena", &["0"][..]), ("max", &["0", "Sales"])] {
        let user = pre_created(name, orgs);
        administration.create_user(user, &by).await.unwrap();
    }
    assert_eq!(stage.sign_in(HOST, "lena").await.status, 302);
    // Local users alike: Carol is in another Org, Bob in this one.
    for (name, status) in [("max", 401), ("carol", 401), ("bob", 302)] {
        let reply = stage.sign_in(HOST, name).await;
        assert_eq!(reply.status, status, "{name}: {}", reply.text());
        if status == 401 {
            assert_eq!(why(&stage), Refusal::ForeignOrg, "{name}");
        }
    }
    // Where users move from one provider to another, and where there is one alone, nobody is in its way.
    let alone = Stage::with(|settings| settings.sso[0].accounts = SsoAccounts::Local);
    for stage in [two(SsoAccounts::Type), alone] {
        let (administration, by) = stage.app.administration();
        let max = pre_created("max", &["0", "Sales"]);
        administration.create_user(max, &by).await.unwrap();
        assert_eq!(stage.sign_in(HOST, "max").await.status, 302);
    }
}
