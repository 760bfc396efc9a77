//! `POST session/auth/token` with `autocreate`: users made and brought up to date when a token is asked for.

use crate::support::TestApp;
use vestibule::domain::directory::OrgId;

#[tokio::test]
async fn a_new_user_is_made_when_the_token_is_asked_for_and_has_no_password() {
    let app = TestApp::spawn();
    let form = [
        ("username", "fresh"),
        ("autocreate", "true"),
        ("email", "fresh@example.com"),
        ("display_name", "Fresh Fruit"),
        ("groups", r#"["Analysts","New group"]"#),
    ];
    let reply = app.anon().mint(&form).await;
    assert_eq!(reply.status, 200);
    let user = app.user("fresh").await;
    assert_eq!(user.display_name, "Fresh Fruit");
    assert_eq!(user.email.as_deref(), Some("fresh@example.com"));
    assert!(!user.is_admin);
    let groups = app.groups(user.id, OrgId::PRIMARY).await;
    assert_eq!(groups, ["Analysts", "New group"]);
    for password in ["x", "null", "fresh"] {
        let reply = app.anon().post_login("fresh", password).await;
        assert_eq!(reply.status, 401);
    }
}

#[tokio::test]
async fn a_new_user_goes_into_the_org_asked_for_alone() {
    let app = TestApp::spawn();
    let sales = app.sales.to_string();
    let form = [
        ("username", "fresh"),
        ("autocreate", "true"),
        ("orgid", sales.as_str()),
        ("groups", r#"["Analysts"]"#),
    ];
    let token = app.anon().mint(&form).await.text();
    let info = app.anon().with_bearer(&token).info().await.json();
    assert_eq!(info["currentOrgId"], app.sales.0);
    let user = app.user("fresh").await;
    let orgs = app.services.directory.orgs_of(user.id).await.unwrap();
    assert_eq!(orgs.len(), 1);
    // A group of that name is in the Primary Org too; this is another one.
    assert_eq!(app.groups(user.id, app.sales).await, ["Analysts"]);
    assert_eq!(app.groups(user.id, OrgId::PRIMARY).await, [""; 0]);
}

#[tokio::test]
async fn an_existing_user_is_brought_up_to_date_and_groups_are_added() {
    let app = TestApp::spawn();
    let bob = app.user("bob").await;
    let form = [
        ("username", "bob"),
        ("autocreate", "true"),
        ("email", "bob@new.example.com"),
        ("groups", r#"["Extra"]"#),
    ];
    assert_eq!(app.anon().mint(&form).await.status, 200);
    let now = app.user("bob").await;
    assert_eq!(now.email.as_deref(), Some("bob@new.example.com"));
    assert_eq!(
        now.display_name, bob.display_name,
        "what was not given stays"
    );
    assert_eq!(
        app.groups(bob.id, OrgId::PRIMARY).await,
        ["Analysts", "Extra"]
    );

    // Decision 8: no groups leaves them alone, and so does an empty array, which adds none.
    for groups in [&[][..], &[("groups", "[]")], &[("groups", "")]] {
        let mut form = vec![("username", "bob"), ("autocreate", "true")];
        form.extend_from_slice(groups);
        assert_eq!(app.anon().mint(&form).await.status, 200);
        assert_eq!(
            app.groups(bob.id, OrgId::PRIMARY).await,
            ["Analysts", "Extra"]
        );
    }
}

#[tokio::test]
async fn without_autocreate_nothing_about_an_existing_user_changes() {
    let app = TestApp::spawn();
    let before = app.user("bob").await;
    let form = [
        ("username", "bob"),
        ("email", "other@example.com"),
        ("display_name", "Other"),
        ("groups", r#"["Extra"]"#),
    ];
    assert_eq!(app.anon().mint(&form).await.status, 200);
    assert_eq!(app.user("bob").await, before);
    assert_eq!(app.groups(before.id, OrgId::PRIMARY).await, ["Analysts"]);
}

#[tokio::test]
async fn decision_7_autocreate_adds_an_existing_user_to_the_org() {
    let app = TestApp::spawn();
    let sales = app.sales.to_string();
    let form = [("username", "bob"), ("orgid", sales.as_str())];
    app.anon()
        .mint(&form)
        .await
        .expect_error(400, 13090, "orgid");
    let form = [form[0], form[1], ("autocreate", "true")];
    let token = app.anon().mint(&form).await.text();
    let info = app.anon().with_bearer(&token).info().await.json();
    assert_eq!(info["currentOrgId"], app.sales.0);
    let bob = app.user("bob").await;
    assert_eq!(bob.last_org, OrgId::PRIMARY, "he has not worked there yet");
    let orgs = app.services.directory.orgs_of(bob.id).await.unwrap();
    assert_eq!(orgs.len(), 2);

    let form = [("username", "bob"), ("orgid", "99"), ("autocreate", "true")];
    app.anon()
        .mint(&form)
        .await
        .expect_error(400, 10002, "orgid");
}

#[tokio::test]
async fn case_38_another_spelling_of_a_name_is_the_user_there_is() {
    let app = TestApp::spawn();
    for twin in ["Alice", "ALICE", "\u{ff21}lice"] {
        let form = [("username", twin), ("autocreate", "true")];
        let token = app.anon().mint(&form).await.text();
        let info = app.anon().with_bearer(&token).info().await.json();
        assert_eq!(info["userName"], "alice");
    }
    let (administration, _) = app.administration();
    let users = administration.list_users(None, 100).await.unwrap();
    let alices = users
        .iter()
        .filter(|user| user.name.len() == 5 && user.name != "carol");
    assert_eq!(alices.count(), 1);
}

#[tokio::test]
async fn case_38_hostile_groups_are_refused_and_make_no_user() {
    let app = TestApp::spawn();
    let many: Vec<String> = (0..10_000).map(|n| format!("g{n}")).collect();
    let many = serde_json::to_string(&many).unwrap();
    let deep = "[".repeat(50_000);
    for groups in [
        many.as_str(),
        deep.as_str(),
        r#"{"a":1,"a":2}"#,
        r#"[["a"]]"#,
        r#"["a\u0000b"]"#,
        r#"[""]"#,
        "[null]",
    ] {
        let form = [
            ("username", "fresh"),
            ("autocreate", "true"),
            ("groups", groups),
        ];
        app.anon()
            .mint(&form)
            .await
            .expect_error(400, 10002, "groups");
        assert!(app.find_user("fresh").await.is_none());
    }
}

#[tokio::test]
async fn case_38_a_name_or_address_unfit_to_be_shown_is_refused_and_makes_no_user() {
    let app = TestApp::spawn();
    let before = app.user("bob").await;
    let long = "x".repeat(900_000);
    let far = format!("{long}@example.com");
    let forged = [
        ("display_name", "A\nB"),
        ("display_name", "\u{1b}[2J"),
        ("display_name", "a\u{202E}b"),
        ("display_name", long.as_str()),
        ("email", "a@example.com\nx"),
        ("email", far.as_str()),
        ("email", "nobody"),
    ];
    for (field, text) in forged {
        for user in ["fresh", "bob"] {
            let form = [("username", user), ("autocreate", "true"), (field, text)];
            app.anon().mint(&form).await.expect_error(400, 10002, field);
        }
        assert!(app.find_user("fresh").await.is_none(), "{field}");
    }
    assert_eq!(app.user("bob").await, before);
}

#[tokio::test]
async fn case_38_no_group_name_makes_an_administrator() {
    let app = TestApp::spawn();
    let form = [
        ("username", "fresh"),
        ("autocreate", "true"),
        (
            "groups",
            r#"["Administrator","ADMINISTRATION","tsadmin","Administrators"]"#,
        ),
    ];
    let token = app.anon().mint(&form).await.text();
    let client = app.anon().with_bearer(&token);
    let info = client.info().await.json();
    assert_eq!(info["privileges"], serde_json::json!([]));
    let reply = client.post("/user/session/invalidate", &[]).await;
    assert_eq!(reply.status, 403);
}

#[tokio::test]
async fn simultaneous_requests_for_one_new_user_make_one() {
    let app = TestApp::spawn();
    let client = app.anon();
    let form = [
        ("username", "fresh"),
        ("autocreate", "true"),
        ("groups", r#"["Both"]"#),
    ];
    let replies = futures_util::future::join_all((0..16).map(|_| client.mint(&form))).await;
    for reply in &replies {
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    let mut ids = Vec::new();
    for reply in &replies {
        let info = app.anon().with_bearer(&reply.text()).info().await;
        // Minted with one key at one moment: each but the last has its five minutes.
        ids.push(info.json()["userGUID"].clone());
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
}
