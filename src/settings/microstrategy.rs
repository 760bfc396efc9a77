//! The settings of the `MicroStrategy` dialect: its path, its two timeouts, the ways in that are switched on.

use crate::settings::reader::Reader;
use crate::settings::sections::Sessions;
use std::fmt;
use std::time::Duration;

/// The longest HTTP session timeout: a year of minutes.
const MOST_MINUTES: usize = 365 * 24 * 60;
/// The longest I-Server session timeout; the vendor's range ends there too.
const MOST_SECONDS: usize = 999_999;
/// First segments that other parts of the server have.
const TAKEN: [&str; 13] = [
    "callosum",
    "console",
    "embed",
    "favicon.ico",
    "health",
    "prism",
    "robots.txt",
    "sessions",
    "sign-in",
    "sign-out",
    "static",
    "tspublic",
    "v2",
];

/// `[microstrategy]`
#[derive(Clone, Debug)]
pub struct MicroStrategy {
    /// Whether the dialect is spoken at all.
    pub enabled: bool,
    /// The context path, without a slash at its end.
    pub base_path: String,
    /// The HTTP session timeout.
    pub http_session_timeout: Duration,
    /// The I-Server session timeout: always the shorter one.
    pub iserver_session_timeout: Duration,
    /// The login modes that are switched on.
    pub login_modes: Vec<LoginMode>,
    /// The user that guests are.
    pub guest_user: Option<String>,
    /// The header that names the user behind a trusted proxy, in lower case.
    pub trusted_header: Option<String>,
    /// The version that clients are told.
    pub iserver_version: String,
    /// How long an API token lives at most.
    pub api_token_lifetime: Duration,
}

/// A login mode that can be switched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginMode {
    /// User name and password.
    Standard,
    /// Nobody in particular.
    Guest,
    /// A password that the LDAP directory judges, where there is one.
    Ldap,
    /// A trusted proxy's word.
    TrustedHeader,
    /// An API token.
    ApiToken,
    /// In a browser, at a SAML identity provider, where there is one.
    Saml,
    /// In a browser, at an `OpenID Connect` provider, where there is one.
    Oidc,
}

impl LoginMode {
    const ALL: [Self; 7] = [
        Self::Standard,
        Self::Guest,
        Self::Ldap,
        Self::TrustedHeader,
        Self::ApiToken,
        Self::Saml,
        Self::Oidc,
    ];

    /// Its number on the wire.
    pub const fn number(self) -> i64 {
        match self {
            Self::Standard => 1,
            Self::Guest => 8,
            Self::Ldap => 16,
            Self::TrustedHeader => 64,
            Self::ApiToken => 4096,
            Self::Saml => 1_048_576,
            Self::Oidc => 4_194_304,
        }
    }
}

impl fmt::Display for LoginMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number().fmt(f)
    }
}

pub(in crate::settings) fn microstrategy(reader: &mut Reader) -> MicroStrategy {
    let problems = reader.problem_count();
    let minutes = reader.number("microstrategy.http_session_timeout", 1..=MOST_MINUTES);
    let seconds = reader.number("microstrategy.iserver_session_timeout", 1..=MOST_SECONDS);
    if minutes * 60 <= seconds && reader.problem_count() == problems {
        let whole = minutes * 60;
        reader.refuse_together(
            &[
                "microstrategy.http_session_timeout",
                "microstrategy.iserver_session_timeout",
            ],
            &format!(
                "expected the HTTP session timeout of {minutes} minutes ({whole} seconds) to be greater \
                 than the I-Server session timeout of {seconds} seconds"
            ),
        );
    }
    let login_modes = reader.numbers(
        "microstrategy.login_modes",
        "1, 8, 16, 64, 4096, 1048576 or 4194304",
        |text| {
            LoginMode::ALL
                .into_iter()
                .find(|mode| mode.to_string() == text)
        },
    );
    let guest_user = reader.text_or_none("microstrategy.guest_user");
    let trusted_header = reader.header("microstrategy.trusted_header");
    for (mode, key, is_missing) in [
        (
            LoginMode::Guest,
            "microstrategy.guest_user",
            guest_user.is_none(),
        ),
        (
            LoginMode::TrustedHeader,
            "microstrategy.trusted_header",
            trusted_header.is_none(),
        ),
    ] {
        if login_modes.contains(&mode) && is_missing {
            reader.refuse_together(
                &["microstrategy.login_modes", key],
                &format!("login mode {mode} needs {key}"),
            );
        }
    }
    MicroStrategy {
        enabled: reader.flag("microstrategy.enabled"),
        base_path: reader
            .parsed(
                "microstrategy.base_path",
                "a path such as /MicroStrategyLibrary that no other part of the server has, with no segment \
                 that begins with api",
                |text| is_base_path(text).then(|| text.to_owned()),
            )
            .unwrap_or_default(),
        http_session_timeout: Duration::from_secs(minutes as u64 * 60),
        iserver_session_timeout: Duration::from_secs(seconds as u64),
        login_modes,
        guest_user,
        trusted_header,
        iserver_version: reader
            .parsed(
                "microstrategy.iserver_version",
                "four numbers with dots, such as 11.5.0900.0000",
                |text| is_version(text).then(|| text.to_owned()),
            )
            .unwrap_or_default(),
        api_token_lifetime: reader
            .lifetime("microstrategy.api_token_lifetime")
            .unwrap_or_default(),
    }
}

