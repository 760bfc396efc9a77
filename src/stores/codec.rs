//! How sessions and tokens are written down: one versioned JSON record, the same in every store.
//!
//! The structs here mirror the domain's, so that renaming a field there cannot change what is on
//! disk. Keys are short because there is one record per session. A record of a later version is to the
//! stores as if it were not there, and they leave it where it is: during a rolling upgrade the newer node
//! can still read it (docs/decisions/0014-rolling-upgrades.md). Anything else that cannot be read is
//! [`StoreError::Corrupt`], never a panic.

mod attributes;
mod lineage;
#[cfg(test)]
mod tests;

use crate::domain::clock::Timestamp;
use crate::domain::directory::{KeyId, OrgId, UserId};
use crate::domain::failure::StoreError;
use crate::domain::session::{
    EndReason, Lifetime, Method, Session, SessionId, SessionNotes, UserTag,
};
use crate::domain::token::{Access, Purpose, TokenRecord};
use crate::stores::codec::attributes::AttributesRow;
use crate::stores::codec::lineage::{LineageRow, link, name_row, read_handle, told};
use anyhow::{Context, anyhow};
use serde::{Deserialize, Serialize};
use std::sync::Once;
use std::time::Duration;
use uuid::Uuid;

/// The version this program writes, and the latest it reads.
pub const VERSION: u32 = 1;

/// How long after its end a session or token is still remembered, so that a late check can say why it ended.
pub const REMEMBERED_FOR: Duration = Duration::from_hours(1);

#[derive(Deserialize)]
struct Versioned {
    v: u32,
}

/// What each letter stands for is to be read in [`encode_session`].
#[derive(Serialize, Deserialize)]
struct SessionRow {
    v: u32,
    /// The owner's tag; records of the first programs lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    g: Option<String>,
    u: Uuid,
    n: String,
    o: i64,
    m: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    k: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    x: Option<Uuid>,
    #[serde(default, skip_serializing_if = "AttributesRow::is_empty")]
    at: AttributesRow,
    b: u64,
    t: u64,
    i: u64,
    a: u64,
    r: bool,
    ip: String,
    ag: String,
    #[serde(default, skip_serializing_if = "NotesRow::is_empty")]
    no: NotesRow,
}

#[derive(Default, Serialize, Deserialize)]
struct NotesRow {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    w: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    m: Option<u32>,
    /// Not what a client carries: the clients of such sessions carry another id, which this does not lead to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    s: Option<String>,
    /// Provider, subject, the provider's session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    p: Option<(String, String, Option<String>)>,
    /// Whether the person had to prove there who they are. Beside the tuple and not in it: programs that do not know it
    /// must still read the rest.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pp: bool,
    /// Orgs it may work in; a program that does not know this lets the session move among all of the user's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    os: Vec<i64>,
    /// In what form the subject is written: format, qualifier, qualifier of ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pn: Option<NameRow>,
    /// The first session, of one that a token opened which another session minted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    or: Option<String>,
}

type NameRow = (Option<String>, Option<String>, Option<String>);

impl NotesRow {
    const fn is_empty(&self) -> bool {
        self.w.is_none()
            && self.m.is_none()
            && self.s.is_none()
            && self.p.is_none()
            && self.os.is_empty()
            && self.or.is_none()
    }

    fn of(notes: &SessionNotes) -> Self {
        Self {
            w: notes.working_set,
            m: notes.max_search,
            s: notes.shares.as_ref().map(id_text),
            pn: notes.provider.as_ref().and_then(name_row),
            p: notes.provider.clone().map(told),
            pp: notes.provider.as_ref().is_some_and(|link| link.is_proven),
            os: notes.orgs.iter().map(|org| org.0).collect(),
            or: notes.origin.map(|origin| origin.to_string()),
        }
    }

    fn read(self) -> Result<SessionNotes, StoreError> {
        Ok(SessionNotes {
            working_set: self.w,
            max_search: self.m,
            shares: self.s.as_deref().map(read_id).transpose()?,
            provider: self.p.map(|told| link(told, self.pn, self.pp)),
            origin: self.or.as_deref().map(read_handle).transpose()?,
            orgs: self.os.into_iter().map(OrgId).collect(),
        })
    }
}

fn id_text(id: &SessionId) -> String {
    id.expose().as_str().to_owned()
}

fn read_id(text: &str) -> Result<SessionId, StoreError> {
    SessionId::parse(text).ok_or_else(|| StoreError::corrupt(anyhow!("damaged session id")))
}

/// What each letter stands for is to be read in [`encode_token`].
#[derive(Serialize, Deserialize)]
struct TokenRow {
    v: u32,
    u: Uuid,
    g: String,
    n: String,
    f: String,
    o: i64,
    /// Whether nothing that comes of it may leave that Org.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    ob: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    k: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    x: Option<Uuid>,
    #[serde(default, skip_serializing_if = "AttributesRow::is_empty")]
    at: AttributesRow,
    /// Good for one thing only: a refresh token or, with `s`, an identity token. Programs that know no identity
    /// tokens must not take one for an access token.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    r: bool,
    /// The session an identity token stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    s: Option<String>,
    b: u64,
    e: u64,
    /// Of one that somebody signed in minted; a program that does not know it gives what it opens a whole life.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    l: Option<LineageRow>,
}

fn access_row(access: Access) -> Option<Uuid> {
    match access {
        Access::Full => None,
        Access::Object(id) => Some(id),
    }
}

fn read_access(row: Option<Uuid>) -> Access {
    row.map_or(Access::Full, Access::Object)
}

