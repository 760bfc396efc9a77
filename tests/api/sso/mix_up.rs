//! Two providers, one of them hostile: it sends the browser on to the honest one, to be shown that one's code.

use super::evil::Evil;
use super::{HOST, Stage, came_back, section};
use crate::support::Client;
use url::Url;
use vestibule::domain::audit::{Act, Refusal};
use vestibule::domain::sso::AssertionFault;

/// The honest provider and the hostile one, each with an address of its own or not.
fn stage(evil: &Evil, own_callbacks: [bool; 2]) -> Stage {
    Stage::with(|settings| {
        let mut other = section(
            "evil",
            &[("issuer", &evil.base), ("client_id", "by-secret")],
        );
        let [of_company, of_other] = own_callbacks;
        settings.sso[0].own_callback = of_company;
        other.own_callback = of_other;
        settings.sso.push(other);
    })
}

/// Where the hostile provider sends a sign-in of its own on to, and the client with the cookie of that sign-in: to the
/// honest one, as if we had asked it, with the redirect URI that is registered there.
async fn led_astray(stage: &Stage, callback: &str) -> (String, Client) {
    let (reply, client) = stage
        .follow(&stage.app.anon(), "!/callosum/v1/oidc/login?provider=evil")
        .await;
    assert_eq!(reply.status, 302, "{}", reply.text());
    let asked: Url = reply.header("location").unwrap().parse().unwrap();
    let mut url: Url = format!("{}/auth", stage.provider.issuer()).parse().unwrap();
    let registered = format!("http://{}{callback}", stage.app.address);
    let pairs = asked.query_pairs().map(|(name, value)| match &*name {
        "redirect_uri" => (name, registered.as_str().into()),
        _ => (name, value),
    });
    url.query_pairs_mut().extend_pairs(pairs);
    (url.into(), client)
}

/// The same address without `iss`, as of a provider that does not know RFC 9207.
fn without_iss(back: &str) -> String {
    let (path, query) = back.split_once('?').unwrap();
    let kept = query.split('&').filter(|pair| !pair.starts_with("iss="));
    format!("{path}?{}", kept.collect::<Vec<_>>().join("&"))
}

fn fault(stage: &Stage) -> AssertionFault {
    match stage.app.trail.last().act {
        Act::LoginRefused {
            why: Refusal::Assertion(fault),
            ..
        } => fault,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_hostile_provider_is_not_shown_the_code_of_an_honest_one() {
    const SHARED: &str = "/callosum/v1/oidc/callback";
    const OWN: &str = "/callosum/v1/oidc/callback/company";
    use AssertionFault::{WrongIssuer, WrongRecipient};
    for (own_callbacks, callback, names_itself, expected) in [
        ([false, false], SHARED, true, WrongIssuer),
        ([false, false], SHARED, false, WrongIssuer),
        ([true, false], OWN, false, WrongRecipient),
        ([true, true], OWN, false, WrongRecipient),
        ([true, true], OWN, true, WrongRecipient),
        ([false, true], SHARED, false, WrongRecipient),
    ] {
        let evil = Evil::start();
        let stage = stage(&evil, own_callbacks);
        let (url, client) = led_astray(&stage, callback).await;
        let mut back = came_back(&url, "lena").await;
        assert!(back.starts_with(&format!("!{callback}?")), "{back}");
        if !names_itself {
            back = without_iss(&back);
        }
        let reply = client.get(&back).await;
        assert_eq!(reply.status, 401, "{own_callbacks:?} {}", reply.text());
        assert_eq!(fault(&stage), expected, "{own_callbacks:?} {names_itself}");
        assert_eq!(reply.session_cookie(), None);
        assert_eq!(evil.times("/token"), 0, "it was shown the code");
    }
}

#[tokio::test]
async fn who_shares_an_address_has_to_say_whose_an_answer_is() {
    let evil = Evil::start();
    for (own_callbacks, names_itself, status) in [
        ([false, false], true, 302),
        ([false, false], false, 401),
        // A provider that announces `iss` owes it, wherever its answers come in.
        ([true, false], true, 302),
        ([true, false], false, 401),
    ] {
        let stage = stage(&evil, own_callbacks);
        let path = "!/callosum/v1/oidc/login?provider=company";
        let (reply, client) = stage.follow(&stage.app.anon(), path).await;
        let mut back = stage.at_provider(&reply, "lena").await;
        assert_eq!(back.contains("callback/company?"), own_callbacks[0]);
        if !names_itself {
            back = without_iss(&back);
        }
        let reply = client.get(&back).await;
        assert_eq!(reply.status, status, "{own_callbacks:?} {names_itself}");
    }
    // Alone it may come to either address, and to no other.
    let stage = Stage::with(|settings| settings.sso[0].own_callback = true);
    assert_eq!(stage.sign_in(HOST, "lena").await.status, 302);
    let (reply, client) = stage.begin(HOST).await;
    let back = stage.at_provider(&reply, "lena").await;
    let astray = back.replace("callback/company?", "callback?");
    assert_eq!(client.get(&astray).await.status, 401);
    assert_eq!(fault(&stage), AssertionFault::WrongRecipient);
}
