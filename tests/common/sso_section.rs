//! A section `[sso.NAME]` as the settings read it, so that a new setting needs no word in tests that do not use it.

use vestibule::settings::{Loaded, Sources, SsoProvider};

/// The section with these values, the rest as it comes.
pub fn section(name: &str, values: &[(&str, &str)]) -> SsoProvider {
    let flags = values
        .iter()
        .map(|(key, value)| (format!("sso.{name}.{key}"), (*value).to_owned()));
    let sources = Sources {
        flags: flags.collect(),
        ..Sources::default()
    };
    let loaded = Loaded::load(&sources).unwrap();
    loaded.settings.sso.into_iter().next().unwrap()
}
