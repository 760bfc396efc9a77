//! What a session or token mints for itself: it ends no later, and it ends with what it came from.

use crate::support::{ALICE_PASSWORD, Client, TestApp};
use crate::thoughtspot_v2::done;
use serde_json::{Value, json};
use std::time::Duration;
use vestibule::domain::audit::Act;
use vestibule::domain::session::{EndReason, SessionHandle};
use vestibule::settings::TokenReuseSetting;

const TOKEN: &str = "!/api/rest/2.0/auth/session/token";
const OWN: &str = "!/callosum/v1/vestibule/sessions";
/// Every door at which somebody signed in gets a token.
const DOORS: [&str; 3] = [
    TOKEN,
    "!/callosum/v1/session/v2/gettoken",
    "!/callosum/v1/v2/auth/token/fetch",
];

async fn minted_at(app: &TestApp, who: &Client, door: &str) -> Value {
    let reply = who.get(door).await;
    assert_eq!(reply.status, 200, "{door}: {}", reply.text());
    let body = reply.json();
    app.plant(body["token"].as_str().unwrap());
    body
}

async fn minted(app: &TestApp, who: &Client) -> String {
    let token = minted_at(app, who, TOKEN).await;
    token["token"].as_str().unwrap().to_owned()
}

/// Sessions that only their longest life ends.
fn never_idle() -> TestApp {
    TestApp::with(|settings| settings.sessions.idle_timeout = settings.sessions.absolute_timeout)
}

/// The session a token opens.
async fn opened(app: &TestApp, token: &str) -> Client {
    let mut client = app.anon();
    let reply = client.redeem(&[("auth_token", token)]).await;
    assert_eq!(reply.status, 204, "{}", reply.text());
    client.keep(&reply);
    client
}

async fn trade(app: &TestApp, token: &str) -> u16 {
    app.anon().redeem(&[("auth_token", token)]).await.status
}

/// The handle of the session that asks.
async fn handle(who: &Client) -> SessionHandle {
    let own = who.get(OWN).await.json();
    let id = own["sessions"][0]["id"].as_str().unwrap();
    SessionHandle::parse(id).unwrap()
}

#[tokio::test]
async fn case_34_what_a_session_mints_and_what_that_opens_end_with_the_session() {
    let app = never_idle();
    let bob = app.bob().await;
    app.advance(Duration::from_mins(29));
    let first = minted(&app, &bob).await;
    app.advance(Duration::from_hours(12));
    let second = opened(&app, &first).await;
    let again = minted_at(&app, &second, TOKEN).await;
    // The password was shown at noon; of the day since, so much is left to whatever came of it.
    let life = |token: &Value| {
        token["expiration_time_in_millis"].as_u64().unwrap()
            - token["creation_time_in_millis"].as_u64().unwrap()
    };
    let left = Duration::from_mins(11 * 60 + 31);
    assert_eq!(u128::from(life(&again)), left.as_millis());
    let third = opened(&app, again["token"].as_str().unwrap()).await;
    assert_eq!(third.is_active().await, 204);
    app.advance(left);
    assert_eq!(third.is_active().await, 204, "the last millisecond counts");
    app.tick();
    for client in [second, third] {
        assert_eq!(client.is_active().await, 401);
    }
    for token in [first.as_str(), again["token"].as_str().unwrap()] {
        assert_eq!(trade(&app, token).await, 401);
    }
}

#[tokio::test]
async fn case_34_a_session_by_a_key_has_its_whole_life_and_one_by_a_bearers_token_the_bearers() {
    let app = never_idle();
    let token = app.token("bob").await;
    let bearer = app.anon().with_bearer(&token);
    app.advance(Duration::from_hours(23));
    let direct = opened(&app, &token).await;
    let derived = opened(&app, &minted(&app, &bearer).await).await;
    app.advance(Duration::from_hours(1));
    app.tick();
    assert_eq!(derived.is_active().await, 401);
    assert_eq!(direct.is_active().await, 204);
}

#[tokio::test]
async fn case_31_a_token_that_is_spent_mints_none_that_opens_a_session() {
    let app = TestApp::with(|settings| settings.tokens.reuse = TokenReuseSetting::Once);
    let token = app.token("bob").await;
    assert_eq!(trade(&app, &token).await, 204);
    assert_eq!(trade(&app, &token).await, 401);
    let bearer = app.anon().with_bearer(&token);
    for door in DOORS {
        let body = minted_at(&app, &bearer, door).await;
        let derived = body["token"].as_str().unwrap();
        assert_eq!(trade(&app, derived).await, 401, "{door}");
        let again = app.anon().with_bearer(derived);
        assert_eq!(again.is_active().await, 204, "as a Bearer it is good");
        let body = minted_at(&app, &again, door).await;
        assert_eq!(trade(&app, body["token"].as_str().unwrap()).await, 401);
    }
    // A session vouches anew: its tokens open one each.
    let own = minted(&app, &app.bob().await).await;
    assert_eq!(
        (trade(&app, &own).await, trade(&app, &own).await),
        (204, 401)
    );
}

