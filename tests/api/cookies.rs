//! Cookies on their way in and out: cases 26, 27, 28, 54 and 57.

use crate::support::{ADMIN_PASSWORD, ALICE_PASSWORD, Client, Reply, TestApp};
use url::Url;
use vestibule::settings::SameSite;

/// Each way to sign in as alice, on that client.
async fn doors(app: &TestApp, client: &Client) -> Vec<Reply> {
    let token = app.token("alice").await;
    let fields = [("auth_token", token.as_str())];
    vec![
        client.post_login("alice", ALICE_PASSWORD).await,
        client.redeem(&fields).await,
        client.redeem_by_get(&fields).await,
    ]
}

#[tokio::test]
async fn case_26_a_login_never_takes_over_the_id_it_was_shown() {
    let app = TestApp::spawn();
    let attacker = app.bob().await;
    let expired = app.bob().await;
    expired.log_out().await;
    let invented = "JSESSIONID=5b3f7c1e-0d4a-4e7e-9d2c-aaaaaaaaaaaa";
    for cookie in [expired.cookie(), invented] {
        let shown = app.anon().with_cookie(cookie);
        for reply in doors(&app, &shown).await {
            assert_eq!(reply.status, 204);
            let fresh = reply.session_cookie().unwrap();
            assert_ne!(fresh, cookie);
            assert_eq!(shown.is_active().await, 401, "the shown one stays dead");
        }
    }
    for door in 0..3 {
        let victim = app.anon().with_cookie(app.bob().await.cookie());
        let reply = doors(&app, &victim).await.swap_remove(door);
        let fresh = app.anon().with_cookie(&reply.session_cookie().unwrap());
        assert_eq!(fresh.info().await.json()["userName"], "alice");
        assert_eq!(victim.is_active().await, 401, "the old session ended");
    }
    assert_eq!(attacker.is_active().await, 204, "nobody else's did");
}

#[tokio::test]
async fn case_26_a_refused_login_leaves_the_session_as_it_was() {
    let app = TestApp::spawn();
    let bob = app.bob().await;
    let reply = bob.post_login("alice", "wrong password").await;
    assert_eq!((reply.status, reply.cookies().len()), (401, 0));
    assert_eq!(bob.info().await.json()["userName"], "bob");
}

#[tokio::test]
async fn case_27_a_tossed_cookie_beside_ours_is_ignored_in_either_order() {
    let app = TestApp::shared();
    let alice = app.alice().await;
    let ours = alice.cookie();
    for other in [
        "JSESSIONID=attacker",
        "JSESSIONID=",
        "JSESSIONID=\"quoted\"",
        "clientId=x; other=1",
        "a=b=c; =; ;;",
    ] {
        for cookies in [format!("{ours}; {other}"), format!("{other}; {ours}")] {
            assert_eq!(
                app.anon().with_cookie(&cookies).is_active().await,
                204,
                "{cookies}"
            );
        }
    }
    // In two headers, as HTTP/2 may split them.
    let two = app
        .anon()
        .with("cookie", "JSESSIONID=x")
        .with("cookie", ours);
    assert_eq!(two.is_active().await, 204);
    assert_eq!(
        app.anon()
            .with_cookie(&format!("{ours}; {ours}"))
            .is_active()
            .await,
        204
    );
}

#[tokio::test]
async fn case_27_of_two_different_sessions_of_ours_neither_is_believed() {
    let app = TestApp::spawn();
    let (alice, bob) = (app.alice().await, app.bob().await);
    for cookies in [[&alice, &bob], [&bob, &alice]] {
        let both = format!("{}; {}", cookies[0].cookie(), cookies[1].cookie());
        let client = app.anon().with_cookie(&both);
        client.info().await.expect_error(401, 10097, "ended");
        assert_eq!(client.log_out().await.status, 401);
    }
    assert_eq!(alice.is_active().await, 204);
    assert_eq!(bob.is_active().await, 204);
}

#[tokio::test]
async fn another_programs_cookie_that_is_not_ascii_does_not_hide_ours() {
    let app = TestApp::shared();
    let alice = app.alice().await;
    for other in ["name=Jos\u{e9}".as_bytes(), b"name=Jos\xe9"] {
        let mut cookies = other.to_vec();
        cookies.extend_from_slice(b"; ");
        cookies.extend_from_slice(alice.cookie().as_bytes());
        let request = app
            .anon()
            .request(reqwest::Method::GET, "/session/isactive")
            .header("cookie", cookies);
        assert_eq!(alice.send(request).await.status, 204);
    }
}

