//! The provider's metadata file, read again when it changes, so that a change of keys needs no restart.

use super::metadata::Peer;
use crate::domain::clock::Timestamp;
use anyhow::{Context, Result};
use arc_swap::ArcSwap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// How often the file is looked at, at most.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// When a file was written, and how long it is.
type Stamp = Option<(SystemTime, u64)>;

#[derive(Debug)]
struct Read {
    peer: Arc<Peer>,
    stamp: Stamp,
}

/// A metadata file and what it said when it was last of use.
#[derive(Debug)]
pub(super) struct PeerFile {
    provider: String,
    path: PathBuf,
    current: ArcSwap<Read>,
    looked: AtomicU64,
}

impl PeerFile {
    pub(super) fn open(provider: &str, path: &Path, now: Timestamp) -> Result<Self> {
        let stamp = stamp(path);
        let peer = Arc::new(read(path, now)?);
        Ok(Self {
            provider: provider.to_owned(),
            path: path.to_owned(),
            current: ArcSwap::from_pointee(Read { peer, stamp }),
            looked: AtomicU64::new(now.millis()),
        })
    }

    /// What the metadata says now.
    pub(super) fn current(&self, now: Timestamp) -> Arc<Peer> {
        let looked = Timestamp::from_millis(self.looked.load(Ordering::Relaxed));
        // A clock that was set back must not keep the file from being looked at.
        let is_due = now.since(looked) >= LOOK_EVERY || now < looked;
        if is_due
            && self
                .looked
                .compare_exchange(
                    looked.millis(),
                    now.millis(),
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                )
                .is_ok()
        {
            self.look(now);
        }
        Arc::clone(&self.current.load().peer)
    }

    fn look(&self, now: Timestamp) {
        let stamp = stamp(&self.path);
        let current = self.current.load();
        if stamp == current.stamp {
            return;
        }
        let peer = match read(&self.path, now) {
            Ok(peer) if peer.entity_id == current.peer.entity_id => Arc::new(peer),
            Ok(peer) => {
                tracing::warn!(
                    provider = self.provider,
                    found = peer.entity_id,
                    "metadata_file is of another provider now; the earlier one is kept until a restart"
                );
                Arc::clone(&current.peer)
            }
            Err(error) => {
                // A file may be seen half written: the next look finds another stamp and tries again.
                tracing::warn!(
                    provider = self.provider,
                    error = format!("{error:#}"),
                    "metadata_file changed and cannot be read; what it said before is kept"
                );
                Arc::clone(&current.peer)
            }
        };
        self.current.store(Arc::new(Read { peer, stamp }));
    }

    /// Reads the file afresh, for people who ask what is in it.
    pub(super) fn probe(&self, now: Timestamp) -> Result<Peer> {
        read(&self.path, now)
    }
}

fn stamp(path: &Path) -> Stamp {
    let about = std::fs::metadata(path).ok()?;
    Some((about.modified().ok()?, about.len()))
}

fn read(path: &Path, now: Timestamp) -> Result<Peer> {
    let which = || format!("metadata_file {}", path.display());
    let text = std::fs::read_to_string(path).with_context(which)?;
    Peer::read(&text, now).with_context(which)
}
