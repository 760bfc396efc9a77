//! Who that is here: users made or not, accounts that are somebody else's, groups, and the provider's sign-outs.

use super::{HOST, Stage};
use crate::support::{ADMIN_PASSWORD, PASSWORD};
use std::time::Duration;
use vestibule::domain::administration::{MembershipDraft, NewUser};
use vestibule::domain::audit::{Act, Refusal};
use vestibule::domain::directory::{AccountType, OrgId};
use vestibule::domain::session::EndReason;
use vestibule::settings::{Settings, SsoAccounts, SsoMapSetting};

pub fn why(stage: &Stage) -> Refusal {
    match stage.app.trail.last().act {
        Act::LoginRefused { why, .. } => why,
        other => panic!("{other:?}"),
    }
}

pub fn map(theirs: &str, ours: &str) -> SsoMapSetting {
    SsoMapSetting {
        theirs: theirs.to_owned(),
        ours: ours.to_owned(),
    }
}

#[tokio::test]
async fn somebody_unknown_becomes_a_user_only_where_that_is_on() {
    let stage = Stage::with(|settings| settings.sso[0].create_users = false);
    let reply = stage.sign_in(HOST, "lena").await;
    assert_eq!(reply.status, 401);
    assert_eq!(why(&stage), Refusal::UnknownUser);
    assert!(stage.app.find_user("lena").await.is_none());

    let stage = Stage::new();
    assert_eq!(stage.sign_in(HOST, "lena").await.status, 302);
    let lena = stage.app.user("lena").await;
    assert_eq!(lena.account_type, AccountType::Oidc);
    assert!(!lena.is_admin);
    // There is no password, so none is right.
    let reply = stage.app.anon().post_login("lena", PASSWORD).await;
    assert_eq!(reply.status, 401);
}

#[tokio::test]
async fn users_who_were_here_before_are_not_taken_over() {
    let stage = Stage::new();
    for person in ["bob", "tsadmin"] {
        let reply = stage.sign_in(HOST, person).await;
        assert_eq!(reply.status, 401, "{person}");
        let expected = match person {
            "tsadmin" => Refusal::AdminElsewhere,
            _ => Refusal::OtherAccountType,
        };
        assert_eq!(why(&stage), expected);
    }
    // Where local users are accepted, the administrator of the server still is not.
    let stage = Stage::with(|settings| settings.sso[0].accounts = SsoAccounts::Local);
    assert_eq!(stage.sign_in(HOST, "bob").await.status, 302);
    assert_eq!(stage.sign_in(HOST, "tsadmin").await.status, 401);
    let admin = stage.app.anon().post_login("tsadmin", ADMIN_PASSWORD).await;
    assert_eq!(admin.status, 204);
}

#[tokio::test]
async fn a_disabled_user_stays_out() {
    let stage = Stage::new();
    assert_eq!(stage.sign_in(HOST, "lena").await.status, 302);
    let (administration, by) = stage.app.administration();
    administration.disable_user("lena", &by).await.unwrap();
    assert_eq!(stage.sign_in(HOST, "lena").await.status, 401);
    assert_eq!(why(&stage), Refusal::UserDisabled);
}

#[tokio::test]
async fn groups_follow_the_provider_and_others_are_left_alone() {
    let stage = Stage::with(|settings| {
        settings.sso[0].group_map = vec![map("ops", "Operators"), map("gone", "Analysts")];
    });
    stage.sign_in(HOST, "lena").await;
    let lena = stage.app.user("lena").await;
    let primary = OrgId(0);
    assert!(
        stage
            .app
            .groups(lena.id, primary)
            .await
            .contains(&"Operators".to_owned())
    );
    assert!(
        !stage
            .app
            .groups(lena.id, primary)
            .await
            .contains(&"Analysts".to_owned())
    );
}

#[tokio::test]
async fn a_sign_out_at_the_provider_ends_the_session_here_and_says_why() {
    let stage = Stage::new();
    let (reply, client) = stage.begin(HOST).await;
    let location = reply.header("location").unwrap().to_owned();
    let browser = super::Browser::new();
    let (back, _) = browser.visit(&location, "lena").await;
    let reply = client
        .get(&format!("!{}?{}", back.path(), back.query().unwrap()))
        .await;
    let mut lena = stage.app.anon();
    lena.keep(&reply);
    let other = stage.signed_in("max").await;
    assert_eq!(lena.is_active().await, 204);

    // The browser signs out there, by way of a page of ours; the provider then tells us.
    let reply = lena.post("!/callosum/v1/oidc/logout", &[]).await;
    assert_eq!(reply.status, 302, "{}", reply.text());
    let there = reply.header("location").unwrap().to_owned();
    assert!(there.starts_with(&stage.provider.issuer()), "{there}");
    assert_eq!(lena.is_active().await, 401);
    let (back, _) = browser.visit(&there, "lena").await;
    assert_eq!(back.path(), "/callosum/v1/oidc/logout/complete");
    assert_eq!(other.is_active().await, 204);
}

