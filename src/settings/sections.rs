//! One struct per section of the settings.

use crate::settings::{LdapGroupSetting, LdapUserSetting};
use ipnet::IpNet;
use secrecy::SecretString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

/// `[server]`
#[derive(Clone, Debug)]
pub struct Server {
    /// Plain HTTP; none when `off`.
    pub http: Option<SocketAddr>,
    /// HTTPS; none when `off`.
    pub https: Option<SocketAddr>,
    /// The address browsers use; none means the listeners' own.
    pub public_url: Option<Url>,
    /// Peers whose `X-Forwarded-*` headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// A certificate chain in PEM; empty means a development certificate.
    pub tls_cert_file: Option<PathBuf>,
    /// Its private key in PEM.
    pub tls_key_file: Option<PathBuf>,
    /// How long open requests may take to finish when the server stops.
    pub shutdown_timeout: Duration,
    /// The largest request body, in bytes.
    pub max_body_bytes: usize,
    /// How long a request body may take to arrive whole.
    pub body_timeout: Duration,
    /// How long a client may take nothing of a reply.
    pub reply_timeout: Duration,
    /// How many sign-ins at providers may begin from one address within a minute; 0 is any number.
    pub sign_ins_per_minute: usize,
    /// Worker threads; 0 is one per core.
    pub workers: usize,
}

/// `[directory]`
#[derive(Clone, Debug)]
pub struct Directory {
    /// Where users, groups, Orgs, keys and the server's own secrets are kept.
    pub store: DirectoryStoreSetting,
    /// Where administrators may copy an embedded directory to: `postgres://…`; may hold a password.
    pub copy_to: Option<SecretString>,
    /// Certificates to trust for `PostgreSQL`, in PEM, in place of the public ones.
    pub tls_ca_file: Option<PathBuf>,
}

/// `directory.store`
#[derive(Clone, Debug)]
pub enum DirectoryStoreSetting {
    /// A `SQLite` file in the data folder.
    Embedded,
    /// `postgres://…`; may hold a password.
    Postgres(SecretString),
}

/// `[sessions]`
#[derive(Clone, Debug)]
pub struct Sessions {
    /// Where sessions and tokens are kept.
    pub store: SessionStoreSetting,
    /// What every key in Redis begins with.
    pub key_prefix: String,
    /// Certificates to trust for `rediss://`, in PEM, in place of the public ones.
    pub tls_ca_file: Option<PathBuf>,
    /// How many replicas must have an open, an end or a revocation before it counts.
    pub wait_replicas: usize,
    /// How long Redis may take for an answer.
    pub answer_within: Duration,
    /// Whether a node answers checks from memory while nothing has changed.
    pub cache: bool,
    /// Who to be at sentinels; none is their default user.
    pub sentinel_user: Option<String>,
    /// The password at sentinels; none when they ask for none.
    pub sentinel_password: Option<SecretString>,
    /// The longest pause between two uses.
    pub idle_timeout: Duration,
    /// The longest life of a session.
    pub absolute_timeout: Duration,
    /// Idle and absolute timeout of remembered sessions.
    pub remember_for: Duration,
    /// How many sessions a user may have at a time; 0 is any number.
    pub max_per_user: usize,
    /// What becomes of one more.
    pub at_limit: AtLimitSetting,
    /// The most sessions, and the most tokens, that the embedded store holds.
    pub embedded_max: usize,
}

/// `sessions.at_limit`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtLimitSetting {
    /// It opens, and the oldest ends.
    Evict,
    /// It does not open.
    Refuse,
}

/// `sessions.store`
#[derive(Clone, Debug)]
pub enum SessionStoreSetting {
    /// In memory, written through to a file in the data folder.
    Embedded,
    /// A URL that [`crate::settings::RedisAddress`] takes apart; may hold a password.
    Redis(SecretString),
}

impl SessionStoreSetting {
    /// Which of them, without its address.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Redis(_) => "redis",
        }
    }
}

/// `[trusted_auth]`
#[derive(Clone, Debug)]
pub struct TrustedAuth {
    /// Whether secret keys may mint tokens.
    pub enabled: bool,
}

/// `[tokens]`
#[derive(Clone, Debug)]
pub struct Tokens {
    /// How long v1 tokens live.
    pub lifetime: TokenLifetimeSetting,
    /// How long any token lives at most.
    pub max_age: Duration,
    /// How many sessions one token opens.
    pub reuse: TokenReuseSetting,
    /// Whether `GET session/login/token` works.
    pub login_by_get: bool,
}

