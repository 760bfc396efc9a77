//! How long a session lives: an idle timeout that slides and an absolute one that does not.

use crate::domain::clock::Timestamp;
use crate::domain::session::EndReason;
use std::time::Duration;

/// Idle and absolute timeout of one session, fixed when it opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// The longest pause between two uses.
    pub idle: Duration,
    /// The longest life, however busy.
    pub absolute: Duration,
}

impl Lifetime {
    /// When a session with these moments ends if it is not used again.
    pub fn ends_at(&self, opened: Timestamp, last_seen: Timestamp) -> Timestamp {
        opened.plus(self.absolute).min(last_seen.plus(self.idle))
    }

    /// Why the session is over at `now`, if it is. The last millisecond still counts as alive.
    pub fn over(
        &self,
        opened: Timestamp,
        last_seen: Timestamp,
        now: Timestamp,
    ) -> Option<EndReason> {
        if now > opened.plus(self.absolute) {
            Some(EndReason::AbsoluteTimeout)
        } else if now > last_seen.plus(self.idle) {
            Some(EndReason::IdleTimeout)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: Lifetime = Lifetime {
        idle: Duration::from_secs(30),
        absolute: Duration::from_secs(100),
    };

    #[test]
    fn the_idle_timeout_slides_and_the_absolute_one_does_not() {
        let opened = Timestamp::from_millis(0);
        let seen = Timestamp::from_millis(80_000);
        assert_eq!(LIFE.ends_at(opened, opened).seconds(), 30);
        assert_eq!(LIFE.ends_at(opened, seen).seconds(), 100);
        assert_eq!(
            LIFE.over(opened, seen, Timestamp::from_millis(100_000)),
            None
        );
        assert_eq!(
            LIFE.over(opened, seen, Timestamp::from_millis(100_001)),
            Some(EndReason::AbsoluteTimeout)
        );
        assert_eq!(
            LIFE.over(opened, opened, Timestamp::from_millis(30_001)),
            Some(EndReason::IdleTimeout)
        );
    }
}
