//! Every key this program keeps in Redis, its type and how long it lives.
//!
//! | key (after the prefix)  | type   | holds                                          | TTL |
//! |-------------------------|--------|------------------------------------------------|-----|
//! | `s:{tag}:<digest>`      | HASH   | a session: `v r b i a t o k`, or `v x` (over)  | to its end + 1 h; 1 h once over |
//! | `u:{tag}`               | STRING | the user's epoch, in ms                        | [`EPOCH_KEPT`] |
//! | `i:{tag}`               | ZSET   | digests of the user's sessions by absolute end | to the last end + 1 h |
//! | `g`                     | HASH   | epochs: `all`, `org:<id>`, `key:<id>`          | none |
//! | `t:<digest>`            | HASH   | a token: `v r b e u o k`, and `x` once revoked | to its end + 1 h |
//! | `k:<key id>`            | STRING | digest of the key's latest superseding token   | to that token's end + 1 h |
//! | `ping`                  | STRING | written by `ping`, to prove writes work        | 1 s |
//!
//! Fields: `v` version, `r` the record (JSON), `b` began, `i` idle and `a` absolute timeout, `t` last
//! seen, `e` effective expiry (all ms), `o` Org, `k` secret key, `u` user tag, `x` why it is over.
//! The scripts decide from fields, so that they never parse JSON.
//!
//! TTLs only sweep up. Whether something lives is decided from `now` as the caller's clock has it, so
//! a step of Redis's clock by less than the hour of slack ends nothing early.
//!
//! The tag in braces puts a user's session, epoch and index into one Cluster slot; `g` and the token
//! keys are elsewhere, which one node does not mind. Cluster is not supported yet: there a check
//! would read `g` beside the script, and `find` would read the epochs after the record.

use crate::domain::directory::{KeyId, OrgId};
use crate::domain::session::{SessionId, UserTag};
use crate::domain::token::TokenDigest;
use std::fmt::Write;
use std::time::Duration;

/// How long a user's epoch is kept. No session or token may be allowed to live longer, or its revocation would lapse.
pub const EPOCH_KEPT: Duration = Duration::from_hours(400 * 24);

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

    /// `s:{tag}:<digest>`
    pub fn session(&self, id: &SessionId) -> String {
        format!(
            "{}s:{{{}}}:{}",
            self.prefix,
            id.tag().to_text(),
            hex(&id.digest())
        )
    }

    /// `u:{tag}`
    pub fn user_epoch(&self, tag: UserTag) -> String {
        format!("{}u:{{{}}}", self.prefix, tag.to_text())
    }

    /// `i:{tag}`
    pub fn index(&self, tag: UserTag) -> String {
        format!("{}i:{{{}}}", self.prefix, tag.to_text())
    }

    /// `g`
    pub fn epochs(&self) -> String {
        format!("{}g", self.prefix)
    }

    /// `t:<digest>`
    pub fn token(&self, digest: &TokenDigest) -> String {
        format!("{}t:{}", self.prefix, hex(&digest.0))
    }

    /// `k:<key id>`
    pub fn latest(&self, key: KeyId) -> String {
        format!("{}k:{key}", self.prefix)
    }

    /// `ping`
    pub fn ping(&self) -> String {
        format!("{}ping", self.prefix)
    }
}

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

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
