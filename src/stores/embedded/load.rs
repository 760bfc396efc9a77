//! Reads the file back into memory when the store opens.

use crate::domain::clock::Timestamp;
use crate::domain::directory::{KeyId, OrgId};
use crate::domain::failure::StoreError;
use crate::domain::session::{EndReason, RevokeScope, UserTag};
use crate::stores::codec::{
    decode_reason, decode_tagged_session, decode_token, is_of_later_version, note_later_version,
};
use crate::stores::embedded::flows::Flow;
use crate::stores::embedded::journal::Journal;
use crate::stores::embedded::memory::{Digest, Held, HeldToken, Memory};
use anyhow::anyhow;
use futures_util::TryStreamExt;
use std::sync::Arc;

impl Journal {
    /// Everything the file holds. A single record that cannot be read is kept as such; it does not stop the start.
    pub async fn load(&mut self) -> Result<Memory, StoreError> {
        let memory = Memory::default();
        self.load_sessions(&memory).await?;
        self.load_tokens(&memory).await?;
        self.load_epochs(&memory).await?;
        self.load_flows(&memory).await?;
        Ok(memory)
    }

    /// The latest moment that the file knows of something having happened.
    pub async fn latest(&mut self) -> Result<Timestamp, StoreError> {
        let latest = sqlx::query_scalar::<_, Option<i64>>(
            "SELECT max(at) FROM (SELECT max(seen) AS at FROM sessions \
             UNION ALL SELECT max(ended_at) FROM sessions UNION ALL SELECT max(at) FROM epochs)",
        )
        .fetch_one(&mut self.connection);
        Ok(moment(
            latest
                .await
                .map_err(StoreError::corrupt)?
                .unwrap_or_default(),
        ))
    }

    async fn load_sessions(&mut self, memory: &Memory) -> Result<(), StoreError> {
        type Row = (Vec<u8>, Vec<u8>, i64, i64, Option<String>, Option<i64>);
        let mut rows = sqlx::query_as::<_, Row>(
            "SELECT digest, record, org, seen, ended, ended_at FROM sessions",
        )
        .fetch(&mut self.connection);
        while let Some((digest, record, org, seen, ended, ended_at)) =
            rows.try_next().await.map_err(StoreError::corrupt)?
        {
            let held = match ended {
                Some(word) => decode_reason(word.as_bytes()).map(|reason| Held::Ended {
                    reason,
                    at: moment(ended_at.unwrap_or_default()),
                }),
                None => decode_tagged_session(&record).map(|(mut session, tag)| {
                    session.org = OrgId(org);
                    session.last_seen_at = moment(seen);
                    Held::Live {
                        session: Box::new(session),
                        tag,
                        is_moved: false,
                    }
                }),
            };
            let held = held.unwrap_or_else(|error| {
                if ended_at.is_none() && is_of_later_version(&record) {
                    note_later_version();
                    return Held::Later;
                }
                Held::Unreadable(reason(&error))
            });
            let digest = digest_of(digest)?;
            if let Held::Live { tag: Some(tag), .. } = held {
                memory.index.keep(tag, digest);
            }
            memory.sessions.insert(digest, held);
        }
        Ok(())
    }

