//! There and back: targets, the browser's cookie, answers that count once, providers that are away.

use super::{HOST, MARKED, Stage, encoded, parameter};
use vestibule::domain::audit::{Act, Refusal};
use vestibule::domain::session::Method;
use vestibule::domain::sso::AssertionFault;

#[tokio::test]
async fn a_browser_comes_back_signed_in_at_exactly_the_address_it_asked_for() {
    let stage = Stage::new();
    for target in [
        MARKED,
        "https://app.example.com/",
        "https://app.example.com/#?x",
    ] {
        let reply = stage.sign_in(target, "lena").await;
        assert_eq!(reply.status, 302, "{}", reply.text());
        assert_eq!(reply.header("location"), Some(target));
        let mut client = stage.app.anon();
        client.keep(&reply);
        let info = client.info().await.json();
        assert_eq!(info["userName"], "lena");
        assert_eq!(info["userDisplayName"], "Lena Lind");
        assert_eq!(info["userEmail"], "lena@example.com");
    }
    let Act::LoggedIn { method, .. } = stage.app.trail.last().act else {
        panic!("{:?}", stage.app.trail.last())
    };
    assert_eq!(method, Method::Oidc);
    assert!(stage.app.leaks().is_empty(), "{:?}", stage.app.leaks());
}

#[tokio::test]
async fn a_path_of_our_own_needs_no_host_and_no_target_is_the_first_page() {
    let stage = Stage::new();
    let base = format!("http://{}", stage.app.address);
    for (target, landed) in [
        ("/v2/#/embed/saml-complete", "/v2/#/embed/saml-complete"),
        ("", "/"),
    ] {
        let reply = stage.sign_in(target, "lena").await;
        let location = reply.header("location").map(str::to_owned);
        assert_eq!(location, Some(format!("{base}{landed}")));
    }
}

#[tokio::test]
async fn case_01_a_target_that_is_not_allowed_is_refused_before_the_browser_leaves() {
    let stage = Stage::new();
    for target in [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "https://app.example.com@evil.example/",
        "javascript:alert(1)",
        "https://app.example.com.evil.example",
    ] {
        for protocol in ["oidc", "saml"] {
            let path = format!(
                "!/callosum/v1/{protocol}/login?targetURLPath={}",
                encoded(target)
            );
            let reply = stage.app.anon().get(&path).await;
            assert_eq!(reply.status, 400, "{target}");
            assert_eq!(reply.header("location"), None, "{target}");
            assert!(reply.cookies().is_empty(), "{target}");
        }
    }
}

#[tokio::test]
async fn case_26_an_answer_counts_in_the_browser_that_asked_and_once() {
    let stage = Stage::new();
    let (reply, client) = stage.begin(HOST).await;
    let back = stage.at_provider(&reply, "lena").await;
    // Somebody else is sent to the answer: they must not end up in Lena's account, nor use it up.
    let (other_reply, other) = stage.begin(HOST).await;
    for stranger in [stage.app.anon(), other] {
        let reply = stranger.get(&back).await;
        assert_eq!(reply.status, 400, "{}", reply.text());
        assert_eq!(reply.session_cookie(), None);
    }
    assert_ne!(parameter(&reply, "state"), parameter(&other_reply, "state"));
    assert_eq!(client.get(&back).await.status, 302);
    let again = client.get(&back).await;
    assert_eq!(again.status, 400);
    assert_eq!(again.session_cookie(), None);
}

#[tokio::test]
async fn the_browsers_cookie_is_its_own_for_each_sign_in_and_goes_with_it() {
    let stage = Stage::new();
    let (first, _) = stage.begin(HOST).await;
    let (second, client) = stage.begin(HOST).await;
    let (one, two) = (&first.cookies()[0], &second.cookies()[0]);
    assert_ne!(one.name, two.name);
    assert!(two.has("HttpOnly") && two.has("SameSite=Lax") && two.has("Max-Age=600"));
    let back = stage.at_provider(&second, "lena").await;
    let reply = client.get(&back).await;
    let cleared = reply
        .cookies()
        .into_iter()
        .find(|cookie| cookie.name == two.name);
    assert!(cleared.unwrap().has("Max-Age=0"));
}

#[tokio::test]
async fn a_sign_in_takes_ten_minutes_at_most() {
    let stage = Stage::new();
    let (reply, client) = stage.begin(HOST).await;
    let back = stage.at_provider(&reply, "lena").await;
    stage.app.advance(std::time::Duration::from_secs(601));
    assert_eq!(client.get(&back).await.status, 400);
}

