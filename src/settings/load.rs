//! Loading: flags over the environment over a file over `default.toml`, every problem reported at once.

use crate::settings::directory::directory;
use crate::settings::layers::Layers;
use crate::settings::ldap::ldap;
use crate::settings::log_filter::log_filter;
use crate::settings::microstrategy::microstrategy;
use crate::settings::origins::{EXPECTED_ORIGIN, EXPECTED_REDIRECT};
use crate::settings::pages::pages;
use crate::settings::reader::{DURATION, Reader, parse_duration};
use crate::settings::sessions::sessions;
use crate::settings::sso::sso;
use crate::settings::{
    Audit, Bootstrap, Cookies, Embed, Log, LogFormat, Metrics, Passwords, Redirects, SameSite,
    Server, Settings, Telemetry, TokenLifetimeSetting, TokenReuseSetting, Tokens, TrustedAuth,
    normalise_origin, normalise_redirect,
};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The reference: every key with its meaning and default.
const DEFAULTS: &str = include_str!("default.toml");
const PROVIDER: &str = include_str!("provider.toml");
/// The shortest password an administrator may start with, in bytes; the domain's rule for all passwords.
const MIN_PASSWORD_BYTES: usize = 8;
/// The longest, in bytes.
const MAX_PASSWORD_BYTES: usize = 1024;
/// The longest pause before a stopping server gives up on open requests.
const LONGEST_SHUTDOWN: Duration = Duration::from_hours(1);
/// The least and the most that `server.body_timeout` and `server.reply_timeout` may be.
const SHORTEST_PATIENCE: Duration = Duration::from_secs(1);
const LONGEST_PATIENCE: Duration = Duration::from_hours(1);
/// The most threads that the framework starts.
const MOST_WORKERS: usize = 512;

/// Where settings come from besides `default.toml`.
#[derive(Clone, Default)]
pub struct Sources {
    /// The file of `--config`.
    pub config_file: Option<PathBuf>,
    /// The environment, all of it.
    pub environment: Vec<(String, String)>,
    /// Flags: a dotted key and its text.
    pub flags: Vec<(String, String)>,
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The environment and flags hold passwords.
        f.debug_struct("Sources")
            .field("config_file", &self.config_file)
            .finish_non_exhaustive()
    }
}

/// What is wrong with the settings: one sentence per problem, secrets left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsError {
    problems: Vec<String>,
}

impl SettingsError {
    /// One sentence each.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problems.join("\n"))
    }
}

impl std::error::Error for SettingsError {}

/// One setting as `config show` prints it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Shown {
    /// The dotted key.
    pub key: String,
    /// The value in force as text; secrets masked, lists separated by commas, empty for none.
    pub value: String,
    /// Where it came from: `default`, `file …`, `environment …` or `flag …`.
    pub origin: String,
}

/// Settings in force, and where each came from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    shown: Vec<Shown>,
    sources: Sources,
}

impl Loaded {
    /// Reads all sources; says everything that is wrong with them, not only the first thing.
    pub fn load(sources: &Sources) -> Result<Self, SettingsError> {
        let mut layers = Layers::of_defaults(DEFAULTS).with_named(PROVIDER);
        if let Some(path) = &sources.config_file {
            match std::fs::read_to_string(path) {
                Ok(text) => layers.add_file(path, &text),
                Err(error) => layers
                    .problems
                    .push(format!("file {} cannot be read: {error}", path.display())),
            }
        }
        layers.add_environment(&sources.environment);
        layers.add_flags(&sources.flags);

        let mut reader = Reader::new(layers);
        let settings = read(&mut reader);
        settings
            .microstrategy
            .judge_beside(&settings.sessions, &mut reader);
        let (problems, shown) = reader.finish();
        if !problems.is_empty() {
            return Err(SettingsError { problems });
        }
        let shown = shown
            .into_iter()
            .map(|(key, value, origin)| Shown {
                key,
                value,
                origin: origin.to_string(),
            })
            .collect();
        Ok(Self {
            settings,
            shown,
            sources: sources.clone(),
        })
    }