    async fn load_tokens(&mut self, memory: &Memory) -> Result<(), StoreError> {
        let mut rows = sqlx::query_as::<_, (Vec<u8>, Vec<u8>, i64, bool)>(
            "SELECT digest, record, expires_at, revoked FROM tokens",
        )
        .fetch(&mut self.connection);
        while let Some((digest, record, expires_at, is_revoked)) =
            rows.try_next().await.map_err(StoreError::corrupt)?
        {
            let expires_at = moment(expires_at);
            let digest = digest_of(digest)?;
            let held = if is_revoked {
                HeldToken::Revoked { expires_at }
            } else {
                match decode_token(&record) {
                    Ok(mut record) => {
                        record.expires_at = expires_at;
                        memory.note_own(digest, &record);
                        HeldToken::Kept(Box::new(record))
                    }
                    Err(_) if is_of_later_version(&record) => {
                        note_later_version();
                        HeldToken::Later
                    }
                    Err(error) => HeldToken::Unreadable(reason(&error)),
                }
            };
            memory.tokens.insert(digest, held);
        }
        drop(rows);
        let mut rows = sqlx::query_scalar::<_, Vec<u8>>("SELECT digest FROM spent_tokens")
            .fetch(&mut self.connection);
        while let Some(digest) = rows.try_next().await.map_err(StoreError::corrupt)? {
            memory.spent.insert(digest_of(digest)?, ());
        }
        drop(rows);
        let mut rows =
            sqlx::query_as::<_, (String, Vec<u8>)>("SELECT key, digest FROM latest_tokens")
                .fetch(&mut self.connection);
        while let Some((key, digest)) = rows.try_next().await.map_err(StoreError::corrupt)? {
            let key = key.parse().map(KeyId).map_err(StoreError::corrupt)?;
            memory.latest.insert(key, digest_of(digest)?);
        }
        Ok(())
    }

    async fn load_flows(&mut self, memory: &Memory) -> Result<(), StoreError> {
        let mut rows =
            sqlx::query_as::<_, (Vec<u8>, String, i64)>("SELECT digest, text, until FROM flows")
                .fetch(&mut self.connection);
        while let Some((digest, text, until)) =
            rows.try_next().await.map_err(StoreError::corrupt)?
        {
            let until = moment(until);
            let flow = Flow { text, until };
            memory.flows.insert(digest_of(digest)?, flow);
        }
        Ok(())
    }

    async fn load_epochs(&mut self, memory: &Memory) -> Result<(), StoreError> {
        let mut rows = sqlx::query_as::<_, (String, i64, Option<String>)>(
            "SELECT scope, at, reason FROM epochs LEFT JOIN epoch_reasons USING (scope)",
        )
        .fetch(&mut self.connection);
        while let Some((scope, at, word)) = rows.try_next().await.map_err(StoreError::corrupt)? {
            // An epoch passed over would bring revoked sessions back, so one bad row stops the start.
            // A reason that is missing or unknown costs a word, not the revocation.
            let reason = word.as_deref().and_then(EndReason::parse);
            let reason = reason.unwrap_or(EndReason::Revoked);
            raise(memory, &scope, reason, moment(at)).ok_or_else(|| {
                StoreError::corrupt(anyhow!("a revocation in the session file is damaged"))
            })?;
        }
        Ok(())
    }
}

fn raise(memory: &Memory, scope: &str, reason: EndReason, at: Timestamp) -> Option<()> {
    let epochs = &memory.epochs;
    match scope.split_once(':') {
        None if scope == "all" => epochs.raise(RevokeScope::All, reason, at),
        Some(("org", id)) => {
            epochs.raise(RevokeScope::Org(OrgId(id.parse().ok()?)), reason, at);
        }
        Some(("key", id)) => {
            epochs.raise(RevokeScope::Key(KeyId(id.parse().ok()?)), reason, at);
        }
        Some(("user", tag)) => epochs.raise_user(UserTag::parse(tag)?, reason, at),
        _ => return None,
    }
    Some(())
}

fn digest_of(bytes: Vec<u8>) -> Result<Digest, StoreError> {
    bytes
        .try_into()
        .map_err(|_| StoreError::corrupt(anyhow!("a digest in the session file is damaged")))
}

fn moment(column: i64) -> Timestamp {
    Timestamp::from_millis(u64::try_from(column).unwrap_or_default())
}

fn reason(error: &StoreError) -> Arc<str> {
    Arc::from(match error {
        StoreError::Corrupt(cause) | StoreError::Unavailable(cause) => format!("{cause:#}"),
        StoreError::ReadOnly(why) => why.to_string(),
    })
}
