//! Who signs in by LDAP, who does not, and that a refusal tells nobody which.

use crate::ldap::{add_ldap_user, app_with, app_with_lena};
use crate::slapd::{LENA_WORD, MAX_WORD, OTHER_WORD, Slapd};
use crate::support::{ALICE_PASSWORD, PASSWORD, Reply, TestApp};
use crate::thoughtspot_v2::{done, post, refused};
use reqwest::header::HeaderName;
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;
use vestibule::domain::audit::{Act, Client, Refusal};
use vestibule::domain::authn::{PasswordHash, PasswordPool};
use vestibule::domain::login::{LoginError, OpenRequest};
use vestibule::domain::session::Method;

/// What is not different each time.
fn told(reply: &Reply) -> String {
    let mut names: Vec<&str> = reply.headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    format!("{} {names:?} {}", reply.status, reply.message())
}

async fn hash_of(password: &str) -> PasswordHash {
    let pool = PasswordPool::new(1).unwrap();
    pool.hash(&password.into()).await.unwrap()
}

#[tokio::test]
async fn a_user_of_type_ldap_signs_in_by_every_password_login() {
    let slapd = Slapd::start();
    let app = app_with_lena(&slapd).await;
    let lena = app.signed_in("lena", LENA_WORD).await;
    assert_eq!(lena.info().await.json()["userName"], "lena");
    assert_eq!(lena.info().await.json()["canChangePassword"], false);
    let Act::LoggedIn { method, .. } = app.trail.last().act else {
        panic!("{:?}", app.trail.last());
    };
    assert_eq!(method, Method::Ldap);

    let body = json!({ "username": "LENA", "password": LENA_WORD });
    let reply = post(&app.anon(), "auth/session/login", body.clone()).await;
    assert_eq!(reply.status, 204, "{}", reply.text());
    let token = done(&app.anon(), "auth/token/full", body).await;
    let token = token["token"].as_str().unwrap();
    app.plant(token);
    let bearer = app.anon().with_bearer(token);
    let me = bearer.get("!/api/rest/2.0/auth/session/user").await;
    let me = me.json();
    assert_eq!(me["account_type"], "LDAP_USER");
    assert_eq!(me["display_name"], "Lena Example");
    assert_eq!(me["email"], "lena@example.com");
}

#[tokio::test]
async fn case_40_a_refusal_says_the_same_whoever_judged_the_password() {
    let slapd = Slapd::start();
    let app = app_with_lena(&slapd).await;
    add_ldap_user(&app, "max").await;
    let (administration, by) = app.administration();
    administration.disable_user("max", &by).await.unwrap();
    app.trail.clear();
    let mut replies = Vec::new();
    for (name, password) in [
        ("alice", "wrong"),
        ("nobody", "wrong"),
        ("lena", "wrong"),
        ("lena", ""),
        ("max", MAX_WORD),
        ("tsadmin", OTHER_WORD),
    ] {
        let reply = app.anon().post_login(name, password).await;
        replies.push(if password.is_empty() {
            // Both APIs want a password before they look at anything.
            assert_eq!(reply.status, 400, "{}", reply.text());
            continue;
        } else {
            told(&reply)
        });
    }
    assert!(replies[0].starts_with("401 "), "{replies:?}");
    assert!(
        replies.iter().all(|told| *told == replies[0]),
        "{replies:?}"
    );
    let words = app.trail.words();
    for expected in [
        "login_refused wrong_password",
        "login_refused unknown_user",
        "login_refused user_disabled",
    ] {
        assert!(words.iter().any(|word| word == expected), "{words:?}");
    }
}

#[tokio::test]
async fn case_40_a_refusal_by_ldap_comes_no_sooner_than_ours() {
    const SAMPLES: usize = 15;
    let slapd = Slapd::start();
    let mut ldap = slapd.settings();
    ldap.create_users = true;
    // Behind a proxy every sample comes from an address of its own, so that none is throttled.
    let app = TestApp::with(|settings| {
        settings.ldap = ldap;
        settings.server.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    });
    add_ldap_user(&app, "lena").await;
    let names = ["alice", "lena", "max", "nobody"];
    let mut times = vec![Vec::new(); names.len()];
    for sample in 0..SAMPLES {
        for (kind, name) in names.into_iter().enumerate() {
            let address = format!("203.0.{kind}.{sample}");
            let client = app.anon().with("x-forwarded-for", &address);
            let began = Instant::now();
            let reply = client.post_login(name, "wrong").await;
            times[kind].push(began.elapsed());
            assert_eq!(reply.status, 401);
        }
    }
    let medians: Vec<Duration> = times
        .iter_mut()
        .map(|times| {
            times.sort();
            times[SAMPLES / 2]
        })
        .collect();
    // Without the hash beside it LDAP answers in a tenth of the time. Later than ours it may come: another process is asked.
    let ours = medians[0];
    assert!(
        medians.iter().all(|theirs| *theirs * 2 > ours),
        "{medians:?}"
    );
}

#[tokio::test]
async fn case_42_the_throttle_counts_what_ldap_refuses() {
    let slapd = Slapd::start();
    let app = app_with_lena(&slapd).await;
    for name in ["lena", "LENA", "Lena", "lena", "lenA"] {
        assert_eq!(app.anon().post_login(name, "wrong").await.status, 401);
    }
    assert_eq!(app.anon().post_login("lena", LENA_WORD).await.status, 429);
}

