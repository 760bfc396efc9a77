//! Session ids for dialects whose cookie has room for 128 bits only, and the token that belongs to such an id.
//!
//! ```text
//! block   = (user tag ⊕ mask) ‖ nonce           16 bytes: 6 and 10
//! mask    = HMAC(key, "mask" ‖ nonce)[..6]
//! id      = user tag, SHA-256("session" ‖ block)  what stores know the session by
//! token   = HMAC(key, "token" ‖ block)            the first 130 bits, in 26 characters
//! ```
//!
//! The tag must be found from the cookie alone, because it says which revocations a check has to read. Under the
//! mask it looks random to everybody without the key, so that a block is 128 bits nobody can guess. Stores keep a
//! digest of the id, which does not lead back to the block. See `docs/decisions/0012-microstrategy-session-ids.md`.

use crate::domain::random;
use crate::domain::random::Random;
use crate::domain::session::{SessionId, UserTag};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice};
use sha2::{Digest, Sha256};
use std::fmt;
use std::fmt::Write;
use zeroize::Zeroizing;

const TAG_BYTES: usize = 6;
const NONCE_BYTES: usize = 10;
const BLOCK_BYTES: usize = TAG_BYTES + NONCE_BYTES;
const TOKEN_CHARS: usize = 26;
/// The digits of tokens, five bits each.
const DIGITS: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";

/// An id of 128 bits. Whoever knows it has half of what a request needs, so it never prints.
#[derive(Clone, PartialEq, Eq)]
pub struct BlockId {
    tag: UserTag,
    block: Zeroizing<[u8; BLOCK_BYTES]>,
}

impl BlockId {
    /// The id as the client carries it: 32 upper-case hexadecimal digits.
    pub fn expose(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(BLOCK_BYTES * 2));
        for byte in self.block.iter() {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02X}");
        }
        text
    }

    /// The id stores know the session by; it does not lead back to this one.
    pub fn session_id(&self) -> SessionId {
        let mut hash = Sha256::new();
        hash.update(b"session\0");
        hash.update(self.block.as_slice());
        SessionId::from_parts(self.tag, hash.finalize().into())
    }
}

impl fmt::Debug for BlockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlockId({}…)", self.tag.to_text())
    }
}

/// Makes ids of 128 bits, reads them back and knows the token of each.
#[derive(Debug)]
pub struct BlockIds {
    key: SecretSlice<u8>,
}

impl BlockIds {
    /// Ids under that key, which every node shares.
    pub const fn new(key: SecretSlice<u8>) -> Self {
        Self { key }
    }

    /// A fresh id for a session of that user.
    pub fn fresh(&self, tag: UserTag, random: &dyn Random) -> BlockId {
        let nonce: [u8; NONCE_BYTES] = random::bytes(random);
        let mut block = Zeroizing::new([0; BLOCK_BYTES]);
        let masked = self.masked(*tag.as_bytes(), &nonce);
        block[..TAG_BYTES].copy_from_slice(&masked);
        block[TAG_BYTES..].copy_from_slice(&nonce);
        BlockId { tag, block }
    }

    /// Reads an id as [`BlockId::expose`] wrote it; none for anything of another form.
    ///
    /// Any text of the form is an id of somebody's: only the store knows which were ever given out.
    pub fn read(&self, text: &str) -> Option<BlockId> {
        if text.len() != BLOCK_BYTES * 2 {
            return None;
        }
        let mut block = Zeroizing::new([0; BLOCK_BYTES]);
        for (byte, digits) in block.iter_mut().zip(text.as_bytes().as_chunks::<2>().0) {
            *byte = digit(digits[0])? << 4 | digit(digits[1])?;
        }
        let mut nonce = [0; NONCE_BYTES];
        nonce.copy_from_slice(&block[TAG_BYTES..]);
        let mut masked = [0; TAG_BYTES];
        masked.copy_from_slice(&block[..TAG_BYTES]);
        let tag = UserTag::from_bytes(self.masked(masked, &nonce));
        Some(BlockId { tag, block })
    }

    /// The token that belongs to an id: 26 characters of `0` to `9` and `a` to `v`.
    pub fn token(&self, id: &BlockId) -> Zeroizing<String> {
        self.text(b"token\0", id)
    }

    /// A second text of the same form that belongs to the id; good for nothing, it only looks the part.
    pub fn companion(&self, id: &BlockId) -> Zeroizing<String> {
        self.text(b"companion\0", id)
    }

