//! `POST session/auth/token`: who may ask, for what, and what comes back.

use crate::support::{LIVEBOARD, SECRET_KEY, TestApp, VISUALIZATION};
use reqwest::Method;
use serde_json::json;
use vestibule::domain::clock::Timestamp;
use vestibule::domain::directory::{MembershipChange, Operation};

#[tokio::test]
async fn a_token_is_123_bare_characters_of_plain_text_whatever_is_accepted() {
    let app = TestApp::shared();
    let mut seen = Vec::new();
    for accept in ["text/plain", "*/*", "application/json", ""] {
        let client = app.anon().with("accept", accept);
        let reply = client.mint(&[("username", "alice")]).await;
        assert_eq!(reply.status, 200);
        assert!(
            reply
                .header("content-type")
                .unwrap()
                .starts_with("text/plain")
        );
        assert_eq!(reply.cookies(), []);
        let token = reply.text();
        assert_eq!(token.len(), 123);
        assert!(token.bytes().all(|b| b.is_ascii_alphanumeric()), "{token}");
        assert!(!seen.contains(&token), "every token is a fresh one");
        seen.push(token);
    }
}

#[tokio::test]
async fn case_41_a_wrong_missing_empty_or_endless_key_is_401_and_never_audited() {
    let app = TestApp::spawn();
    let mut huge = SECRET_KEY.repeat(1024 * 1024 / SECRET_KEY.len());
    huge.truncate(1024 * 1024 - 100);
    let keys = [
        "",
        "wrong-wrong-wrong",
        &SECRET_KEY[..35],
        &format!("{SECRET_KEY} "),
        &SECRET_KEY.to_uppercase(),
        &huge,
    ];
    for key in keys {
        if key.len() > 10
            && key.len() < 100
            && !SECRET_KEY.starts_with(key)
            && !key.starts_with(SECRET_KEY)
        {
            app.plant(key);
        }
        let form = [("secret_key", key), ("username", "alice")];
        let reply = app.anon().post("/session/auth/token", &form).await;
        reply.expect_error(401, 10003, "secret key is wrong");
        assert_eq!(app.trail.words().last().unwrap(), "token_refused wrong_key");
    }
    let reply = app
        .anon()
        .post("/session/auth/token", &[("username", "alice")])
        .await;
    reply.expect_error(401, 10003, "secret key is wrong");
    assert!(!format!("{:?}", app.trail.events()).contains(SECRET_KEY));
}

#[tokio::test]
async fn case_41_a_key_in_the_address_or_a_cookie_is_no_key() {
    let app = TestApp::shared();
    let query = [("secret_key", SECRET_KEY), ("username", "alice")];
    let request = app
        .anon()
        .request(Method::POST, "/session/auth/token")
        .query(&query);
    let reply = app.anon().send(request).await;
    reply.expect_error(401, 10003, "secret key is wrong");
    let request = app
        .anon()
        .request(Method::GET, "/session/auth/token")
        .query(&query);
    app.anon()
        .send(request)
        .await
        .expect_error(405, 10002, "method");
    let bearer = app.anon().with_bearer(SECRET_KEY);
    let reply = bearer
        .post("/session/auth/token", &[("username", "alice")])
        .await;
    assert_eq!(reply.status, 401);
}

#[tokio::test]
async fn case_41_nobody_without_a_key_learns_who_exists_or_where() {
    let app = TestApp::shared();
    for rest in [
        ("username", "alice"),
        ("username", "nobody"),
        ("username", "dora"),
        ("orgid", "99"),
        ("autocreate", "true"),
    ] {
        let form = [
            ("secret_key", "wrong wrong wrong"),
            ("username", "bob"),
            rest,
        ];
        let form = if rest.0 == "username" {
            vec![form[0], rest]
        } else {
            form.to_vec()
        };
        let reply = app.anon().post("/session/auth/token", &form).await;
        reply.expect_error(401, 10003, "secret key is wrong");
    }
}

#[tokio::test]
async fn trusted_authentication_switched_off_is_500_for_any_key() {
    let app = TestApp::with(|settings| settings.trusted_auth.enabled = false);
    for key in [SECRET_KEY, "wrong wrong wrong"] {
        let form = [("secret_key", key), ("username", "alice")];
        let reply = app.anon().post("/session/auth/token", &form).await;
        reply.expect_error(500, 10000, "trusted authentication");
    }
    assert_eq!(app.trail.words(), ["token_refused switched_off"; 2]);
}

