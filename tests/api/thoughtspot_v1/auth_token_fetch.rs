//! `GET v2/auth/token/fetch`: a token for longer or for another Org, by whoever is signed in already.

use crate::support::{ALICE_PASSWORD, Client, Reply, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

async fn fetch(client: &Client, org: i64) -> Reply {
    let path = format!("!/callosum/v1/v2/auth/token/fetch?org_identifier={org}");
    client.get(&path).await
}

/// A token that REST v2.0 mints for Alice on that proof.
async fn bearer(app: &TestApp, proof: Value) -> Client {
    let mut body = proof;
    body["username"] = json!("alice");
    let anon = app.anon();
    let url = "!/api/rest/2.0/auth/token/full";
    let reply = anon.send(anon.request(Method::POST, url).json(&body)).await;
    let token = reply.json()["token"].as_str().unwrap().to_owned();
    app.plant(&token);
    app.anon().with_bearer(&token)
}

#[tokio::test]
async fn case_37_a_users_own_sign_in_fetches_a_token_of_any_of_their_orgs_and_no_other() {
    let app = TestApp::spawn();
    let own = [
        app.alice().await,
        bearer(&app, json!({ "password": ALICE_PASSWORD })).await,
    ];
    for client in own {
        let body = fetch(&client, app.sales.0).await.json();
        let token = body["token"].as_str().unwrap();
        assert_eq!(body["data"]["token"], token);
        app.plant(token);
        let there = app.anon().with_bearer(token);
        assert_eq!(there.info().await.json()["currentOrgId"], app.sales.0);
        let reply = fetch(&client, 99).await;
        reply.expect_error(400, 13090, "values org_identifier: ");
    }
    let bob = app.bob().await;
    fetch(&bob, app.sales.0)
        .await
        .expect_error(400, 13090, "values org_identifier: ");
}

#[tokio::test]
async fn case_37_what_a_key_minted_fetches_nothing_of_another_org() {
    let app = TestApp::spawn();
    let token = app.token("alice").await;
    let redeemed = app.anon().redeem(&[("auth_token", &token)]).await;
    let mut session = app.anon();
    session.keep(&redeemed);
    for client in [app.anon().with_bearer(&token), session] {
        let body = fetch(&client, 0).await.json();
        app.plant(body["token"].as_str().unwrap());
        let reply = fetch(&client, app.sales.0).await;
        reply.expect_error(403, 10023, "another Org");
    }
}

#[tokio::test]
async fn a_token_fetched_with_a_token_ends_no_later_than_it() {
    let app = TestApp::spawn();
    let first = bearer(
        &app,
        json!({ "password": ALICE_PASSWORD, "validity_time_in_sec": 60 }),
    )
    .await;
    let end = first.info().await.json()["expirationTime"].clone();
    let body = fetch(&first, app.sales.0).await.json();
    app.plant(body["token"].as_str().unwrap());
    let fetched = body["expiration_time_in_millis"].as_i64().unwrap() / 1000;
    assert_eq!(Some(fetched), end.as_i64());
}
