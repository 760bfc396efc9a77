//! Whatever is posted as a SAML response: no panic, and nobody but the one whom the seed's signature vouches for.

#![no_main]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use libfuzzer_sys::fuzz_target;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use vestibule::domain::clock::{ManualClock, Timestamp};
use vestibule::domain::random::SystemRandom;
use vestibule::domain::sso::{Answer, Begun, IdentityProvider};
use vestibule::idp::saml::SamlProvider;
use vestibule::settings::{Loaded, Sources};

/// When the seed is good: 2026-11-22T12:00:00Z.
const NOW: Timestamp = Timestamp::from_millis(1_795_348_800_000);
const CALLBACK: &str = "https://bi.example/callosum/v1/saml/SSO";

static PROVIDER: LazyLock<SamlProvider> = LazyLock::new(|| {
    let metadata = Path::new(env!("CARGO_MANIFEST_DIR")).join("saml_response.xml");
    let metadata = metadata.display().to_string();
    let values = [
        ("protocol", "saml"),
        ("metadata_file", &metadata),
        ("clock_skew", "2m"),
    ];
    let flags = values.map(|(key, value)| (format!("sso.fuzz.{key}"), value.to_owned()));
    let sources = Sources {
        flags: flags.to_vec(),
        ..Sources::default()
    };
    let loaded = Loaded::load(&sources).expect("settings");
    let settings = loaded.settings.sso.first().expect("a section");
    let clock = Arc::new(ManualClock::at(NOW));
    let random = Arc::new(SystemRandom::open().expect("no randomness"));
    SamlProvider::open(settings, clock, random).expect("the metadata beside this")
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
