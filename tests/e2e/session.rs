//! `vestibule session …`, with a server running and without one.

use crate::support::{ADMIN, Home, PASSWORD, Ran, with_each_store};
use serde_json::Value;
use std::process::Command;

with_each_store!(
    sessions_are_listed_and_ended_while_a_server_runs,
    case_36_sessions_revoked_without_a_server_are_out_when_it_starts,
);

const DEMO: &str = "vestibule-demo";

fn listed(home: &Home, line: &str) -> Vec<Value> {
    let list = home.run(&format!("session list --json {line}")).json();
    list.as_array().unwrap().clone()
}

async fn sessions_are_listed_and_ended_while_a_server_runs(home: Home) {
    let server = home.server().planted().with("--demo").start();
    let visitor = server.visitor();
    assert!(listed(&home, "").is_empty());
    let first = visitor.sign_in("alice", DEMO).await;
    let second = visitor.sign_in("alice", DEMO).await;
    let third = visitor.sign_in("alice", DEMO).await;
    let bob = visitor.redeem(&visitor.mint("bob").await).await;
    let admin = visitor.sign_in("tsadmin", PASSWORD).await;

    let own = listed(&home, "--user alice");
    assert_eq!(own.len(), 3);
    assert_eq!(listed(&home, "").len(), 5);
    for name in [
        "user",
        "address",
        "agent",
        "opened_at",
        "last_seen_at",
        "expires_at",
        "id",
        "method",
    ] {
        assert!(own[0][name].is_string(), "{name}: {}", own[0]);
    }
    let shown = home.run("session list --user alice").good();
    assert!(
        shown.contains("LAST SEEN") && shown.contains("127.0.0.1"),
        "{shown}"
    );

    // One; all but one; all of a user; by key; everybody.
    let id = own[0]["id"].as_str().unwrap();
    home.run(&format!("session revoke {id}")).good();
    home.run(&format!("session revoke {id}")).refusal();
    assert_eq!(visitor.check(&first).await, 401);
    assert_eq!(visitor.check(&second).await, 204);
    let kept = own[2]["id"].as_str().unwrap();
    home.run(&format!("session revoke --user alice --except {id}"))
        .refusal();
    assert_eq!(
        listed(&home, "--user alice").len(),
        2,
        "the one to stay is gone"
    );
    let out = home.run(&format!("session revoke --user alice --except {kept}"));
    assert!(out.good().contains("ended: 1"));
    assert_eq!(visitor.check(&second).await, 401);
    assert_eq!(visitor.check(&third).await, 204);
    home.run("session revoke --user alice --yes").good();
    assert_eq!(visitor.check(&third).await, 401);
    let keys = home.run("key list --json").json();
    let key = keys[0]["id"].as_str().unwrap();
    home.run(&format!("session revoke --key {key}")).good();
    assert_eq!(visitor.check(&bob).await, 401);
    assert_eq!(visitor.check(&admin).await, 204);
    visitor.mint("bob").await;
    let again = visitor.sign_in("alice", DEMO).await;
    home.run("session revoke --org Primary").good();
    assert_eq!(visitor.check(&again).await, 401);
    let again = visitor.sign_in("alice", DEMO).await;
    home.run("session revoke --all").good();
    assert_eq!(visitor.check(&again).await, 401);
    assert!(listed(&home, "").is_empty());

    for (line, code) in [
        ("session list --user nobody", 1),
        ("session revoke --user nobody", 1),
        ("session revoke --org nowhere", 1),
        ("session revoke --key x", 1),
        ("session revoke x", 1),
        ("session revoke", 2),
        ("session revoke --all --user alice", 2),
    ] {
        let ran = home.run(line);
        assert_eq!(ran.code, code, "{line}: {ran:?}");
    }
    let trail = std::fs::read_to_string(home.path().join("data/audit.jsonl")).unwrap();
    assert!(trail.contains("\"event\":\"session_ended\""), "{trail}");
    assert!(trail.contains("\"reason\":\"revoked\""), "{trail}");
}

async fn case_36_sessions_revoked_without_a_server_are_out_when_it_starts(home: Home) {
    let server = home.server().planted().with("--demo").start();
    let alice = server.visitor().sign_in("alice", DEMO).await;
    let bob = server.visitor().sign_in("bob", DEMO).await;
    server.stop();
    let own = listed(&home, "--user alice");
    let id = own[0]["id"].as_str().unwrap();
    home.run(&format!("session revoke {id}")).good();
    assert_eq!(listed(&home, "").len(), 1);
    let server = home.server().start();
    assert_eq!(server.visitor().check(&alice).await, 401);
    assert_eq!(server.visitor().check(&bob).await, 204);
}

#[tokio::test]
async fn on_a_terminal_the_number_is_shown_and_only_a_yes_ends_them() {
    let home = Home::new();
    let server = home.server().planted().with("--demo").start();
    let alice = server.visitor().sign_in("alice", DEMO).await;
    server.visitor().sign_in("bob", DEMO).await;
    for (answer, code, status) in [("n\n", 1, 204), ("\n", 1, 204), ("y\n", 0, 401)] {
        let line = format!(
            "'{}' --data-dir '{}' session revoke --all",
            env!("CARGO_BIN_EXE_vestibule"),
            home.data().display()
        );
        // `script` gives its child a terminal.
        let mut terminal = Command::new("script");
        terminal
            .args(["-qec", &line, "/dev/null"])
            .current_dir(home.path());
        let ran = Ran::of(&mut terminal, answer);
        assert!(
            ran.out.contains("ends 2 live sessions of everybody"),
            "{ran:?}"
        );
        assert_eq!(ran.code, code, "{ran:?}");
        assert_eq!(server.visitor().check(&alice).await, status);
    }
}

/// What was saved over REST counts as a setting does: a pair that breaks the rule does not start.
#[tokio::test]
async fn a_saved_microstrategy_timeout_that_the_settings_no_longer_allow_keeps_the_server_from_starting()
 {
    let home = Home::new();
    let server = home.server().planted().start();
    let api = format!("{}/MicroStrategyLibrary/api", server.http());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let body = serde_json::json!({ "username": ADMIN, "password": PASSWORD });
    let login = http.post(format!("{api}/auth/login")).json(&body).send();
    let login = login.await.unwrap();
    assert_eq!(login.status(), 204);
    let token = login.headers()["x-mstr-authtoken"].clone();
    let cookie = login.headers()["set-cookie"].to_str().unwrap().to_owned();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let saved = serde_json::json!({ "maxWebConnectionIdleTime": { "value": 1_500 } });
    let patch = http
        .patch(format!("{api}/v2/iserver/settings"))
        .header("x-mstr-authtoken", token)
        .header("cookie", cookie)
        .json(&saved);
    assert_eq!(patch.send().await.unwrap().status(), 200);
    assert!(server.stop().success());

    let line = "serve --http 127.0.0.1:0 --https off --set microstrategy.http_session_timeout=25";
    let refusal = home.run(line).refusal();
    for part in ["25 minutes (1500 seconds)", "here 1500 seconds"] {
        assert!(refusal.contains(part), "{refusal}");
    }
    home.server()
        .with("--set microstrategy.http_session_timeout=26")
        .start();
}
