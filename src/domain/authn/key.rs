//! Secret keys of trusted authentication: compared by a keyed digest, so none is kept in the clear.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice};
use sha2::Sha256;
use std::fmt;

/// The longest secret key that is looked at; a longer one cannot be ours.
const MAX_KEY_BYTES: usize = 256;

/// The HMAC-SHA256 of a secret key under a server secret. Finding a key by it needs no comparison in variable time.
#[derive(Clone, Copy, PartialEq, Eq)]
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
        if presented.is_empty() || presented.len() > MAX_KEY_BYTES {
            return None;
        }
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.expose_secret()).ok()?;
        mac.update(b"secret-key\0");
        mac.update(presented.as_bytes());
        Some(KeyDigest(mac.finalize().into_bytes().into()))
    }
}
