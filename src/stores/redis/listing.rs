//! Listing sessions in Redis: one user's by their index, everybody's by walking through all keys.
//!
//! The index is read whole, which for the largest user is a megabyte; the sessions behind it are then
//! described some hundreds at a time, so that no script keeps others waiting for long.

use crate::domain::clock::Timestamp;
use crate::domain::directory::OrgId;
use crate::domain::failure::StoreError;
use crate::domain::session::{Session, SessionHandle, SessionPage, SessionSummary, UserTag};
use crate::stores::codec::{VERSION, decode_session};
use crate::stores::redis::call::Call;
use crate::stores::redis::keys::{hex, unhex};
use crate::stores::redis::{RedisStore, Reply, number, unexpected, word};
use anyhow::anyhow;

/// Sessions described by one call.
const CHUNK: usize = 200;
/// Keys looked at for one page of everybody's sessions.
const KEYS_A_PAGE: usize = 1_000;
/// Bits of a cursor: it numbers the slots of a hash table, so it is below the number of keys there could be.
const CURSOR_BITS: u32 = 48;
const LAST_CURSOR: u64 = (1 << CURSOR_BITS) - 1;

impl RedisStore {
    /// The digests in a user's index; some may be of sessions that are over.
    pub(in crate::stores::redis) async fn digests_of(
        &self,
        tag: UserTag,
    ) -> Result<Vec<[u8; 32]>, StoreError> {
        let mut range = ::redis::cmd("ZRANGE");
        let index = self.keys.index(tag);
        range.arg(&index).arg(0).arg(-1);
        let members: Vec<Vec<u8>> = self.link.query(&index, &range).await?;
        Ok(members.iter().filter_map(|text| unhex(text)).collect())
    }

    /// The user's live sessions, the oldest first.
    pub(in crate::stores::redis) async fn sessions_of(
        &self,
        tag: UserTag,
        now: Timestamp,
    ) -> Result<Vec<SessionSummary>, StoreError> {
        let digests = self.digests_of(tag).await?;
        let epochs = self.epochs().await?;
        let mut found = Vec::new();
        for (digest, session) in self.describe(tag, &digests, now).await? {
            let is_over = match &epochs {
                Some(epochs) => epochs.end(&session)?.is_some(),
                None => false,
            };
            if !is_over {
                found.push(SessionSummary {
                    handle: SessionHandle::new(tag, &digest),
                    session,
                });
            }
        }
        found.sort_by_key(|one| (one.session.opened_at, one.handle));
        Ok(found)
    }

    /// Those of a user's sessions that live, as far as their own slot knows.
    pub(in crate::stores::redis) async fn describe(
        &self,
        tag: UserTag,
        digests: &[[u8; 32]],
        now: Timestamp,
    ) -> Result<Vec<([u8; 32], Session)>, StoreError> {
        let prefix = self.keys.sessions_of(tag);
        let mut found = Vec::new();
        for digests in digests.chunks(CHUNK) {
            let mut call = Call::look(&self.scripts.describe);
            call.key(self.keys.user_epoch(tag))
                .key(self.epochs_key(tag));
            for digest in digests {
                call.key(format!("{prefix}{}", hex(digest)));
            }
            call.arg(VERSION).arg(now.millis());
            let reply: Reply = self.link.invoke(&call).await?;
            if word(&reply) != b"done" {
                return Err(unexpected(&reply));
            }
            for at in (1..reply.len()).step_by(4) {
                let digest: usize = number(&reply, at)?;
                let Some(digest) = digests.get(digest) else {
                    return Err(unexpected(&reply));
                };
                // One that cannot be read must not hide the others.
                let Some(Ok(mut session)) = reply.get(at + 1).map(|record| decode_session(record))
                else {
                    continue;
                };
                session.org = OrgId(number(&reply, at + 2)?);
                session.last_seen_at = Timestamp::from_millis(number(&reply, at + 3)?);
                found.push((*digest, session));
            }
        }
        Ok(found)
    }

    /// The sessions of the users whose indexes are met on the next stretch of all keys.
    ///
    /// Where the next page begins is Redis's cursor, and above it the number of the server: a Cluster is walked
    /// through master by master. Redis walks through keys in an order of its own and may show one twice.
    pub(in crate::stores::redis) async fn page(
        &self,
        from: Option<u64>,
        now: Timestamp,
    ) -> Result<SessionPage, StoreError> {
        let servers = self.link.servers();
        let place = from.unwrap_or_default();
        let at = usize::try_from(place >> CURSOR_BITS).unwrap_or(usize::MAX);
        let Some(server) = servers.get(at) else {
            // A Cluster that has shrunk since.
            return Ok(SessionPage {
                sessions: Vec::new(),
                next: None,
            });
        };
        let mut scan = ::redis::cmd("SCAN");
        scan.arg(place & LAST_CURSOR)
            .arg("MATCH")
            .arg(self.keys.every_index())
            .arg("COUNT")
            .arg(KEYS_A_PAGE);
        let (cursor, indexes): (u64, Vec<String>) = self.link.query_on(server, &scan).await?;
        let next = match cursor {
            0 if at + 1 < servers.len() => Some((at as u64 + 1) << CURSOR_BITS),
            0 => None,
            cursor if cursor > LAST_CURSOR => return Err(too_far()),
            cursor => Some((at as u64) << CURSOR_BITS | cursor),
        };
        let mut sessions = Vec::new();
        for tag in indexes.iter().filter_map(|key| self.keys.tag_of_index(key)) {
            sessions.extend(self.sessions_of(tag, now).await?);
        }
        Ok(SessionPage { sessions, next })
    }
}

fn too_far() -> StoreError {
    StoreError::corrupt(anyhow!("Redis counts further than a page can say"))
}
