//! Forwarding headers: case 50. Believed from trusted proxies, from anybody else as if they were not there.

use crate::support::{Client, TestApp};

fn trusting(networks: &[&str]) -> TestApp {
    let networks = networks.iter().map(|text| text.parse().unwrap()).collect();
    TestApp::with(|settings| settings.server.trusted_proxies = networks)
}

/// The address that the trail has for a request with that header.
async fn seen(app: &TestApp, client: &Client) -> String {
    client.redeem(&[("auth_token", "dead")]).await;
    app.trail.last().client.address_text()
}

#[tokio::test]
async fn case_50_nobody_but_a_trusted_proxy_says_where_a_request_comes_from() {
    let app = trusting(&["192.0.2.0/24"]);
    for (name, value) in [
        ("x-forwarded-for", "203.0.113.9"),
        ("forwarded", "for=203.0.113.9;proto=https;host=evil.example"),
        ("x-real-ip", "203.0.113.9"),
        ("true-client-ip", "203.0.113.9"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-uri", "/health/live"),
        ("x-original-url", "/health/live"),
        ("x-forwarded-method", "GET"),
        ("x-http-method-override", "GET"),
        ("x-forwarded-prefix", "/x"),
    ] {
        let client = app.anon().with(name, value);
        assert_eq!(seen(&app, &client).await, "127.0.0.1", "{name}");
        let reply = client.post_login("bob", crate::support::PASSWORD).await;
        assert_eq!(reply.status, 204, "{name}");
        assert!(!reply.cookies()[0].has("Secure"), "{name}");
        assert_eq!(reply.header("strict-transport-security"), None);
        assert_eq!(client.info().await.status, 401, "{name}");
    }
}

#[tokio::test]
async fn case_50_behind_proxies_the_last_address_that_is_not_one_of_them_counts() {
    let app = trusting(&["127.0.0.1/32", "10.0.0.0/8"]);
    for (hops, expected) in [
        ("203.0.113.9", "203.0.113.9"),
        ("1.1.1.1, 203.0.113.9", "203.0.113.9"),
        ("1.1.1.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("203.0.113.9, nonsense", "127.0.0.1"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8::1", "2001:db8::1"),
        ("", "127.0.0.1"),
    ] {
        let client = app.anon().with("x-forwarded-for", hops);
        assert_eq!(seen(&app, &client).await, expected, "{hops:?}");
    }
    let two = app
        .anon()
        .with("x-forwarded-for", "1.1.1.1")
        .with("x-forwarded-for", "203.0.113.9");
    assert_eq!(
        seen(&app, &two).await,
        "203.0.113.9",
        "several headers are one list"
    );
    // Other programs' headers are not ours, even from a trusted proxy.
    for name in ["forwarded", "x-real-ip"] {
        let client = app.anon().with(name, "for=203.0.113.9");
        assert_eq!(seen(&app, &client).await, "127.0.0.1", "{name}");
    }
}

#[tokio::test]
async fn case_50_a_forged_first_hop_buys_no_further_guesses() {
    let app = trusting(&["127.0.0.1/32"]);
    let mut codes = Vec::new();
    for n in 0..6 {
        let forged = format!("198.51.100.{n}, 203.0.113.9");
        let client = app.anon().with("x-forwarded-for", &forged);
        codes.push(client.post_login("alice", "wrong password").await.status);
    }
    assert_eq!(codes, [401, 401, 401, 401, 401, 429]);
}

#[tokio::test]
async fn case_50_the_host_header_decides_nothing() {
    let app = TestApp::with(|settings| {
        settings.server.public_url = Some(url::Url::parse("https://good.example").unwrap());
    });
    let alice = app.alice().await;
    let host = alice.with("host", "evil.example");
    assert_eq!(host.info().await.status, 200);
    let forged = host.with("origin", "https://evil.example");
    assert_eq!(
        forged.switch_org(0).await.status,
        403,
        "naming a host makes it nobody's own"
    );
    let token = app.token("alice").await;
    for target in ["https://evil.example/", "http://evil.example/"] {
        let fields = [("auth_token", token.as_str()), ("redirect_url", target)];
        let client = app
            .anon()
            .with("host", "evil.example")
            .with("x-forwarded-host", "evil.example");
        assert_eq!(client.redeem(&fields).await.status, 400);
    }
}

#[tokio::test]
async fn case_46_a_hostile_agent_is_kept_short_and_on_its_line() {
    let app = TestApp::spawn();
    let agent = format!("x\t\"}}{}", "y".repeat(4_000));
    let client = app.anon().with("user-agent", &agent);
    client.redeem(&[("auth_token", "dead")]).await;
    assert!(app.trail.last().client.agent.len() <= 200);
    // None at all is no reason to refuse.
    assert_eq!(app.anon().is_active().await, 401);
}
