//! What the server says when it is up: where it listens, how to sign in, and, once, the first credentials.

use crate::domain::administration::{ADMINISTRATOR, Bootstrapped};
use crate::server::addresses::Addresses;
use crate::server::demo;
use crate::settings::Settings;
use secrecy::ExposeSecret;
use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddr};

/// What the greeting tells.
#[derive(Debug)]
pub struct Greeting<'a> {
    /// Where we listen.
    pub addresses: Addresses,
    /// The settings in force.
    pub settings: &'a Settings,
    /// What the first start created; none on later starts.
    pub first: Option<&'a Bootstrapped>,
    /// Whether demo data is there.
    pub is_demo: bool,
    /// Where the development CA is, when it signs our certificate.
    pub development_ca: Option<String>,
}

impl Greeting<'_> {
    /// The text, for standard output.
    pub fn text(&self) -> String {
        let mut text = String::from("\nvestibule is up\n");
        self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) {
        let mut line = |words: &str| {
            let _ = writeln!(text, "{words}");
        };
        for (name, address) in [
            ("http", self.addresses.http),
            ("https", self.addresses.https),
        ] {
            if let Some(address) = address {
                line(&format!("  {name:6} {name}://{address}"));
            }
        }
        if let Some(ca) = &self.development_ca {
            line(&format!(
                "  https uses a development certificate; its CA: {ca}"
            ));
        }
        let password = self.first.and_then(|first| first.admin_password.as_ref());
        let key = self.first.and_then(|first| first.secret_key.as_ref());
        if password.is_some() || key.is_some() {
            line("");
            line("First start. These are shown once; keep them:");
        }
        if let Some(password) = password {
            line(&format!("  administrator  {ADMINISTRATOR}"));
            line(&format!("  password       {}", password.expose_secret()));
        }
        if let Some(key) = key {
            line(&format!("  secret key     {}", key.expose_secret()));
        }
        let base = self.base_url();
        // Only double quotes let the shell fill in what we do not know.
        let password = password.map_or("\"password=$PASSWORD\"".to_owned(), |password| {
            format!("'password={}'", password.expose_secret())
        });
        let key = key.map_or("\"secret_key=$SECRET_KEY\"".to_owned(), |key| {
            format!("'secret_key={}'", key.expose_secret())
        });
        let api = format!("{base}/callosum/v1/tspublic/v1");
        let curl = self.curl(&base);
        line("");
        line("Sign in with a password, then ask who you are:");
        line(&format!(
            "  {curl} -i -c cookies.txt '{api}/session/login' --data-urlencode 'username={ADMINISTRATOR}' --data-urlencode {password}"
        ));
        line(&format!("  {curl} -b cookies.txt '{api}/session/info'"));
        line("");
        line("Or as an embedding app does: secret key, token, cookie:");
        line(&format!(
            "  TOKEN=$({curl} -sS '{api}/session/auth/token' -d {key} -d 'username={ADMINISTRATOR}' -d 'access_level=FULL')"
        ));
        line(&format!(
            "  {curl} -i -c cookies.txt '{api}/session/login/token' -d \"auth_token=$TOKEN\" -d 'username={ADMINISTRATOR}' --data-urlencode 'redirect_url={base}/'"
        ));
        if self.is_demo {
            line(&format!(
                "  {curl} -b cookies.txt '{api}/metadata/listvizheaders?id={}'",
                demo::LIVEBOARD
            ));
            line("");
            line(&format!(
                "Demo users alice, bob and carol have the password {}",
                demo::PASSWORD
            ));
        }
        line("");
        line("Sign out:");
        line(&format!(
            "  {curl} -i -b cookies.txt -X POST '{api}/session/logout'"
        ));
        line("");
    }

    /// `curl`, told to trust the development CA where our own certificate is what it meets.
    fn curl(&self, base: &str) -> String {
        match &self.development_ca {
            Some(ca) if self.settings.server.public_url.is_none() && base.starts_with("https:") => {
                format!("curl --cacert '{}'", ca.replace('\'', "'\\''"))
            }
            _ => "curl".to_owned(),
        }
    }

    fn base_url(&self) -> String {
        if let Some(url) = &self.settings.server.public_url {
            return url.as_str().trim_end_matches('/').to_owned();
        }
        match (self.addresses.http, self.addresses.https) {
            (Some(http), _) => format!("http://{}", reachable(http)),
            (None, Some(https)) => format!("https://{}", reachable(https)),
            (None, None) => "http://localhost".to_owned(),
        }
    }
}

/// An address one can connect to: a wildcard listener answers on loopback as well.
pub fn reachable(address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        SocketAddr::from((Ipv4Addr::LOCALHOST, address.port()))
    } else {
        address
    }
}
