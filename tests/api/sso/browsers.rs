//! What a browser keeps of its sign-ins, what it had before, and how many it may begin.

use super::{HOST, Stage, parameter};
use crate::support::{PASSWORD, Reply};
use std::time::Duration;
use vestibule::domain::audit::Act;
use vestibule::domain::session::EndReason;

/// The names of the cookies that a reply takes away.
fn cleared(reply: &Reply) -> Vec<String> {
    let cookies = reply.cookies().into_iter();
    let gone = cookies.filter(|cookie| cookie.has("Max-Age=0") && cookie.value.is_empty());
    gone.map(|cookie| cookie.name).collect()
}

#[tokio::test]
async fn a_sign_in_that_failed_takes_its_cookie_with_it_at_once() {
    let stage = Stage::with(|settings| settings.sso[0].create_users = false);
    let callback =
        |handle: &str, rest: &str| format!("!/callosum/v1/oidc/callback?{rest}&state={handle}");
    let ways = [
        ("error=access_denied", 401),
        ("code=made-up&iss=http%3A%2F%2F127.0.0.1%3A1", 401),
        ("code=", 400),
    ];
    for (rest, status) in ways {
        let (begun, client) = stage.begin(HOST).await;
        let handle = parameter(&begun, "state").unwrap();
        let reply = client.get(&callback(&handle, rest)).await;
        assert_eq!(reply.status, status, "{rest}: {}", reply.text());
        assert_eq!(cleared(&reply), [begun.cookies()[0].name.clone()], "{rest}");
    }
    // Nobody here of that name; then the same once more, which is no sign-in any longer.
    let (begun, client) = stage.begin(HOST).await;
    let name = begun.cookies()[0].name.clone();
    let back = stage.at_provider(&begun, "lena").await;
    for status in [401, 400] {
        let reply = client.get(&back).await;
        assert_eq!(reply.status, status);
        assert_eq!(cleared(&reply), [name.as_str()]);
    }
    // Another browser loses nothing.
    let (_, other) = stage.begin(HOST).await;
    let reply = other.get(&back).await;
    assert_eq!(reply.status, 400);
    assert!(cleared(&reply).is_empty());
}

#[tokio::test]
async fn a_session_whose_cookie_does_not_come_back_with_the_answer_ends_all_the_same() {
    let stage = Stage::new();
    let before = stage.app.bob().await;
    let elsewhere = stage.app.bob().await;
    let path = "!/callosum/v1/oidc/login";
    // The session's cookie comes along on the way there, and not with what another site's page posts.
    let (reply, client) = stage.follow(&before, path).await;
    let back = stage.at_provider(&reply, "lena").await;
    assert_eq!(before.is_active().await, 204, "nobody is signed in yet");
    let reply = client.get(&back).await;
    assert_eq!(reply.status, 302, "{}", reply.text());
    assert_eq!(before.is_active().await, 401);
    assert_eq!(elsewhere.is_active().await, 204);
    let is_end = |act: &Act| matches!(act, Act::SessionEnded { reason, .. } if *reason == EndReason::Replaced);
    assert!(
        stage
            .app
            .trail
            .events()
            .iter()
            .any(|event| is_end(&event.act))
    );

    // A sign-in that fails ends nothing.
    let (reply, client) = stage.follow(&elsewhere, path).await;
    let back = stage.at_provider(&reply, "bob").await;
    assert_eq!(client.get(&back).await.status, 401);
    assert_eq!(elsewhere.is_active().await, 204);
}

#[tokio::test]
async fn a_cookie_without_the_prefix_is_none_over_https() {
    let base = "https://bi.example.com";
    let mut stage = Stage::with(|settings| {
        settings.server.public_url = Some(base.parse().unwrap());
    });
    stage.provider.down();
    stage.provider.serve(&[base]);
    for (prefix, status) in [("", 400), ("__Host-", 302)] {
        let (reply, _) = stage.begin(HOST).await;
        let cookie = reply.cookies().remove(0);
        let plain = cookie.name.strip_prefix("__Host-").unwrap();
        assert!(cookie.has("Secure") && cookie.has("SameSite=None"));
        let back = stage.at_provider(&reply, "lena").await;
        let client = stage.app.anon();
        let client = client.with_cookie(&format!("{prefix}{plain}={}", cookie.value));
        assert_eq!(client.get(&back).await.status, status, "{prefix}{plain}");
    }
}

#[tokio::test]
async fn an_address_begins_so_many_sign_ins_in_a_minute_and_no_more() {
    let stage = Stage::with(|settings| {
        settings.server.sign_ins_per_minute = 3;
        settings.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    });
    let from = |address: &str| stage.app.anon().with("x-forwarded-for", address);
    let dialog = "!/MicroStrategyLibrary/auth/login-dialog.jsp?loginMode=4194304";
    let path = "!/callosum/v1/oidc/login";
    for path in [path, dialog, path] {
        assert_eq!(from("192.0.2.1").get(path).await.status, 302, "{path}");
    }
    let reply = from("192.0.2.1").get(path).await;
    assert_eq!(reply.status, 429, "{}", reply.text());
    assert!(reply.text().contains("Too many attempts"));
    assert!(reply.cookies().is_empty());
    let after: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&after), "{after}");
    assert_eq!(from("192.0.2.1").get(dialog).await.status, 429);
    assert_eq!(from("192.0.2.2").get(path).await.status, 302);
    // Passwords are another matter.
    let one = from("192.0.2.1");
    assert_eq!(one.post_login("bob", PASSWORD).await.status, 204);
    stage.app.advance(Duration::from_secs(after));
    assert_eq!(from("192.0.2.1").get(path).await.status, 302);
}
