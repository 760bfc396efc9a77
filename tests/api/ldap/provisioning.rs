//! What a login by LDAP makes of users and groups here.

use crate::ldap::{add_ldap_user, app_with};
use crate::slapd::{LENA_WORD, MAX_WORD, PEOPLE, Slapd};
use crate::support::{PASSWORD, TestApp};
use vestibule::domain::administration::NewUser;
use vestibule::domain::directory::{AccountType, Membership, MembershipChange, Operation, OrgId};
use vestibule::settings::{Ldap, LdapGroupSetting};

fn rule(ldap: &str, group: &str) -> LdapGroupSetting {
    LdapGroupSetting {
        ldap: ldap.to_owned(),
        group: group.to_owned(),
    }
}

fn just_in_time(ldap: &mut Ldap) {
    ldap.create_users = true;
    ldap.group_map = vec![
        rule("CN=analysts, ou=groups,dc=example,dc=org", "analysts"),
        rule("ops", "Operators"),
        rule("bosses", "Bosses"),
    ];
}

async fn groups(app: &TestApp, name: &str, org: OrgId) -> Vec<String> {
    app.groups(app.user(name).await.id, org).await
}

async fn change(app: &TestApp, name: &str, change: MembershipChange) {
    let (administration, by) = app.administration();
    let user = app.user(name).await;
    administration
        .change_memberships(&user, change, &by)
        .await
        .unwrap();
}

const fn nothing(operation: Operation) -> MembershipChange {
    MembershipChange {
        operation,
        orgs: None,
        groups: None,
        create_groups: true,
        at: vestibule::domain::clock::Timestamp::from_millis(0),
    }
}

#[tokio::test]
async fn case_38_somebody_unknown_becomes_a_user_only_where_that_is_on() {
    let slapd = Slapd::start();
    let off = app_with(&slapd, |_| {});
    assert_eq!(off.anon().post_login("lena", LENA_WORD).await.status, 401);
    assert!(off.find_user("lena").await.is_none());

    let on = app_with(&slapd, just_in_time);
    assert_eq!(on.anon().post_login("lena", "wrong").await.status, 401);
    assert_eq!(on.anon().post_login("nobody", LENA_WORD).await.status, 401);
    assert!(on.find_user("lena").await.is_none());
    assert!(on.find_user("nobody").await.is_none());

    on.signed_in("LENA", LENA_WORD).await;
    let lena = on.user("lena").await;
    assert_eq!(lena.name, "lena");
    assert_eq!(lena.account_type, AccountType::Ldap);
    assert_eq!(lena.display_name, "Lena Example");
    assert_eq!(lena.email.as_deref(), Some("lena@example.com"));
    assert!(!lena.is_admin);
    // The group that was here already is the one joined, in its own spelling.
    assert_eq!(
        groups(&on, "lena", OrgId::PRIMARY).await,
        ["Analysts", "Operators"]
    );
    let words = on.trail.words();
    assert_eq!(
        words[words.len() - 3..],
        ["directory_changed", "directory_changed", "login"]
    );
    on.signed_in("jürgen", "p1anted-pässword").await;
    on.signed_in("JÜRGEN", "p1anted-pässword").await;
    assert_eq!(on.user("Jürgen").await.display_name, "Jürgen Größe");
}

#[tokio::test]
async fn users_and_groups_may_be_of_another_org() {
    let slapd = Slapd::start();
    // Orgs are numbered by chance: it is known only when the server is there.
    let app = app_with(&slapd, |ldap| {
        just_in_time(ldap);
        ldap.org = 4711;
    });
    // An Org that does not exist is nobody's wrong password.
    let reply = app.anon().post_login("lena", LENA_WORD).await;
    assert_eq!(reply.status, 503, "{}", reply.text());
    assert!(app.find_user("lena").await.is_none());
    let org = vestibule::domain::directory::Org {
        id: OrgId(4711),
        name: "Company".to_owned(),
        description: String::new(),
        status: vestibule::domain::directory::OrgStatus::Active,
    };
    app.services.directory.create_org(&org).await.unwrap();
    let lena = app.signed_in("lena", LENA_WORD).await;
    assert_eq!(lena.info().await.json()["currentOrgId"], 4711);
    assert_eq!(
        groups(&app, "lena", OrgId(4711)).await,
        ["analysts", "Operators"]
    );
    assert!(groups(&app, "lena", OrgId::PRIMARY).await.is_empty());

    // Whom an administrator took out of it, a login does not bring back.
    let out = MembershipChange {
        orgs: Some(vec![OrgId::PRIMARY]),
        ..nothing(Operation::Replace)
    };
    change(&app, "lena", out).await;
    app.tick();
    app.signed_in("lena", LENA_WORD).await;
    assert!(groups(&app, "lena", OrgId(4711)).await.is_empty());
}

