//! Debian's `SimpleSAMLphp`, a second opinion on all of SAML: sign-in and sign-out both ways, encrypted and signed.

use super::php::{Known, SimpleSaml};
use super::process::{Landed, Walker};
use super::support::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::sync::Arc;
use std::time::Duration;
use vestibule::domain::clock::{Clock, SystemClock, Timestamp};
use vestibule::domain::random::SystemRandom;
use vestibule::domain::sso::{
    Answer, Assertion, AssertionFault, Departure, IdentityProvider, LogoutNotice, LogoutWord,
    ProviderError, ProviderLink, Wish,
};
use vestibule::idp::saml::SamlProvider;

const LENA: (&str, &str) = ("lena", "p1anted-lena-word");

/// The provider, and our side over the metadata it serves.
struct Php {
    there: SimpleSaml,
    known: Known,
    clock: Arc<SystemClock>,
    provider: SamlProvider,
}

impl Php {
    fn start() -> Self {
        Self::start_with(false, true)
    }

    fn start_with(is_encrypted: bool, is_response_signed: bool) -> Self {
        let mut there = SimpleSaml::at_rest();
        let known = Known {
            entity: SP.into(),
            callbacks: vec![CALLBACK.into()],
            logout: LOGOUT.into(),
            is_encrypted,
            is_response_signed,
        };
        there.serve(&known);
        let mut settings = settings(&there.path(""));
        settings.key_file = Some(there.path("own.key"));
        settings.cert_file = Some(there.path("own.crt"));
        settings.sign_requests = true;
        let clock = Arc::new(SystemClock::start());
        let random = Arc::new(SystemRandom::open().unwrap());
        let provider = SamlProvider::open(&settings, Arc::clone(&clock) as _, random).unwrap();
        Self {
            there,
            known,
            clock,
            provider,
        }
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn begin(&self, is_forced: bool) -> Departure {
        let wish = Wish {
            handle: "handle-1".into(),
            callback: CALLBACK.into(),
            is_forced,
        };
        self.provider.begin(&wish).await.unwrap()
    }

    /// Signs in; answers what was posted and what has to be known to judge it.
    async fn arrive(&self, walker: &Walker) -> (String, Departure) {
        let departure = self.begin(false).await;
        let form = walker.walk(&departure.url, Some(LENA)).await.form();
        assert_eq!(form.action, CALLBACK);
        assert_eq!(form.field("RelayState"), Some("handle-1"));
        (form.field("SAMLResponse").unwrap().to_owned(), departure)
    }

    async fn judge(
        &self,
        posted: &str,
        departure: &Departure,
        now: Timestamp,
    ) -> Result<Assertion, ProviderError> {
        let answer = Answer::Saml(posted.to_owned());
        self.provider
            .finish(&answer, Some(&departure.begun), CALLBACK, now)
            .await
    }

    async fn sign_in(&self, walker: &Walker) -> Assertion {
        let (posted, departure) = self.arrive(walker).await;
        self.judge(&posted, &departure, self.now()).await.unwrap()
    }
}

fn is_lena(found: &Assertion) {
    assert_eq!(found.subject, "lena");
    assert_eq!(found.attributes["mail"], ["lena@example.org"]);
    assert_eq!(
        found.attributes["displayName"],
        ["Lena Öztürk & Söhne <BI>"]
    );
    assert_eq!(found.attributes["groups"], ["analysts", "staff"]);
    assert!(found.session_index.is_some());
}

#[tokio::test]
async fn simplesamlphp_signs_somebody_in() {
    let php = Php::start();
    assert_eq!(
        php.provider.issuer(),
        format!("{}/saml2/idp/metadata.php", php.there.base())
    );
    let walker = Walker::new();
    let first = php.sign_in(&walker).await;
    is_lena(&first);
    // Remembered there, so nobody is asked; another assertion all the same.
    let second = php.sign_in(&walker).await;
    is_lena(&second);
    assert_ne!(first.id, second.id);

    // Clocks two minutes apart either way, and too far apart.
    let (posted, departure) = php.arrive(&walker).await;
    let now = php.now();
    let early = Timestamp::from_millis(now.millis() - 115_000);
    is_lena(&php.judge(&posted, &departure, early).await.unwrap());
    let late = now.plus(Duration::from_secs(115));
    is_lena(&php.judge(&posted, &departure, late).await.unwrap());
    let far = php
        .judge(&posted, &departure, now.plus(Duration::from_mins(8)))
        .await;
    assert_eq!(fault(far), AssertionFault::Expired);
    let far = Timestamp::from_millis(now.millis() - 10 * 60_000);
    let far = php.judge(&posted, &departure, far).await;
    assert_eq!(fault(far), AssertionFault::TooEarly);
    // And to another request than this one.
    let other = php.begin(false).await;
    let found = php.judge(&posted, &other, now).await;
    assert_eq!(fault(found), AssertionFault::UnknownRequest);
}

#[tokio::test]
async fn simplesamlphp_asks_again_when_it_is_told_to() {
    let php = Php::start();
    let walker = Walker::new();
    is_lena(&php.sign_in(&walker).await);
    let departure = php.begin(true).await;
    // Without a person to ask the walk would panic at the login page: here one is, and is asked.
    let form = walker.walk(&departure.url, Some(LENA)).await.form();
    let posted = form.field("SAMLResponse").unwrap();
    is_lena(&php.judge(posted, &departure, php.now()).await.unwrap());
}

/// Its version 1.19 seals by AES-CBC and nothing else. What `xmlsec1` seals is in `encrypted.rs` and `encrypted_cbc.rs`.
#[tokio::test]
async fn simplesamlphp_encrypts_in_a_response_that_it_signs() {
    let php = Php::start_with(true, true);
    let walker = Walker::new();
    let (posted, departure) = php.arrive(&walker).await;
    let sent = String::from_utf8(STANDARD.decode(&posted).unwrap()).unwrap();
    assert!(sent.contains("xmlenc#aes128-cbc"), "{sent}");
    assert!(!sent.contains("lena"), "{sent}");
    let found = php.judge(&posted, &departure, php.now()).await.unwrap();
    is_lena(&found);
    assert_ne!(php.sign_in(&walker).await.id, found.id);
}

#[tokio::test]
async fn simplesamlphp_is_told_to_sign_the_response_around_what_it_encrypts() {
    let php = Php::start_with(true, false);
    let (posted, departure) = php.arrive(&Walker::new()).await;
    match php.judge(&posted, &departure, php.now()).await {
        Err(ProviderError::Refused { fault, detail }) => {
            assert_eq!(fault, AssertionFault::WeakAlgorithm);
            assert!(
                detail.contains("aes128-cbc") && detail.contains("sign the response as well"),
                "{detail}"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn simplesamlphp_takes_our_sign_out_and_confirms_it() {
    let php = Php::start();
    let walker = Walker::new();
    let found = php.sign_in(&walker).await;
    let link = ProviderLink {
        provider: "corp".into(),
        subject: found.subject,
        form: found.form,
        session_index: found.session_index,
        is_proven: false,
    };
    let url = php
        .provider
        .begin_logout(&link, "out-1", LOGOUT)
        .await
        .unwrap()
        .unwrap();
    let back = walker.walk(&url, None).await.redirect();
    assert!(back.starts_with(LOGOUT), "{back}");
    let (_, query) = back.split_once('?').unwrap();
    let notice = LogoutNotice::SamlRedirect(query.to_owned());
    let word = php
        .provider
        .read_logout(&notice, LOGOUT, php.now())
        .await
        .unwrap();
    match word {
        LogoutWord::Answer { handle } => assert_eq!(handle.as_deref(), Some("out-1")),
        other @ LogoutWord::Request(_) => panic!("{other:?}"),
    }
    // It has forgotten the person: the next sign-in asks.
    let departure = php.begin(false).await;
    let form = walker.walk(&departure.url, Some(LENA)).await.form();
    assert!(form.field("SAMLResponse").is_some());
}

#[tokio::test]
async fn simplesamlphp_tells_us_of_a_sign_out_and_hears_that_it_is_done() {
    let php = Php::start();
    let walker = Walker::new();
    let found = php.sign_in(&walker).await;
    let url = format!(
        "{}/saml2/idp/initSLO.php?RelayState={}/module.php/core/welcome.php",
        php.there.base(),
        php.there.base()
    );
    let there = match walker.walk(&url, None).await {
        Landed::Redirect(url) => url,
        Landed::Form(form) => panic!("{form:?}"),
    };
    assert!(there.starts_with(LOGOUT), "{there}");
    let (_, query) = there.split_once('?').unwrap();
    let notice = LogoutNotice::SamlRedirect(query.to_owned());
    let word = php
        .provider
        .read_logout(&notice, LOGOUT, php.now())
        .await
        .unwrap();
    let LogoutWord::Request(out) = word else {
        panic!("{word:?}");
    };
    assert_eq!(out.subject.as_deref(), Some("lena"));
    assert_eq!(out.session_index, found.session_index);
    // Somebody else's copy of it, cut.
    let bent = LogoutNotice::SamlRedirect(query.replace("&SigAlg=", "&sigalg="));
    let refused = php.provider.read_logout(&bent, LOGOUT, php.now()).await;
    assert_eq!(fault(refused), AssertionFault::Unsigned);
    // Our confirmation, signed, is to its liking: it goes on to where it was told to.
    let reply = out.reply_url.unwrap();
    assert!(reply.starts_with(&php.there.base()), "{reply}");
    let page = walker.follow(&reply).await;
    assert!(page.contains("/module.php/core/welcome.php"), "{page}");
}

#[tokio::test]
async fn simplesamlphp_may_restart_and_change_its_key() {
    let mut php = Php::start();
    let before = php.begin(false).await;
    php.there.serve(&php.known.clone());
    // A sign-in begun before is finished after.
    let form = Walker::new().walk(&before.url, Some(LENA)).await.form();
    let posted = form.field("SAMLResponse").unwrap();
    is_lena(&php.judge(posted, &before, php.now()).await.unwrap());

    // Another key, which our file does not have yet, and then has.
    php.there.change_key();
    let (posted, departure) = php.arrive(&Walker::new()).await;
    let refused = php.judge(&posted, &departure, php.now()).await;
    assert_eq!(fault(refused), AssertionFault::BadSignature);
    php.there.write_metadata();
    let later = php.now().plus(Duration::from_secs(2));
    is_lena(&php.judge(&posted, &departure, later).await.unwrap());
}
