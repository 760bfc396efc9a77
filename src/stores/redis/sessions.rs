//! Sessions in Redis.

use crate::domain::clock::Timestamp;
use crate::domain::directory::OrgId;
use crate::domain::failure::StoreError;
use crate::domain::session::{Check, EndReason, Session, SessionId, SessionStore};
use crate::stores::codec::{
    REMEMBERED_FOR, VERSION, decode_reason, decode_session, encode_session, millis,
};
use crate::stores::redis::keys::{PING_KEPT, hex};
use crate::stores::redis::{RedisStore, Reply, number, part, unexpected, word};
use async_trait::async_trait;

#[async_trait]
impl SessionStore for RedisStore {
    async fn open(
        &self,
        id: &SessionId,
        session: &Session,
        replaced: Option<&SessionId>,
    ) -> Result<(), StoreError> {
        // Both are sent at once. They may lie in different slots, so they are not one script; the new
        // session counts only when both are done, and until then nobody but us knows its id.
        let (opened, ended) = futures_util::future::join(self.write(id, session), async {
            match replaced {
                Some(old) => self.end(old, EndReason::Replaced, None).await.map(|_| ()),
                None => Ok(()),
            }
        })
        .await;
        opened.and(ended)
    }

    async fn check(&self, id: &SessionId, now: Timestamp) -> Result<Check, StoreError> {
        let mut call = self.scripts.check.prepare_invoke();
        self.session_keys(id, &mut call);
        call.arg(now.millis()).arg(millis(REMEMBERED_FOR));
        let reply: Reply = self.link.invoke(&call).await?;
        match word(&reply) {
            b"live" => Ok(Check::Live(Box::new(live(&reply)?))),
            b"ended" => Ok(Check::Ended(decode_reason(part(&reply, 1)?)?)),
            b"unknown" => Ok(Check::Unknown),
            _ => Err(unexpected(&reply)),
        }
    }

    async fn set_org(&self, id: &SessionId, org: OrgId) -> Result<bool, StoreError> {
        let mut call = self.scripts.set_org.prepare_invoke();
        self.session_keys(id, &mut call);
        call.arg(millis(REMEMBERED_FOR)).arg(org.0);
        let reply: Reply = self.link.invoke(&call).await?;
        match word(&reply) {
            b"done" => Ok(true),
            b"ended" | b"unknown" => Ok(false),
            _ => Err(unexpected(&reply)),
        }
    }

    async fn close(
        &self,
        id: &SessionId,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<Option<Session>, StoreError> {
        let reply = self.end(id, reason, Some(now)).await?;
        match word(&reply) {
            b"live" => live(&reply).map(Some),
            // What could not be read is over now all the same.
            b"ended" | b"unknown" | b"version" | b"damaged" => Ok(None),
            _ => Err(unexpected(&reply)),
        }
    }

    async fn ping(&self) -> Result<(), StoreError> {
        // A write: a read-only replica or a full server answers PING as if all were well.
        let mut write = ::redis::cmd("SET");
        write
            .arg(self.keys.ping())
            .arg(1)
            .arg("PX")
            .arg(millis(PING_KEPT));
        self.link.query(&write).await
    }
}

impl RedisStore {
    async fn write(&self, id: &SessionId, session: &Session) -> Result<(), StoreError> {
        let mut call = self.scripts.open.prepare_invoke();
        call.key(self.keys.session(id))
            .key(self.keys.index(id.tag()))
            .arg(hex(&id.digest()))
            .arg(VERSION)
            .arg(encode_session(session)?)
            .arg(session.opened_at.millis())
            .arg(millis(session.lifetime.idle))
            .arg(millis(session.lifetime.absolute))
            .arg(session.last_seen_at.millis())
            .arg(session.org.0)
            .arg(session.key.map(|key| key.to_string()).unwrap_or_default())
            .arg(millis(REMEMBERED_FOR));
        let reply: Reply = self.link.invoke(&call).await?;
        match word(&reply) {
            b"done" => Ok(()),
            _ => Err(unexpected(&reply)),
        }
    }

    async fn end(
        &self,
        id: &SessionId,
        reason: EndReason,
        now: Option<Timestamp>,
    ) -> Result<Reply, StoreError> {
        let mut call = self.scripts.end.prepare_invoke();
        self.session_keys(id, &mut call);
        call.arg(now.map(|now| now.millis().to_string()).unwrap_or_default())
            .arg(millis(REMEMBERED_FOR))
            .arg(reason.as_str());
        self.link.invoke(&call).await
    }

    /// What check, end and move have in common: four keys, the digest and the version.
    fn session_keys(&self, id: &SessionId, call: &mut ::redis::ScriptInvocation<'_>) {
        call.key(self.keys.session(id))
            .key(self.keys.user_epoch(id.tag()))
            .key(self.keys.epochs())
            .key(self.keys.index(id.tag()))
            .arg(hex(&id.digest()))
            .arg(VERSION);
    }
}

/// A live session: the record as written, and over it what moves.
fn live(reply: &Reply) -> Result<Session, StoreError> {
    let mut session = decode_session(part(reply, 1)?)?;
    session.org = OrgId(number(reply, 2)?);
    session.last_seen_at = Timestamp::from_millis(number(reply, 3)?);
    Ok(session)
}