#[tokio::test]
async fn case_57_a_cookie_that_is_not_exactly_ours_is_401_and_never_500() {
    let app = TestApp::spawn();
    let elsewhere = TestApp::spawn();
    let alice = app.alice().await;
    let good = alice.cookie();
    let value = good.strip_prefix("JSESSIONID=").unwrap();
    let mut bad: Vec<String> = vec![
        elsewhere.alice().await.cookie().to_owned(),
        String::from("JSESSIONID=%"),
        String::from("JSESSIONID=%zz"),
        String::from("JSESSIONID=%00%0d%0a"),
        format!("JSESSIONID={}", "A".repeat(5_000)),
        format!("{good}x"),
        format!("JSESSIONID={value}{value}"),
        format!("JSESSIONID={}", value.to_lowercase()),
        // Signed by nobody: the id alone.
        format!("JSESSIONID={}", &value[value.len() - 51..]),
    ];
    for cut in [1, 10, 40, value.len() - 1] {
        bad.push(format!("JSESSIONID={}", &value[..cut]));
    }
    for at in [0, 20, value.len() - 52, value.len() - 30, value.len() - 2] {
        let mut bytes = value.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        bad.push(format!("JSESSIONID={}", String::from_utf8(bytes).unwrap()));
    }
    for cookie in &bad {
        let client = app.anon().with_cookie(cookie);
        for path in ["/session/info", "/session/orgs", "!/prism/preauth/info"] {
            client.get(path).await.expect_error(401, 10097, "ended");
        }
        assert_eq!(client.log_out().await.status, 401);
        // Nor does it stand in the way of a login.
        assert_eq!(client.redeem(&[("auth_token", "dead")]).await.status, 401);
    }
    let shown = app.anon().with_cookie(&bad[0]);
    assert_eq!(
        shown.post_login("tsadmin", ADMIN_PASSWORD).await.status,
        204
    );
    assert_eq!(alice.is_active().await, 204);
}

#[tokio::test]
async fn case_39_a_session_id_is_long_opaque_and_different_each_time() {
    let app = TestApp::spawn();
    let alice = app.user("alice").await;
    let mut seen = Vec::new();
    for _ in 0..20 {
        let token = app.token("alice").await;
        let reply = app.anon().redeem(&[("auth_token", &token)]).await;
        let cookie = reply.session_cookie().unwrap();
        assert!(cookie.len() < 4_096);
        assert!(!cookie.contains(&alice.id.to_string()) && !cookie.contains("alice"));
        // 256 bits of secret behind the tag, which is the same for one user.
        let secret = cookie[cookie.len() - 43..].to_owned();
        assert!(seen.iter().all(|other: &String| other[..8] != secret[..8]));
        seen.push(secret);
    }
}

/// The attributes of what a login sets and its logout clears; both must agree.
async fn attributes(app: &TestApp, client: &Client) -> Vec<String> {
    let mut client = client.clone();
    let login = client.post_login("alice", ALICE_PASSWORD).await;
    client.keep(&login);
    let logout = client.log_out().await;
    let (set, cleared) = (login.cookies(), logout.cookies());
    assert_eq!((set.len(), cleared.len()), (2, 2), "{}", app.address);
    for (set, cleared) in set.iter().zip(&cleared) {
        assert_eq!(set.attributes, login.cookies()[0].attributes);
        let mut expected = set.attributes.clone();
        expected.push("Max-Age=0".to_owned());
        expected.push("Expires=Thu, 01 Jan 1970 00:00:00 GMT".to_owned());
        assert_eq!(cleared.attributes, expected);
    }
    set[0].attributes.clone()
}

#[tokio::test]
async fn case_54_over_plain_http_lax_and_not_secure() {
    let app = TestApp::spawn();
    let plain = ["Path=/", "HttpOnly", "SameSite=Lax"];
    assert_eq!(attributes(&app, &app.anon()).await, plain);
    // Nobody is believed who is not a trusted proxy.
    let client = app.anon().with("x-forwarded-proto", "https");
    assert_eq!(attributes(&app, &client).await, plain);
}

#[tokio::test]
async fn case_54_behind_a_trusted_proxy_the_scheme_it_names_counts() {
    let app = TestApp::with(|settings| {
        settings.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    });
    let secure = ["Path=/", "HttpOnly", "SameSite=None", "Secure"];
    let plain = ["Path=/", "HttpOnly", "SameSite=Lax"];
    for (proto, expected) in [
        ("https", &secure[..]),
        ("HTTPS", &secure),
        // The nearest proxy's word is the last one.
        ("http, https", &secure),
        ("https, http", &plain),
        ("http", &plain),
        ("ftp", &plain),
    ] {
        let client = app.anon().with("x-forwarded-proto", proto);
        assert_eq!(attributes(&app, &client).await, expected, "{proto}");
    }
}

#[tokio::test]
async fn case_54_a_public_https_address_makes_them_secure_and_partitioned_when_set() {
    for (is_partitioned, extra) in [(false, &[][..]), (true, &["Partitioned"])] {
        let app = TestApp::with(|settings| {
            settings.server.public_url = Some(Url::parse("https://good.example").unwrap());
            settings.cookies.partitioned = is_partitioned;
        });
        let expected = [&["Path=/", "HttpOnly", "SameSite=None", "Secure"], extra].concat();
        assert_eq!(attributes(&app, &app.anon()).await, expected);
        let reply = app.anon().info().await;
        let hsts = reply.header("strict-transport-security").unwrap();
        assert!(hsts.starts_with("max-age=31536000"), "{hsts}");
    }
}

#[tokio::test]
async fn case_54_same_site_follows_the_setting() {
    for (setting, word) in [
        (SameSite::Lax, "SameSite=Lax"),
        (SameSite::Strict, "SameSite=Strict"),
    ] {
        let app = TestApp::with(|settings| {
            settings.server.public_url = Some(Url::parse("https://good.example").unwrap());
            settings.cookies.same_site = setting;
        });
        let expected = ["Path=/", "HttpOnly", word, "Secure"];
        assert_eq!(attributes(&app, &app.anon()).await, expected);
    }
}
