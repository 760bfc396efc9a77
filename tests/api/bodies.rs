//! What is wrong with a request is said by the name that was sent, as a sentence, and without its value.

use crate::admin;
use crate::support::{Client, PASSWORD, Reply, SECRET_KEY, TestApp};
use crate::thoughtspot_v2::{done, post, refused};
use reqwest::Method;
use serde_json::{Value, json};

const V2: &str = "!/api/rest/2.0";
/// The secret that is sent: a number, so that it may come in any type.
const DIGITS: &str = "87654321";

async fn post_text(client: &Client, path: &str, body: String) -> Reply {
    let request = client.request(Method::POST, path);
    let request = request.header("content-type", "application/json");
    client.send(request.body(body)).await
}

#[tokio::test]
async fn case_56_a_secret_of_whatever_type_is_neither_told_nor_logged() {
    let app = TestApp::spawn();
    app.plant(DIGITS);
    let (anon, bob) = (app.anon(), app.bob().await);
    let console = admin::console(&app).await;
    let desk = console.client.with("x-vestibule-csrf", &console.csrf);
    let admin = &console.client;
    let own = "!/callosum/v1/vestibule/sessions";
    let below = "!/callosum/v1/vestibule/admin";
    let dora = app.user("dora").await.id;
    let places = [
        (
            &anon,
            format!("{V2}/auth/session/login"),
            "\"username\":\"eve\",\"password\":V".to_owned(),
        ),
        (
            &anon,
            format!("{V2}/auth/token/full"),
            "\"username\":\"eve\",\"secret_key\":V".to_owned(),
        ),
        (
            &anon,
            format!("{V2}/auth/token/full"),
            "\"username\":\"eve\",\"password\":V".to_owned(),
        ),
        (
            &anon,
            format!("{V2}/auth/token/object"),
            "\"username\":\"eve\",\"secret_key\":V".to_owned(),
        ),
        (
            &anon,
            format!("{V2}/auth/token/custom"),
            "\"username\":\"eve\",\"secret_key\":V".to_owned(),
        ),
        (
            &bob,
            format!("{V2}/auth/token/revoke"),
            "\"token\":V".to_owned(),
        ),
        (
            &bob,
            format!("{V2}/auth/token/validate"),
            "\"token\":V".to_owned(),
        ),
        (
            admin,
            format!("{V2}/users/change-password"),
            "\"user_identifier\":\"eve\",\"current_password\":V,\"new_password\":V".to_owned(),
        ),
        (
            &bob,
            format!("{own}/end-others"),
            "\"password\":V".to_owned(),
        ),
        (&bob, format!("{own}/x/end"), "\"password\":V".to_owned()),
        (
            admin,
            format!("{V2}/users/create"),
            "\"name\":\"eve\",\"password\":V".to_owned(),
        ),
        (
            &desk,
            format!("{below}/confirm"),
            "\"password\":V".to_owned(),
        ),
        (
            &desk,
            format!("{below}/users"),
            "\"name\":\"\",\"password\":V".to_owned(),
        ),
        (
            &desk,
            format!("{below}/users/import"),
            "\"rows\":[{\"line\":1,\"name\":\"\",\"password\":V}]".to_owned(),
        ),
        (
            &desk,
            format!("{below}/users/{dora}/password"),
            "\"password\":V".to_owned(),
        ),
        (
            admin,
            format!("{V2}/users/reset-password"),
            "\"user_identifier\":\"dora\",\"new_password\":V".to_owned(),
        ),
        (
            &anon,
            "!/MicroStrategyLibrary/api/auth/login".to_owned(),
            "\"username\":\"eve\",\"password\":V".to_owned(),
        ),
    ];
    for (client, path, fields) in places {
        for value in [
            DIGITS,
            "87654321.5",
            "-87654321.5e7",
            "true",
            "[87654321]",
            "{\"87654321\":\"87654321\"}",
            "\"`87654321`, expected 87654321\"",
            "87654321,",
        ] {
            let body = format!("{{{}}}", fields.replace('V', value));
            for body in [serde_json::to_string(&body).unwrap(), body] {
                let reply = post_text(client, &path, body).await;
                assert!(
                    !reply.text().contains(DIGITS),
                    "{path} {value}: {}",
                    reply.text()
                );
                assert!(
                    !format!("{:?}", reply.headers).contains(DIGITS),
                    "{path} {value}"
                );
            }
        }
    }
    assert_eq!(app.leaks(), [""; 0]);
}

