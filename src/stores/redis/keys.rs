//! Every key this program keeps in Redis, its type and how long it lives.
//!
//! | key (after the prefix)  | type   | holds                                          | TTL |
//! |-------------------------|--------|------------------------------------------------|-----|
//! | `s:{tag}:<digest>`      | HASH   | a session: `v r b i a t o k`, or `v x` (over)  | to its end + 1 h; 1 h once over |
//! | `u:{tag}`               | STRING | the user's epoch, in ms                        | [`EPOCH_KEPT`] |
//! | `u:{tag}:why`           | STRING | why: the word of an `EndReason`                | [`EPOCH_KEPT`] |
//! | `i:{tag}`               | ZSET   | digests of the user's sessions by absolute end | to the last end + 1 h |
//! | `d:{tag}`               | ZSET   | digests of tokens the user minted by their end, at most 10 000 | to the last end + 1 h |
//! | `d:{tag}:<family>`      | ZSET   | those of them that came of one session, token or password, at most 500 | to the last end + 1 h |
//! | `d:{tag}:swept`         | STRING | some node has just looked for those that are over | 5 s |
//! | `x:{tag}:<family>`      | STRING | the family was ended: when, and its sessions that go on | 5 min |
//! | `g`                     | HASH   | epochs: `all`, `org:<id>`, `key:<id>`; why: `why:all`, …; `stamp` | none |
//! | `t:<digest>`            | HASH   | a token: `v r b e u o k`, `d` of the user's own, `s` once spent, `x` once revoked | to its end + 1 h |
//! | `k:<key id>`            | STRING | digest of the key's latest superseding token   | to that token's end + 1 h |
//! | `f:<digest>`            | HASH   | attempts to sign in: `n` how many, `t` last    | 30 min after the last |
//! | `f:<digest>`            | STRING | how many sign-ins at providers began at one address, or at all, within one minute | to its end + 10 s |
//! | `w:<digest>`            | HASH   | a sign-in under way, or what must not be seen twice: `w`, `e` | to its end + 2 min |
//! | `live`                  | STRING | how many sessions live, as last counted        | 5 min |
//! | `live:turn`             | STRING | some node counts, or has just counted          | 54 s |
//! | `now`                   | STRING | the latest moment that any node has taken it for | none |
//! | `ping`, `ping:<n>`      | STRING | written by `ping`, to prove writes work        | 1 s |
//!
//! Fields: `v` version, `r` the record (JSON), `b` began, `i` idle and `a` absolute timeout, `t` last
//! seen, `e` effective expiry (all ms), `o` Org, `k` secret key, `u` user tag, `d` family, `x` why it is over.
//! The digest of attempts is a keyed one of user name and address, so that neither can be guessed from it.
//! The scripts decide from fields, so that they never parse JSON.
//!
//! TTLs only sweep up. Whether something lives is decided from `now` as the caller's clock has it, so
//! a step of Redis's clock by less than the hour of slack ends nothing early.
//!
//! The channel `changed` says, to nodes that keep sessions in memory (`cache`), which of them is over or changed.
//!
//! The tag in braces puts a user's session, epoch and index into one Cluster slot; `g`, `t:…` and `k:…` are
//! elsewhere. Where all are on one server a script is given `g` and sees everything. In a Cluster it is
//! given `g:{tag}` or `g{t:<digest>}` of its own slot instead, which nobody ever writes, and the caller
//! asks `g` beside it (`epochs`); the names of what is kept are the same either way.

use crate::domain::directory::{KeyId, OrgId};
use crate::domain::session::{SessionId, UserTag};
use crate::domain::sso::FlowDigest;
use crate::domain::throttle::Bucket;
use crate::domain::token::{Family, TokenDigest};
use std::time::Duration;

/// How long a user's epoch is kept. No session or token may be allowed to live longer, or its revocation would lapse.
pub const EPOCH_KEPT: Duration = Duration::from_hours(400 * 24);

/// How often what is over is looked for among the tokens of a user who has too many.
pub const SWEEP_EVERY: Duration = Duration::from_secs(5);

/// How long the key written by a ping stays.
pub const PING_KEPT: Duration = Duration::from_secs(1);

/// Makes keys under one prefix.
#[derive(Clone, Debug)]
pub struct Keys {
    prefix: String,
}

impl Keys {
    /// Keys that all begin with `prefix`.
    pub fn under(prefix: String) -> Self {
        Self { prefix }
    }

    /// The prefix, for the one script that must derive keys from a record.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The channel on which scripts tell what they ended or changed: a digest, or `*` for anything.
    pub fn changes(&self) -> String {
        format!("{}changed", self.prefix)
    }

    /// `s:{tag}:<digest>`
    pub fn session(&self, id: &SessionId) -> String {
        self.sessions_of(id.tag()) + &hex(&id.digest())
    }

    /// What the keys of that user's sessions begin with; a digest in hexadecimal digits completes them.
    pub fn sessions_of(&self, tag: UserTag) -> String {
        self.of_user("s:{", tag, "}:")
    }

    /// `u:{tag}`
    pub fn user_epoch(&self, tag: UserTag) -> String {
        self.of_user("u:{", tag, "}")
    }

    /// `i:{tag}`
    pub fn index(&self, tag: UserTag) -> String {
        self.of_user("i:{", tag, "}")
    }

