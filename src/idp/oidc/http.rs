//! Asks a provider over HTTP: no redirects, a deadline, and no more bytes than an honest answer has.

use crate::domain::sso::ProviderError;
use crate::settings::SsoProvider;
use crate::trust;
use anyhow::{Context, anyhow, ensure};
use reqwest::header::{ACCEPT, CONTENT_TYPE, DATE, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder};
use serde::de::DeserializeOwned;
use std::error::Error;
use url::{Host, Url};

/// Discovery documents have about 5 KiB, tokens with all groups some 100 KiB.
const MAX_BODY: usize = 1024 * 1024;

/// A client for one provider.
pub(super) struct Http {
    client: Client,
    /// Whether the provider is on this machine, where plain HTTP shows nothing to anybody.
    is_local: bool,
}

/// What a provider answered, in full.
pub(super) struct Reply {
    /// The status, below 500.
    pub status: u16,
    /// The provider's clock, as it says it.
    pub date: Option<String>,
    /// `Content-Type`
    pub kind: String,
    body: Vec<u8>,
}

impl Reply {
    /// The body as JSON. Neither it nor what the parser says of it is told: there are tokens in it.
    pub fn json<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }
}

impl Http {
    /// A client that trusts what the settings say.
    pub fn open(settings: &SsoProvider, issuer: &Url) -> anyhow::Result<Self> {
        let is_local = is_loopback(issuer);
        ensure!(
            issuer.scheme() == "https" || (issuer.scheme() == "http" && is_local),
            "issuer: https:// is required, except for a provider on this machine"
        );
        let tls = trust::client(settings.ca_file.as_deref()).context("ca_file")?;
        let mut builder = Client::builder()
            .tls_backend_preconfigured(tls)
            .timeout(settings.timeout)
            // A redirect would take a code, or our credentials, where the provider did not say.
            .redirect(Policy::none());
        if is_local {
            // A proxy of the environment is on another machine, as a rule.
            builder = builder.no_proxy();
        }
        let client = builder.build().context("the HTTP client")?;
        Ok(Self { client, is_local })
    }

    /// Whether a URL of the provider's is as safe as its issuer.
    pub fn may_use(&self, url: &Url) -> bool {
        url.scheme() == "https" || (self.is_local && url.scheme() == "http" && is_loopback(url))
    }

    /// Fetches a document.
    pub async fn get(&self, url: &str, bearer: Option<&str>) -> Result<Reply, ProviderError> {
        let mut request = self.client.get(url);
        if let Some(token) = bearer {
            request = request.bearer_auth(token);
        }
        send(url, request).await
    }

    /// Posts a form.
    pub async fn post(&self, url: &str, form: &[(&str, String)]) -> Result<Reply, ProviderError> {
        let body = serde_urlencoded::to_string(form)
            .context("a form")
            .map_err(ProviderError::Unavailable)?;
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        send(
            url,
            self.client.post(url).header(CONTENT_TYPE, kind).body(body),
        )
        .await
    }
}

async fn send(url: &str, request: RequestBuilder) -> Result<Reply, ProviderError> {
    let json = HeaderValue::from_static("application/json");
    exchange(request.header(ACCEPT, json))
        .await
        .with_context(|| url.to_owned())
        .map_err(ProviderError::Unavailable)
}

async fn exchange(request: RequestBuilder) -> anyhow::Result<Reply> {
    let mut reply = request.send().await.map_err(words)?;
    let status = reply.status().as_u16();
    // Busy is not "no", and what stands in for a broken server may say anything.
    ensure!(status < 500 && status != 429, "it answers {status}");
    ensure!(
        !(300..400).contains(&status),
        "it answers {status}: redirects are not followed"
    );
    let header = |name| {
        let value = reply.headers().get(name)?.to_str().ok()?;
        Some(value.to_owned())
    };
    let (date, kind) = (header(DATE), header(CONTENT_TYPE).unwrap_or_default());
    let mut body = Vec::new();
    while let Some(chunk) = reply.chunk().await.map_err(words)? {
        ensure!(
            body.len() + chunk.len() <= MAX_BODY,
            "it answers more than {MAX_BODY} bytes"
        );
        body.extend_from_slice(&chunk);
    }
    Ok(Reply {
        status,
        date,
        kind,
        body,
    })
}

/// What went wrong, down to its cause: "error sending request" alone helps nobody.
fn words(error: reqwest::Error) -> anyhow::Error {
    if error.is_timeout() {
        return anyhow!("no answer in time");
    }
    // The URL is in the context already, and without its query.
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        text = format!("{text}: {deeper}");
        cause = deeper.source();
    }
    anyhow!(text)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
