//! Sessions in Redis.

use crate::domain::clock::Timestamp;
use crate::domain::directory::OrgId;
use crate::domain::failure::StoreError;
use crate::domain::session::{
    AtLimit, Check, EndReason, Opening, Session, SessionHandle, SessionId, SessionLimit,
    SessionPage, SessionStore, SessionSummary, UserTag,
};
use crate::stores::codec::{
    REMEMBERED_FOR, VERSION, decode_reason, decode_session, encode_session, millis,
    note_later_version,
};
use crate::stores::redis::call::Call;
use crate::stores::redis::keys::{PING_KEPT, hex, unhex};
use crate::stores::redis::{RedisStore, Reply, number, part, unexpected, word};
use async_trait::async_trait;
use futures_util::future::{join, join_all};

/// Keys tried to find one on each server; a server with so few slots that none is on it is not pinged.
const PING_KEYS: usize = 1_000;

#[async_trait]
impl SessionStore for RedisStore {
    async fn open_within(
        &self,
        id: &SessionId,
        session: &Session,
        replaced: Option<&SessionId>,
        limit: Option<SessionLimit>,
    ) -> Result<Opening, StoreError> {
        self.bounded(async {
            let (own, others) = match replaced {
                Some(old) if old.tag() == id.tag() => (Some(old), None),
                other => (None, other),
            };
            if limit.is_some() {
                // What is over must not count; the script sees only what ends by itself or by the user's epoch.
                self.bury_revoked(id.tag(), None, session.last_seen_at)
                    .await?;
            }
            let opening = self.write(id, session, own, limit).await?;
            // Another user's lies in another slot, so it is not one script. The new session counts only when both
            // are done, and until then nobody but us knows its id.
            if let (Opening::Opened { .. }, Some(old)) = (&opening, others) {
                self.end(&Place::of(old), EndReason::Replaced, None).await?;
            }
            Ok(opening)
        })
        .await
    }

    async fn check(&self, id: &SessionId, now: Timestamp) -> Result<Check, StoreError> {
        let place = Place::of(id);
        let Some(cache) = self.cache.as_deref().filter(|_| self.is_heard(&place)) else {
            return self.ask(&place, now).await;
        };
        let ticket = match cache.find(&place.digest, now) {
            Ok(session) => return Ok(Check::Live(Box::new(session))),
            Err(ticket) => ticket,
        };
        let found = self.ask(&place, now).await?;
        if let Check::Live(session) = &found {
            cache.keep(ticket, &place.digest, session, now);
        }
        Ok(found)
    }

    async fn set_org(&self, id: &SessionId, org: OrgId) -> Result<bool, StoreError> {
        self.bounded(async {
            // Leaving a revoked Org must not save the session. No time: timeouts are not asked about here.
            let place = Place::of(id);
            let no_time = Timestamp::from_millis(0);
            if self
                .bury_revoked(id.tag(), Some(place.digest), no_time)
                .await?
            {
                return Ok(false);
            }
            let mut call = Call::write(&self.scripts.set_org);
            self.session_keys(&place, &mut call);
            call.arg(millis(REMEMBERED_FOR))
                .arg(org.0)
                .arg(self.keys.changes());
            let reply = self.link.invoke::<Reply>(&call).await;
            // However that ended: it may have been done.
            self.forget(&place.digest);
            let reply = reply?;
            match word(&reply) {
                b"done" => Ok(true),
                b"ended" | b"unknown" | b"version" => Ok(false),
                _ => Err(unexpected(&reply)),
            }
        })
        .await
    }

