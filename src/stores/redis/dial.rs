//! Clients for servers as they turn up: the same credentials, database and certificates for each.

use crate::domain::failure::StoreError;
use crate::settings::{Endpoint, RedisAddress};
use crate::stores::redis::RedisOptions;
use crate::stores::redis::ear::Listening;
use crate::stores::redis::line::Trouble;
use ::redis::{Client, RedisResult, TlsCertificates};
use anyhow::{Context, anyhow};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

/// What is needed to reach any server of the installation.
#[derive(Clone)]
pub struct Dial {
    /// The address of all of them.
    pub address: RedisAddress,
    /// How long an answer may take.
    pub patience: Duration,
    /// Whether calls wait for replicas, on connections of their own.
    pub has_lasting: bool,
    /// Who hears of changes, where sessions are kept in memory.
    pub listening: Option<Listening>,
    url: SecretString,
    sentinel: RedisAddress,
    root: Option<Vec<u8>>,
}

impl Dial {
    /// Reads the certificates; does not connect.
    pub async fn new(options: &RedisOptions) -> Result<Self, StoreError> {
        // Messages do not quote the URL, which may hold the password.
        let address = RedisAddress::parse(options.url.expose_secret()).ok_or_else(|| {
            StoreError::unavailable(anyhow!("the address of Redis cannot be used"))
        })?;
        let root = match &options.ca_file {
            None => None,
            Some(file) => Some(
                tokio::fs::read(file)
                    .await
                    .with_context(|| format!("cannot read {}", file.display()))
                    .map_err(StoreError::Unavailable)?,
            ),
        };
        let user = options.sentinel_user.as_deref().unwrap_or_default();
        let credentials = options
            .sentinel_password
            .as_ref()
            .map(|password| {
                let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
                format!("{}:{}@", encode(user), encode(password.expose_secret()))
            })
            .unwrap_or_default();
        let sentinel = RedisAddress {
            credentials: credentials.into(),
            database: 0,
            ..address.clone()
        };
        Ok(Self {
            address,
            patience: options.answer_within,
            has_lasting: options.wait_replicas > 0,
            listening: None,
            url: options.url.clone(),
            sentinel,
            root,
        })
    }

    /// The one server, with whatever else its URL says.
    pub fn single(&self) -> Result<Client, Trouble> {
        self.client(&self.url)
    }

    /// A server that somebody named.
    pub fn server(&self, server: &Endpoint) -> Result<Client, Trouble> {
        self.client(&self.address.url_of(server))
    }

    /// Every sentinel.
    pub fn sentinels(&self) -> Result<Vec<Client>, Trouble> {
        let seeds = self.sentinel.seeds.iter();
        seeds
            .map(|seed| self.client(&self.sentinel.url_of(seed)))
            .collect()
    }

    fn client(&self, url: &SecretString) -> Result<Client, Trouble> {
        self.build(url.expose_secret()).map_err(Trouble::Refused)
    }

    fn build(&self, url: &str) -> RedisResult<Client> {
        match &self.root {
            None => Client::open(url),
            Some(root) => Client::build_with_tls(
                url,
                TlsCertificates {
                    client_tls: None,
                    root_cert: Some(root.clone()),
                },
            ),
        }
    }
}
