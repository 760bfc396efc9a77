//! The audit trail at the console: filtered, followed, exported, and cut to the Org of whoever looks.

use crate::admin::{console, org_console};
use crate::support::{PASSWORD, TestApp};
use serde_json::{Value, json};

fn acts(page: &Value) -> Vec<String> {
    let events = page["events"].as_array().unwrap().iter();
    events
        .map(|event| {
            format!(
                "{} {}",
                event["event"].as_str().unwrap(),
                event["user"].as_str().unwrap_or("-")
            )
        })
        .collect()
}

#[tokio::test]
async fn the_latest_comes_first_and_filters_hold() {
    let app = TestApp::spawn();
    let page = console(&app).await;
    app.bob().await;
    app.tick();
    app.anon().post_login("bob", "wrong password").await;
    app.tick();
    app.anon().post_login("nobody", "wrong password").await;
    let all = acts(&page.read("/audit").await);
    assert_eq!(
        all[..3],
        ["login_refused nobody", "login_refused bob", "login bob"]
    );
    let of = async |query: &str| acts(&page.read(&format!("/audit?{query}")).await);
    assert_eq!(
        of("user=BOB&act=login_refused").await,
        ["login_refused bob"]
    );
    assert_eq!(of("result=refused").await.len(), 2);
    assert_eq!(of("result=unknown_user").await, ["login_refused nobody"]);
    assert_eq!(of("result=ok&act=login&user=bob").await, ["login bob"]);
    assert_eq!(of("act=org_created").await.len(), 1);
    let now = app.services.login.now().millis();
    assert_eq!(of(&format!("from={now}")).await, ["login_refused nobody"]);
    assert_eq!(
        of(&format!("user=bob&act=login&to={}", now - 2)).await,
        ["login bob"]
    );
    assert!(of(&format!("from={}", now + 1)).await.is_empty());
    let cut = page.read("/audit?limit=1").await;
    assert_eq!((acts(&cut).len(), &cut["has_more"]), (1, &json!(true)));
}

#[tokio::test]
async fn following_tells_each_event_once() {
    let app = TestApp::spawn();
    let page = console(&app).await;
    let newest = page.read("/audit").await["newest"].as_u64().unwrap();
    let after = |newest: u64| format!("/audit?after={newest}");
    let none = page.read(&after(newest)).await;
    assert_eq!(
        (acts(&none).len(), none["newest"].as_u64()),
        (0, Some(newest))
    );
    app.bob().await;
    let next = page.read(&after(newest)).await;
    assert_eq!(acts(&next), ["login bob"]);
    let none = page.read(&after(next["newest"].as_u64().unwrap())).await;
    assert!(acts(&none).is_empty());
}

#[tokio::test]
async fn case_46_the_export_is_a_table_in_which_no_cell_is_a_formula() {
    let app = TestApp::spawn();
    let page = console(&app).await;
    let evil = "=HYPERLINK(\"https://evil.example\")";
    app.anon()
        .with("user-agent", "@SUM(1)")
        .post_login(evil, "wrong password")
        .await;
    let reply = page.get("/audit.csv?result=refused").await;
    assert_eq!(
        reply.header("content-type"),
        Some("text/csv; charset=utf-8")
    );
    assert!(
        reply
            .header("content-disposition")
            .unwrap()
            .starts_with("attachment")
    );
    let text = reply.text();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("\"ts\",\"event\""));
    assert_eq!(lines.len(), 2, "{text}");
    assert!(
        lines[1].contains("\"'=HYPERLINK(\"\"https") && lines[1].contains("\"'@SUM(1)\""),
        "{text}"
    );
}

#[tokio::test]
async fn an_administrator_of_one_org_sees_what_its_users_did_there_and_nothing_else() {
    let app = TestApp::spawn();
    let page = org_console(&app).await;
    app.signed_in("carol", PASSWORD).await;
    app.bob().await;
    app.anon().post_login("bob", "wrong password").await;
    app.anon().post_login("carol", "wrong password").await;
    // Alice belongs to both Orgs and signs in to the other one.
    app.alice().await;
    let admin = console(&app).await;
    admin.post("/orgs", json!({ "name": "Secret plans" })).await;
    page.post("/groups", json!({ "name": "Own" })).await;
    let seen = acts(&page.read("/audit").await);
    assert_eq!(
        seen,
        [
            "directory_changed olga",
            "login_refused carol",
            "login carol",
            "login olga"
        ]
    );
    let text = page.get("/audit.csv").await.text();
    assert!(
        !text.contains("Secret plans") && !text.contains("bob"),
        "{text}"
    );
}

#[tokio::test]
async fn of_a_member_of_several_orgs_lines_that_name_this_one_are_seen_and_no_others() {
    let app = TestApp::spawn();
    let page = org_console(&app).await;
    let admin = console(&app).await;
    let newest = page.read("/audit").await["newest"].as_u64().unwrap();
    let end_alices = async || {
        let sessions = admin.read("/sessions?user=alice").await;
        for one in sessions["sessions"].as_array().unwrap() {
            let body = json!({ "session": one["id"] });
            admin.post("/sessions/revoke", body).await;
        }
    };
    // A refusal, which is of no Org, and then all that ends a session, in the other Org and in this one.
    app.anon().post_login("alice", "wrong password").await;
    let mut here = [app.alice().await, app.alice().await];
    let elsewhere = app.alice().await;
    elsewhere.log_out().await;
    for client in &mut here {
        let moved = client.switch_org(app.sales.0).await;
        client.keep(&moved);
    }
    here[0].log_out().await;
    end_alices().await;
    let admin_sees = acts(&admin.read(&format!("/audit?after={newest}")).await);
    assert!(
        admin_sees.contains(&"login_refused alice".to_owned()),
        "{admin_sees:?}"
    );
    let seen = page.read(&format!("/audit?after={newest}")).await;
    assert_eq!(acts(&seen), ["session_ended tsadmin", "logout alice"]);
    for event in seen["events"].as_array().unwrap() {
        assert_eq!(event["org"], app.sales.0, "{event}");
    }
    let ended_elsewhere = json!({ "event": "logout", "user": "alice", "org": 0 });
    let all = admin.read("/audit?act=logout&user=alice").await;
    let is_there = all["events"].as_array().unwrap().iter().any(|event| {
        let expected = ended_elsewhere.as_object().unwrap();
        expected.iter().all(|(name, value)| event[name] == *value)
    });
    assert!(is_there, "{all}");
}