    /// Whether the token belongs to the id. Takes as long for a wrong one as for a right one.
    pub fn is_token_of(&self, id: &BlockId, presented: &str) -> bool {
        let token = self.token(id);
        let presented = presented.as_bytes();
        if presented.len() != token.len() {
            return false;
        }
        let differing = token
            .bytes()
            .zip(presented)
            .fold(0, |differing, (own, other)| differing | (own ^ other));
        // Without the barrier a compiler could stop at the first difference.
        std::hint::black_box(differing) == 0
    }

    fn masked(&self, tag: [u8; TAG_BYTES], nonce: &[u8; NONCE_BYTES]) -> [u8; TAG_BYTES] {
        let mask = self.mac(b"mask\0", nonce);
        let mut masked = tag;
        for (byte, mask) in masked.iter_mut().zip(mask) {
            *byte ^= mask;
        }
        masked
    }

    fn text(&self, label: &[u8], id: &BlockId) -> Zeroizing<String> {
        let mac = self.mac(label, id.block.as_slice());
        let mut bits = mac
            .iter()
            .flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1));
        let mut text = Zeroizing::new(String::with_capacity(TOKEN_CHARS));
        for _ in 0..TOKEN_CHARS {
            let five = bits.by_ref().take(5).fold(0, |five, bit| five << 1 | bit);
            text.push(char::from(DIGITS[usize::from(five)]));
        }
        text
    }

    fn mac(&self, label: &[u8], of: &[u8]) -> [u8; 32] {
        // HMAC takes keys of any length, so this cannot fail; without it no id would ever match.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.key.expose_secret()) else {
            return [0; 32];
        };
        mac.update(label);
        mac.update(of);
        mac.finalize().into_bytes().into()
    }
}

fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'A'..=b'F' => Some(character - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::directory::UserId;
    use crate::domain::random::SystemRandom;
    use proptest::prelude::*;
    use std::collections::HashSet;

    fn ids(key: u8) -> BlockIds {
        BlockIds::new(SecretSlice::from(vec![key; 32]))
    }

    fn tag() -> UserTag {
        UserTag::of(UserId(uuid::Uuid::nil()), b"key")
    }

    #[test]
    fn an_id_reads_back_with_its_tag_and_does_not_print() {
        let random = SystemRandom::open().unwrap();
        for _ in 0..1_000 {
            let id = ids(1).fresh(tag(), &random);
            let text = id.expose();
            assert!(text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'A'..=b'F')));
            let read = ids(1).read(&text).unwrap();
            assert_eq!(read, id);
            assert_eq!(read.session_id(), id.session_id());
            assert_eq!(read.session_id().tag(), tag());
            assert!(!format!("{id:?}").contains(&text[..8]));
        }
    }

    #[test]
    fn case_39_ids_of_one_user_share_nothing_to_be_seen() {
        let random = SystemRandom::open().unwrap();
        let texts: HashSet<String> = (0..10_000)
            .map(|_| ids(1).fresh(tag(), &random).expose()[..12].to_owned())
            .collect();
        assert_eq!(texts.len(), 10_000);
    }

    #[test]
    fn a_token_belongs_to_one_id_of_one_server() {
        let random = SystemRandom::open().unwrap();
        let (one, other) = (ids(1).fresh(tag(), &random), ids(1).fresh(tag(), &random));
        let token = ids(1).token(&one);
        assert_eq!(token.len(), 26);
        assert!(
            token
                .bytes()
                .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'v'))
        );
        assert!(ids(1).is_token_of(&one, &token));
        assert!(!ids(1).is_token_of(&other, &token));
        assert!(!ids(2).is_token_of(&one, &token));
        assert!(!ids(1).is_token_of(&one, &ids(1).companion(&one)));
        assert!(!ids(1).is_token_of(&one, &token[..25]));
        assert!(!ids(1).is_token_of(&one, ""));
    }

    #[test]
    fn case_57_anything_else_is_no_id() {
        let good = ids(1).fresh(tag(), &SystemRandom::open().unwrap()).expose();
        let small = good.to_lowercase();
        let marked = format!("{}.node1", *good);
        for bad in [
            "",
            "x",
            &good[..31],
            small.as_str(),
            &marked,
            &"é".repeat(16),
        ] {
            assert!(
                bad.bytes().all(|b| b.is_ascii_digit()) || ids(1).read(bad).is_none(),
                "{bad}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_the_reader(text in ".{0,64}", hex in "[0-9A-F]{32}") {
            let _ = ids(1).read(&text);
            let read = ids(1).read(&hex).unwrap().expose();
            prop_assert_eq!(read.as_str(), hex.as_str());
        }
    }
}
