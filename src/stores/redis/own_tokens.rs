//! The tokens that users minted themselves: listed by user and by family, so that they can be ended and are not too many.
//!
//! A token is put first and listed then, and its text is told to nobody before both are done: whatever is listed is there.

use crate::domain::clock::Timestamp;
use crate::domain::failure::StoreError;
use crate::domain::session::UserTag;
use crate::domain::token::{
    ENDED_FOR, EndedFamily, Family, FoundToken, MOST_OF_A_FAMILY, MOST_OWN_TOKENS, Presented,
    Putting, TokenDigest, TokenRecord, TokenStore,
};
use crate::stores::codec::{REMEMBERED_FOR, millis};
use crate::stores::redis::call::Call;
use crate::stores::redis::keys::{SWEEP_EVERY, hex, unhex};
use crate::stores::redis::{RedisStore, Reply, number, part, unexpected, word};
use futures_util::future::join_all;
use std::time::Duration;

/// How many tokens are looked at at the same moment: of too many, the last would have to wait too long for an answer.
const AT_ONCE: usize = 250;
/// How far the clocks of two nodes may be apart: what seems to be that much younger than an end may be older.
const CLOCKS_APART: Duration = Duration::from_secs(1);
/// How many families one call marks.
const MARKS: usize = 250;

impl RedisStore {
    /// Lists a token that its owner minted, and forgets what has to give way for it; or takes it away again.
    ///
    /// Forgotten, not marked: nobody has ended them, and marks would fill the server as well as tokens do.
    pub(in crate::stores::redis) async fn list_as_own(
        &self,
        digest: &TokenDigest,
        record: &TokenRecord,
        family: Family,
        presented: Presented,
    ) -> Result<Putting, StoreError> {
        let tag = record.user_tag;
        let stays = record.expires_at.since(record.minted_at) + REMEMBERED_FOR;
        let session = presented.session.as_ref().map(Family::of_session);
        let mut call = Call::write(&self.scripts.own_token);
        call.key(self.keys.own_tokens(tag))
            .key(self.keys.own_tokens_of(tag, family))
            .key(self.keys.ended_family(tag, family))
            .arg(hex(&digest.0))
            .arg(record.expires_at.millis())
            .arg(millis(stays))
            .arg(record.created_at().millis())
            .arg(MOST_OF_A_FAMILY)
            .arg(MOST_OWN_TOKENS)
            .arg(session.map(|one| one.to_string()).unwrap_or_default())
            .arg(presented.since.millis());
        let reply: Reply = self.link.invoke(&call).await?;
        match word(&reply) {
            b"done" => {
                for gone in reply.iter().skip(1).filter_map(|text| unhex(text)) {
                    self.forget_token(&TokenDigest(gone)).await?;
                }
                Ok(Putting::Stands)
            }
            b"ended" => {
                self.forget_token(digest).await?;
                Ok(Putting::Ended)
            }
            b"full" => {
                let first_ends = Timestamp::from_millis(number(&reply, 1)?);
                self.forget_token(digest).await?;
                Ok(Putting::TooMany(first_ends))
            }
            _ => Err(unexpected(&reply)),
        }
    }

    /// Those on the user's list, and what each turns out to be.
    pub(in crate::stores::redis) async fn look_at_own(
        &self,
        tag: UserTag,
        now: Timestamp,
    ) -> Result<Vec<(TokenDigest, Result<FoundToken, StoreError>)>, StoreError> {
        let mut range = ::redis::cmd("ZRANGE");
        let own = self.keys.own_tokens(tag);
        range.arg(&own).arg(0).arg(-1);
        let members: Vec<Vec<u8>> = self.link.query(&own, &range).await?;
        let mut found = Vec::with_capacity(members.len());
        // Each is in a slot of its own.
        for members in members.chunks(AT_ONCE) {
            let digests = members.iter().filter_map(|text| unhex(text));
            let looks = digests.map(TokenDigest).map(|digest| async move {
                let found = self.find(&digest, now).await;
                (digest, found)
            });
            found.extend(join_all(looks).await);
        }
        Ok(found)
    }