#[tokio::test]
async fn each_login_sets_exactly_the_mapped_groups_and_leaves_others_alone() {
    let slapd = Slapd::start();
    let app = app_with(&slapd, just_in_time);
    app.signed_in("lena", LENA_WORD).await;
    let more = MembershipChange {
        groups: Some(Membership {
            org: OrgId::PRIMARY,
            groups: vec!["Bosses".to_owned(), "Chess".to_owned()],
        }),
        ..nothing(Operation::Add)
    };
    change(&app, "lena", more).await;
    slapd.modify(&format!(
        "dn: cn=ops,ou=groups,dc=example,dc=org
changetype: modify
delete: member
member: uid=lena,{PEOPLE}

dn: uid=lena,{PEOPLE}
changetype: modify
replace: cn
cn: Lena Married
-
replace: mail
mail: not an address
"
    ));
    app.tick();
    app.signed_in("lena", LENA_WORD).await;
    assert_eq!(
        groups(&app, "lena", OrgId::PRIMARY).await,
        ["Analysts", "Chess"]
    );
    let lena = app.user("lena").await;
    assert_eq!(lena.display_name, "Lena Married");
    assert_eq!(lena.email.as_deref(), Some("lena@example.com"));

    // With nothing to change nothing is written.
    let before = app.user("lena").await.modified_at;
    app.tick();
    app.trail.clear();
    app.signed_in("lena", LENA_WORD).await;
    assert_eq!(app.user("lena").await.modified_at, before);
    assert_eq!(app.trail.words(), ["login"]);
}

#[tokio::test]
async fn case_38_users_who_were_here_before_are_not_taken_over() {
    let slapd = Slapd::start();
    let app = app_with(&slapd, just_in_time);
    // Local under a name that LDAP has as well, in another case and form.
    let (administration, by) = app.administration();
    for name in ["LENA", "ma\u{FF58}"] {
        let user = NewUser {
            password: Some(PASSWORD.into()),
            ..NewUser::named(name)
        };
        administration.create_user(user, &by).await.unwrap();
    }
    for (name, password) in [("lena", LENA_WORD), ("max", MAX_WORD)] {
        assert_eq!(app.anon().post_login(name, password).await.status, 401);
        let user = app.user(name).await;
        assert_eq!(user.account_type, AccountType::Local);
        assert!(app.groups(user.id, OrgId::PRIMARY).await.is_empty());
    }
}

#[tokio::test]
async fn many_first_logins_at_once_make_one_user() {
    let slapd = Slapd::start();
    let app = app_with(&slapd, just_in_time);
    let clients: Vec<_> = (0..5).map(|_| app.anon()).collect();
    let logins = clients
        .iter()
        .map(|client| client.post_login("lena", LENA_WORD));
    for reply in futures_util::future::join_all(logins).await {
        assert_eq!(reply.status, 204, "{}", reply.text());
    }
    let made = app
        .trail
        .events()
        .into_iter()
        .filter(|event| format!("{:?}", event.act).contains("user_created"));
    assert_eq!(made.count(), 1);
}

#[tokio::test]
async fn a_disabled_ldap_user_stays_out_and_is_not_brought_up_to_date() {
    let slapd = Slapd::start();
    let app = app_with(&slapd, just_in_time);
    add_ldap_user(&app, "lena").await;
    let (administration, by) = app.administration();
    administration.disable_user("lena", &by).await.unwrap();
    assert_eq!(app.anon().post_login("lena", LENA_WORD).await.status, 401);
    let lena = app.user("lena").await;
    assert_eq!(lena.display_name, "lena");
    assert!(groups(&app, "lena", OrgId::PRIMARY).await.is_empty());
}