#[tokio::test]
async fn numbers_are_read_as_text_in_names_and_secrets() {
    let app = TestApp::spawn();
    app.plant(DIGITS);
    let admin = app.admin().await;
    let user = json!({ "name": 4711, "display_name": 4711, "email": "a@example.com", "password": 87_654_321 });
    let user = done(&admin, "users/create", user).await;
    assert_eq!(
        (&user["name"], &user["display_name"]),
        (&json!("4711"), &json!("4711"))
    );
    for (name, password) in [
        (json!(4711), json!(87_654_321)),
        (json!("4711"), json!(DIGITS)),
    ] {
        let body = json!({ "username": name, "password": password });
        let reply = post(&app.anon(), "auth/session/login", body.clone()).await;
        assert_eq!(reply.status, 204, "{}", reply.text());
        let token = done(&app.anon(), "auth/token/full", body).await;
        app.plant(token["token"].as_str().unwrap());
        assert_eq!(token["valid_for_username"], "4711");
    }
    let other = json!({ "user_identifier": 4711, "new_password": 876_543_210 });
    done(&admin, "users/reset-password", other).await;
    // No client can mean a fraction, and it would not surely be read as it was written.
    let fraction = json!({ "user_identifier": 4711, "new_password": 876_543_210.5 });
    let words = "new_password: expected a text or a whole number (see line 1, column";
    refused(&admin, "users/reset-password", fraction, 400, words).await;
}

#[tokio::test]
async fn a_value_of_another_type_names_its_field_and_damaged_json_its_place() {
    let app = TestApp::shared();
    let (anon, admin) = (app.anon(), app.admin().await);
    for (path, body, words) in [
        (
            "auth/session/login",
            json!({ "username": "a", "password": "b", "remember_me": "maybe" }),
            "remember_me: expected true or false (see line 1, column",
        ),
        (
            "users/create",
            json!({ "name": "a", "group_identifiers": "a" }),
            "group_identifiers: expected a list (see",
        ),
        (
            "users/create",
            json!({ "name": ["a"] }),
            "name: expected a text or a number (see",
        ),
        (
            "auth/token/full",
            json!({ "user_parameters": { "runtime_filters": [{ "column_name": "a", "operator": "EQ", "values": "b" }] } }),
            "user_parameters.runtime_filters[0].values: expected a list (see",
        ),
        (
            "auth/configure",
            json!({ "auth_type": "TRUSTED_AUTH", "cluster_preferences": 1 }),
            "cluster_preferences: expected a JSON object (see",
        ),
        (
            "auth/session/login",
            json!(["bob", PASSWORD]),
            "expected a JSON object (see line 1, column",
        ),
        (
            "auth/session/login",
            json!("{}"),
            "expected a JSON object (see line 1, column",
        ),
    ] {
        refused(&admin, path, body, 400, words).await;
    }
    for (body, words) in [
        (
            "{\"username\":\"alice\",\"password\":\"x\",}",
            "well-formed JSON (see line 1, column 3",
        ),
        ("{\n\"username\":", "well-formed JSON (see line 2, column"),
        ("{} {}", "well-formed JSON (see line 1, column"),
        (
            "{\"username\":\"a\",\"username\":\"b\"}",
            "username: expected to be given once (see",
        ),
    ] {
        let reply = post_text(&anon, &format!("{V2}/auth/session/login"), body.to_owned()).await;
        assert_eq!(reply.status, 400, "{body}");
        assert!(reply.text().contains(words), "{body}: {}", reply.text());
    }
}