    async fn close(
        &self,
        id: &SessionId,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<Option<Session>, StoreError> {
        self.bounded(self.close_at(&Place::of(id), reason, now))
            .await
    }

    async fn close_by_handle(
        &self,
        handle: &SessionHandle,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<Option<Session>, StoreError> {
        self.bounded(async {
            let tag = handle.tag();
            let digests = self.digests_of(tag).await?;
            let mut of_handle = digests
                .into_iter()
                .filter(|digest| digest.starts_with(handle.start()));
            let Some(digest) = of_handle.next() else {
                return Ok(None);
            };
            self.close_at(&Place { tag, digest }, reason, now).await
        })
        .await
    }

    async fn list(&self, tag: UserTag, now: Timestamp) -> Result<Vec<SessionSummary>, StoreError> {
        self.sessions_of(tag, now).await
    }

    async fn list_all(&self, from: Option<u64>, now: Timestamp) -> Result<SessionPage, StoreError> {
        self.page(from, now).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        let keys = self.ping_keys();
        let pings = keys.iter().map(|key| async move {
            // A write: a read-only replica or a full server answers PING as if all were well.
            let mut write = ::redis::cmd("SET");
            write.arg(key).arg(1).arg("PX").arg(millis(PING_KEPT));
            self.link.query::<()>(key, &write).await
        });
        join_all(pings).await.into_iter().collect()
    }
}

impl RedisStore {
    /// A key on every server that is written to.
    fn ping_keys(&self) -> Vec<String> {
        let servers = self.link.servers();
        if !self.link.is_split() || servers.is_empty() {
            return vec![self.keys.ping()];
        }
        let on = |server| {
            let mut keys = (0..PING_KEYS).map(|n| self.keys.ping_of(n));
            keys.find(|key| self.link.is_on(key, server))
        };
        servers.iter().filter_map(on).collect()
    }

    /// Whether a session kept in memory would have been dropped by now if anything had ended or changed it.
    fn is_heard(&self, place: &Place) -> bool {
        self.link
            .is_heard(|| [self.keys.sessions_of(place.tag), self.keys.epochs()])
    }

    /// Drops a session from memory, so that this node knows at once what it has done itself.
    fn forget(&self, digest: &[u8; 32]) {
        if let Some(cache) = &self.cache {
            cache.forget(digest);
        }
    }

    /// What Redis says of the session.
    async fn ask(&self, place: &Place, now: Timestamp) -> Result<Check, StoreError> {
        if !self.link.is_split() {
            return self.look(place, now).await;
        }
        self.bounded(async {
            // Both at the same moment, and both must answer: a session is not known to live without its epochs.
            let (found, epochs) = join(self.look(place, now), self.epochs()).await;
            let (found, epochs) = (found?, epochs?);
            if let (Check::Live(session), Some(epochs)) = (&found, epochs)
                && let Some(reason) = epochs.end(session)?
            {
                let was = self.end(place, reason, None).await?;
                return Ok(was.map_or(Check::Ended(reason), |was| {
                    Check::JustEnded(reason, Box::new(was))
                }));
            }
            Ok(found)
        })
        .await
    }

    /// What the session's own slot says of it.
    async fn look(&self, place: &Place, now: Timestamp) -> Result<Check, StoreError> {
        let mut call = Call::look(&self.scripts.check);
        self.session_keys(place, &mut call);
        call.arg(now.millis()).arg(millis(REMEMBERED_FOR));
        let reply: Reply = self.link.invoke(&call).await?;
        match word(&reply) {
            b"live" => Ok(Check::Live(Box::new(live(&reply)?))),
            b"just" => {
                let reason = decode_reason(part(&reply, 4)?)?;
                // It is over now, whether or not the record can be read for the audit trail.
                Ok(live(&reply).map_or(Check::Ended(reason), |was| {
                    Check::JustEnded(reason, Box::new(was))
                }))
            }
            b"ended" => Ok(Check::Ended(decode_reason(part(&reply, 1)?)?)),
            b"unknown" => Ok(Check::Unknown),
            b"version" => {
                note_later_version();
                Ok(Check::Unknown)
            }
            _ => Err(unexpected(&reply)),
        }
    }

    async fn close_at(
        &self,
        place: &Place,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<Option<Session>, StoreError> {
        if self
            .bury_revoked(place.tag, Some(place.digest), now)
            .await?
        {
            return Ok(None);
        }
        self.end(place, reason, Some(now)).await
    }

    /// Where scripts do not see all epochs: ends those of a user's sessions, or the one, that are revoked. Says
    /// whether there were any.
    async fn bury_revoked(
        &self,
        tag: UserTag,
        only: Option<[u8; 32]>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let Some(epochs) = self.epochs().await? else {
            return Ok(false);
        };
        let digests = match only {
            Some(digest) => vec![digest],
            None => self.digests_of(tag).await?,
        };
        let mut has_any = false;
        for (digest, session) in self.describe(tag, &digests, now).await? {
            if let Some(reason) = epochs.end(&session)? {
                self.end(&Place { tag, digest }, reason, None).await?;
                has_any = true;
            }
        }
        Ok(has_any)
    }

    async fn write(
        &self,
        id: &SessionId,
        session: &Session,
        replaced: Option<&SessionId>,
        limit: Option<SessionLimit>,
    ) -> Result<Opening, StoreError> {
        let mut call = Call::write(&self.scripts.open);
        call.key(self.keys.session(id))
            .key(self.keys.index(id.tag()))
            .key(self.keys.user_epoch(id.tag()))
            .key(self.epochs_key(id.tag()))
            .arg(hex(&id.digest()))
            .arg(VERSION)
            .arg(encode_session(session, id.tag())?)
            .arg(session.opened_at.millis())
            .arg(millis(session.lifetime.idle))
            .arg(millis(session.lifetime.absolute))
            .arg(session.last_seen_at.millis())
            .arg(session.org.0)
            .arg(session.key.map(|key| key.to_string()).unwrap_or_default())
            .arg(millis(REMEMBERED_FOR))
            .arg(self.keys.sessions_of(id.tag()))
            .arg(replaced.map(|old| hex(&old.digest())).unwrap_or_default())
            .arg(limit.map_or(0, |limit| limit.most))
            .arg(match limit.map(|limit| limit.at_limit) {
                Some(AtLimit::Refuse) => "refuse",
                Some(AtLimit::Evict) | None => "evict",
            });
        let reply = self.link.invoke::<Reply>(&call).await;
        if let Some(old) = replaced {
            self.forget(&old.digest());
        }
        let reply = reply?;
        match word(&reply) {
            b"done" => {
                let digests = reply.iter().skip(1).filter_map(|text| unhex(text));
                let evicted = digests.map(|digest| {
                    self.forget(&digest);
                    SessionHandle::new(id.tag(), &digest)
                });
                Ok(Opening::Opened {
                    evicted: evicted.collect(),
                })
            }
            b"full" => Ok(Opening::AtLimit),
            _ => Err(unexpected(&reply)),
        }
    }

    async fn end(
        &self,
        place: &Place,
        reason: EndReason,
        now: Option<Timestamp>,
    ) -> Result<Option<Session>, StoreError> {
        let mut call = Call::write(&self.scripts.end);
        self.session_keys(place, &mut call);
        call.arg(now.map(|now| now.millis().to_string()).unwrap_or_default())
            .arg(millis(REMEMBERED_FOR))
            .arg(reason.as_str());
        let reply = self.link.invoke(&call).await;
        self.forget(&place.digest);
        let reply = reply?;
        match word(&reply) {
            b"live" => live(&reply).map(Some),
            // What could not be read is over now all the same.
            b"ended" | b"unknown" | b"version" | b"damaged" => Ok(None),
            _ => Err(unexpected(&reply)),
        }
    }

    /// The epochs as far as a script in the user's slot can see them.
    pub(in crate::stores::redis) fn epochs_key(&self, tag: UserTag) -> String {
        if self.link.is_split() {
            self.keys.no_epochs_of(tag)
        } else {
            self.keys.epochs()
        }
    }

    /// What check, end and move have in common: four keys, the digest and the version.
    fn session_keys(&self, place: &Place, call: &mut Call<'_>) {
        let digest = hex(&place.digest);
        call.key(self.keys.sessions_of(place.tag) + &digest)
            .key(self.keys.user_epoch(place.tag))
            .key(self.epochs_key(place.tag))
            .key(self.keys.index(place.tag))
            .arg(digest)
            .arg(VERSION);
    }
}

/// Where a session is kept: all that is known of one that only its handle led to.
struct Place {
    tag: UserTag,
    digest: [u8; 32],
}

impl Place {
    fn of(id: &SessionId) -> Self {
        Self {
            tag: id.tag(),
            digest: id.digest(),
        }
    }
}

/// A live session: the record as written, and over it what moves.
fn live(reply: &Reply) -> Result<Session, StoreError> {
    let mut session = decode_session(part(reply, 1)?)?;
    session.org = OrgId(number(reply, 2)?);
    session.last_seen_at = Timestamp::from_millis(number(reply, 3)?);
    Ok(session)
}