/// A span in milliseconds.
pub fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// Writes a session of the user of that tag down.
pub fn encode_session(session: &Session, tag: UserTag) -> Result<Vec<u8>, StoreError> {
    let row = SessionRow {
        v: VERSION,
        g: Some(tag.to_text()),
        u: session.user_id.0,
        n: session.user_name.clone(),
        o: session.org.0,
        m: session.method.as_str().to_owned(),
        k: session.key.map(|key| key.0),
        x: access_row(session.access),
        at: AttributesRow::of(&session.attributes),
        b: session.opened_at.millis(),
        t: session.last_seen_at.millis(),
        i: millis(session.lifetime.idle),
        a: millis(session.lifetime.absolute),
        r: session.is_remembered,
        ip: session.address.clone(),
        ag: session.agent.clone(),
        no: NotesRow::of(&session.notes),
    };
    serde_json::to_vec(&row).map_err(StoreError::corrupt)
}

/// Reads a session as [`encode_session`] wrote it.
pub fn decode_session(bytes: &[u8]) -> Result<Session, StoreError> {
    decode_tagged_session(bytes).map(|(session, _)| session)
}

/// The same with its owner's tag, where the record has it.
pub fn decode_tagged_session(bytes: &[u8]) -> Result<(Session, Option<UserTag>), StoreError> {
    let row: SessionRow = read(bytes)?;
    known(row.v)?;
    let tag = row.g.as_deref().and_then(UserTag::parse);
    let method = Method::parse(&row.m)
        .ok_or_else(|| StoreError::corrupt(anyhow!("unknown sign-in method")))?;
    let session = Session {
        user_id: UserId(row.u),
        user_name: row.n,
        org: OrgId(row.o),
        method,
        key: row.k.map(KeyId),
        access: read_access(row.x),
        attributes: row.at.read(),
        opened_at: Timestamp::from_millis(row.b),
        last_seen_at: Timestamp::from_millis(row.t),
        lifetime: Lifetime {
            idle: Duration::from_millis(row.i),
            absolute: Duration::from_millis(row.a),
        },
        is_remembered: row.r,
        address: row.ip,
        agent: row.ag,
        notes: row.no.read()?,
    };
    Ok((session, tag))
}

/// Writes a token's record down.
pub fn encode_token(record: &TokenRecord) -> Result<Vec<u8>, StoreError> {
    let row = TokenRow {
        v: VERSION,
        u: record.user_id.0,
        g: record.user_tag.to_text(),
        n: record.user_name.clone(),
        f: record.minted_for.clone(),
        o: record.org.0,
        ob: record.is_bound,
        k: record.key.map(|key| key.0),
        x: access_row(record.access),
        at: AttributesRow::of(&record.attributes),
        r: record.purpose != Purpose::Access,
        s: record.session.as_ref().map(id_text),
        b: record.minted_at.millis(),
        e: record.expires_at.millis(),
        l: record.lineage.as_deref().map(LineageRow::of),
    };
    serde_json::to_vec(&row).map_err(StoreError::corrupt)
}

/// Reads a token's record as [`encode_token`] wrote it.
pub fn decode_token(bytes: &[u8]) -> Result<TokenRecord, StoreError> {
    let row: TokenRow = read(bytes)?;
    known(row.v)?;
    let user_tag =
        UserTag::parse(&row.g).ok_or_else(|| StoreError::corrupt(anyhow!("damaged user tag")))?;
    Ok(TokenRecord {
        user_id: UserId(row.u),
        user_tag,
        user_name: row.n,
        minted_for: row.f,
        org: OrgId(row.o),
        is_bound: row.ob,
        access: read_access(row.x),
        attributes: row.at.read(),
        purpose: match (row.r, &row.s) {
            (false, _) => Purpose::Access,
            (true, None) => Purpose::Refresh,
            (true, Some(_)) => Purpose::Identity,
        },
        session: row.s.as_deref().map(read_id).transpose()?,
        key: row.k.map(KeyId),
        minted_at: Timestamp::from_millis(row.b),
        expires_at: Timestamp::from_millis(row.e),
        lineage: match row.l {
            Some(lineage) => Some(Box::new(lineage.read()?)),
            None => None,
        },
    })
}

/// Reads a reason as [`EndReason::as_str`] writes it.
pub fn decode_reason(word: &[u8]) -> Result<EndReason, StoreError> {
    std::str::from_utf8(word)
        .ok()
        .and_then(EndReason::parse)
        .ok_or_else(|| StoreError::corrupt(anyhow!("unknown reason of an end")))
}

fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, StoreError> {
    // serde's own message can quote values of the record, which are a person's; it says where instead.
    serde_json::from_slice(bytes).map_err(|error| {
        if let Ok(Versioned { v }) = serde_json::from_slice(bytes)
            && let Err(later) = known(v)
        {
            return later;
        }
        StoreError::corrupt(anyhow!(
            "unreadable at line {} column {}",
            error.line(),
            error.column()
        ))
    })
}

/// Whether a later program wrote the record, whatever its shape.
pub fn is_of_later_version(record: &[u8]) -> bool {
    matches!(serde_json::from_slice(record), Ok(Versioned { v }) if v > VERSION)
}

/// Says once a process that records of a later version are about: normal during a rolling upgrade, and after
/// it the sign of a node left behind.
pub fn note_later_version() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::warn!(
            known = VERSION,
            "the store holds records of a later version; to this node their sessions and tokens are unknown"
        );
    });
}

fn known(version: u32) -> Result<(), StoreError> {
    if version == VERSION {
        return Ok(());
    }
    Err(anyhow!("version {version}; this program knows {VERSION}"))
        .context("record of another version")
        .map_err(StoreError::corrupt)
}
