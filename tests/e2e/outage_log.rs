//! What the log says of a store that is away: the cause, under the incident's id, and once.

use crate::database::Postgres;
use crate::support::{Home, Redis, Server, Visitor, until};
use serde_json::Value;
use std::time::Duration;
use vestibule::domain::clock::Stopwatch;

/// Paths that have somebody's session looked at, one of each dialect and the pages.
const PATHS: [&str; 6] = [
    "/callosum/v1/tspublic/v1/session/isactive",
    "/callosum/v1/session/info",
    "/api/rest/2.0/auth/session/user",
    "/sessions",
    "/callosum/v1/vestibule/admin/me",
    "/callosum/v1/vestibule/admin/users",
];

fn lines(server: &Server) -> Vec<Value> {
    let log = server.log();
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    lines.collect()
}

/// Every 503 has a line of its own, and every such line its cause and its incident.
fn assert_causes_are_told(server: &Server, refused: usize) {
    let all = lines(server);
    let told: Vec<&Value> = all
        .iter()
        .filter(|line| line["message"] == "unavailable")
        .collect();
    assert!(told.len() >= refused, "{refused}: {told:#?}");
    for line in told {
        assert!(
            line["cause"]
                .as_str()
                .is_some_and(|cause| !cause.is_empty()),
            "{line}"
        );
        assert!(
            line["incident"].as_str().is_some_and(|id| !id.is_empty()),
            "{line}"
        );
    }
    let without = all
        .iter()
        .find(|line| line["message"] == "the session could not be checked");
    assert_eq!(without, None, "nobody can tell to which request it belongs");
}

async fn refusals(visitor: &Visitor, cookies: &crate::support::Cookies) -> usize {
    let mut refused = 0;
    for path in PATHS {
        let status = visitor.get_as(cookies, path).await.status().as_u16();
        assert!(matches!(status, 200 | 204 | 503), "{path}: {status}");
        refused += usize::from(status == 503);
    }
    refused
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_answer_without_redis_has_its_cause_in_the_log() {
    let mut redis = Redis::start();
    let home = Home::on(&redis);
    let server = home
        .server()
        .planted()
        .with("--set log.format=json")
        .start();
    let visitor = server.visitor();
    let cookies = visitor.sign_in_as_admin().await;
    redis.kill();
    let refused = refusals(&visitor, &cookies).await;
    assert_eq!(refused, PATHS.len());
    assert_causes_are_told(&server, refused);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_answer_without_postgresql_has_its_cause_in_the_log() {
    let postgres = Postgres::start();
    let url = postgres.database("away");
    let redis = Redis::start();
    let home = Home::on(&redis);
    let server = home
        .server()
        .planted()
        .env("VESTIBULE__DIRECTORY__STORE", &url)
        .with("--set log.format=json")
        .start();
    let visitor = server.visitor();
    let cookies = visitor.sign_in_as_admin().await;
    postgres.kill();
    let refused = refusals(&visitor, &cookies).await;
    assert!(refused >= 3, "{refused}");
    assert_causes_are_told(&server, refused);
}

fn count(server: &Server, words: &str) -> usize {
    server.log().matches(words).count()
}

/// Asks until the answer is that, and says how long it took.
async fn answered(visitor: &Visitor, cookies: &crate::support::Cookies, status: u16) -> Duration {
    let began = Stopwatch::start();
    until("the answer", async || {
        visitor.check(cookies).await.as_u16() == status
    })
    .await;
    began.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_suddenly_wants_a_password_is_named_once_and_not_reconnected_without_end() {
    let redis = Redis::start();
    let home = Home::on(&redis);
    let server = home.server().planted().start();
    let visitor = server.visitor();
    let cookies = visitor.sign_in_as_admin().await;
    redis.tell(&["CONFIG SET requirepass p1anted", "CLIENT KILL TYPE normal"]);
    answered(&visitor, &cookies, 503).await;
    server.logs("NOAUTH").await;
    for _ in 0..30 {
        assert_eq!(visitor.check(&cookies).await, 503);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(
        count(&server, "lost a connection to Redis"),
        1,
        "{}",
        server.log()
    );
    assert_eq!(count(&server, "connected to Redis"), 0, "{}", server.log());

    redis.tell(&["AUTH p1anted", "CONFIG SET requirepass \"\""]);
    let back = answered(&visitor, &cookies, 204).await;
    // Due within a second; the rest is the machine's.
    assert!(back < Duration::from_secs(5), "{back:?}");
    assert_eq!(count(&server, "connected to Redis"), 1, "{}", server.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_became_a_replica_does_not_fill_the_log() {
    let redis = Redis::start();
    let home = Home::on(&redis);
    let server = home.server().planted().start();
    let visitor = server.visitor();
    visitor.sign_in_as_admin().await;
    redis.tell(&["REPLICAOF 127.0.0.1 1"]);
    let mut refused = 0;
    for _ in 0..12 {
        let reply = visitor
            .try_sign_in("tsadmin", crate::support::PASSWORD)
            .await;
        refused += u32::from(reply.status() == 503);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(refused >= 10, "{refused}");
    assert!(server.log().contains("ReadOnly: "), "{}", server.log());
    assert!(
        count(&server, "connected to Redis") <= 2,
        "{}",
        server.log()
    );
    assert!(
        count(&server, "lost a connection to Redis") <= 2,
        "{}",
        server.log()
    );
    redis.tell(&["REPLICAOF NO ONE"]);
    until("signed in", async || {
        let reply = visitor
            .try_sign_in("tsadmin", crate::support::PASSWORD)
            .await;
        reply.status() == 204
    })
    .await;
}