/// `tokens.reuse`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenReuseSetting {
    /// Any number.
    Many,
    /// One.
    Once,
}

/// `tokens.lifetime`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenLifetimeSetting {
    /// Until another token is minted with the same key, then five minutes.
    Compat,
    /// A fixed time.
    Fixed(Duration),
}

/// `[embed]`
#[derive(Clone, Debug)]
pub struct Embed {
    /// Origins whose pages may embed us and read our answers, each `scheme://host[:port]`, normalised.
    pub origins: Vec<String>,
}

/// `[redirects]`
#[derive(Clone, Debug)]
pub struct Redirects {
    /// Origins we may redirect to, `https://*.example.com` for one label included, normalised.
    pub allow: Vec<String>,
}

/// `[cookies]`
#[derive(Clone, Copy, Debug)]
pub struct Cookies {
    /// `SameSite` of session cookies.
    pub same_site: SameSite,
    /// Whether cookies set over https are `Partitioned`.
    pub partitioned: bool,
}

/// `cookies.same_site`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// `None` over https, `Lax` over http.
    Auto,
    /// Always `Lax`.
    Lax,
    /// Always `Strict`.
    Strict,
}

/// `[passwords]`
#[derive(Clone, Copy, Debug)]
pub struct Passwords {
    /// How many passwords are hashed at a time; 0 is one per core but one, and at least one.
    pub hash_at_a_time: usize,
    /// How many may wait for that.
    pub queue: usize,
    /// Memory of a new hash, in KiB.
    pub memory_kib: usize,
    /// Passes over it.
    pub iterations: usize,
    /// Its lanes.
    pub lanes: usize,
}

/// `[ldap]`
#[derive(Clone, Debug)]
pub struct Ldap {
    /// Servers, asked in this order; none means off.
    pub urls: Vec<Url>,
    /// Whether `ldap://` becomes encrypted before anything is said.
    pub start_tls: bool,
    /// Certificates to trust, in PEM, in place of the public ones.
    pub ca_file: Option<PathBuf>,
    /// Who searches; none means nobody in particular.
    pub bind_dn: Option<String>,
    /// Their password.
    pub bind_password: Option<SecretString>,
    /// How the entry of whoever signs in is found.
    pub users: LdapUserSetting,
    /// Where groups are; none means that they are not looked at.
    pub group_base: Option<String>,
    /// The groups of somebody, with `{dn}` for their DN and `{}` for their name.
    pub group_filter: String,
    /// Where an entry has the sign-in name.
    pub username_attribute: String,
    /// Where it has the name people read.
    pub display_name_attribute: Option<String>,
    /// Where it has the mail address.
    pub email_attribute: Option<String>,
    /// Which groups there stand for which here.
    pub group_map: Vec<LdapGroupSetting>,
    /// Whether somebody unknown here becomes a user by signing in.
    pub create_users: bool,
    /// The Org of such users, and of the groups in `group_map`.
    pub org: i64,
    /// How long one server may take.
    pub timeout: Duration,
}

/// `[bootstrap]`
#[derive(Clone, Debug)]
pub struct Bootstrap {
    /// The administrator's first password; none draws one and prints it once.
    pub admin_password: Option<SecretString>,
    /// The first secret key; none draws one and prints it once.
    pub secret_key: Option<SecretString>,
}

/// `[log]`
#[derive(Clone, Debug)]
pub struct Log {
    /// How lines look.
    pub format: LogFormat,
    /// What is logged, in `tracing` filter syntax.
    pub level: String,
}

/// `log.format`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// `[metrics]`
#[derive(Clone, Copy, Debug)]
pub struct Metrics {
    /// The operations listener; none when `off`.
    pub listen: Option<SocketAddr>,
}

/// `[telemetry]`
#[derive(Clone, Debug)]
pub struct Telemetry {
    /// The collector that traces are sent to, without `/v1/traces`; none sends nothing.
    pub otlp_endpoint: Option<Url>,
    /// How many of a hundred requests are traced.
    pub sample_percent: usize,
}

/// `[audit]`
#[derive(Clone, Debug)]
pub struct Audit {
    /// Where audit lines go: none is `audit.jsonl` in the data folder, `-` is standard output.
    pub file: Option<PathBuf>,
}
