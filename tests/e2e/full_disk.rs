//! Disks without room: for the data folder, for the audit trail, for the log (case 60).
//!
//! A limit on the size of files stands for the full disk of the data folder: it can be set and lifted while the server
//! runs, by whoever may send it signals.

use crate::metrics::operations;
use crate::support::{Home, Server, Start, reply_of, until, with_each_store};
use reqwest::Response;
use reqwest::header::{RETRY_AFTER, SET_COOKIE};
use serde_json::Value;
use std::time::Duration;

with_each_store!(case_60_a_full_disk_signs_nobody_out_and_needs_no_restart);

/// Whoever writes beyond the limit would be killed; with this they are told.
const TELL: [&str; 4] = ["sh", "-c", r#"trap '' XFSZ; exec "$@""#, "sh"];
const METRICS: &str = "--set metrics.listen=127.0.0.1:0 --set log.format=json";
const DEMO_PASSWORD: &str = "vestibule-demo";

fn fill_disk(server: &Server) {
    server.limit("--fsize=0:unlimited");
}

fn make_room(server: &Server) {
    server.limit("--fsize=unlimited:unlimited");
}

fn assert_come_again(reply: &Response) {
    assert_eq!(reply.status(), 503, "{reply:?}");
    assert!(reply.headers().contains_key(RETRY_AFTER), "{reply:?}");
    assert!(!reply.headers().contains_key(SET_COOKIE), "{reply:?}");
}

async fn ready(server: &Server) -> (u16, Value) {
    reply_of(server.visitor().get("/health/ready").await).await
}

/// The whole trail; a line that is none fails.
fn trail(home: &Home) -> Vec<Value> {
    let text = std::fs::read_to_string(home.data().join("audit.jsonl")).unwrap();
    let lines = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")));
    lines.collect()
}

async fn case_60_a_full_disk_signs_nobody_out_and_needs_no_restart(home: Home) {
    let is_embedded = home.is_embedded();
    let server = home
        .server()
        .planted()
        .with("--demo")
        .through(&TELL)
        .start();
    let visitor = server.visitor();
    let alice = visitor.sign_in("alice", DEMO_PASSWORD).await;
    let bob = visitor.sign_in("bob", DEMO_PASSWORD).await;
    let carol = visitor.sign_in("carol", DEMO_PASSWORD).await;

    fill_disk(&server);
    for _ in 0..20 {
        assert_eq!(visitor.check(&alice).await, 204);
    }
    let login = visitor.try_sign_in("alice", DEMO_PASSWORD).await;
    if is_embedded {
        assert_come_again(&login);
        assert_eq!(visitor.sign_out(&bob).await, 503);
        let (status, body) = ready(&server).await;
        // Checks go on, and nobody else has these sessions.
        assert_eq!(
            (status, &body["sessions"]),
            (200, &Value::from("read-only"))
        );
        let revoked = home.run("session revoke --user carol").refusal();
        assert!(revoked.contains("the sessions have ended"), "{revoked}");
        assert_eq!(visitor.check(&carol).await, 401);
    } else {
        // Opening a session writes nothing here but the audit trail, and that waits.
        assert_eq!(login.status(), 204);
        assert_eq!(visitor.sign_out(&bob).await, 204);
        let (status, body) = ready(&server).await;
        assert_eq!((status, &body["sessions"]), (200, &Value::from("ok")));
    }
    // What was to end has ended, whether or not that could be written.
    assert_eq!(visitor.check(&bob).await, 401);
    let refused = home.run_with("user create zoe --password-stdin", "a pass phrase of zoe");
    assert_eq!(refused.code, 1, "{refused:?}");
    until("the trail is behind", async || {
        ready(&server).await.1["audit"] == "behind"
    })
    .await;
    assert_eq!(visitor.check(&alice).await, 204);

    make_room(&server);
    until("logins go on", async || {
        let reply = visitor.try_sign_in("alice", DEMO_PASSWORD).await;
        reply.status() == 204
    })
    .await;
    until("nothing waits", async || {
        let (status, body) = ready(&server).await;
        status == 200 && body["audit"] == "ok"
    })
    .await;
    home.run_with("user create zoe --password-stdin", "a pass phrase of zoe")
        .good();
    assert_eq!(visitor.check(&alice).await, 204);
    assert_eq!(visitor.check(&bob).await, 401);
    if is_embedded {
        server.logs("the session file is written again").await;
    }
    assert!(server.stop().success());

    let trail = trail(&home);
    let has = |event: &str, user: &str| {
        let mut lines = trail.iter();
        lines.any(|line| line["event"] == event && line["user"] == user)
    };
    assert!(!trail.iter().any(|line| line["event"] == "audit_lines_lost"));
    if is_embedded {
        assert!(has("login_refused", "alice"), "{trail:#?}");
    } else {
        assert!(has("logout", "bob"), "{trail:#?}");
    }
    let server = home.server().start();
    assert_eq!(server.visitor().check(&alice).await, 204);
    assert_eq!(server.visitor().check(&bob).await, 401);
}

fn number(metrics: &str, name: &str) -> u32 {
    let line = metrics.lines().find(|line| line.starts_with(name));
    let line = line.unwrap_or_else(|| panic!("{name}\n{metrics}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_60_a_full_disk_for_the_audit_trail_alone_stops_no_login_and_is_told_everywhere() {
    let home = Home::new();
    let server = Start::new(&home)
        .planted()
        .with("--demo --set audit.file=/dev/full")
        .with(METRICS)
        .start();
    let visitor = server.visitor();
    for _ in 0..3 {
        let cookies = visitor.sign_in("alice", DEMO_PASSWORD).await;
        assert_eq!(visitor.sign_out(&cookies).await, 204);
    }
    until("the trail is behind", async || {
        let (status, body) = ready(&server).await;
        assert_eq!((status, &body["sessions"]), (200, &Value::from("ok")));
        body["audit"] == "behind"
    })
    .await;
    let operations = operations(&server);
    until("the metric says how many wait", async || {
        let metrics = operations.get("/metrics").await.text().await.unwrap();
        assert_eq!(number(&metrics, "vestibule_audit_lost_total "), 0);
        number(&metrics, "vestibule_audit_waiting ") >= 6
    })
    .await;
    let said = server.log();
    assert_eq!(said.matches("audit lines could not be written").count(), 1);
    server.signal("TERM");
    server
        .logs("that could not be written: they are lost")
        .await;
    assert!(server.wait().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_60_a_log_on_a_full_disk_stops_nothing() {
    let home = Home::new();
    let server = Start::new(&home)
        .planted()
        .with("--set log.level=debug")
        .through(&["sh", "-c", r#"exec "$@" 2>/dev/full"#, "sh"])
        .start();
    let visitor = server.visitor();
    let cookies = visitor.sign_in_as_admin().await;
    for _ in 0..20 {
        assert_eq!(visitor.check(&cookies).await, 204);
    }
    let before = server.worked();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(server.worked().saturating_sub(before) < Duration::from_millis(500));
    assert!(server.stop().success());
}
