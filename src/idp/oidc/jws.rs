//! A signed token (JWS, compact), read with distrust: nothing in it counts before its signature does.

use super::claims;
use crate::domain::sso::{AssertionFault, ProviderError};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use openidconnect::core::{CoreJsonWebKeySet, CoreJwsSigningAlgorithm};
use openidconnect::{JsonWebKey as _, JwsSigningAlgorithm as _};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Tokens with some hundred groups have about 20 KiB.
const MAX_TOKEN: usize = 256 * 1024;

/// The methods that are believed. None is symmetric: our secret is known to us, and a public key to everybody.
pub(super) const ALGORITHMS: [CoreJwsSigningAlgorithm; 8] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
];

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    crit: Option<Value>,
}

/// A token that can be read, and whose method is one that is believed.
pub(super) struct Jws<'a> {
    header: Header,
    algorithm: CoreJwsSigningAlgorithm,
    /// What it says; to be believed only once its signature has been checked.
    pub claims: Map<String, Value>,
    signed: &'a str,
    signature: Vec<u8>,
}

/// Why a token is refused.
pub(super) enum Doubt {
    /// For good.
    Refused(ProviderError),
    /// As far as the keys go that we have: the provider may have newer ones.
    OldKeys(ProviderError),
}

impl Doubt {
    /// The refusal, when there are no newer keys.
    pub fn into_refusal(self) -> ProviderError {
        match self {
            Self::Refused(error) | Self::OldKeys(error) => error,
        }
    }
}

impl From<ProviderError> for Doubt {
    fn from(error: ProviderError) -> Self {
        Self::Refused(error)
    }
}

impl<'a> Jws<'a> {
    /// Takes a token apart.
    pub fn read(token: &'a str) -> Result<Self, ProviderError> {
        if token.len() > MAX_TOKEN {
            return Err(ProviderError::refused(
                AssertionFault::TooLarge,
                format!("a token of {} bytes", token.len()),
            ));
        }
        let (signed, signature) = token
            .rsplit_once('.')
            .ok_or_else(|| malformed("no signed token"))?;
        let (header, claims) = signed
            .split_once('.')
            .ok_or_else(|| malformed("no signed token"))?;
        let header: Header = parse(header).ok_or_else(|| malformed("the token's header"))?;
        if header.alg.eq_ignore_ascii_case("none") {
            return Err(ProviderError::refused(
                AssertionFault::Unsigned,
                "alg: none",
            ));
        }
        let algorithm = serde_json::from_value(Value::String(header.alg.clone()))
            .ok()
            .filter(|algorithm| ALGORITHMS.contains(algorithm))
            .ok_or_else(|| {
                let alg: String = header.alg.chars().take(20).collect();
                ProviderError::refused(AssertionFault::WeakAlgorithm, format!("alg: {alg:?}"))
            })?;
        if header.crit.is_some() {
            return Err(malformed(
                "the token's header has extensions it calls critical",
            ));
        }
        let claims = parse(claims).ok_or_else(|| malformed("the token's claims"))?;
        let signature = BASE64_URL_SAFE_NO_PAD
            .decode(signature)
            .map_err(|_| malformed("the token's signature"))?;
        if signature.is_empty() {
            return Err(ProviderError::refused(
                AssertionFault::Unsigned,
                "an empty signature",
            ));
        }
        Ok(Self {
            header,
            algorithm,
            claims,
            signed,
            signature,
        })
    }

    /// What kind of token it says it is, in lower case.
    pub fn kind(&self) -> Option<String> {
        self.header.typ.as_ref().map(|typ| typ.to_lowercase())
    }

    /// The key it says it is signed with.
    pub fn key_name(&self) -> String {
        claims::shown(self.header.kid.as_deref().unwrap_or("none"))
    }

    /// Whether one of the keys signed it.
    pub fn verify(&self, keys: &CoreJsonWebKeySet) -> Result<(), Doubt> {
        let kid = self.header.kid.as_deref();
        let fits = keys.keys().iter().filter(|key| {
            let is_named = kid.is_none_or(|kid| key.key_id().is_some_and(|id| id.as_str() == kid));
            is_named && self.algorithm.key_type().as_ref() == Some(key.key_type())
        });
        let signed = self.signed.as_bytes();
        for key in fits {
            // It also refuses a key that is for another method.
            if key
                .verify_signature(&self.algorithm, signed, &self.signature)
                .is_ok()
            {
                return Ok(());
            }
        }
        Err(Doubt::OldKeys(ProviderError::refused(
            AssertionFault::BadSignature,
            format!("no key of the provider fits (kid {:?})", self.key_name()),
        )))
    }
}

fn parse<T: serde::de::DeserializeOwned>(part: &str) -> Option<T> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// A refusal of something that cannot be read.
pub(super) fn malformed(what: &str) -> ProviderError {
    ProviderError::refused(AssertionFault::Malformed, what)
}