    /// The same sources read once more: what a restart would find.
    pub fn again(&self) -> Result<Self, SettingsError> {
        Self::load(&self.sources)
    }

    /// The file of `--config`.
    pub fn file(&self) -> Option<&Path> {
        self.sources.config_file.as_deref()
    }

    /// Every setting with its value (secrets masked) and origin, ordered by key.
    pub fn show(&self) -> Vec<Shown> {
        self.shown.clone()
    }
}

impl Settings {
    /// The settings of `default.toml`.
    pub fn defaults() -> Self {
        read(&mut Reader::new(Layers::of_defaults(DEFAULTS)))
    }
}

fn read(reader: &mut Reader) -> Settings {
    Settings {
        server: server(reader),
        data_dir: data_dir(reader),
        directory: directory(reader),
        sessions: sessions(reader),
        trusted_auth: TrustedAuth {
            enabled: reader.flag("trusted_auth.enabled"),
        },
        tokens: tokens(reader),
        embed: Embed {
            origins: reader.list("embed.origins", EXPECTED_ORIGIN, normalise_origin),
        },
        redirects: Redirects {
            allow: reader.list("redirects.allow", EXPECTED_REDIRECT, normalise_redirect),
        },
        cookies: Cookies {
            same_site: reader.word(
                "cookies.same_site",
                "auto, lax or strict",
                &[
                    ("auto", SameSite::Auto),
                    ("lax", SameSite::Lax),
                    ("strict", SameSite::Strict),
                ],
                SameSite::Auto,
            ),
            partitioned: reader.flag("cookies.partitioned"),
        },
        microstrategy: microstrategy(reader),
        passwords: passwords(reader),
        ldap: ldap(reader),
        sso: sso(reader),
        bootstrap: bootstrap(reader),
        log: log(reader),
        metrics: Metrics {
            listen: reader.listener("metrics.listen"),
        },
        telemetry: Telemetry {
            otlp_endpoint: reader.endpoint("telemetry.otlp_endpoint"),
            sample_percent: reader.number("telemetry.sample_percent", 1..=100),
        },
        audit: Audit {
            file: reader.path("audit.file"),
        },
        pages: pages(reader),
    }
}

fn data_dir(reader: &mut Reader) -> PathBuf {
    reader
        .parsed("data_dir", "a folder", |text| {
            (!text.is_empty()).then(|| PathBuf::from(text))
        })
        .unwrap_or_default()
}

fn server(reader: &mut Reader) -> Server {
    let problems_before = reader.problem_count();
    let http = reader.listener("server.http");
    let https = reader.listener("server.https");
    if http.is_none() && https.is_none() && reader.problem_count() == problems_before {
        reader.refuse_together(
            &["server.http", "server.https"],
            "both are off: expected at least one to listen",
        );
    }
    if http.is_some_and(|http| http.port() != 0 && Some(http) == https) {
        reader.refuse_together(
            &["server.http", "server.https"],
            "expected two different addresses",
        );
    }
    let problems_before = reader.problem_count();
    let tls_cert_file = reader.file("server.tls_cert_file");
    let tls_key_file = reader.file("server.tls_key_file");
    if tls_cert_file.is_some() != tls_key_file.is_some()
        && reader.problem_count() == problems_before
    {
        reader.refuse_together(
            &["server.tls_cert_file", "server.tls_key_file"],
            "a certificate needs its key and a key its certificate: expected both or neither",
        );
    }
    let shutdown_timeout = reader
        .duration("server.shutdown_timeout")
        .unwrap_or_default();
    if shutdown_timeout > LONGEST_SHUTDOWN {
        reader.refuse("server.shutdown_timeout", "0s to 1h");
    }
    let [body_timeout, reply_timeout] =
        ["server.body_timeout", "server.reply_timeout"].map(|name| patience(reader, name));
    Server {
        http,
        https,
        public_url: reader.site("server.public_url"),
        trusted_proxies: reader.networks("server.trusted_proxies"),
        tls_cert_file,
        tls_key_file,
        shutdown_timeout,
        max_body_bytes: reader.number("server.max_body_bytes", 1024..=100 * 1024 * 1024),
        body_timeout,
        reply_timeout,
        sign_ins_per_minute: reader.number("server.sign_ins_per_minute", 0..=10_000),
        workers: reader.number("server.workers", 0..=MOST_WORKERS),
    }
}

