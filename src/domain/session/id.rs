//! The session id: 256 random bits behind a tag that says which revocations concern it.

use crate::domain::directory::UserId;
use crate::domain::random;
use crate::domain::random::Random;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use std::fmt;
use zeroize::Zeroizing;

const TAG_BYTES: usize = 6;
const SECRET_BYTES: usize = 32;
/// 8 characters of tag and 43 of secret.
const TEXT_LEN: usize = 51;

/// A keyed pseudonym of a user: finds a user's revocations and sessions without naming the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserTag([u8; TAG_BYTES]);

impl UserTag {
    /// The tag of `user` under the server's tag key.
    pub fn of(user: UserId, key: &[u8]) -> Self {
        // HMAC takes keys of any length, so this cannot fail; an all-zero tag would only widen a revocation.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
            return Self([0; TAG_BYTES]);
        };
        mac.update(b"user-tag\0");
        mac.update(user.0.as_bytes());
        let full = mac.finalize().into_bytes();
        let mut tag = [0; TAG_BYTES];
        tag.copy_from_slice(&full[..TAG_BYTES]);
        Self(tag)
    }

    /// The tag as the number it is.
    pub fn number(self) -> u64 {
        self.0
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    /// The tag with that number; what is beyond the largest one is none.
    pub fn from_number(number: u64) -> Option<Self> {
        let [0, 0, tag @ ..] = number.to_be_bytes() else {
            return None;
        };
        Some(Self(tag))
    }

    pub(in crate::domain::session) const fn from_bytes(bytes: [u8; TAG_BYTES]) -> Self {
        Self(bytes)
    }

    pub(in crate::domain::session) const fn as_bytes(&self) -> &[u8; TAG_BYTES] {
        &self.0
    }

    /// The tag as text: 8 URL-safe characters.
    pub fn to_text(self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Reads a tag as [`UserTag::to_text`] wrote it; none for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        bytes.try_into().ok().map(Self)
    }
}

/// A session's id. Whoever knows it *is* the session, so it never prints; stores keep [`SessionId::digest`].
#[derive(Clone, PartialEq, Eq)]
pub struct SessionId {
    tag: UserTag,
    secret: Zeroizing<[u8; SECRET_BYTES]>,
}

impl SessionId {
    /// A fresh id for a session of that user.
    pub fn fresh(tag: UserTag, random: &dyn Random) -> Self {
        Self {
            tag,
            secret: Zeroizing::new(random::bytes(random)),
        }
    }

    /// The id of those parts, for ids that clients carry in another form.
    pub(in crate::domain::session) fn from_parts(tag: UserTag, secret: [u8; SECRET_BYTES]) -> Self {
        Self {
            tag,
            secret: Zeroizing::new(secret),
        }
    }

    /// Reads an id as [`SessionId::expose`] wrote it; none for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != TEXT_LEN || !text.is_ascii() {
            return None;
        }
        let (tag, secret) = text.split_at(8);
        let mut id = Self {
            tag: UserTag([0; TAG_BYTES]),
            secret: Zeroizing::new([0; SECRET_BYTES]),
        };
        // Neither more nor less fits into the length that was looked at.
        URL_SAFE_NO_PAD.decode_slice(tag, &mut id.tag.0).ok()?;
        URL_SAFE_NO_PAD
            .decode_slice(secret, id.secret.as_mut_slice())
            .ok()?;
        Some(id)
    }

    /// The id as the client carries it. Only the session layer calls this, and stores for the ids a record refers to.
    pub fn expose(&self) -> Zeroizing<String> {
        let mut text = self.tag.to_text();
        text.push_str(&Zeroizing::new(
            URL_SAFE_NO_PAD.encode(self.secret.as_slice()),
        ));
        Zeroizing::new(text)
    }

    /// Which user's revocations concern it.
    pub const fn tag(&self) -> UserTag {
        self.tag
    }

    /// What stores keep in place of the id: its SHA-256, from which it cannot be made again.
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.tag.0);
        hash.update(self.secret.as_slice());
        hash.finalize().into()
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionId({}…)", self.tag.to_text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::SystemRandom;
    use std::collections::HashSet;

    fn tag() -> UserTag {
        UserTag::of(UserId(uuid::Uuid::nil()), b"key")
    }

    #[test]
    fn an_id_reads_back_and_does_not_print() {
        let id = SessionId::fresh(tag(), &SystemRandom::open().unwrap());
        let text = id.expose();
        assert_eq!(text.len(), TEXT_LEN);
        assert_eq!(SessionId::parse(&text), Some(id.clone()));
        assert!(!format!("{id:?}").contains(&text[8..20]));
    }

    #[test]
    fn case_57_anything_else_is_no_id() {
        let good = SessionId::fresh(tag(), &SystemRandom::open().unwrap()).expose();
        for bad in [
            "",
            "x",
            &good[..50],
            &format!("{}!", &good[..50]),
            &"é".repeat(26),
        ] {
            assert_eq!(SessionId::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn case_39_ids_do_not_repeat() {
        let random = SystemRandom::open().unwrap();
        let ids: HashSet<_> = (0..100_000)
            .map(|_| SessionId::fresh(tag(), &random).digest())
            .collect();
        assert_eq!(ids.len(), 100_000);
    }
}
