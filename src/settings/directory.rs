//! The settings of the directory: in the data folder, or in a database that nodes share.

use crate::settings::reader::Reader;
use crate::settings::{Directory, DirectoryStoreSetting};
use secrecy::SecretString;
use url::Url;

const EXPECTED: &str =
    "embedded, or postgres://user:password@host[:port]/database[?sslmode=verify-full]";
const EXPECTED_COPY: &str =
    "postgres://user:password@host[:port]/database[?sslmode=verify-full], or nothing";
const SSL_MODES: [&str; 6] = [
    "disable",
    "allow",
    "prefer",
    "require",
    "verify-ca",
    "verify-full",
];

enum Store {
    Embedded,
    Postgres { url: SecretString, verifies: bool },
}

pub(in crate::settings) fn directory(reader: &mut Reader) -> Directory {
    let store = reader.parsed("directory.store", EXPECTED, parse);
    let copy_to = reader.optional("directory.copy_to", EXPECTED_COPY, |text| {
        parse(text).filter(|store| matches!(store, Store::Postgres { .. }))
    });
    let tls_ca_file = reader.file("directory.tls_ca_file");
    for (key, database) in [("directory.store", &store), ("directory.copy_to", &copy_to)] {
        // Whoever names certificates expects them to be looked at; silence would let passwords travel in the clear.
        if tls_ca_file.is_some()
            && let Some(Store::Postgres {
                verifies: false, ..
            }) = database
        {
            reader.refuse_together(
                &["directory.tls_ca_file", key],
                "with this sslmode no certificate is looked at: expected verify-full or verify-ca, or no tls_ca_file",
            );
        }
    }
    if copy_to.is_some() && matches!(store, Some(Store::Postgres { .. })) {
        reader.refuse_together(
            &["directory.copy_to", "directory.store"],
            "only an embedded directory is copied; once it has moved, take copy_to away",
        );
    }
    Directory {
        store: match store {
            Some(Store::Postgres { url, .. }) => DirectoryStoreSetting::Postgres(url),
            Some(Store::Embedded) | None => DirectoryStoreSetting::Embedded,
        },
        copy_to: copy_to.and_then(|store| match store {
            Store::Postgres { url, .. } => Some(url),
            Store::Embedded => None,
        }),
        tls_ca_file,
    }
}

fn parse(text: &str) -> Option<Store> {
    if text == "embedded" {
        return Some(Store::Embedded);
    }
    let url = Url::parse(text).ok()?;
    if !matches!(url.scheme(), "postgres" | "postgresql") {
        return None;
    }
    let parameter = |name: &str| {
        let mut pairs = url.query_pairs();
        pairs.find(|(key, _)| key == name).map(|(_, value)| value)
    };
    let has_host = url.host_str().is_some_and(|host| !host.is_empty());
    let has_database =
        url.path().trim_start_matches('/').split('/').count() == 1 && url.path().len() > 1;
    let mode = parameter("sslmode").or_else(|| parameter("ssl-mode"));
    let is_good = (has_host || parameter("host").is_some())
        && has_database
        && mode
            .as_ref()
            .is_none_or(|mode| SSL_MODES.contains(&&**mode));
    is_good.then(|| Store::Postgres {
        url: text.into(),
        // Without a word on it, naming certificates is that word.
        verifies: mode.is_none_or(|mode| mode.starts_with("verify-")),
    })
}
