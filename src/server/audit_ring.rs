//! The latest audit lines in memory, for the console to look at: filled by the audit trail's own writer.
//!
//! Bounded twice, by lines and by bytes, since what callers call themselves may be long. After a restart it
//! begins with the end of the file, where the trail is a file.

use crate::api::admin::AuditLine;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The most lines kept.
const MOST_LINES: usize = 10_000;
/// The most bytes kept, and read from the end of a file.
const MOST_BYTES: usize = 8 << 20;

/// Audit lines, the oldest in front.
#[derive(Debug, Default)]
pub struct AuditRing {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    lines: VecDeque<AuditLine>,
    bytes: usize,
    last: u64,
}

impl AuditRing {
    /// What stands at the end of that file; nothing where there is none, or none that can be read.
    pub fn of_file(path: &Path) -> Self {
        let ring = Self::default();
        match end_of(path) {
            Ok(text) => {
                for line in text.lines().filter(|line| line.starts_with('{')) {
                    ring.push(line);
                }
            }
            Err(error) => tracing::debug!(%error, "no earlier audit lines"),
        }
        ring
    }

    /// Adds a line; the oldest go.
    pub fn push(&self, line: &str) {
        let mut kept = self.lock();
        kept.last += 1;
        kept.bytes += line.len();
        let number = kept.last;
        kept.lines.push_back(AuditLine {
            number,
            json: Arc::from(line),
        });
        while kept.lines.len() > MOST_LINES || kept.bytes > MOST_BYTES {
            let Some(gone) = kept.lines.pop_front() else {
                break;
            };
            kept.bytes = kept.bytes.saturating_sub(gone.json.len());
        }
    }

    /// Lines numbered above that, the oldest first.
    pub fn above(&self, number: u64) -> Vec<AuditLine> {
        let kept = self.lock();
        let newer = kept.lines.iter().filter(|line| line.number > number);
        newer.cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The last part of a file, from the first whole line on.
fn end_of(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let from = file.metadata()?.len().saturating_sub(MOST_BYTES as u64);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(MOST_BYTES as u64).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    if from == 0 {
        return Ok(text);
    }
    Ok(text
        .split_once('\n')
        .map_or_else(String::new, |(_, rest)| rest.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_lines_go_and_numbers_never_come_again() {
        let ring = AuditRing::default();
        for number in 0..=MOST_LINES {
            ring.push(&format!("{{\"n\":{number}}}"));
        }
        let lines = ring.above(0);
        assert_eq!(lines.len(), MOST_LINES);
        assert_eq!(lines[0].number, 2);
        let long = "x".repeat(MOST_BYTES - 1);
        ring.push(&long);
        assert_eq!(ring.above(0).len(), 1);
        assert_eq!(ring.above(MOST_LINES as u64 + 2), []);
    }

    #[test]
    fn a_restart_begins_with_whole_lines_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let line = format!(
            "{{\"event\":\"login\",\"user\":\"{}\"}}\n",
            "x".repeat(4_000)
        );
        std::fs::write(&path, line.repeat(3_000)).unwrap();
        let lines = AuditRing::of_file(&path).above(0);
        assert!(lines.len() > 1_900, "{}", lines.len());
        assert!(lines.iter().all(|one| one.json.starts_with("{\"event\"")));
        assert!(
            AuditRing::of_file(&folder.path().join("none"))
                .above(0)
                .is_empty()
        );
    }
}
