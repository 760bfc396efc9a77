//! How many sessions live, for metrics: counted in the background, by one node for all.

use crate::domain::clock::Timestamp;
use crate::domain::failure::StoreError;
use crate::stores::redis::RedisStore;
use futures_util::future::try_join_all;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How often the sessions are counted.
pub const COUNT_EVERY: Duration = Duration::from_mins(1);
/// How long a count is good for; a node that counts may have stopped.
const COUNT_KEPT: Duration = Duration::from_mins(5);
/// Keys looked at in one step, so that no step keeps others waiting for long.
const KEYS_A_STEP: usize = 500;
/// Nobody has counted yet, or not for a while.
pub(in crate::stores::redis) const UNKNOWN: u64 = u64::MAX;

impl RedisStore {
    /// The last count; none when there is none that is fresh.
    pub fn live_sessions(&self) -> Option<usize> {
        let count = self.live.load(Ordering::Relaxed);
        (count != UNKNOWN).then(|| usize::try_from(count).unwrap_or(usize::MAX))
    }

    /// Takes over what a node counted of late, without counting.
    pub async fn take_over_count(&self) -> Result<(), StoreError> {
        let kept = self.keys.live();
        let mut ask = ::redis::cmd("GET");
        ask.arg(&kept);
        let count: Option<u64> = self.link.query(&kept, &ask).await?;
        self.live.store(count.unwrap_or(UNKNOWN), Ordering::Relaxed);
        Ok(())
    }

    /// Counts, if no other node has done so within the minute, and takes over the common count.
    ///
    /// Counted are the entries of the users' indexes that have not reached their absolute end. A session that went
    /// unused for too long, or was revoked with many others, leaves its index when it is next asked for or listed.
    pub async fn count_live(&self, now: Timestamp) -> Result<(), StoreError> {
        let (turn, kept) = (self.keys.live_turn(), self.keys.live());
        let mut claim = ::redis::cmd("SET");
        claim
            .arg(&turn)
            .arg("1")
            .arg("NX")
            .arg("PX")
            // A little less than a round, or the same node would miss every second turn.
            .arg(u64::try_from(COUNT_EVERY.as_millis()).unwrap_or(u64::MAX) * 9 / 10);
        let is_ours: Option<String> = self.link.query(&turn, &claim).await?;
        if is_ours.is_some() {
            let count = self.count(now).await?;
            let mut tell = ::redis::cmd("SET");
            tell.arg(&kept)
                .arg(count)
                .arg("PX")
                .arg(u64::try_from(COUNT_KEPT.as_millis()).unwrap_or(u64::MAX));
            let _: () = self.link.query(&kept, &tell).await?;
        }
        self.take_over_count().await
    }

    async fn count(&self, now: Timestamp) -> Result<u64, StoreError> {
        let mut total = 0;
        for server in self.link.servers() {
            let mut cursor = 0_u64;
            loop {
                let mut scan = ::redis::cmd("SCAN");
                scan.arg(cursor)
                    .arg("MATCH")
                    .arg(self.keys.every_index())
                    .arg("COUNT")
                    .arg(KEYS_A_STEP);
                let (next, indexes): (u64, Vec<String>) =
                    self.link.query_on(&server, &scan).await?;
                let counts = indexes.iter().map(async |index| {
                    let mut count = ::redis::cmd("ZCOUNT");
                    count.arg(index).arg(now.millis()).arg("+inf");
                    self.link.query::<u64>(index, &count).await
                });
                total += try_join_all(counts).await?.iter().sum::<u64>();
                if next == 0 {
                    break;
                }
                cursor = next;
            }
        }
        Ok(total)
    }
}