    pub(in crate::stores::redis) async fn mark_ended(
        &self,
        tag: UserTag,
        families: &[EndedFamily],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for families in families.chunks(MARKS) {
            let mut call = Call::write(&self.scripts.mark_ended);
            for one in families {
                call.key(self.keys.ended_family(tag, one.family));
            }
            call.arg(millis(ENDED_FOR));
            for one in families {
                let mut mark = now.plus(CLOCKS_APART).millis().to_string();
                for session in &one.kept {
                    mark = format!("{mark} {}", Family::of_session(session));
                }
                call.arg(mark);
            }
            let reply: Reply = self.link.invoke(&call).await?;
            if word(&reply) != b"done" {
                return Err(unexpected(&reply));
            }
        }
        Ok(())
    }

    /// Whether the family is marked as ended, and the mark is meant for what was presented.
    pub(in crate::stores::redis) async fn is_marked(
        &self,
        tag: UserTag,
        family: Family,
        presented: Presented,
    ) -> Result<bool, StoreError> {
        let key = self.keys.ended_family(tag, family);
        let mut get = ::redis::cmd("GET");
        get.arg(&key);
        let mark: Option<String> = self.link.query(&key, &get).await?;
        let Some(mark) = mark else {
            return Ok(false);
        };
        let mut words = mark.split(' ');
        let ended_at = words.next().and_then(|at| at.parse().ok());
        let ended_at = ended_at.map_or(u64::MAX, |at: u64| at);
        let session = presented.session.as_ref().map(Family::of_session);
        let goes_on = session.is_some_and(|one| words.any(|kept| kept == one.to_string()));
        Ok(presented.since.millis() <= ended_at && !goes_on)
    }

    /// Takes a token that was ended off the lists. Where that fails it takes a place until its end, no more.
    pub(in crate::stores::redis) async fn unlist(&self, digest: &TokenDigest, ended: &Reply) {
        let text = |at| {
            part(ended, at)
                .ok()
                .and_then(|text| std::str::from_utf8(text).ok())
        };
        let tag = text(1).and_then(UserTag::parse);
        let family = text(2).and_then(|family| u64::from_str_radix(family, 16).ok());
        let (Some(tag), Some(family)) = (tag, family) else {
            return;
        };
        let own = self.keys.own_tokens(tag);
        let of_family = self.keys.own_tokens_of(tag, Family::from_number(family));
        for list in [own, of_family] {
            let _ = self.take_off(&list, &[*digest]).await;
        }
    }

    /// Takes what is over, for whatever reason, off the list of a user; false where somebody has just done so.
    ///
    /// The list of its family forgets it when it is full.
    pub(in crate::stores::redis) async fn sweep_own(
        &self,
        tag: UserTag,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let swept = self.keys.own_tokens_swept(tag);
        let mut take = ::redis::cmd("SET");
        take.arg(&swept)
            .arg(1)
            .arg("NX")
            .arg("PX")
            .arg(millis(SWEEP_EVERY));
        let taken: Option<String> = self.link.query(&swept, &take).await?;
        if taken.is_none() {
            return Ok(false);
        }
        let found = self.look_at_own(tag, now).await?.into_iter();
        let over =
            found.filter(|(_, found)| matches!(found, Ok(FoundToken::Dead | FoundToken::Unknown)));
        let over: Vec<_> = over.map(|(digest, _)| digest).collect();
        for over in over.chunks(AT_ONCE) {
            self.take_off(&self.keys.own_tokens(tag), over).await?;
        }
        Ok(true)
    }

    async fn take_off(&self, list: &str, digests: &[TokenDigest]) -> Result<(), StoreError> {
        let mut remove = ::redis::cmd("ZREM");
        remove.arg(list);
        for digest in digests {
            remove.arg(hex(&digest.0));
        }
        self.link.query(list, &remove).await
    }

    async fn forget_token(&self, digest: &TokenDigest) -> Result<(), StoreError> {
        let key = self.keys.token(digest);
        let mut forget = ::redis::cmd("DEL");
        forget.arg(&key);
        self.link.query(&key, &forget).await
    }
}