#[tokio::test]
async fn what_is_wrong_is_named_as_it_was_sent() {
    let app = TestApp::spawn();
    let (anon, admin) = (app.anon(), app.admin().await);
    let minting = |more: Value| {
        let mut body = json!({ "secret_key": SECRET_KEY, "username": "bob" });
        let more = more.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(more);
        body
    };
    let near = json!([{ "column_name": "a", "operator": "NEAR", "values": [1] }]);
    for (path, body, words) in [
        (
            "auth/token/full",
            minting(json!({ "org_id": 77 })),
            "values org_id: you do not have access to org 77",
        ),
        (
            "auth/token/full",
            minting(json!({ "org_identifier": "77", "org_id": 0 })),
            "values org_identifier: you do not have access to org 77",
        ),
        (
            "auth/token/full",
            minting(json!({ "user_parameters": { "runtime_filters": near } })),
            "values user_parameters.runtime_filters: expected an operator, one of EQ, NE",
        ),
        (
            "auth/token/custom",
            minting(json!({ "filter_rules": near })),
            "values filter_rules: expected an operator, one of EQ, NE",
        ),
        (
            "auth/token/custom",
            minting(json!({ "parameter_values": [{ "name": "", "values": [] }] })),
            "values parameter_values: expected names that are not empty",
        ),
        (
            "auth/token/custom",
            minting(json!({ "username": "eve", "groups": [{ "identifier": " a" }] })),
            "values groups[].identifier: expected a name without a space at either end",
        ),
    ] {
        refused(&anon, path, body, 400, words).await;
    }
    for (path, body, words) in [
        (
            "orgs/Sales/update",
            json!({ "status": "x" }),
            "values status: expected ACTIVE or IN_ACTIVE",
        ),
        (
            "orgs/0/update",
            json!({ "status": "IN_ACTIVE" }),
            "values status: expected the Primary Org to stay active",
        ),
        (
            "orgs/0/delete",
            json!({}),
            "expected another Org than the Primary Org, which cannot be deleted",
        ),
        (
            "users/reset-password",
            json!({ "user_identifier": "bob", "new_password": "short" }),
            "values new_password: expected at least 8 bytes",
        ),
        (
            "users/create",
            json!({ "name": "a\u{7}", "display_name": "x", "email": "a@example.com" }),
            "values name: expected no control characters",
        ),
        (
            "users/create",
            json!({ "name": "x".repeat(256), "display_name": "x", "email": "a@example.com" }),
            "values name: expected at most 255 bytes",
        ),
    ] {
        refused(&admin, path, body, 400, words).await;
    }
    let bob = app.bob().await;
    let reply = bob.get("/v2/auth/token/fetch?org_identifier=nope").await;
    let words = "values org_identifier: you do not have access to org nope; expected an active Org the user belongs to";
    reply.expect_error(400, 13090, words);
    assert!(!reply.text().contains("auto-creation"), "{}", reply.text());
    let form = |more: &'static [(&str, &str)]| {
        let mut form = vec![
            ("name", "erin"),
            ("password", PASSWORD),
            ("displayname", "Erin"),
        ];
        form.extend_from_slice(more);
        form
    };
    for (more, words) in [
        (
            &[("orgids", "[78]")][..],
            "values orgids: expected the numbers of existing Orgs",
        ),
        (
            &[("orgid", "78")],
            "values orgid: expected the numbers of existing Orgs",
        ),
        (
            &[("properties", "{\"mail\":\"x\"}")],
            "values properties: expected an address",
        ),
        (&[("email", "x")], "values email: expected an address"),
        (&[("usertype", "X")], "values usertype: expected LOCAL_USER"),
    ] {
        let reply = admin.post("/user/", &form(more)).await;
        reply.expect_error(400, 10002, words);
    }
    let long = "x".repeat(256);
    for (name, words) in [
        (long.as_str(), "values username: expected at most 255 bytes"),
        (" ", "values username: expected a name that is not empty"),
        (
            "a\u{202E}",
            "values username: expected no control characters",
        ),
    ] {
        let reply = anon.mint(&[("username", name)]).await;
        reply.expect_error(400, 10002, words);
    }
    let options = r#"{"parameters":[{"runtime_filter":{"row1":"a","op1":"NEAR","val1":"b"}}]}"#;
    let reply = anon
        .mint(&[("username", "bob"), ("jwt_user_options", options)])
        .await;
    reply.expect_error(
        400,
        10002,
        "values jwt_user_options: expected an operator, one of EQ",
    );
}