#[tokio::test]
async fn a_parameter_that_is_wrong_is_named() {
    let app = TestApp::shared();
    for (name, value, word) in [
        ("username", "", "username"),
        ("username", "nobody", "username"),
        ("username", "dora", "username"),
        ("username", "no\u{1}name", "username"),
        ("access_level", "SOME", "access_level"),
        ("access_level", "REPORT_BOOK_VIEW", "id"),
        ("orgid", "x", "orgid"),
        ("autocreate", "maybe", "autocreate"),
        ("groups", "Analysts", "groups"),
        ("groups", "[1]", "groups"),
        ("jwt_user_options", "[]", "jwt_user_options"),
        (
            "jwt_user_options",
            r#"{"parameters":[{"runtime_filter":{"row1":"a"}}]}"#,
            "jwt_user_options",
        ),
    ] {
        let mut form = vec![(name, value)];
        if name != "username" {
            form.push(("username", "bob"));
        }
        let reply = app.anon().mint(&form).await;
        reply.expect_error(400, 10002, word);
    }
    let reply = app.anon().mint(&[]).await;
    reply.expect_error(400, 10002, "username");
    // No such Org is as one of others.
    let form = [("username", "bob"), ("orgid", "99")];
    app.anon()
        .mint(&form)
        .await
        .expect_error(400, 13090, "orgid");
}

#[tokio::test]
async fn a_missing_user_without_autocreate_is_told_about_it() {
    let app = TestApp::spawn();
    for off in [&[][..], &[("autocreate", "false")], &[("autocreate", "")]] {
        let mut form = vec![("username", "nobody")];
        form.extend_from_slice(off);
        let reply = app.anon().mint(&form).await;
        reply.expect_error(400, 10002, "auto-creation");
        assert!(reply.message().contains("username"));
    }
    assert!(app.find_user("nobody").await.is_none());
}

#[tokio::test]
async fn a_disabled_user_gets_no_token_and_is_not_revived_by_autocreate() {
    let app = TestApp::spawn();
    let form = [
        ("username", "dora"),
        ("autocreate", "true"),
        ("email", "new@example.com"),
        ("groups", "[\"Fresh\"]"),
    ];
    app.anon()
        .mint(&form)
        .await
        .expect_error(400, 10002, "disabled");
    let dora = app.user("dora").await;
    assert_eq!(dora.email.as_deref(), Some("dora@example.com"));
}

#[tokio::test]
async fn a_view_only_token_is_good_for_its_object() {
    let app = TestApp::shared();
    for object in [LIVEBOARD, VISUALIZATION] {
        let form = [
            ("username", "alice"),
            ("access_level", "REPORT_BOOK_VIEW"),
            ("id", object),
        ];
        let token = app.anon().mint(&form).await.text();
        let info = app.anon().with_bearer(&token).info().await.json();
        assert_eq!(info["accessLevel"], "REPORT_BOOK_VIEW");
        assert_eq!(info["objectId"], object);
    }
    // FULL is the default, and does not look at `id`.
    for level in [&[("access_level", "FULL")][..], &[]] {
        let mut form = vec![("username", "alice"), ("id", "anything")];
        form.extend_from_slice(level);
        let token = app.anon().mint(&form).await.text();
        let info = app.anon().with_bearer(&token).info().await.json();
        assert_eq!(
            (&info["accessLevel"], &info["objectId"]),
            (&json!("FULL"), &json!(null))
        );
    }
}

