//! Listing sessions in Redis: one user's by their index, everybody's by walking through all keys.
//!
//! The index is read whole, which for the largest user is a megabyte; the sessions behind it are then
//! described some hundreds at a time, so that no script keeps others waiting for long.

use crate::domain::clock::Timestamp;
use crate::domain::directory::OrgId;
use crate::domain::failure::StoreError;
use crate::domain::session::{SessionHandle, SessionPage, SessionSummary, UserTag};
use crate::stores::codec::{VERSION, decode_session};
use crate::stores::redis::keys::{hex, unhex};
use crate::stores::redis::{RedisStore, Reply, number, unexpected, word};

/// Sessions described by one call.
const CHUNK: usize = 200;
/// Keys looked at for one page of everybody's sessions.
const KEYS_A_PAGE: usize = 1_000;

impl RedisStore {
    /// The digests in a user's index; some may be of sessions that are over.
    pub(in crate::stores::redis) async fn digests_of(
        &self,
        tag: UserTag,
    ) -> Result<Vec<[u8; 32]>, StoreError> {
        let mut range = ::redis::cmd("ZRANGE");
        range.arg(self.keys.index(tag)).arg(0).arg(-1);
        let members: Vec<Vec<u8>> = self.link.query(&range).await?;
        Ok(members.iter().filter_map(|text| unhex(text)).collect())
    }

    /// The user's live sessions, the oldest first.
    pub(in crate::stores::redis) async fn sessions_of(
        &self,
        tag: UserTag,
        now: Timestamp,
    ) -> Result<Vec<SessionSummary>, StoreError> {
        let prefix = self.keys.sessions_of(tag);
        let mut found = Vec::new();
        for digests in self.digests_of(tag).await?.chunks(CHUNK) {
            let mut call = self.scripts.describe.prepare_invoke();
            call.key(self.keys.user_epoch(tag)).key(self.keys.epochs());
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
                found.push(SessionSummary {
                    handle: SessionHandle::new(tag, digest),
                    session,
                });
            }
        }
        found.sort_by_key(|one| (one.session.opened_at, one.handle));
        Ok(found)
    }

    /// The sessions of the users whose indexes are met on the next stretch of all keys.
    ///
    /// Redis walks through keys in an order of its own and may show one twice.
    pub(in crate::stores::redis) async fn page(
        &self,
        from: Option<u64>,
        now: Timestamp,
    ) -> Result<SessionPage, StoreError> {
        let mut scan = ::redis::cmd("SCAN");
        scan.arg(from.unwrap_or_default())
            .arg("MATCH")
            .arg(self.keys.every_index())
            .arg("COUNT")
            .arg(KEYS_A_PAGE);
        let (next, indexes): (u64, Vec<String>) = self.link.query(&scan).await?;
        let mut sessions = Vec::new();
        for tag in indexes.iter().filter_map(|key| self.keys.tag_of_index(key)) {
            sessions.extend(self.sessions_of(tag, now).await?);
        }
        Ok(SessionPage {
            sessions,
            next: (next != 0).then_some(next),
        })
    }
}
