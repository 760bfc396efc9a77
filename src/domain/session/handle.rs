//! The name of a session for people: enough to list and end it, of no use to anybody who wants to be it.

use crate::domain::session::{SessionId, UserTag};
use std::fmt;

/// How much of the digest a handle carries: no two sessions of one user will share it.
const START_BYTES: usize = 8;
/// Both parts as hexadecimal digits, and the dash between them.
const TEXT_LEN: usize = 29;

/// A session as lists, the audit trail and operators name it: the owner's tag and the start of the id's digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionHandle {
    tag: UserTag,
    start: [u8; START_BYTES],
}

impl SessionHandle {
    /// The handle of the session kept under that digest for the user of that tag.
    pub fn new(tag: UserTag, digest: &[u8; 32]) -> Self {
        let mut start = [0; START_BYTES];
        start.copy_from_slice(&digest[..START_BYTES]);
        Self { tag, start }
    }

    /// The handle of the session with that id.
    pub fn of(id: &SessionId) -> Self {
        Self::new(id.tag(), &id.digest())
    }

    /// Its owner's tag.
    pub const fn tag(&self) -> UserTag {
        self.tag
    }

    /// What the digest begins with.
    pub const fn start(&self) -> &[u8; START_BYTES] {
        &self.start
    }

    /// Reads a handle as it is displayed; none for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != TEXT_LEN || !text.is_ascii() {
            return None;
        }
        let (tag, start) = text.split_once('-')?;
        Some(Self {
            tag: UserTag::from_bytes(bytes(tag)?),
            start: bytes(start)?,
        })
    }
}

impl fmt::Display for SessionHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.tag.as_bytes() {
            write!(f, "{byte:02x}")?;
        }
        f.write_str("-")?;
        for byte in self.start {
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

fn bytes<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if digits.len() != N * 2 || !digits.bytes().all(is_hex) {
        return None;
    }
    let mut bytes = [0; N];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::directory::UserId;
    use crate::domain::random::SystemRandom;

    #[test]
    fn a_handle_reads_back_and_holds_nothing_of_the_secret() {
        let tag = UserTag::of(UserId(uuid::Uuid::nil()), b"key");
        let id = SessionId::fresh(tag, &SystemRandom::open().unwrap());
        let handle = SessionHandle::of(&id);
        let text = handle.to_string();
        assert_eq!(text.len(), TEXT_LEN);
        assert_eq!(SessionHandle::parse(&text), Some(handle));
        assert!(!id.expose().contains(&text[13..21]));
    }

    #[test]
    fn case_57_anything_else_is_no_handle() {
        let good = "00112233aabb-0011223344556677";
        assert!(SessionHandle::parse(good).is_some());
        for bad in [
            "",
            "-",
            &good[..28],
            "00112233AABB-0011223344556677",
            "00112233aab-00112233445566777",
            "00112233aabb-001122334455667+",
            "00112233aabb 0011223344556677",
            "é0112233aab-00112233445566777",
        ] {
            assert_eq!(SessionHandle::parse(bad), None, "{bad}");
        }
    }
}
