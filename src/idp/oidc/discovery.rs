//! What a provider says about itself: its discovery document and its keys, fetched when first needed and kept for a while.
//!
//! One caller fetches, those who come meanwhile wait for what it gets. Keys are fetched again when a token names one
//! that is not there, so that a rotation is noticed at once; how often is limited, because anybody can send such a token.

use super::http::Http;
use crate::domain::clock::{Clock, Timestamp};
use crate::domain::sso::{AssertionFault, ProviderError};
use anyhow::anyhow;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use openidconnect::core::{
    CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreGrantType,
    CoreJsonWebKey, CoreJsonWebKeySet, CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm, CoreResponseMode, CoreResponseType, CoreSubjectIdentifierType,
};
use openidconnect::{
    AdditionalProviderMetadata, EndSessionUrl, ProviderMetadata, TokenUrl, UserInfoUrl,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use tokio::sync::Mutex;
use url::Url;

/// How long a document and its keys are good.
const GOOD_FOR: Duration = Duration::from_hours(1);
/// Keys are not fetched again for an unknown one before this.
const KEYS_PAUSE: Duration = Duration::from_secs(10);
/// RSA keys below this are not keys (RFC 7518, 3.3).
const MIN_RSA_BYTES: usize = 2048 / 8;

/// Members of the document that the library leaves to us.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct More {
    /// RP-initiated logout 1.0.
    pub end_session_endpoint: Option<EndSessionUrl>,
    /// RFC 9207.
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for More {}

/// The discovery document.
pub(super) type Metadata = ProviderMetadata<
    More,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// What was learnt from a provider.
pub(super) struct Known {
    /// The document.
    pub metadata: Metadata,
    /// The keys that may sign.
    pub keys: CoreJsonWebKeySet,
    /// The same for people: `kid` and algorithm.
    pub key_names: Vec<String>,
    /// What the provider's clock said when it was asked.
    pub date: Option<Timestamp>,
    read_at: Timestamp,
}

impl Known {
    /// That moment by the provider's clock: what we tell it about times has to be in its own.
    pub fn theirs(&self, now: Timestamp) -> Timestamp {
        let Some(date) = self.date else { return now };
        let behind = u64::try_from(self.read_at.since(date).as_millis()).unwrap_or(u64::MAX);
        let earlier = Timestamp::from_millis(now.millis().saturating_sub(behind));
        earlier.plus(date.since(self.read_at))
    }
}

#[derive(Default)]
struct State {
    known: Option<Arc<Known>>,
    /// When keys were last fetched again, and why that failed if it did.
    keys_again: Option<(Timestamp, Option<String>)>,
    failure: Option<String>,
}

/// Asks a provider about itself.
pub(super) struct Discovery {
    http: Arc<Http>,
    issuer: Url,
    /// The issuer as the provider writes it, once it is known.
    spelled: OnceLock<String>,
    clock: Arc<dyn Clock>,
    attempts: AtomicU64,
    state: Mutex<State>,
}

impl Discovery {
    /// Asks nothing yet.
    pub fn new(http: Arc<Http>, issuer: Url, clock: Arc<dyn Clock>) -> Self {
        Self {
            http,
            issuer,
            spelled: OnceLock::new(),
            clock,
            attempts: AtomicU64::new(0),
            state: Mutex::default(),
        }
    }

    /// The current moment.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The issuer: as the provider writes it, or until it has been asked, as the settings do.
    pub fn issuer(&self) -> &str {
        let spelled = self.spelled.get().map(String::as_str);
        spelled.unwrap_or_else(|| without_root(&self.issuer))
    }

    /// What is known, asked for if need be.
    pub async fn known(&self) -> Result<Arc<Known>, ProviderError> {
        let before = self.attempts.load(Ordering::SeqCst);
        let mut state = self.state.lock().await;
        let now = self.clock.now();
        if let Some(known) = state.known.as_ref()
            && now.since(known.read_at) < GOOD_FOR
        {
            return Ok(Arc::clone(known));
        }
        if self.attempts.load(Ordering::SeqCst) != before
            && let Some(failure) = &state.failure
        {
            // Who asked while we waited has just heard it: a crowd must not wait one timeout each, one after another.
            return Err(ProviderError::Unavailable(anyhow!(failure.clone())));
        }
        let fetched = self.fetch(now).await;
        self.attempts.fetch_add(1, Ordering::SeqCst);
        state.failure = match &fetched {
            Err(ProviderError::Unavailable(error)) => Some(format!("{error:#}")),
            _ => None,
        };
        let known = Arc::new(fetched?);
        state.known = Some(Arc::clone(&known));
        Ok(known)
    }

    /// Newer keys than these, if there can be any: for a token that none of these fits.
    pub async fn newer_keys(&self, than: &Arc<Known>) -> Result<Option<Arc<Known>>, ProviderError> {
        let mut state = self.state.lock().await;
        if let Some(known) = state.known.as_ref()
            && !Arc::ptr_eq(known, than)
        {
            return Ok(Some(Arc::clone(known)));
        }
        let now = self.clock.now();
        if let Some((at, failure)) = &state.keys_again
            && now.since(*at) < KEYS_PAUSE
        {
            return match failure {
                // A token with a new key is no forgery while nobody can say what the new keys are.
                Some(failure) => Err(ProviderError::Unavailable(anyhow!(failure.clone()))),
                None => Ok(None),
            };
        }
        let fetched = self.fetch_keys(than.metadata.jwks_uri().url()).await;
        let failure = match &fetched {
            Err(ProviderError::Unavailable(error)) => Some(format!("{error:#}")),
            _ => None,
        };
        state.keys_again = Some((now, failure));
        let (keys, key_names) = fetched?;
        let known = Arc::new(Known {
            metadata: than.metadata.clone(),
            keys,
            key_names,
            date: than.date,
            read_at: than.read_at,
        });
        state.known = Some(Arc::clone(&known));
        Ok(Some(known))
    }

    /// Asks afresh, beside what is known: that goes on to count.
    pub async fn ask(&self) -> Result<Known, ProviderError> {
        self.fetch(self.clock.now()).await
    }

    async fn fetch(&self, now: Timestamp) -> Result<Known, ProviderError> {
        let base = self.issuer.as_str().trim_end_matches('/');
        let url = format!("{base}/.well-known/openid-configuration");
        let reply = self.http.get(&url, None).await?;
        let strange = |what: &str| ProviderError::Unavailable(anyhow!("{url}: {what}"));
        if reply.status != 200 {
            return Err(strange(&format!("it answers {}", reply.status)));
        }
        let document: Value = reply
            .json()
            .ok_or_else(|| strange("expected JSON with a discovery document"))?;
        let issuer = document["issuer"].as_str().unwrap_or_default();
        if issuer != self.issuer.as_str() && issuer != without_root(&self.issuer) {
            return Err(ProviderError::refused(
                AssertionFault::WrongIssuer,
                format!(
                    "the discovery document is of {issuer:?}, the settings say {:?}",
                    self.issuer.as_str()
                ),
            ));
        }
        let issuer = issuer.to_owned();
        let metadata: Metadata = serde_json::from_value(document)
            .map_err(|error| strange(&format!("the discovery document: {error}")))?;
        self.check_endpoints(&metadata)
            .map_err(|what| strange(&what))?;
        let (keys, key_names) = self.fetch_keys(metadata.jwks_uri().url()).await?;
        self.spelled.get_or_init(|| issuer);
        Ok(Known {
            metadata,
            keys,
            key_names,
            date: reply.date.as_deref().and_then(moment),
            read_at: now,
        })
    }

    fn check_endpoints(&self, metadata: &Metadata) -> Result<(), String> {
        let more = metadata.additional_metadata();
        let all = [
            Some(metadata.authorization_endpoint().url()),
            metadata.token_endpoint().map(TokenUrl::url),
            metadata.userinfo_endpoint().map(UserInfoUrl::url),
            Some(metadata.jwks_uri().url()),
            more.end_session_endpoint.as_ref().map(EndSessionUrl::url),
        ];
        match all
            .into_iter()
            .flatten()
            .find(|url| !self.http.may_use(url))
        {
            Some(url) => Err(format!(
                "the discovery document names {url}, which is not https"
            )),
            None => Ok(()),
        }
    }

    async fn fetch_keys(
        &self,
        url: &Url,
    ) -> Result<(CoreJsonWebKeySet, Vec<String>), ProviderError> {
        let reply = self.http.get(url.as_str(), None).await?;
        let strange = |what: &str| ProviderError::Unavailable(anyhow!("{url}: {what}"));
        if reply.status != 200 {
            return Err(strange(&format!("it answers {}", reply.status)));
        }
        let set: Value = reply
            .json()
            .ok_or_else(|| strange("expected JSON with keys"))?;
        let Some(all) = set["keys"].as_array() else {
            return Err(strange("expected JSON with keys"));
        };
        let usable = |key: &&Value| is_usable(key);
        let key_of = |key: &Value| {
            let parsed = CoreJsonWebKey::deserialize(key).ok()?;
            Some((parsed, name_of(key)))
        };
        let (keys, names) = all.iter().filter(usable).filter_map(key_of).unzip();
        Ok((CoreJsonWebKeySet::new(keys), names))
    }
}

/// A `Date` header (RFC 9110).
fn moment(date: &str) -> Option<Timestamp> {
    let date = OffsetDateTime::parse(date, &Rfc2822).ok()?;
    let seconds = u64::try_from(date.unix_timestamp()).ok()?;
    Some(Timestamp::from_millis(seconds * 1000))
}

/// The issuer as those write it who have no path: `https://host`, which a URL cannot say without a slash.
fn without_root(issuer: &Url) -> &str {
    match issuer.path() {
        "/" => issuer.as_str().trim_end_matches('/'),
        _ => issuer.as_str(),
    }
}

/// Whether a key may sign and is long enough. Symmetric keys have no place in a public set.
fn is_usable(key: &Value) -> bool {
    let is_for_signing = key["use"].as_str().is_none_or(|usage| usage == "sig");
    let is_strong = match key["kty"].as_str() {
        Some("RSA") => {
            let modulus = BASE64_URL_SAFE_NO_PAD.decode(key["n"].as_str().unwrap_or_default());
            modulus.is_ok_and(|bytes| {
                let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
                bytes.len() - zeros >= MIN_RSA_BYTES
            })
        }
        Some("EC") => matches!(key["crv"].as_str(), Some("P-256" | "P-384")),
        _ => false,
    };
    is_for_signing && is_strong
}

fn name_of(key: &Value) -> String {
    let word = |name: &str| key[name].as_str().map(str::to_owned);
    let kid = word("kid").unwrap_or_else(|| "without kid".to_owned());
    let alg = word("alg").or_else(|| word("crv")).or_else(|| word("kty"));
    format!("{kid} {}", alg.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_date_header_is_read() {
        let date = moment("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(date.seconds(), 784_111_777);
        assert_eq!(moment("today"), None);
    }

    #[test]
    fn short_keys_symmetric_keys_and_keys_for_encryption_are_none() {
        let rsa = |bytes: usize| json!({"kty": "RSA", "n": BASE64_URL_SAFE_NO_PAD.encode(vec![0xc1; bytes]), "e": "AQAB"});
        assert!(is_usable(&rsa(256)));
        assert!(!is_usable(&rsa(255)));
        let padded = [vec![0; 2], vec![0xc1; 254]].concat();
        let padded = json!({"kty": "RSA", "n": BASE64_URL_SAFE_NO_PAD.encode(padded)});
        assert!(!is_usable(&padded));
        let mut encrypting = rsa(256);
        encrypting["use"] = json!("enc");
        assert!(!is_usable(&encrypting));
        assert!(is_usable(&json!({"kty": "EC", "crv": "P-256"})));
        assert!(!is_usable(&json!({"kty": "EC", "crv": "secp256k1"})));
        assert!(!is_usable(&json!({"kty": "oct", "k": "AAAA"})));
    }

    #[test]
    fn an_issuer_without_path_is_written_without_a_slash_and_others_stay() {
        for (issuer, written) in [
            ("https://idp.example", "https://idp.example"),
            ("https://idp.example/", "https://idp.example"),
            ("https://idp.example/realm/", "https://idp.example/realm/"),
        ] {
            assert_eq!(without_root(&issuer.parse().unwrap()), written);
        }
    }
}