#[tokio::test]
async fn the_back_channel_ends_what_came_from_that_session_of_the_providers() {
    let stage = Stage::new();
    let browser = super::Browser::new();
    let mut sessions = Vec::new();
    for _ in 0..2 {
        let (reply, client) = stage.begin(HOST).await;
        let location = reply.header("location").unwrap().to_owned();
        let (back, _) = browser.visit(&location, "lena").await;
        let reply = client
            .get(&format!("!{}?{}", back.path(), back.query().unwrap()))
            .await;
        let mut session = stage.app.anon();
        session.keep(&reply);
        assert_eq!(session.is_active().await, 204);
        sessions.push(session);
    }
    let max = stage.signed_in("max").await;
    // The first signs out everywhere; the second came from the same session of the provider's.
    let reply = sessions[0].post("!/callosum/v1/oidc/logout", &[]).await;
    let there = reply.header("location").unwrap().to_owned();
    browser.visit(&there, "lena").await;
    let mut last = 204;
    for _ in 0..100 {
        last = sessions[1].is_active().await;
        if last == 401 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(last, 401);
    let ended = stage.app.trail.events().into_iter().any(|event| {
        let reason = EndReason::SignedOutAtProvider;
        matches!(event.act, Act::SessionEnded { reason: found, .. } if found == reason)
    });
    assert!(ended, "{:?}", stage.app.trail.words());
    let body = sessions[1].info().await;
    assert!(
        body.message().contains("identity provider"),
        "{}",
        body.text()
    );
    assert_eq!(max.is_active().await, 204);
}

#[tokio::test]
async fn anybody_elses_notice_ends_nothing() {
    let stage = Stage::new();
    let lena = stage.signed_in("lena").await;
    for token in ["", "a.b.c", "eyJhbGciOiJub25lIn0.e30."] {
        let form = [("logout_token", token)];
        let reply = stage
            .app
            .anon()
            .post("!/callosum/v1/oidc/backchannel-logout", &form)
            .await;
        assert_eq!(reply.status, 400, "{token}");
    }
    assert_eq!(lena.is_active().await, 204);
}

#[tokio::test]
async fn case_30_a_link_or_another_site_signs_nobody_out() {
    let stage = Stage::new();
    let lena = stage.signed_in("lena").await;
    assert_eq!(lena.get("!/callosum/v1/oidc/logout").await.status, 200);
    let reply = lena
        .with("origin", "https://evil.example")
        .post("!/callosum/v1/oidc/logout", &[])
        .await;
    assert_eq!(reply.status, 403);
    assert_eq!(lena.is_active().await, 204);
}

#[tokio::test]
async fn what_one_provider_calls_lena_is_not_somebody_elses_lena() {
    let second = |settings: &mut Settings, accounts| {
        let mut other = settings.sso[0].clone();
        other.name = "other".to_owned();
        other.accounts = accounts;
        settings.sso.push(other);
    };
    let by = async |stage: &Stage, provider: &str| {
        let path = format!("!/callosum/v1/oidc/login?provider={provider}");
        let (reply, client) = stage.follow(&stage.app.anon(), &path).await;
        let back = stage.at_provider(&reply, "lena").await;
        client.get(&back).await.status
    };
    let stage = Stage::with(|settings| second(settings, SsoAccounts::Own));
    assert_eq!(by(&stage, "company").await, 302);
    assert_eq!(by(&stage, "other").await, 401);
    assert_eq!(why(&stage), Refusal::OtherProvider);
    assert_eq!(by(&stage, "company").await, 302);
    // Where users move from one to another, the other may take them over.
    let stage = Stage::with(|settings| second(settings, SsoAccounts::Type));
    assert_eq!(by(&stage, "company").await, 302);
    assert_eq!(by(&stage, "other").await, 302);
    assert_eq!(by(&stage, "company").await, 401);
}

#[tokio::test]
async fn administrators_of_the_server_sign_in_there_only_where_that_is_on() {
    for (admins, status) in [(false, 401), (true, 302)] {
        let stage = Stage::with(|settings| settings.sso[0].admins = admins);
        let (administration, by) = stage.app.administration();
        let lena = NewUser {
            account_type: AccountType::Oidc,
            is_admin: true,
            ..NewUser::named("lena")
        };
        administration.create_user(lena, &by).await.unwrap();
        assert_eq!(stage.sign_in(HOST, "lena").await.status, status);
        if !admins {
            assert_eq!(why(&stage), Refusal::AdminElsewhere);
        }
    }
}

#[tokio::test]
async fn case_36_whom_the_provider_takes_out_of_an_org_has_no_session_left_there() {
    let stage = Stage::with(|settings| {
        settings.sso[0].org_attribute = Some("groups".to_owned());
        // Lena is in no group that is gone.
        settings.sso[0].org_map = vec![map("gone", "0")];
    });
    let (administration, by) = stage.app.administration();
    let lena = NewUser {
        account_type: AccountType::Oidc,
        memberships: ["0", "Sales"]
            .map(|org| MembershipDraft {
                org: org.to_owned(),
                groups: Vec::new(),
            })
            .to_vec(),
        ..NewUser::named("lena")
    };
    administration.create_user(lena, &by).await.unwrap();
    let token = stage.app.token("lena").await;
    let reply = stage.app.anon().redeem(&[("auth_token", &token)]).await;
    let mut before = stage.app.anon();
    before.keep(&reply);
    assert_eq!(before.is_active().await, 204);

    let lena = stage.signed_in("lena").await;
    assert_eq!(lena.is_active().await, 204);
    assert_eq!(before.is_active().await, 401);
    assert_eq!(
        stage.app.anon().with_bearer(&token).info().await.status,
        401
    );
    // Nothing is left to lose: the next sign-in ends nothing.
    stage.app.tick();
    let again = stage.signed_in("lena").await;
    assert_eq!(lena.is_active().await, 204);
    assert_eq!(again.is_active().await, 204);
}