#[tokio::test]
async fn jwt_user_options_are_kept_with_the_token_and_shown_by_its_session() {
    let app = TestApp::shared();
    let options = json!({
        "parameters": [
            { "runtime_filter": { "row1": "Region", "op1": "IN", "val1": ["West", "East"] } },
            { "runtime_sort": { "sortCol1": "Sales", "asc1": false } },
            { "runtime_param_override": { "param1": "Discount", "paramVal1": "5" } },
        ],
        "metadata": [{ "type": "LIVEBOARD", "identifier": LIVEBOARD }],
    });
    let text = options.to_string();
    let form = [("username", "alice"), ("jwt_user_options", text.as_str())];
    let token = app.anon().mint(&form).await.text();
    let info = app.anon().with_bearer(&token).info().await.json();
    assert_eq!(info["jwtUserOptions"], options);
    let mut session = app.anon();
    let reply = session.redeem(&[("auth_token", &token)]).await;
    session.keep(&reply);
    assert_eq!(session.info().await.json()["jwtUserOptions"], options);

    // Case 37: what one mint brought is never seen in another session of the user.
    let other = app.token("alice").await;
    let info = app.anon().with_bearer(&other).info().await.json();
    assert_eq!(info["jwtUserOptions"], json!(null));
}

#[tokio::test]
async fn case_37_the_token_is_for_the_org_asked_for_else_for_the_last_one() {
    let app = TestApp::spawn();
    let sales = app.sales.to_string();
    let org_of = async |form: &[(&str, &str)]| {
        let token = app.anon().mint(form).await.text();
        app.anon().with_bearer(&token).info().await.json()["currentOrgId"].clone()
    };
    assert_eq!(org_of(&[("username", "alice")]).await, 0);
    assert_eq!(
        org_of(&[("username", "alice"), ("orgid", &sales)]).await,
        app.sales.0
    );
    assert_eq!(
        org_of(&[("username", "alice"), ("orgid", "")]).await,
        0,
        "minting moves nobody"
    );
    assert_eq!(org_of(&[("username", "carol")]).await, app.sales.0);
    let reply = app
        .anon()
        .mint(&[("username", "bob"), ("orgid", &sales)])
        .await;
    reply.expect_error(400, 13090, &format!("do not have access to org {sales}"));
}

#[tokio::test]
async fn case_37_the_key_of_an_org_is_good_for_that_org_only() {
    let app = TestApp::spawn();
    let (_, key) = app.org_key("Sales").await;
    let mint = async |user: &str, org: &str| {
        let form = [
            ("secret_key", key.as_str()),
            ("username", user),
            ("orgid", org),
        ];
        app.anon().post("/session/auth/token", &form).await
    };
    let token = mint("alice", "").await.text();
    let info = app.anon().with_bearer(&token).info().await.json();
    assert_eq!(
        info["currentOrgId"], app.sales.0,
        "though alice was in Primary last"
    );
    mint("alice", "0")
        .await
        .expect_error(403, 10023, "another Org");
    mint("bob", "").await.expect_error(400, 10002, "username");
}

#[tokio::test]
async fn case_37_the_key_of_an_org_never_vouches_for_an_administrator_of_the_server() {
    let app = TestApp::spawn();
    let (_, key) = app.org_key("Sales").await;
    let mint = async |autocreate: &str| {
        let form = [
            ("secret_key", key.as_str()),
            ("username", "tsadmin"),
            ("autocreate", autocreate),
        ];
        app.anon().post("/session/auth/token", &form).await
    };
    // In other Orgs only they are like anybody there, so that nobody learns who administers the server.
    for autocreate in ["false", "true"] {
        mint(autocreate).await.expect_error(
            400,
            10002,
            "an existing user (with the key of one Org",
        );
    }
    let admin = app.user("tsadmin").await;
    let directory = &app.services.directory;
    let orgs = directory.orgs_of(admin.id).await.unwrap();
    assert_eq!(orgs.len(), 1, "nor does asking change the account");

    let join = MembershipChange {
        operation: Operation::Add,
        orgs: Some(vec![app.sales]),
        groups: None,
        create_groups: false,
        at: Timestamp::default(),
    };
    directory.change_memberships(admin.id, &join).await.unwrap();
    for autocreate in ["false", "true"] {
        let reply = mint(autocreate).await;
        reply.expect_error(403, 10023, "administrator");
    }
}

#[tokio::test]
async fn every_mint_is_audited_with_its_key_and_without_its_token() {
    let app = TestApp::spawn();
    let form = [("username", "fresh"), ("autocreate", "true")];
    let token = app.anon().mint(&form).await.text();
    let event = format!("{:?}", app.trail.last());
    assert!(event.contains("created_user: true"), "{event}");
    assert!(event.contains("key: Some("), "{event}");
    assert!(!event.contains(&token));
}
