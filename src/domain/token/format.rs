//! The shape of a token: `$shiro1$SHA-256$500000$<salt>$<hash>` in unpadded base64, 123 characters.
//!
//! The salt is 16 random bytes and the token's id. The hash is an HMAC-SHA256 under a key only the
//! server holds, so a forged or damaged token is refused without asking a store. The shape is the
//! vendor's and makes the text URL-safe: inside the inner text no byte sequence encodes to `+` or `/`.

use crate::domain::random;
use crate::domain::random::Random;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice};
use sha2::{Digest, Sha256};
use std::fmt;
use zeroize::Zeroizing;

const PREFIX: &str = "$shiro1$SHA-256$500000$";
const SALT_BYTES: usize = 16;
/// `PREFIX` + 24 characters of salt + `$` + 44 of hash.
const INNER_LEN: usize = 92;
const TEXT_LEN: usize = 123;

/// A token as the client carries it. Never prints.
#[derive(Clone)]
pub struct TokenText(Zeroizing<String>);

impl TokenText {
    /// The text itself, for the one reply that hands it out.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenText(…)")
    }
}

/// What stores keep a token under: the SHA-256 of its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TokenDigest(pub [u8; 32]);

/// Makes tokens and recognises its own.
#[derive(Debug)]
pub struct TokenMint {
    key: SecretSlice<u8>,
}

impl TokenMint {
    /// A mint under the server's token key.
    pub fn new(key: SecretSlice<u8>) -> Self {
        Self { key }
    }

    /// A fresh token and what to keep it under.
    pub fn fresh(&self, random: &dyn Random) -> (TokenText, TokenDigest) {
        let salt: [u8; SALT_BYTES] = random::bytes(random);
        let hash = self
            .mac(&salt)
            .map_or([0; 32], |mac| mac.finalize().into_bytes().into());
        let inner = Zeroizing::new(format!(
            "{PREFIX}{}${}",
            STANDARD.encode(salt),
            STANDARD.encode(hash)
        ));
        let text = Zeroizing::new(STANDARD_NO_PAD.encode(inner.as_bytes()));
        (TokenText(text), digest(&salt))
    }

    /// The digest of a token this mint made; none for anything else.
    pub fn recognise(&self, text: &str) -> Option<TokenDigest> {
        if text.len() != TEXT_LEN {
            return None;
        }
        let inner = Zeroizing::new(STANDARD_NO_PAD.decode(text).ok()?);
        if inner.len() != INNER_LEN {
            return None;
        }
        let rest = std::str::from_utf8(&inner).ok()?.strip_prefix(PREFIX)?;
        let (salt, hash) = rest.split_once('$')?;
        let salt: [u8; SALT_BYTES] = STANDARD.decode(salt).ok()?.try_into().ok()?;
        let hash = STANDARD.decode(hash).ok()?;
        // `verify_slice` compares in constant time.
        self.mac(&salt)?.verify_slice(&hash).ok()?;
        Some(digest(&salt))
    }

    fn mac(&self, salt: &[u8; SALT_BYTES]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.key.expose_secret()).ok()?;
        mac.update(b"trusted-token\0");
        mac.update(salt);
        Some(mac)
    }
}

fn digest(salt: &[u8; SALT_BYTES]) -> TokenDigest {
    TokenDigest(Sha256::digest(salt).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::SystemRandom;
    use proptest::prelude::*;

    fn mint(key: u8) -> TokenMint {
        TokenMint::new(SecretSlice::from(vec![key; 32]))
    }

    #[test]
    fn a_token_has_the_documented_shape_and_needs_no_url_encoding() {
        let random = SystemRandom::open().unwrap();
        for _ in 0..2_000 {
            let (text, digest) = mint(1).fresh(&random);
            assert_eq!(text.expose().len(), 123);
            assert!(
                text.expose().bytes().all(|b| b.is_ascii_alphanumeric()),
                "{}",
                text.expose()
            );
            let inner = STANDARD_NO_PAD.decode(text.expose()).unwrap();
            assert!(inner.starts_with(b"$shiro1$SHA-256$500000$"));
            assert_eq!(mint(1).recognise(text.expose()), Some(digest));
        }
    }

    #[test]
    fn case_41_a_token_of_another_server_or_with_one_changed_character_is_refused() {
        let (text, _) = mint(1).fresh(&SystemRandom::open().unwrap());
        let text = text.expose();
        assert_eq!(mint(2).recognise(text), None);
        for at in 0..text.len() {
            let mut changed = text.to_owned().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(
                mint(1).recognise(std::str::from_utf8(&changed).unwrap()),
                None,
                "position {at}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_the_parser(text in ".{0,200}") {
            prop_assert_eq!(mint(1).recognise(&text), None);
        }
    }
}
