//! The npm package `saml-idp`, the identity provider that developers try things with.

use super::php::{Process, fetched};
use super::process::Walker;
use super::support::*;
use crate::ports::free_port;
use std::sync::Arc;
use std::time::Duration;
use vestibule::domain::clock::{Clock, SystemClock, Timestamp};
use vestibule::domain::random::SystemRandom;
use vestibule::domain::sso::{Answer, AssertionFault, IdentityProvider, Wish};
use vestibule::idp::saml::SamlProvider;

#[tokio::test]
async fn saml_idp_signs_somebody_in() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    let idp = Pair::rsa(home, "idp");
    let port = free_port();
    let (program, text, log) = (
        fetched("node/node_modules/saml-idp/bin/run.js"),
        port.to_string(),
        home.join("log"),
    );
    let line = [
        "node",
        program.to_str().unwrap(),
        "--host",
        "127.0.0.1",
        "--port",
        &text,
        "--cert",
        idp.cert.to_str().unwrap(),
        "--key",
        idp.key.to_str().unwrap(),
        "--acsUrl",
        CALLBACK,
        "--audience",
        SP,
    ];
    let _process = Process::start(&line, &[], port, &log);
    let walker = Walker::new();
    let metadata = walker
        .text(&format!("http://127.0.0.1:{port}/metadata"))
        .await;
    std::fs::write(home.join("idp.xml"), metadata).unwrap();
    let clock = Arc::new(SystemClock::start());
    let random = Arc::new(SystemRandom::open().unwrap());
    let provider = SamlProvider::open(&settings(home), Arc::clone(&clock) as _, random).unwrap();
    assert_eq!(provider.issuer(), "urn:example:idp");

    let wish = Wish {
        handle: "handle-1".into(),
        callback: CALLBACK.into(),
        is_forced: false,
    };
    let departure = provider.begin(&wish).await.unwrap();
    let form = walker.walk(&departure.url, None).await.form();
    assert_eq!(form.field("RelayState"), Some("handle-1"));
    let answer = Answer::Saml(form.field("SAMLResponse").unwrap().to_owned());
    let now = clock.now();
    let judge = |at: Timestamp| provider.finish(&answer, Some(&departure.begun), CALLBACK, at);
    let found = judge(now).await.unwrap();
    assert_eq!(found.subject, "saml.jackson@example.com");
    assert!(
        found.attributes.contains_key("email"),
        "{:?}",
        found.attributes
    );
    let early = Timestamp::from_millis(now.millis() - 115_000);
    assert_eq!(judge(early).await.unwrap(), found);
    let early = Timestamp::from_millis(now.millis() - 5 * 60_000);
    assert_eq!(fault(judge(early).await), AssertionFault::TooEarly);
    let late = now.plus(Duration::from_hours(2));
    assert_eq!(fault(judge(late).await), AssertionFault::Expired);
}
