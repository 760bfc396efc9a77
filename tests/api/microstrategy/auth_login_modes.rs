//! Login modes: each is itself, and one that is off is refused, never taken for another.

use crate::microstrategy::{Held, ask, call, expect_error, log_in_with, path, status};
use crate::slapd::{LENA_WORD, OTHER_WORD, SERVICE_WORD, Slapd};
use crate::support::{ALICE_PASSWORD, PASSWORD, TestApp};
use reqwest::Method;
use serde_json::json;
use vestibule::domain::directory::UserChange;
use vestibule::settings::LoginMode;

#[tokio::test]
async fn a_mode_that_is_off_is_named_and_never_becomes_another() {
    let app = TestApp::shared();
    for (mode, status, code, word) in [
        (8, 401, "ERR003", "(guest) is switched off"),
        (16, 401, "ERR003", "(LDAP) is switched off"),
        (64, 401, "ERR003", "(trusted header) is switched off"),
        (2, 400, "ERR006", "one of 1"),
        (128, 400, "ERR006", "one of 1"),
        (-1, 400, "ERR006", "/api/auth/delegate"),
        (
            1_048_576,
            400,
            "ERR006",
            "/MicroStrategyLibrary/auth/login-dialog.jsp?loginMode=1048576",
        ),
        (
            4_194_304,
            400,
            "ERR006",
            "/MicroStrategyLibrary/auth/login-dialog.jsp?loginMode=4194304",
        ),
    ] {
        // With credentials that would be right in mode 1.
        let body = json!({ "loginMode": mode, "username": "bob", "password": PASSWORD });
        let reply = log_in_with(&app.anon(), &body).await;
        expect_error(&reply, status, code);
        assert!(reply.text().contains(word), "{}", reply.text());
    }
    for bad in [
        json!("one"),
        json!(1.5),
        json!([1]),
        json!({}),
        json!(true),
        json!("1e3"),
    ] {
        let body = json!({ "loginMode": bad, "username": "bob", "password": PASSWORD });
        expect_error(&log_in_with(&app.anon(), &body).await, 400, "ERR006");
    }
}

#[tokio::test]
async fn even_the_standard_mode_can_be_off() {
    let app =
        TestApp::with(|settings| settings.microstrategy.login_modes = vec![LoginMode::ApiToken]);
    let body = json!({ "username": "bob", "password": PASSWORD });
    let reply = log_in_with(&app.anon(), &body).await;
    expect_error(&reply, 401, "ERR003");
    assert_eq!(reply.json()["iServerCode"], -2_147_468_991);
    let modes = app.anon().get(&path("config/authModes")).await;
    assert_eq!(modes.json(), json!({ "modes": [4096] }));
}

#[tokio::test]
async fn a_guest_is_the_named_user_and_makes_no_lasting_token() {
    let app = TestApp::with(|settings| {
        settings.microstrategy.login_modes.push(LoginMode::Guest);
        settings.microstrategy.guest_user = Some("bob".to_owned());
    });
    let client = app.anon();
    let form = [("loginMode", "8"), ("applicationType", "76")];
    let held = Held::of(&app, &client.post(&path("auth/login"), &form).await);
    let info = call(&held.client(&app), Method::GET, "sessions/userInfo").await;
    assert_eq!(info.json()["username"], "bob");
    assert_eq!(app.trail.words(), ["login"]);
    let reply = call(&held.client(&app), Method::POST, "auth/apiTokens").await;
    expect_error(&reply, 403, "ERR0014");
    // A guest that is switched off, or was never there, is nobody.
    let (administration, by) = app.administration();
    app.tick();
    administration.disable_user("bob", &by).await.unwrap();
    assert_eq!(status(&app, &held).await, 401);
    expect_error(
        &client.post(&path("auth/login"), &form).await,
        401,
        "ERR003",
    );
}

fn behind_proxy(proxies: &str) -> TestApp {
    let proxies = proxies.to_owned();
    TestApp::with(move |settings| {
        settings.server.trusted_proxies = vec![proxies.parse().unwrap()];
        settings
            .microstrategy
            .login_modes
            .push(LoginMode::TrustedHeader);
        settings.microstrategy.trusted_header = Some("x-remote-user".to_owned());
    })
}

#[tokio::test]
async fn a_trusted_proxy_names_the_user() {
    let app = behind_proxy("127.0.0.1/32");
    let body = json!({ "loginMode": 64 });
    let client = app.anon().with("X-Remote-User", "alice");
    let held = Held::of(&app, &log_in_with(&client, &body).await);
    let info = call(&held.client(&app), Method::GET, "sessions/userInfo").await;
    assert_eq!(info.json()["username"], "alice");
    for client in [
        app.anon(),
        app.anon().with("X-Remote-User", ""),
        app.anon().with("X-Remote-User", "nobody-here"),
        app.anon().with("X-Remote-User", "dora"),
        // A proxy that only adds its header lets its client speak too.
        app.anon()
            .with("X-Remote-User", "tsadmin")
            .with("X-Remote-User", "alice"),
    ] {
        expect_error(&log_in_with(&client, &body).await, 401, "ERR003");
    }
}

