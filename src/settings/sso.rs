//! The settings of single sign-on: one `[sso.NAME]` section per identity provider.

use secrecy::SecretString;
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

/// `sso.NAME.protocol`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SsoProtocol {
    /// SAML 2.0.
    Saml,
    /// `OpenID Connect`.
    Oidc,
}

/// Which users a provider may sign in besides those it made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SsoAccounts {
    /// Users whose account type is that of the protocol.
    Own,
    /// Local users as well, administrators of the server excepted.
    Local,
}

/// One item of `sso.NAME.group_map` or `sso.NAME.org_map`, written `theirs => ours`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SsoMapSetting {
    /// A value of the provider's.
    pub theirs: String,
    /// A group's name, an Org's name or number here.
    pub ours: String,
}

/// `[sso.NAME]`
#[derive(Clone, Debug)]
pub struct SsoProvider {
    /// NAME: lower-case letters, digits and hyphens.
    pub name: String,
    /// The words on the sign-in button.
    pub label: String,
    /// What is spoken.
    pub protocol: SsoProtocol,
    /// Hosts of ours where it is offered first; empty means every one.
    pub hosts: Vec<String>,
    /// OIDC: the issuer, whose discovery document is fetched.
    pub issuer: Option<Url>,
    /// OIDC: our name there.
    pub client_id: String,
    /// OIDC: for `client_secret_post`.
    pub client_secret: Option<SecretString>,
    /// OIDC: a private key in PEM (RSA or P-256) for `private_key_jwt`, in place of the secret.
    pub client_key_file: Option<PathBuf>,
    /// OIDC: the `kid` of that key, where the provider needs one.
    pub client_key_id: Option<String>,
    /// OIDC: what is asked for; `openid` is always.
    pub scopes: Vec<String>,
    /// OIDC: certificates to trust for the provider in place of the public ones, in PEM.
    pub ca_file: Option<PathBuf>,
    /// SAML: the provider's metadata.
    pub metadata_file: Option<PathBuf>,
    /// SAML: our entity ID.
    pub entity_id: String,
    /// SAML: our private key in PEM, which signs requests and opens encrypted assertions.
    pub key_file: Option<PathBuf>,
    /// SAML: its certificate in PEM.
    pub cert_file: Option<PathBuf>,
    /// SAML: whether requests are signed.
    pub sign_requests: bool,
    /// SAML: whether the provider may speak first.
    pub idp_initiated: bool,
    /// How far clocks may differ.
    pub clock_skew: Duration,
    /// How long one request to the provider may take.
    pub timeout: Duration,
    /// The attribute or claim that holds the user's name; empty means `NameID` or `preferred_username`, else `sub`.
    pub username_attribute: Option<String>,
    /// The same for the name people read.
    pub display_name_attribute: Option<String>,
    /// The same for the mail address.
    pub email_attribute: Option<String>,
    /// The same for groups.
    pub group_attribute: Option<String>,
    /// The same for Orgs.
    pub org_attribute: Option<String>,
    /// Groups there and here.
    pub group_map: Vec<SsoMapSetting>,
    /// Orgs there and here.
    pub org_map: Vec<SsoMapSetting>,
    /// The Org of those whom no Org attribute places.
    pub org: i64,
    /// Whether somebody unknown becomes a user by signing in.
    pub create_users: bool,
    /// Which users it may sign in.
    pub accounts: SsoAccounts,
}