/// How long a client is waited for.
fn patience(reader: &mut Reader, name: &str) -> Duration {
    let patience = reader.duration(name).unwrap_or(LONGEST_PATIENCE);
    if !(SHORTEST_PATIENCE..=LONGEST_PATIENCE).contains(&patience) {
        reader.refuse(name, "1s to 1h");
    }
    patience
}

fn tokens(reader: &mut Reader) -> Tokens {
    let max_age = reader.lifetime("tokens.max_age");
    let lifetime = reader
        .parsed(
            "tokens.lifetime",
            &format!("compat, or {DURATION}"),
            |text| match text {
                "compat" => Some(TokenLifetimeSetting::Compat),
                text => parse_duration(text).map(TokenLifetimeSetting::Fixed),
            },
        )
        .unwrap_or(TokenLifetimeSetting::Compat);
    if let (TokenLifetimeSetting::Fixed(lifetime), Some(max_age)) = (lifetime, max_age) {
        if lifetime.is_zero() {
            reader.refuse("tokens.lifetime", "more than 0s");
        } else if lifetime > max_age {
            reader.refuse_together(
                &["tokens.lifetime", "tokens.max_age"],
                "expected the lifetime to be at most the maximum age",
            );
        }
    }
    Tokens {
        lifetime,
        max_age: max_age.unwrap_or_default(),
        reuse: reader.word(
            "tokens.reuse",
            "many or once",
            &[
                ("many", TokenReuseSetting::Many),
                ("once", TokenReuseSetting::Once),
            ],
            TokenReuseSetting::Many,
        ),
        login_by_get: reader.flag("tokens.login_by_get"),
    }
}

/// The fewest passes that OWASP's guidance asks for with that much memory.
const fn least_iterations(memory_kib: usize) -> usize {
    match memory_kib {
        47_104.. => 1,
        19_456.. => 2,
        12_288.. => 3,
        9_216.. => 4,
        _ => 5,
    }
}

fn passwords(reader: &mut Reader) -> Passwords {
    let problems_before = reader.problem_count();
    let memory_kib = reader.number("passwords.memory_kib", 7_168..=1_048_576);
    let iterations = reader.number("passwords.iterations", 1..=100);
    let least = least_iterations(memory_kib);
    if iterations < least && reader.problem_count() == problems_before {
        reader.refuse_together(
            &["passwords.memory_kib", "passwords.iterations"],
            &format!(
                "too weak together: expected at least {least} iterations over {memory_kib} KiB"
            ),
        );
    }
    Passwords {
        hash_at_a_time: reader.number("passwords.hash_at_a_time", 0..=1024),
        queue: reader.number("passwords.queue", 0..=100_000),
        memory_kib,
        iterations,
        lanes: reader.number("passwords.lanes", 1..=16),
    }
}

fn bootstrap(reader: &mut Reader) -> Bootstrap {
    Bootstrap {
        admin_password: reader.secret(
            "bootstrap.admin_password",
            "a password of 8 to 1024 bytes",
            |text| (MIN_PASSWORD_BYTES..=MAX_PASSWORD_BYTES).contains(&text.len()),
        ),
        secret_key: reader.secret(
            "bootstrap.secret_key",
            "16 to 256 visible ASCII characters, best a UUID",
            // Guesses at keys are not slowed down, so a short one is an open door.
            |text| (16..=256).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()),
        ),
    }
}

fn log(reader: &mut Reader) -> Log {
    Log {
        format: reader.word(
            "log.format",
            "text or json",
            &[("text", LogFormat::Text), ("json", LogFormat::Json)],
            LogFormat::Text,
        ),
        level: log_filter(reader),
    }
}

#[cfg(test)]
mod tests;
