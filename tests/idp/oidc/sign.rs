//! Keys and signatures of a hostile provider's, and of those it would like to be.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// A key with a name.
pub struct Key {
    pair: RsaKeyPair,
    kid: &'static str,
}

impl Key {
    pub fn new(kid: &'static str) -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        Self { pair, kid }
    }

    /// As it stands in a key set.
    pub fn public(&self) -> Value {
        // RSAPublicKey in DER: 2048 bits after nine bytes, then 65537.
        let der = self.public_der();
        json!({
            "kty": "RSA", "kid": self.kid, "use": "sig", "alg": "RS256",
            "n": encode(&der[9..265]), "e": "AQAB",
        })
    }

    /// A token with a plain header.
    pub fn token(&self, claims: &Value) -> String {
        self.token_under(&json!({"alg": "RS256", "kid": self.kid}), claims)
    }

    /// A token with any header, signed by RS256 whatever that says.
    pub fn token_under(&self, header: &Value, claims: &Value) -> String {
        let signed = signed_part(header, claims);
        let mut signature = vec![0; self.pair.public_modulus_len()];
        let rng = SystemRandom::new();
        self.pair
            .sign(&RSA_PKCS1_SHA256, &rng, signed.as_bytes(), &mut signature)
            .unwrap();
        format!("{signed}.{}", encode(signature))
    }

    /// The public key as people keep it: what a naive judge would take for the secret of HS256.
    pub fn public_der(&self) -> Vec<u8> {
        self.pair.public_key().as_ref().to_vec()
    }
}

/// A key on P-256, as it stands in a key set, and a token signed by it.
pub fn p256(claims: &Value) -> (Value, String) {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let point = pair.public_key().as_ref();
    let public = json!({
        "kty": "EC", "crv": "P-256", "kid": "ec", "x": encode(&point[1..33]), "y": encode(&point[33..]),
    });
    let signed = signed_part(&json!({"alg": "ES256", "kid": "ec"}), claims);
    let signature = pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
    (public, format!("{signed}.{}", encode(signature)))
}

/// A token of HS256 with those bytes as the secret.
pub fn by_hmac(secret: &[u8], claims: &Value) -> String {
    let signed = signed_part(&json!({"alg": "HS256", "kid": "good"}), claims);
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let tag = hmac::sign(&key, signed.as_bytes());
    format!("{signed}.{}", encode(tag))
}

/// Header and claims, encoded.
pub fn signed_part(header: &Value, claims: &Value) -> String {
    format!(
        "{}.{}",
        encode(header.to_string()),
        encode(claims.to_string())
    )
}