#[tokio::test]
async fn somebody_who_gives_up_there_is_told_so_and_not_signed_in() {
    let stage = Stage::new();
    let (reply, client) = stage.begin(HOST).await;
    let handle = parameter(&reply, "state").unwrap();
    let path = format!(
        "!/callosum/v1/oidc/callback?error=access_denied&error_description=%3Cscript%3E&state={handle}"
    );
    let reply = client.get(&path).await;
    assert_eq!(reply.status, 401);
    assert!(!reply.text().contains("<script>"), "{}", reply.text());
    assert_eq!(reply.session_cookie(), None);
    let Act::LoginRefused { why, .. } = stage.app.trail.last().act else {
        panic!("{:?}", stage.app.trail.last())
    };
    assert_eq!(why, Refusal::Assertion(AssertionFault::NotSuccessful));
}

#[tokio::test]
async fn a_provider_that_says_it_is_in_trouble_is_away_and_nobody_is_to_blame() {
    let stage = Stage::new();
    for error in ["temporarily_unavailable", "server_error"] {
        let (reply, client) = stage.begin(HOST).await;
        let handle = parameter(&reply, "state").unwrap();
        let path = format!("!/callosum/v1/oidc/callback?error={error}&state={handle}");
        let reply = client.get(&path).await;
        assert_eq!(reply.status, 503, "{error}: {}", reply.text());
        assert!(reply.header("retry-after").is_some());
        let Act::LoginRefused { why, .. } = stage.app.trail.last().act else {
            panic!("{:?}", stage.app.trail.last())
        };
        assert_eq!(why, Refusal::ProviderAway);
    }
    let (reply, client) = stage.begin(HOST).await;
    let handle = parameter(&reply, "state").unwrap();
    let path = format!("!/callosum/v1/oidc/callback?error=access_denied&state={handle}");
    let words = client.get(&path).await.text();
    assert!(!words.contains("was not accepted"), "{words}");
}

#[tokio::test]
async fn a_provider_that_is_away_is_503_with_another_way_in_and_nobody_is_signed_out() {
    let mut stage = Stage::new();
    let lena = stage.signed_in("lena").await;
    let (reply, client) = stage.begin(HOST).await;
    let back = stage.at_provider(&reply, "lena").await;
    stage.provider.down();
    let reply = client.get(&back).await;
    assert_eq!(reply.status, 503, "{}", reply.text());
    assert!(reply.header("retry-after").is_some());
    assert!(reply.text().contains("Sign in another way"));
    assert_eq!(lena.is_active().await, 204);
    stage.provider.up();
    assert_eq!(stage.sign_in(HOST, "lena").await.status, 302);
}

#[tokio::test]
async fn what_is_not_configured_is_not_there() {
    let stage = Stage::new();
    let anon = stage.app.anon();
    assert_eq!(anon.get("!/callosum/v1/saml/login").await.status, 403);
    let named = anon.get("!/callosum/v1/oidc/login?provider=other").await;
    assert_eq!(named.status, 403);
    assert_eq!(anon.get("!/callosum/v1/saml/metadata").await.status, 404);
    assert_eq!(anon.get("!/callosum/v1/saml/sso").await.status, 404);
}

/// Whatever session cookie the browser has, the cookie of the sign-in is read beside it.
#[tokio::test]
async fn case_26_a_session_the_browser_has_already_is_replaced_and_a_dead_one_is_no_matter() {
    let stage = Stage::new();
    let before = stage.app.bob().await;
    let dead = stage.app.bob().await;
    dead.log_out().await;
    for cookie in [before.cookie(), dead.cookie(), "JSESSIONID=nonsense"] {
        let (reply, client) = stage.begin(HOST).await;
        let back = stage.at_provider(&reply, "lena").await;
        let both = client.with_cookie(&format!("{cookie}; {}", client.cookie()));
        let reply = both.get(&back).await;
        assert_eq!(reply.status, 302, "{cookie}: {}", reply.text());
        let mut lena = stage.app.anon();
        lena.keep(&reply);
        assert_eq!(lena.info().await.json()["userName"], "lena");
    }
    assert_eq!(before.is_active().await, 401);
}

#[tokio::test]
async fn a_page_of_another_site_begins_sign_ins_with_the_whole_window_only() {
    let stage = Stage::new();
    let foreign = stage.app.anon().with("sec-fetch-site", "cross-site");
    for (mode, status) in [("navigate", 302), ("no-cors", 403), ("cors", 403)] {
        let reply = foreign
            .with("sec-fetch-mode", mode)
            .get("!/callosum/v1/oidc/login")
            .await;
        assert_eq!(reply.status, status, "{mode}");
        assert_eq!(reply.cookies().is_empty(), status == 403);
    }
}
