//! Whatever is posted as a SAML response: no panic, and nobody but the one whom the seed's signature vouches for.

#![no_main]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use libfuzzer_sys::fuzz_target;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use vestibule::domain::clock::{ManualClock, Timestamp};
use vestibule::domain::random::SystemRandom;
use vestibule::domain::sso::{Answer, Begun, IdentityProvider};
use vestibule::idp::saml::SamlProvider;
use vestibule::settings::{SsoAccounts, SsoProtocol, SsoProvider};

/// When the seed is good: 2026-11-22T12:00:00Z.
const NOW: Timestamp = Timestamp::from_millis(1_795_348_800_000);
const CALLBACK: &str = "https://bi.example/callosum/v1/saml/SSO";

static PROVIDER: LazyLock<SamlProvider> = LazyLock::new(|| {
    let settings = SsoProvider {
        name: "fuzz".into(),
        label: String::new(),
        protocol: SsoProtocol::Saml,
        hosts: Vec::new(),
        issuer: None,
        client_id: String::new(),
        client_secret: None,
        client_key_file: None,
        client_key_id: None,
        scopes: Vec::new(),
        ca_file: None,
        metadata_file: Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("saml_response.xml")),
        entity_id: "urn:thoughtspot:callosum:saml".into(),
        key_file: None,
        cert_file: None,
        sign_requests: false,
        idp_initiated: false,
        clock_skew: Duration::from_mins(2),
        timeout: Duration::from_secs(10),
        username_attribute: None,
        display_name_attribute: None,
        email_attribute: None,
        trust_email: false,
        group_attribute: None,
        org_attribute: None,
        group_map: Vec::new(),
        org_map: Vec::new(),
        org: 0,
        create_users: false,
        accounts: SsoAccounts::Own,
        admins: false,
    };
    let clock = Arc::new(ManualClock::at(NOW));
    let random = Arc::new(SystemRandom::open().expect("no randomness"));
    SamlProvider::open(&settings, clock, random).expect("the metadata beside this")
});

fuzz_target!(|data: &[u8]| {
    let begun = Begun {
        request_id: "_0123456789abcdef".into(),
        verifier: String::new(),
        callback: CALLBACK.into(),
    };
    let answer = Answer::Saml(STANDARD.encode(data));
    let found = PROVIDER.finish(&answer, Some(&begun), CALLBACK, NOW);
    if let Ok(assertion) = futures_executor::block_on(found) {
        assert_eq!(assertion.subject, "lena");
        assert_eq!(assertion.id, "_assertion");
        assert_eq!(assertion.attributes["groups"], ["analysts", "staff"]);
    }
});
