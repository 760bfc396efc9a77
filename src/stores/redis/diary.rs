//! What the log is told of one line to Redis: each change once, and a summary where changes follow upon each other.
//!
//! A server that takes connections and then refuses every command would fill the log with pairs of *lost* and
//! *connected*, which say nothing of the reason and hide everything else.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// After a loss was told, how long further ones are only counted.
const QUIET: Duration = Duration::from_secs(30);
/// Where the log says otherwise, it is told how things stand once they have stood so for this long.
const SETTLED: Duration = Duration::from_secs(3);
/// Different reasons told of one disturbance.
const MAX_REASONS: usize = 8;

/// Something for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    Lost(Arc<str>),
    Away(Arc<str>),
    Connected,
    Summary { losses: u32, why: Arc<str> },
}

/// What was told of one line, and what is to be told.
#[derive(Debug)]
pub struct Diary {
    server: String,
    page: Mutex<Page>,
}

#[derive(Debug)]
struct Page {
    is_up: bool,
    since: Instant,
    told_up: bool,
    /// When the disturbance began, or was last summed up; none in calm times.
    began: Option<Instant>,
    told_connected: bool,
    reasons: Vec<Arc<str>>,
    losses: u32,
    why: Arc<str>,
}

impl Diary {
    /// Of a line to that server that is up, or not yet.
    pub fn of(server: String, is_up: bool) -> Self {
        Self {
            server,
            page: Mutex::new(Page::of(is_up, Instant::now())),
        }
    }

    /// The connection is gone.
    pub fn lost(&self, why: &str) {
        self.note(|page, now| page.lost(why, now));
    }

    /// No new one could be had.
    pub fn failed(&self, why: &str) {
        self.note(|page, now| page.failed(why, now));
    }

    /// There is a new one, and it answers.
    pub fn connected(&self) {
        self.note(Page::connected);
    }

    /// Called now and then: tells what has lasted, and sums up.
    pub fn settle(&self) {
        self.note(Page::settle);
    }

    /// Why the connection was lost, or none could be had, last.
    pub fn why(&self) -> Arc<str> {
        Arc::clone(&self.page.lock().unwrap_or_else(PoisonError::into_inner).why)
    }

    fn note(&self, change: impl FnOnce(&mut Page, Instant) -> Option<Entry>) {
        let mut page = self.page.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = change(&mut page, Instant::now());
        drop(page);
        let server = &self.server;
        match entry {
            None => {}
            Some(Entry::Lost(why)) => tracing::warn!(server, %why, "lost a connection to Redis"),
            Some(Entry::Away(why)) => tracing::warn!(server, %why, "Redis is away"),
            Some(Entry::Connected) => tracing::info!(server, "connected to Redis"),
            Some(Entry::Summary { losses, why }) => tracing::warn!(
                server,
                losses,
                within_s = QUIET.as_secs(),
                %why,
                "connections to Redis are lost again and again"
            ),
        }
    }
}

impl Page {
    fn of(is_up: bool, now: Instant) -> Self {
        Self {
            is_up,
            since: now,
            told_up: is_up,
            began: None,
            told_connected: false,
            reasons: Vec::new(),
            losses: 0,
            why: Arc::from("not connected yet"),
        }
    }

    fn lost(&mut self, why: &str, now: Instant) -> Option<Entry> {
        self.why = Arc::from(why);
        self.is_up = false;
        self.since = now;
        if self.began.is_some() {
            self.losses += 1;
            return None;
        }
        self.began = Some(now);
        self.told_up = false;
        self.reasons.push(Arc::clone(&self.why));
        Some(Entry::Lost(Arc::clone(&self.why)))
    }

    fn failed(&mut self, why: &str, now: Instant) -> Option<Entry> {
        if *self.why != *why {
            self.why = Arc::from(why);
        }
        self.began.get_or_insert(now);
        let is_known = self.reasons.contains(&self.why) || self.reasons.len() >= MAX_REASONS;
        if is_known {
            return None;
        }
        self.told_up = false;
        self.reasons.push(Arc::clone(&self.why));
        Some(Entry::Away(Arc::clone(&self.why)))
    }

    fn connected(&mut self, now: Instant) -> Option<Entry> {
        self.is_up = true;
        self.since = now;
        if self.told_up || self.told_connected {
            return None;
        }
        self.told_up = true;
        self.told_connected = self.began.is_some();
        Some(Entry::Connected)
    }

    fn settle(&mut self, now: Instant) -> Option<Entry> {
        if self.is_up != self.told_up && now.duration_since(self.since) >= SETTLED {
            self.told_up = self.is_up;
            return Some(if self.is_up {
                Entry::Connected
            } else {
                Entry::Away(Arc::clone(&self.why))
            });
        }
        let began = self.began?;
        if now.duration_since(began) < QUIET {
            return None;
        }
        let losses = std::mem::take(&mut self.losses);
        if losses == 0 && self.is_up {
            *self = Self::of(true, self.since);
            return None;
        }
        self.began = Some(now);
        self.reasons.clear();
        self.reasons.push(Arc::clone(&self.why));
        let why = Arc::clone(&self.why);
        Some(if losses == 0 {
            Entry::Away(why)
        } else {
            Entry::Summary { losses, why }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Duration = Duration::from_millis(300);

    #[test]
    fn an_outage_is_told_with_its_reasons_and_its_end() {
        let mut now = Instant::now();
        let mut page = Page::of(true, now);
        let lost = page.lost("broken pipe", now);
        assert_eq!(lost, Some(Entry::Lost("broken pipe".into())));
        let failed = page.failed("NOAUTH", now);
        assert_eq!(failed, Some(Entry::Away("NOAUTH".into())));
        let mut told = 0;
        for _ in 0..210 {
            now += STEP;
            assert_eq!(page.failed("NOAUTH", now), None);
            told += u32::from(page.settle(now).is_some());
        }
        assert_eq!(told, 2, "every 30 s that it is still away");
        assert_eq!(page.connected(now), Some(Entry::Connected));
        for _ in 0..210 {
            now += STEP;
            assert_eq!(page.settle(now), None);
        }
        assert!(
            page.lost("broken pipe", now).is_some(),
            "the next one is news"
        );
    }

    #[test]
    fn losses_that_follow_each_other_are_summed_up() {
        let mut now = Instant::now();
        let mut page = Page::of(true, now);
        let mut told = Vec::new();
        for _ in 0..210 {
            told.extend(page.lost("READONLY", now));
            now += STEP / 2;
            told.extend(page.connected(now));
            now += STEP / 2;
            told.extend(page.settle(now));
        }
        let summary = |losses| Entry::Summary {
            losses,
            why: "READONLY".into(),
        };
        assert_eq!(
            told,
            [
                Entry::Lost("READONLY".into()),
                Entry::Connected,
                summary(99),
                summary(100)
            ]
        );
        // It comes to rest in a state that the log does not know of.
        page.lost("READONLY", now);
        assert_eq!(
            page.settle(now + SETTLED),
            Some(Entry::Away("READONLY".into()))
        );
    }
}