impl MicroStrategy {
    /// Reports what is wrong with these settings only beside those of sessions: whoever is told a timeout must not be
    /// signed out before it.
    pub(in crate::settings) fn judge_beside(&self, sessions: &Sessions, reader: &mut Reader) {
        let (idle, absolute) = (self.iserver_session_timeout, sessions.absolute_timeout);
        if self.enabled && idle >= absolute && reader.problem_count() == 0 {
            reader.refuse_together(
                &[
                    "sessions.absolute_timeout",
                    "microstrategy.iserver_session_timeout",
                ],
                &format!(
                    "expected the absolute timeout of {} seconds to be greater than the I-Server session timeout of {} \
                     seconds",
                    absolute.as_secs(),
                    idle.as_secs()
                ),
            );
        }
    }
}

/// Clients cut an address at its first `/api`, so none may come before ours.
fn is_base_path(text: &str) -> bool {
    let Some(path) = text.strip_prefix('/') else {
        return false;
    };
    let is_segment = |segment: &str| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
        !segment.is_empty()
            && !segment.bytes().all(|byte| byte == b'.')
            && segment.bytes().all(is_plain)
            && !segment.starts_with("api")
    };
    path.len() <= 200
        && path.split('/').all(is_segment)
        && !TAKEN.contains(&path.split('/').next().unwrap_or_default())
}

/// Clients cut it at nine characters and compare what is left as three numbers.
fn is_version(text: &str) -> bool {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.len() <= 20 && text.split('.').count() == 4 && text.split('.').all(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Loaded, Sources};

    fn load(flags: &[(&str, &str)]) -> Result<MicroStrategy, String> {
        let flag =
            |(key, value): &(&str, &str)| (format!("microstrategy.{key}"), (*value).to_owned());
        let sources = Sources {
            flags: flags.iter().map(flag).collect(),
            ..Sources::default()
        };
        Loaded::load(&sources)
            .map(|loaded| loaded.settings.microstrategy)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_http_session_must_outlive_the_iserver_session_and_equal_is_not_enough() {
        let timeouts = |http, iserver| {
            load(&[
                ("http_session_timeout", http),
                ("iserver_session_timeout", iserver),
            ])
        };
        assert!(timeouts("10", "599").is_ok());
        for (http, iserver) in [("10", "600"), ("10", "601"), ("1", "999999")] {
            let problem = timeouts(http, iserver).unwrap_err();
            assert!(problem.contains(&format!("{http} minutes")), "{problem}");
            assert!(problem.contains(&format!("{iserver} seconds")), "{problem}");
        }
        // "No limit" on the one side can never be outlived by the other.
        for (http, iserver) in [("30", "-1"), ("30", "0"), ("0", "600"), ("30m", "600")] {
            assert!(timeouts(http, iserver).is_err(), "{http} {iserver}");
        }
    }

    #[test]
    fn the_absolute_timeout_is_greater_than_the_iserver_timeout() {
        let with = |absolute: &str| {
            let flag = |key: &str, value: &str| (key.to_owned(), value.to_owned());
            let sources = Sources {
                flags: vec![
                    flag("sessions.idle_timeout", "5m"),
                    flag("sessions.absolute_timeout", absolute),
                ],
                ..Sources::default()
            };
            Loaded::load(&sources).map_err(|error| error.to_string())
        };
        assert!(with("601s").is_ok());
        for absolute in ["600s", "5m"] {
            let problem = with(absolute).map(drop).unwrap_err();
            assert!(problem.contains("of 600 seconds"), "{problem}");
            assert!(problem.contains("sessions.absolute_timeout"), "{problem}");
        }
    }

    #[test]
    fn a_mode_that_needs_a_user_or_a_header_has_it() {
        assert!(
            load(&[("login_modes", "1,8")])
                .unwrap_err()
                .contains("guest_user")
        );
        assert!(
            load(&[("login_modes", "64")])
                .unwrap_err()
                .contains("trusted_header")
        );
        assert!(load(&[("login_modes", "2")]).unwrap_err().contains("1, 8"));
        let both = [
            ("login_modes", "8, 64"),
            ("guest_user", "guest"),
            ("trusted_header", "X-User"),
        ];
        let settings = load(&both).unwrap();
        assert_eq!(settings.trusted_header.unwrap(), "x-user");
        assert_eq!(
            settings.login_modes,
            [LoginMode::Guest, LoginMode::TrustedHeader]
        );
        // What carries credentials already can name nobody.
        for bad in ["Cookie", "Authorization", "X-MSTR-AuthToken", "a b", "x:y"] {
            assert!(load(&[("trusted_header", bad)]).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_path_that_clients_would_cut_or_others_have_is_refused() {
        for good in ["/MicroStrategyLibrary", "/lib", "/a/b.c", "/112U2Library"] {
            assert!(load(&[("base_path", good)]).is_ok(), "{good}");
        }
        for bad in [
            "",
            "/",
            "lib",
            "/lib/",
            "/api",
            "/lib/apis",
            "/callosum",
            "/console",
            "/console/x",
            "/favicon.ico",
            "/robots.txt",
            "/a/../b",
            "/a b",
            "/{x}",
        ] {
            assert!(load(&[("base_path", bad)]).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_version_has_four_numbers() {
        assert!(load(&[("iserver_version", "11.6.1000.0001")]).is_ok());
        for bad in ["", "11.5", "11.5.x.1", "11.5.0900.1.2"] {
            assert!(load(&[("iserver_version", bad)]).is_err(), "{bad}");
        }
    }
}