#[tokio::test]
async fn a_local_user_is_never_judged_by_ldap_and_an_ldap_user_never_here() {
    let slapd = Slapd::start();
    let app = app_with(&slapd, |ldap| ldap.create_users = true);
    for name in ["alice", "ALICE", "tsadmin"] {
        let reply = app.anon().post_login(name, OTHER_WORD).await;
        assert_eq!(reply.status, 401, "{name}");
    }
    app.signed_in("alice", ALICE_PASSWORD).await;
    assert_eq!(app.user("alice").await.display_name, "alice");

    let lena = add_ldap_user(&app, "lena").await;
    let left_over = hash_of(PASSWORD).await;
    let directory = &app.services.directory;
    directory
        .set_password(lena.id, Some(&left_over))
        .await
        .unwrap();
    assert_eq!(app.anon().post_login("lena", PASSWORD).await.status, 401);
    app.signed_in("lena", LENA_WORD).await;
}

#[tokio::test]
async fn with_ldap_off_its_users_are_refused_and_the_trail_says_why() {
    let app = TestApp::spawn();
    add_ldap_user(&app, "lena").await;
    let reply = app.anon().post_login("lena", LENA_WORD).await;
    assert_eq!(reply.status, 401);
    assert_eq!(
        app.trail.words().last().unwrap(),
        "login_refused switched_off"
    );
}

#[tokio::test]
async fn the_door_for_ldap_alone_refuses_local_users_whatever_their_password() {
    let slapd = Slapd::start();
    let app = app_with(&slapd, |ldap| ldap.create_users = true);
    let login = &app.services.login;
    assert!(login.has_ldap());
    let client = Client {
        address: None,
        agent: String::new(),
        dialect: "test",
        incident: String::new(),
    };
    let request = OpenRequest::default;
    let word = ALICE_PASSWORD.into();
    let refused = login.log_in_by_ldap("alice", &word, request(), &client);
    assert!(matches!(
        refused.await,
        Err(LoginError::BadCredentials(Refusal::OtherAccountType))
    ));
    let word = LENA_WORD.into();
    let opened = login.log_in_by_ldap("lena", &word, request(), &client);
    assert_eq!(opened.await.unwrap().session.method, Method::Ldap);
    let wrong = "wrong".into();
    let refused = login.log_in_by_ldap("lena", &wrong, request(), &client);
    assert!(matches!(
        refused.await,
        Err(LoginError::BadCredentials(Refusal::WrongPassword))
    ));
    let Act::LoginRefused { method, .. } = app.trail.last().act else {
        panic!("{:?}", app.trail.last());
    };
    assert_eq!(method, Method::Ldap);
}

#[tokio::test]
async fn nobody_sets_the_password_of_an_ldap_user_here() {
    let slapd = Slapd::start();
    let app = app_with_lena(&slapd).await;
    let admin = app.admin().await;
    let body = json!({ "user_identifier": "lena", "new_password": PASSWORD });
    refused(&admin, "users/reset-password", body, 400, "LDAP").await;
    let lena = app.signed_in("lena", LENA_WORD).await;
    let body = json!({
        "user_identifier": "lena", "current_password": LENA_WORD, "new_password": PASSWORD,
    });
    refused(&lena, "users/change-password", body, 400, "LDAP").await;
    assert_eq!(app.anon().post_login("lena", PASSWORD).await.status, 401);
    app.signed_in("lena", LENA_WORD).await;
}

#[tokio::test]
async fn an_administrator_makes_ldap_users_where_ldap_is_on() {
    let slapd = Slapd::start();
    let app = app_with(&slapd, |_| {});
    let admin = app.admin().await;
    let body = |more: serde_json::Value| {
        let mut body = json!({
            "name": "lena", "display_name": "L", "email": "l@example.com", "account_type": "LDAP_USER",
        });
        let more = more.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(more);
        body
    };
    let with_password = body(json!({ "password": PASSWORD }));
    refused(&admin, "users/create", with_password, 400, "LDAP").await;
    let remote = body(json!({ "account_type": "REMOTE_USER" }));
    refused(&admin, "users/create", remote, 400, "not offered").await;
    let made = done(&admin, "users/create", body(json!({}))).await;
    assert_eq!(made["account_type"], "LDAP_USER");
    assert_eq!(made["can_change_password"], false);
    app.signed_in("lena", LENA_WORD).await;

    let search = json!({ "account_type": "LDAP_USER" });
    let found = done(&admin, "users/search", search).await;
    assert_eq!(found.as_array().unwrap().len(), 1);
    let search = json!({ "account_type": "LOCAL_USER", "user_identifier": "lena" });
    assert_eq!(done(&admin, "users/search", search).await, json!([]));

    done(
        &admin,
        "users/lena/update",
        json!({ "account_type": "LDAP_USER" }),
    )
    .await;
    let change = json!({ "account_type": "LOCAL_USER" });
    refused(
        &admin,
        "users/lena/update",
        change,
        400,
        "cannot be changed",
    )
    .await;
}
