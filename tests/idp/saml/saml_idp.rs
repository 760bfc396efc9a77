//! The npm package `saml-idp`, the identity provider that developers try things with.

use super::php::{Process, fetched};
use super::process::Walker;
use super::support::*;
use crate::ports::free_port;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use vestibule::domain::clock::{Clock, SystemClock, Timestamp};
use vestibule::domain::random::SystemRandom;
use vestibule::domain::sso::{Answer, AssertionFault, Departure, IdentityProvider, Wish};
use vestibule::idp::saml::SamlProvider;

/// The provider in its process, and our side over the metadata it serves.
struct Idp {
    clock: Arc<SystemClock>,
    provider: SamlProvider,
    _process: Process,
}

impl Idp {
    async fn start(home: &Path, own: Pair, more: &[&str]) -> Self {
        let idp = Pair::rsa(home, "idp");
        let port = free_port();
        let (program, text, log) = (
            fetched("node/node_modules/saml-idp/bin/run.js"),
            port.to_string(),
            home.join("log"),
        );
        let mut line = vec![
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
        line.extend(more);
        let process = Process::start(&line, &[], port, &log);
        let url = format!("http://127.0.0.1:{port}/metadata");
        let metadata = Walker::new().text(&url).await;
        let mut settings = settings(home);
        settings.key_file = Some(own.key);
        settings.cert_file = Some(own.cert);
        std::fs::write(home.join("idp.xml"), metadata).unwrap();
        let clock = Arc::new(SystemClock::start());
        let random = Arc::new(SystemRandom::open().unwrap());
        let provider = SamlProvider::open(&settings, Arc::clone(&clock) as _, random).unwrap();
        Self {
            clock,
            provider,
            _process: process,
        }
    }

    /// Signs in; answers what was posted and what has to be known to judge it.
    async fn arrive(&self) -> (String, Departure) {
        let wish = Wish {
            handle: "handle-1".into(),
            callback: CALLBACK.into(),
            is_forced: false,
        };
        let departure = self.provider.begin(&wish).await.unwrap();
        let form = Walker::new().walk(&departure.url, None).await.form();
        assert_eq!(form.field("RelayState"), Some("handle-1"));
        (form.field("SAMLResponse").unwrap().to_owned(), departure)
    }
}

#[tokio::test]
async fn saml_idp_signs_somebody_in() {
    let folder = tempfile::tempdir().unwrap();
    let own = Pair::rsa(folder.path(), "own");
    let idp = Idp::start(folder.path(), own, &[]).await;
    let provider = &idp.provider;
    assert_eq!(provider.issuer(), "urn:example:idp");
    let (posted, departure) = idp.arrive().await;
    let answer = Answer::Saml(posted);
    let now = idp.clock.now();
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

/// By AES-256-CBC, as most providers do.
#[tokio::test]
async fn saml_idp_encrypts_in_a_response_that_it_signs() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    let own = Pair::rsa(home, "own");
    let (cert, public) = (own.cert.clone(), home.join("own.pub"));
    let (cert, public) = (cert.to_str().unwrap(), public.to_str().unwrap());
    let key = run("openssl", &["x509", "-pubkey", "-noout", "-in", cert]);
    std::fs::write(public, key).unwrap();
    let sealing = [
        "--encryptAssertion",
        "--encryptionCert",
        cert,
        "--encryptionPublicKey",
        public,
    ];
    let idp = Idp::start(home, own, &sealing).await;
    let (posted, departure) = idp.arrive().await;
    let sent = String::from_utf8(STANDARD.decode(&posted).unwrap()).unwrap();
    assert!(sent.contains("xmlenc#aes256-cbc"), "{sent}");
    let answer = Answer::Saml(posted);
    let found = idp
        .provider
        .finish(&answer, Some(&departure.begun), CALLBACK, idp.clock.now())
        .await
        .unwrap();
    assert_eq!(found.subject, "saml.jackson@example.com");
}
