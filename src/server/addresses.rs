//! Where the server is reached, and what follows from that for redirects.

use crate::domain::redirect::{OriginRule, RedirectPolicy};
use crate::settings::Settings;
use anyhow::Context;
use std::net::SocketAddr;

/// The addresses actually listened on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Addresses {
    /// Plain HTTP.
    pub http: Option<SocketAddr>,
    /// HTTPS.
    pub https: Option<SocketAddr>,
}

impl Addresses {
    /// The addresses the settings ask for.
    pub const fn wanted(settings: &Settings) -> Self {
        Self {
            http: settings.server.http,
            https: settings.server.https,
        }
    }

    fn are_loopback(&self) -> bool {
        [self.http, self.https]
            .into_iter()
            .flatten()
            .all(|address| address.ip().is_loopback())
    }

    /// The public URL's origin and those of the hosts that providers are meant for; without a public URL, every
    /// address we listen on, as browsers write it.
    pub fn own_origins(&self, settings: &Settings) -> Vec<String> {
        if let Some(url) = &settings.server.public_url {
            let mut origins = vec![url.origin().ascii_serialization()];
            let port = url
                .port()
                .map_or_else(String::new, |port| format!(":{port}"));
            // The hosts that providers are chosen by are ours too, behind the same proxy.
            for host in settings.sso.iter().flat_map(|provider| &provider.hosts) {
                let own = format!("{}://{host}{port}", url.scheme());
                if !origins.contains(&own) {
                    origins.push(own);
                }
            }
            return origins;
        }
        let listeners = [("http", self.http, 80), ("https", self.https, 443)];
        let mut origins = Vec::new();
        for (scheme, address, default_port) in listeners {
            let Some(address) = address else { continue };
            let port = match address.port() {
                port if port == default_port => String::new(),
                port => format!(":{port}"),
            };
            if address.ip().is_unspecified() || address.ip().is_loopback() {
                origins.extend(
                    ["localhost", "127.0.0.1", "[::1]"]
                        .map(|host| format!("{scheme}://{host}{port}")),
                );
            }
            let host = match address {
                SocketAddr::V4(v4) => v4.ip().to_string(),
                SocketAddr::V6(v6) => format!("[{}]", v6.ip()),
            };
            let own = format!("{scheme}://{host}{port}");
            if !address.ip().is_unspecified() && !origins.contains(&own) {
                origins.push(own);
            }
        }
        origins
    }
}

/// Where the settings allow redirects to; also what `vestibule redirect check` judges by.
pub fn redirect_policy(
    settings: &Settings,
    addresses: &Addresses,
) -> anyhow::Result<RedirectPolicy> {
    let own = addresses.own_origins(settings);
    let listed = [
        ("server", &own),
        ("embed.origins", &settings.embed.origins),
        ("redirects.allow", &settings.redirects.allow),
    ];
    let mut rules = Vec::new();
    for (source, texts) in listed {
        for text in texts {
            let rule = OriginRule::parse(text, source)
                .with_context(|| format!("{source}: \"{text}\" is not an origin"))?;
            rules.push(rule);
        }
    }
    // Behind a public URL the loopback listener is a proxy's business: browsers are elsewhere.
    let allow_loopback = addresses.are_loopback() && settings.server.public_url.is_none();
    Ok(RedirectPolicy::new(rules, allow_loopback))
}
