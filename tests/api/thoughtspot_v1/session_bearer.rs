//! `session/v2/gettoken` and `v2/auth/token/fetch`: Bearers for a session, and refresh tokens.

use crate::support::{Client, TestApp};
use serde_json::Value;
use std::time::Duration;

const GET: &str = "/session/v2/gettoken";
const HOUR: u64 = 60 * 60 * 1_000;

/// The reply's fields, which must stand twice; the tokens in it are secrets from then on.
async fn fields(app: &TestApp, client: &Client, path: &str) -> Value {
    let reply = client.get(path).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.cookies(), []);
    let mut body = reply.json();
    let data = body.as_object_mut().unwrap().remove("data").unwrap();
    assert_eq!(body, data);
    for field in ["token", "refreshToken"] {
        if let Some(secret) = data[field].as_str() {
            app.plant(secret);
        }
    }
    data
}

fn life(token: &Value) -> u64 {
    token["tokenExpiryDuration"].as_u64().unwrap() - token["tokenCreatedTime"].as_u64().unwrap()
}

#[tokio::test]
async fn a_session_gets_a_bearer_for_a_day_and_a_bearer_none_beyond_itself() {
    let app = TestApp::spawn();
    let token = fields(&app, &app.bob().await, GET).await;
    assert_eq!(life(&token), 24 * HOUR);
    assert_eq!(token["refreshToken"], Value::Null);
    app.advance(Duration::from_hours(1));
    let bearer = app.anon().with_bearer(token["token"].as_str().unwrap());
    let again = fields(&app, &bearer, &format!("{GET}?refresh=true")).await;
    assert_eq!(life(&again), 23 * HOUR);
    assert_eq!(again["refreshToken"], Value::Null);
}

#[tokio::test]
async fn a_refresh_token_is_spent_by_use_and_refreshing_ends_with_the_first() {
    let app = TestApp::spawn();
    let first = fields(&app, &app.bob().await, &format!("{GET}?refresh=true")).await;
    assert_eq!(life(&first), HOUR);
    let refresh = first["refreshToken"].as_str().unwrap();
    let bearer = app.anon().with_bearer(first["token"].as_str().unwrap());
    let refreshing = bearer.with("x-refresh-token", refresh);
    app.advance(Duration::from_mins(50));
    let second = fields(&app, &refreshing, GET).await;
    assert_eq!(life(&second), HOUR);
    refreshing.get(GET).await.expect_error(401, 10003, "token");
    let signs_in = app
        .anon()
        .with_bearer(second["refreshToken"].as_str().unwrap());
    assert_eq!(signs_in.is_active().await, 401);
    let alice = app
        .alice()
        .await
        .with("x-refresh-token", second["refreshToken"].as_str().unwrap());
    alice.get(GET).await.expect_error(401, 10003, "token");
}

#[tokio::test]
async fn fetch_moves_to_another_org_of_the_user_and_lasts_as_asked() {
    let app = TestApp::spawn();
    let alice = app.alice().await;
    let path = format!(
        "/v2/auth/token/fetch?org_identifier={}&validity_time_in_sec=60",
        app.sales
    );
    let token = fields(&app, &alice, &path).await;
    let created = token["creation_time_in_millis"].as_u64().unwrap();
    assert_eq!(token["expiration_time_in_millis"], created + 60_000);
    let bearer = app.anon().with_bearer(token["token"].as_str().unwrap());
    assert_eq!(bearer.info().await.json()["currentOrgId"], app.sales.0);
    let bob = app.bob().await;
    bob.get(&path)
        .await
        .expect_error(400, 13090, "org_identifier");
    let zero = "/v2/auth/token/fetch?validity_time_in_sec=0";
    bob.get(zero)
        .await
        .expect_error(400, 10002, "validity_time_in_sec");
    let day = fields(
        &app,
        &bob,
        "/v2/auth/token/fetch?validity_time_in_sec=8640000",
    )
    .await;
    let created = day["creation_time_in_millis"].as_u64().unwrap();
    assert_eq!(day["expiration_time_in_millis"], created + 24 * HOUR);
}
