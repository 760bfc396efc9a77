//! The LDAP directory goes away and comes back: 503, and never "wrong password".

use crate::ldap::{add_ldap_user, app_with};
use crate::slapd::{LENA_WORD, Slapd};
use crate::support::{ALICE_PASSWORD, TestApp};
use crate::thoughtspot_v2::post;
use serde_json::json;
use std::time::Duration;
use tokio::time::timeout;

/// Far more than the one server of these tests may take.
const BOUNDED: Duration = Duration::from_secs(5);

async fn assert_away(app: &TestApp, password: &str) {
    let client = app.anon();
    let reply = timeout(BOUNDED, client.post_login("lena", password)).await;
    let reply = reply.expect("no answer in a bounded time");
    reply.expect_error(503, 10000, "away");
    assert!(reply.header("retry-after").is_some());
    let body = json!({ "username": "lena", "password": password });
    for path in ["auth/session/login", "auth/token/full"] {
        let reply = timeout(BOUNDED, post(&client, path, body.clone())).await;
        let reply = reply.expect("no answer in a bounded time");
        assert_eq!(reply.status, 503, "{path}: {}", reply.text());
        assert!(reply.header("retry-after").is_some(), "{path}");
    }
}

#[tokio::test]
async fn a_killed_or_hung_directory_is_503_and_local_users_do_not_notice() {
    let slapd = Slapd::start();
    let app = app_with(&slapd, |ldap| ldap.timeout = Duration::from_millis(400));
    add_ldap_user(&app, "lena").await;
    let lena = app.signed_in("lena", LENA_WORD).await;
    for stop in ["STOP", "KILL"] {
        slapd.signal(stop);
        // More often than wrong passwords would be let pass.
        for _ in 0..3 {
            assert_away(&app, LENA_WORD).await;
            assert_away(&app, "wrong").await;
        }
        assert_eq!(
            app.trail.words().last().unwrap(),
            "token_refused store_unavailable"
        );
        app.signed_in("alice", ALICE_PASSWORD).await;
        assert_eq!(app.anon().post_login("nobody", "wrong").await.status, 401);
        // Whoever is in stays in, and the server counts as ready.
        assert_eq!(lena.is_active().await, 204);
        assert_eq!(app.anon().get("!/health/ready").await.status, 200);
        if stop == "STOP" {
            slapd.signal("CONT");
        } else {
            slapd.start_again();
        }
        // So short a time may run out for no fault of anybody's.
        for _ in 0..20 {
            let reply = app.anon().post_login("lena", LENA_WORD).await;
            if reply.status != 503 {
                break;
            }
        }
        app.signed_in("lena", LENA_WORD).await;
    }
}

#[tokio::test]
async fn with_users_made_just_in_time_an_unknown_name_is_503_as_well() {
    let slapd = Slapd::start();
    let app = app_with(&slapd, |ldap| {
        ldap.create_users = true;
        ldap.timeout = Duration::from_millis(400);
    });
    slapd.signal("KILL");
    let reply = app.anon().post_login("lena", LENA_WORD).await;
    reply.expect_error(503, 10000, "away");
    assert!(app.find_user("lena").await.is_none());
}