#[tokio::test]
async fn case_51_anybody_elses_header_names_nobody() {
    let app = behind_proxy("192.0.2.0/24");
    let client = app
        .anon()
        .with("X-Remote-User", "tsadmin")
        .with("X-Forwarded-For", "192.0.2.1");
    let reply = log_in_with(&client, &json!({ "loginMode": 64 })).await;
    expect_error(&reply, 401, "ERR003");
    // Nor does the body: its name proves nothing.
    let body = json!({ "loginMode": 64, "username": "tsadmin" });
    expect_error(&log_in_with(&app.anon(), &body).await, 401, "ERR003");
}

fn app_with(slapd: &Slapd) -> TestApp {
    let mut ldap = slapd.settings();
    ldap.create_users = true;
    let app = TestApp::with(|settings| settings.ldap = ldap);
    for word in [LENA_WORD, OTHER_WORD, SERVICE_WORD] {
        app.plant(word);
    }
    app
}

#[tokio::test]
async fn mode_16_asks_the_ldap_directory_and_nobody_else() {
    let slapd = Slapd::start();
    let app = app_with(&slapd);
    let modes = call(&app.anon(), Method::GET, "config/authModes").await;
    assert_eq!(modes.json(), json!({ "modes": [1, 16, 4096] }));
    let form = [
        ("loginMode", "16"),
        ("username", "lena"),
        ("password", LENA_WORD),
    ];
    let client = app.anon();
    let held = Held::of(&app, &client.post(&path("auth/login"), &form).await);
    let info = call(&held.client(&app), Method::GET, "sessions/userInfo").await;
    assert_eq!(
        (&info.json()["username"], &info.json()["initials"]),
        (&json!("lena"), &json!("LE"))
    );
    for (user, password) in [
        ("lena", "wrong"),
        // An anonymous bind succeeds; it must never be one.
        ("lena", ""),
        ("nobody-here", LENA_WORD),
        ("*", LENA_WORD),
        ("lena)(uid=*", LENA_WORD),
        // Local users, with either of their passwords.
        ("alice", ALICE_PASSWORD),
        ("alice", OTHER_WORD),
    ] {
        let body = json!({ "loginMode": 16, "username": user, "password": password });
        let reply = log_in_with(&app.anon(), &body).await;
        expect_error(&reply, 401, "ERR003");
        assert_eq!(reply.json()["iServerCode"], -2_147_216_959, "{user}");
    }
    let body = json!({ "loginMode": 1, "username": "lena", "password": LENA_WORD });
    Held::of(&app, &log_in_with(&app.anon(), &body).await);
}

#[tokio::test]
async fn an_ldap_directory_that_is_away_is_503_and_no_wrong_password() {
    let slapd = Slapd::start();
    let app = app_with(&slapd);
    let body = json!({ "loginMode": 16, "username": "lena", "password": LENA_WORD });
    let held = Held::of(&app, &log_in_with(&app.anon(), &body).await);
    drop(slapd);
    let reply = log_in_with(&app.anon(), &body).await;
    expect_error(&reply, 503, "ERR0016");
    assert!(reply.header("retry-after").is_some());
    assert_eq!(status(&app, &held).await, 200, "who is in stays in");
}

/// A server whose guests are that user.
fn with_guest(name: &str) -> TestApp {
    let name = name.to_owned();
    TestApp::with(move |settings| {
        settings.microstrategy.login_modes.push(LoginMode::Guest);
        settings.microstrategy.guest_user = Some(name);
    })
}

#[tokio::test]
async fn a_guest_never_is_an_administrator() {
    let guest = json!({ "loginMode": 8 });
    let app = with_guest("tsadmin");
    expect_error(&log_in_with(&app.anon(), &guest).await, 401, "ERR003");
    assert_eq!(app.trail.words(), ["login_refused administrator"]);
    // Nor of one Org, when the group of the guest is given that right later.
    let app = with_guest("carol");
    Held::of(&app, &log_in_with(&app.anon(), &guest).await);
    let (administration, by) = app.administration();
    let sales = app.sales.to_string();
    let mut team = administration.list_groups(&sales).await.unwrap().remove(0);
    team.privileges.push("ADMINISTRATION".to_owned());
    administration.update_group(&team, &by).await.unwrap();
    expect_error(&log_in_with(&app.anon(), &guest).await, 401, "ERR003");
}

#[tokio::test]
async fn a_guest_whose_user_becomes_an_administrator_meanwhile_administers_nothing() {
    let app = with_guest("bob");
    let held = Held::of(
        &app,
        &log_in_with(&app.anon(), &json!({ "loginMode": 8 })).await,
    );
    let lent = call(&held.client(&app), Method::POST, "auth/identityToken").await;
    let token = lent.header("x-mstr-identitytoken").unwrap().to_owned();
    app.plant(&token);
    let request = ask(&app.anon(), Method::POST, "auth/delegate")
        .json(&json!({ "loginMode": -1, "identityToken": token }));
    let delegated = Held::of(&app, &app.anon().send(request).await);
    let (administration, by) = app.administration();
    let change = UserChange {
        is_admin: Some(true),
        ..UserChange::default()
    };
    let bob = app.user("bob").await;
    administration.update_user(&bob, change, &by).await.unwrap();
    for held in [held, delegated] {
        let reply = call(&held.client(&app), Method::GET, "v2/iserver/settings").await;
        expect_error(&reply, 403, "ERR0014");
    }
}