#[tokio::test]
async fn case_33_an_administrator_who_ends_a_session_ends_what_came_of_it() {
    let app = TestApp::spawn();
    let bob = app.bob().await;
    let other = app.bob().await;
    let first = minted(&app, &bob).await;
    let second = opened(&app, &first).await;
    let third = minted(&app, &second).await;
    let kept = minted(&app, &other).await;
    let (administration, by) = app.administration();
    let of_bob = handle(&bob).await;
    administration.end_session(&of_bob, &by).await.unwrap();
    assert_eq!(bob.is_active().await, 401);
    assert_eq!(second.is_active().await, 401);
    for token in [first, third] {
        assert_eq!(trade(&app, &token).await, 401);
        let bearer = app.anon().with_bearer(&token);
        assert_eq!(bearer.is_active().await, 401);
    }
    assert_eq!(other.is_active().await, 204);
    assert_eq!(trade(&app, &kept).await, 204, "another session's lives on");
    let events = app.trail.events();
    let ended = events.iter().filter(|event| {
        let revoked = EndReason::Revoked;
        matches!(event.act, Act::SessionEnded { reason, .. } if reason == revoked)
    });
    assert_eq!(ended.count(), 2);
}

#[tokio::test]
async fn case_33_with_what_came_of_a_session_its_token_ends_and_the_session_lives() {
    let app = TestApp::spawn();
    let bob = app.bob().await;
    let token = minted(&app, &bob).await;
    let derived = opened(&app, &token).await;
    let (administration, by) = app.administration();
    let handle = handle(&derived).await;
    administration.end_session(&handle, &by).await.unwrap();
    assert_eq!(derived.is_active().await, 401);
    assert_eq!(trade(&app, &token).await, 401, "it would open the next one");
    assert_eq!(bob.is_active().await, 204);
}

#[tokio::test]
async fn an_owner_who_ends_the_others_keeps_the_session_that_asks_and_its_tokens() {
    let app = TestApp::spawn();
    let (alice, other) = (app.alice().await, app.alice().await);
    let (own, of_other) = (minted(&app, &alice).await, minted(&app, &other).await);
    let opened_by_other = opened(&app, &of_other).await;
    let request = alice.request(reqwest::Method::POST, &format!("{OWN}/end-others"));
    let reply = alice
        .send(request.json(&json!({ "password": ALICE_PASSWORD })))
        .await;
    assert_eq!(reply.json(), json!({ "ended": 2 }));
    assert_eq!(opened_by_other.is_active().await, 401);
    assert_eq!(trade(&app, &of_other).await, 401);
    assert_eq!(alice.is_active().await, 204);
    assert_eq!(trade(&app, &own).await, 204);
}

#[tokio::test]
async fn a_token_outlives_the_sign_out_of_its_session_but_not_the_sessions_longest_life() {
    let app = never_idle();
    let bob = app.bob().await;
    let token = minted(&app, &bob).await;
    assert_eq!(bob.log_out().await.status, 204);
    let bearer = app.anon().with_bearer(&token);
    assert_eq!(bearer.is_active().await, 204);
    app.advance(Duration::from_hours(23));
    let derived = opened(&app, &token).await;
    app.advance(Duration::from_hours(1));
    app.tick();
    assert_eq!(
        (bearer.is_active().await, derived.is_active().await),
        (401, 401)
    );
}

#[tokio::test]
async fn a_session_that_a_token_of_another_opened_is_no_fresh_proof_of_who_asks() {
    let app = TestApp::spawn();
    let (administration, by) = app.administration();
    let user = vestibule::domain::administration::NewUser::named("wordless");
    administration.create_user(user, &by).await.unwrap();
    let direct = opened(&app, &app.token("wordless").await).await;
    let needed = async |who: &Client| who.get(OWN).await.json()["proof_needed"].clone();
    assert_eq!(needed(&direct).await, "nothing");
    let derived = opened(&app, &minted(&app, &direct).await).await;
    assert_eq!(needed(&derived).await, "fresh_session");
}

#[tokio::test]
async fn a_token_says_when_it_was_made_and_so_how_long_it_was_to_live() {
    let app = TestApp::spawn();
    let bob = app.bob().await;
    app.advance(Duration::from_mins(10));
    let own = minted_at(&app, &bob, TOKEN).await;
    let by_password = json!({
        "username": "alice", "password": ALICE_PASSWORD, "validity_time_in_sec": 60,
    });
    let by_password = done(&app.anon(), "auth/token/full", by_password).await;
    app.advance(Duration::from_secs(5));
    for token in [own, by_password] {
        let text = token["token"].as_str().unwrap();
        let valid = done(&bob, "auth/token/validate", json!({ "token": text })).await;
        for field in ["creation_time_in_millis", "expiration_time_in_millis"] {
            assert_eq!(valid[field], token[field], "{field}");
        }
    }
}