    /// With room for a digest behind it.
    fn of_user(&self, before: &str, tag: UserTag, after: &str) -> String {
        let mut key = String::with_capacity(self.prefix.len() + KEY_BYTES);
        for part in [&self.prefix, before, &tag.to_text(), after] {
            key.push_str(part);
        }
        key
    }

    /// `d:{tag}`
    pub fn own_tokens(&self, tag: UserTag) -> String {
        self.of_user("d:{", tag, "}")
    }

    /// `d:{tag}:<family>`
    pub fn own_tokens_of(&self, tag: UserTag, family: Family) -> String {
        self.of_user("d:{", tag, &format!("}}:{family}"))
    }

    /// `d:{tag}:swept`
    pub fn own_tokens_swept(&self, tag: UserTag) -> String {
        self.of_user("d:{", tag, "}:swept")
    }

    /// `x:{tag}:<family>`
    pub fn ended_family(&self, tag: UserTag, family: Family) -> String {
        self.of_user("x:{", tag, &format!("}}:{family}"))
    }

    /// The pattern that all indexes match, and keys of nobody else.
    pub fn every_index(&self) -> String {
        let mut pattern = String::new();
        for letter in self.prefix.chars() {
            if !letter.is_ascii_alphanumeric() {
                pattern.push('\\');
            }
            pattern.push(letter);
        }
        pattern.push_str("i:{*}");
        pattern
    }

    /// The tag in an index's key.
    pub fn tag_of_index(&self, key: &str) -> Option<UserTag> {
        let tag = key.strip_prefix(&self.prefix)?.strip_prefix("i:{")?;
        UserTag::parse(tag.strip_suffix('}')?)
    }

    /// `g`
    pub fn epochs(&self) -> String {
        format!("{}g", self.prefix)
    }

    /// `now`
    pub fn latest_moment(&self) -> String {
        format!("{}now", self.prefix)
    }

    /// `g:{tag}`, which nobody writes: no epochs, in the user's slot.
    pub fn no_epochs_of(&self, tag: UserTag) -> String {
        format!("{}g:{{{}}}", self.prefix, tag.to_text())
    }

    /// `g{t:<digest>}`, which nobody writes: no epochs, in the token's slot.
    pub fn no_epochs_beside(&self, digest: &TokenDigest) -> String {
        // What stands in the braces is the whole key of the token, prefix included.
        format!("{}g{{{}}}", self.prefix, self.token(digest))
    }

    /// `t:<digest>`
    pub fn token(&self, digest: &TokenDigest) -> String {
        format!("{}t:{}", self.prefix, hex(&digest.0))
    }

    /// `k:<key id>`
    pub fn latest(&self, key: KeyId) -> String {
        format!("{}k:{key}", self.prefix)
    }

    /// `f:<digest>`
    pub fn attempts(&self, of: &Bucket) -> String {
        format!("{}f:{}", self.prefix, hex(of.digest()))
    }

    /// `w:<digest>`
    pub fn flow(&self, under: &FlowDigest) -> String {
        format!("{}w:{}", self.prefix, hex(&under.0))
    }

    /// `live`
    pub fn live(&self) -> String {
        format!("{}live", self.prefix)
    }

    /// `live:turn`
    pub fn live_turn(&self) -> String {
        format!("{}live:turn", self.prefix)
    }

    /// `ping`
    pub fn ping(&self) -> String {
        format!("{}ping", self.prefix)
    }

    /// `ping:<n>`: of some `n` on each server of a Cluster.
    pub fn ping_of(&self, n: usize) -> String {
        format!("{}ping:{n}", self.prefix)
    }
}

/// What a session's key takes at most behind the prefix.
const KEY_BYTES: usize = 80;

/// The field of `g` for everybody.
pub const ALL: &str = "all";

/// The field of `g` for an Org.
pub fn org_field(org: OrgId) -> String {
    format!("org:{org}")
}

/// The field of `g` for a secret key.
pub fn key_field(key: KeyId) -> String {
    format!("key:{key}")
}

/// The field of `g` with the reason that belongs to another.
pub fn why_field(field: &str) -> String {
    format!("why:{field}")
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    // Every check says a digest twice: formatting each byte would cost more than all else that is put together for it.
    let digit = |four: u8| char::from(DIGITS[usize::from(four & 0xf)]);
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(*byte));
    }
    text
}

/// Reads what [`hex`] wrote; none for anything else.
pub fn unhex(text: &[u8]) -> Option<[u8; 32]> {
    let text = std::str::from_utf8(text).ok()?;
    if text.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::directory::UserId;

    #[test]
    fn a_digest_reads_back() {
        let digest = [0xa7; 32];
        assert_eq!(unhex(hex(&digest).as_bytes()), Some(digest));
        assert_eq!(unhex(b"a7"), None);
        assert_eq!(unhex(&[0xff; 64]), None);
    }

    #[test]
    fn a_prefix_is_no_pattern_of_other_keys() {
        let keys = Keys::under("a*[b]:".to_owned());
        assert_eq!(keys.every_index(), "a\\*\\[b\\]\\:i:{*}");
        let tag = UserTag::of(UserId(uuid::Uuid::nil()), b"key");
        assert_eq!(keys.tag_of_index(&keys.index(tag)), Some(tag));
        assert_eq!(keys.tag_of_index(&keys.user_epoch(tag)), None);
    }
}
