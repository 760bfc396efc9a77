//! Secret keys of trusted authentication: found by a keyed digest, and kept sealed, so none lies in the clear.
//!
//! They must be kept at all because the vendor's API shows an administrator the keys there are; a copy of the
//! directory without the server's own secrets yields none of them.

use crate::domain::random;
use crate::domain::random::Random;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use sha2::Sha256;
use std::fmt;
use zeroize::Zeroizing;

/// The longest secret key that is looked at; a longer one cannot be ours.
const MAX_KEY_BYTES: usize = 256;

/// The HMAC-SHA256 of a secret key under a server secret. Finding a key by it needs no comparison in variable time.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyDigest(pub [u8; 32]);

impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyDigest(…)")
    }
}

/// Makes [`KeyDigest`]s.
#[derive(Debug)]
pub struct KeyHasher {
    secret: SecretSlice<u8>,
}

impl KeyHasher {
    /// A hasher under the server's key-digest secret.
    pub fn new(secret: SecretSlice<u8>) -> Self {
        Self { secret }
    }

    /// The digest of a presented key; none when it is empty or too long to be one.
    pub fn digest(&self, presented: &str) -> Option<KeyDigest> {
        self.digest_as(b"secret-key\0", presented)
    }

    /// The digest of a presented API token; no secret key has the same.
    pub fn api_token_digest(&self, presented: &str) -> Option<KeyDigest> {
        self.digest_as(b"api-token\0", presented)
    }

    fn digest_as(&self, label: &[u8], presented: &str) -> Option<KeyDigest> {
        if presented.is_empty() || presented.len() > MAX_KEY_BYTES {
            return None;
        }
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.expose_secret()).ok()?;
        mac.update(label);
        mac.update(presented.as_bytes());
        Some(KeyDigest(mac.finalize().into_bytes().into()))
    }
}

/// Seals and unseals secret keys for keeping (AES-256-GCM).
#[derive(Debug)]
pub struct KeySealer {
    secret: SecretSlice<u8>,
}

impl KeySealer {
    /// A sealer under the server's 32-byte sealing secret.
    pub fn new(secret: SecretSlice<u8>) -> Self {
        Self { secret }
    }

    /// The sealed form of a key, as text; none only if the sealing secret has the wrong size.
    pub fn seal(&self, key: &SecretString, random: &dyn Random) -> Option<String> {
        let nonce: [u8; NONCE_LEN] = random::bytes(random);
        let mut sealed = Zeroizing::new(key.expose_secret().as_bytes().to_vec());
        self.cipher()?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::empty(),
                &mut *sealed,
            )
            .ok()?;
        let mut kept = nonce.to_vec();
        kept.extend_from_slice(&sealed);
        Some(STANDARD.encode(kept))
    }

    /// The key in a sealed form; none when it is damaged or another server's.
    pub fn unseal(&self, sealed: &str) -> Option<SecretString> {
        let kept = STANDARD.decode(sealed).ok()?;
        let (nonce, rest) = kept.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut opened = Zeroizing::new(rest.to_vec());
        let plain = self
            .cipher()?
            .open_in_place(nonce, Aad::empty(), &mut opened)
            .ok()?;
        let key = std::str::from_utf8(plain).ok()?;
        Some(SecretString::from(key))
    }

    fn cipher(&self) -> Option<LessSafeKey> {
        let key = UnboundKey::new(&AES_256_GCM, self.secret.expose_secret()).ok()?;
        Some(LessSafeKey::new(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::SystemRandom;

    #[test]
    fn a_sealed_key_opens_only_under_the_same_secret_and_undamaged() {
        let random = SystemRandom::open().unwrap();
        let with_key = |byte| KeySealer::new(SecretSlice::from(vec![byte; 32]));
        let key = SecretString::from("f0b3c9d2-5a1e-4b7c-8d9e-0123456789ab");
        let sealed = with_key(1).seal(&key, &random).unwrap();
        assert!(!sealed.contains("f0b3"));
        assert_eq!(
            with_key(1).unseal(&sealed).unwrap().expose_secret(),
            key.expose_secret()
        );
        assert!(with_key(2).unseal(&sealed).is_none());
        assert!(with_key(1).unseal(&sealed[4..]).is_none());
        assert!(with_key(1).unseal("").is_none());
    }
}
