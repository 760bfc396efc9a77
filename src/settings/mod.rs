//! Settings: plain values, read once at start. `default.toml` is the reference; a test holds the two together.

mod directory;
mod layers;
mod ldap;
mod load;
mod log_filter;
mod microstrategy;
mod origins;
mod pages;
mod reader;
mod secrets;
mod sections;
mod sessions;
mod spelling;
mod sso;
mod store_url;

pub use ldap::{LdapGroupSetting, LdapUserSetting};
pub use load::{Loaded, SettingsError, Shown, Sources};
pub use microstrategy::{LoginMode, MicroStrategy};
pub use origins::{normalise_origin, normalise_redirect};
pub use pages::Pages;
pub use sections::{
    AtLimitSetting, Audit, Bootstrap, Cookies, Directory, DirectoryStoreSetting, Embed, Ldap, Log,
    LogFormat, Metrics, Passwords, Redirects, SameSite, Server, SessionStoreSetting, Sessions,
    Telemetry, TokenLifetimeSetting, TokenReuseSetting, Tokens, TrustedAuth,
};
pub use spelling::distance;
pub use sso::{SsoAccounts, SsoMapSetting, SsoProtocol, SsoProvider};
pub use store_url::{Endpoint, RedisAddress, RedisTopology};

use std::path::PathBuf;

/// Every setting of the server.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Listeners, addresses, certificates.
    pub server: Server,
    /// Where everything that must survive is kept.
    pub data_dir: PathBuf,
    /// Where users, groups, Orgs and keys are kept.
    pub directory: Directory,
    /// Where sessions are kept and how long they live.
    pub sessions: Sessions,
    /// Trusted authentication.
    pub trusted_auth: TrustedAuth,
    /// Tokens.
    pub tokens: Tokens,
    /// Who may embed us.
    pub embed: Embed,
    /// Where we may redirect to.
    pub redirects: Redirects,
    /// Session cookies.
    pub cookies: Cookies,
    /// The `MicroStrategy` dialect.
    pub microstrategy: MicroStrategy,
    /// Password hashing.
    pub passwords: Passwords,
    /// Signing in by LDAP.
    pub ldap: Ldap,
    /// Identity providers.
    pub sso: Vec<SsoProvider>,
    /// What the first start creates.
    pub bootstrap: Bootstrap,
    /// The log.
    pub log: Log,
    /// Metrics.
    pub metrics: Metrics,
    /// Traces.
    pub telemetry: Telemetry,
    /// The audit trail.
    pub audit: Audit,
    /// Title, logo and colour of the pages.
    pub pages: Pages,
}
