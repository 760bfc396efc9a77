//! How we prove to a provider who we are: with a secret, with a key of our own, or not at all.

use crate::domain::clock::Timestamp;
use crate::domain::random::{self, Random};
use crate::settings::SsoProvider;
use anyhow::{Context, anyhow, bail};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// How long an assertion of ours is good: one exchange, and clocks that differ.
const ASSERTION_LIFE: Duration = Duration::from_mins(2);
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What we prove it with.
pub(super) enum ClientAuth {
    /// A public client: PKCE alone ties the code to us.
    Public,
    /// `client_secret_post`
    Secret(SecretString),
    /// `private_key_jwt`
    Key(ClientKey),
}

/// A private key of ours, and the name the provider knows it by.
pub(super) struct ClientKey {
    pair: KeyPair,
    id: Option<String>,
}

/// The signing is aws-lc's, which TLS uses anyway: RSA in constant time, unlike the library that checks signatures.
enum KeyPair {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
}

impl ClientAuth {
    /// Reads the key file, where there is one.
    pub fn open(settings: &SsoProvider) -> anyhow::Result<Self> {
        match (&settings.client_secret, &settings.client_key_file) {
            (Some(_), Some(_)) => bail!("client_secret or client_key_file, not both"),
            (Some(secret), None) => Ok(Self::Secret(secret.clone())),
            (None, Some(file)) => {
                let pair = read_key(file)
                    .with_context(|| format!("client_key_file {}", file.display()))?;
                let id = settings.client_key_id.clone();
                Ok(Self::Key(ClientKey { pair, id }))
            }
            (None, None) => Ok(Self::Public),
        }
    }

    /// For people: the method's registered name.
    pub const fn method(&self) -> &'static str {
        match self {
            Self::Public => "none",
            Self::Secret(_) => "client_secret_post",
            Self::Key(_) => "private_key_jwt",
        }
    }

    /// Adds the proof to a form that is posted to `endpoint`.
    pub fn add_to(
        &self,
        form: &mut Vec<(&'static str, String)>,
        client_id: &str,
        endpoint: &str,
        random: &dyn Random,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        form.push(("client_id", client_id.to_owned()));
        match self {
            Self::Public => {}
            Self::Secret(secret) => {
                form.push(("client_secret", secret.expose_secret().to_owned()));
            }
            Self::Key(key) => {
                let claims = json!({
                    "iss": client_id,
                    "sub": client_id,
                    // Good where it is sent and nowhere else; every provider takes this one.
                    "aud": endpoint,
                    "jti": random::uuid(random).to_string(),
                    "iat": now.seconds(),
                    "exp": now.plus(ASSERTION_LIFE).seconds(),
                });
                form.push(("client_assertion_type", JWT_BEARER.to_owned()));
                form.push(("client_assertion", key.sign(&claims)?));
            }
        }
        Ok(())
    }

    /// What must not be repeated of what a provider says.
    pub fn secret(&self) -> Option<&str> {
        match self {
            Self::Secret(secret) => Some(secret.expose_secret()),
            Self::Public | Self::Key(_) => None,
        }
    }
}

impl ClientKey {
    fn sign(&self, claims: &Value) -> anyhow::Result<String> {
        let alg = match self.pair {
            KeyPair::Rsa(_) => "RS256",
            KeyPair::P256(_) => "ES256",
        };
        let mut header = json!({"alg": alg, "typ": "JWT"});
        if let Some(id) = &self.id {
            header["kid"] = Value::String(id.clone());
        }
        let [header, claims] = [&header, claims].map(|part| encode(part.to_string().as_bytes()));
        let signed = format!("{header}.{claims}");
        // Neither method draws from it: PKCS#1 v1.5 is deterministic, and ECDSA has aws-lc's own.
        let rng = SystemRandom::new();
        let failed = |_| anyhow!("client_key_file: signing failed");
        let signature = match &self.pair {
            KeyPair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &rng, signed.as_bytes(), &mut signature)
                    .map_err(failed)?;
                encode(&signature)
            }
            KeyPair::P256(pair) => {
                let signature = pair.sign(&rng, signed.as_bytes()).map_err(failed)?;
                encode(signature.as_ref())
            }
        };
        Ok(format!("{signed}.{signature}"))
    }
}

fn encode(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// Of the several wrappings that tools make, the PEM label says only which family it is.
fn read_key(file: &Path) -> anyhow::Result<KeyPair> {
    let der = PrivateKeyDer::from_pem_file(file).context("expected a private key in PEM")?;
    let rsa = match &der {
        PrivateKeyDer::Pkcs8(key) => RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()),
        other => RsaKeyPair::from_der(other.secret_der()),
    };
    if let Ok(pair) = rsa {
        return Ok(KeyPair::Rsa(pair));
    }
    let curve = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let p256 = match &der {
        PrivateKeyDer::Pkcs8(key) => EcdsaKeyPair::from_pkcs8(curve, key.secret_pkcs8_der()),
        other => EcdsaKeyPair::from_private_key_der(curve, other.secret_der()),
    };
    p256.map(KeyPair::P256)
        .map_err(|_| anyhow!("expected a key for RSA (2048 bits or more) or P-256"))
}
