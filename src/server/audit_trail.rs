//! Audit lines on their way to the file: whole, in order, and waiting while the disk refuses.
//!
//! A full disk loses nothing at first: lines wait in memory, and the rest of one that was cut off is written before
//! anything else, so the file never has two lines in one. Beyond the bounds lines are lost and counted, and the
//! count stands in the trail where they are missing.

use serde_json::json;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// The most lines that wait for a disk that refuses.
pub const MOST_LINES: usize = 10_000;
/// The most bytes of them.
const MOST_BYTES: usize = 16 << 20;

/// What others may know of the trail while it is written.
#[derive(Debug, Default)]
pub struct Standing {
    lost: AtomicU64,
    untold: AtomicU64,
    waiting: AtomicUsize,
}

impl Standing {
    /// One more event is in no line.
    pub fn lose(&self) {
        self.lost.fetch_add(1, Ordering::Relaxed);
        self.untold.fetch_add(1, Ordering::Relaxed);
    }

    /// How many events were lost since the start.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// How many lines the disk has refused so far and is offered again.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

/// The end of the trail that is written to.
#[derive(Debug)]
pub struct Trail<'a, W> {
    out: W,
    standing: &'a Standing,
    /// Whole lines that are to be written next.
    pending: Vec<u8>,
    /// How much of the first of them is in the file already.
    begun: usize,
    lines: usize,
    is_refused: bool,
}

impl<'a, W: Write> Trail<'a, W> {
    /// Goes on with what was written before.
    pub const fn new(out: W, standing: &'a Standing) -> Self {
        Self {
            out,
            standing,
            pending: Vec::new(),
            begun: 0,
            lines: 0,
            is_refused: false,
        }
    }

    /// Ends the line that was cut off before, so that the next one stands by itself.
    pub fn end_line(&mut self) {
        self.add("");
    }

    /// Goes on in another file: with whole lines, for the rest of one alone would be none in either.
    pub fn go_on_in(&mut self, out: W, is_cut_off: bool) {
        self.out = out;
        self.begun = 0;
        if is_cut_off {
            self.pending.insert(0, b'\n');
            self.lines += 1;
        }
    }

    /// Whether something waits that the disk has refused.
    pub const fn is_behind(&self) -> bool {
        self.is_refused
    }

    /// Takes a line; it is written with the next [`Trail::write`].
    pub fn push(&mut self, line: &str) {
        if self.lines >= MOST_LINES || self.pending.len() + line.len() >= MOST_BYTES {
            if self.standing.untold.load(Ordering::Relaxed) == 0 {
                tracing::error!(
                    "too many audit lines wait for the disk: from now on they are lost"
                );
            }
            self.standing.lose();
            return;
        }
        self.tell_losses();
        self.add(line);
    }

    /// Writes all there is, or as much as the disk takes.
    pub fn write(&mut self) {
        if self.offer() {
            // What was lost while the last lines waited is told as soon as there is room, and not with the next event.
            self.tell_losses();
            self.offer();
        }
        self.standing.waiting.store(
            if self.is_refused { self.lines } else { 0 },
            Ordering::Relaxed,
        );
    }

    /// Tries for the last time.
    pub fn finish(mut self) {
        self.write();
        if self.is_refused {
            tracing::error!(
                count = self.lines,
                "stopped with audit lines that could not be written: they are lost"
            );
        }
    }

    fn add(&mut self, line: &str) {
        self.pending.extend_from_slice(line.as_bytes());
        self.pending.push(b'\n');
        self.lines += 1;
    }

    fn tell_losses(&mut self) {
        let count = self.standing.untold.swap(0, Ordering::Relaxed);
        if count > 0 {
            self.add(&json!({ "event": "audit_lines_lost", "count": count }).to_string());
        }
    }

    /// Whether all that was pending is written now.
    fn offer(&mut self) -> bool {
        let mut done = self.begun;
        let outcome = loop {
            if done == self.pending.len() {
                break Ok(());
            }
            match self.out.write(&self.pending[done..]) {
                Ok(0) => break Err(ErrorKind::WriteZero.into()),
                Ok(more) => done += more,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        let whole = self.pending[..done].iter().rposition(|byte| *byte == b'\n');
        let whole = whole.map_or(0, |end| end + 1);
        self.begun = done - whole;
        let ends = self.pending.drain(..whole).filter(|byte| *byte == b'\n');
        self.lines -= ends.count();
        match outcome {
            Ok(()) => {
                if self.is_refused {
                    tracing::warn!("audit lines are written again");
                }
                self.is_refused = false;
            }
            Err(error) => {
                if !self.is_refused {
                    tracing::error!(
                        %error,
                        "audit lines could not be written: they wait in memory; free space"
                    );
                }
                self.is_refused = true;
            }
        }
        !self.is_refused
    }
}

/// Whether a process was cut off in the middle of the file's last line, by a full disk or a crash.
pub fn ends_mid_line(file: &File) -> std::io::Result<bool> {
    let length = file.metadata()?.len();
    let mut last = [b'\n'];
    if length > 0 {
        file.read_exact_at(&mut last, length - 1)?;
    }
    Ok(last != [b'\n'])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk with that much room.
    #[derive(Debug, Default)]
    struct Disk {
        room: usize,
        has: Vec<u8>,
    }

    impl Write for &mut Disk {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let taken = bytes.len().min(self.room);
            if taken == 0 && !bytes.is_empty() {
                return Err(ErrorKind::StorageFull.into());
            }
            self.room -= taken;
            self.has.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn case_60_a_line_that_a_full_disk_cut_off_is_ended_before_the_next() {
        let standing = Standing::default();
        let mut disk = Disk {
            room: 5,
            has: Vec::new(),
        };
        let mut trail = Trail::new(&mut disk, &standing);
        trail.push("one");
        trail.push("two");
        trail.write();
        assert!(trail.is_behind());
        assert_eq!(standing.waiting(), 1);
        trail.push("three");
        trail.write();
        assert_eq!(standing.waiting(), 2);
        assert_eq!(trail.out.has, b"one\nt");
        trail.out.room = 100;
        trail.write();
        assert!(!trail.is_behind());
        assert_eq!(standing.waiting(), 0);
        assert_eq!(standing.lost(), 0);
        assert_eq!(trail.out.has, b"one\ntwo\nthree\n");
    }

    #[test]
    fn case_60_a_line_begun_in_a_file_that_was_moved_away_is_whole_in_the_next() {
        let standing = Standing::default();
        let mut full = Disk {
            room: 5,
            has: Vec::new(),
        };
        let mut other = Disk {
            room: 100,
            has: b"cut".to_vec(),
        };
        let mut trail = Trail::new(&mut full, &standing);
        trail.push("one");
        trail.push("two");
        trail.write();
        trail.go_on_in(&mut other, true);
        trail.push("three");
        trail.write();
        assert!(!trail.is_behind());
        assert_eq!(standing.waiting(), 0);
        assert_eq!(trail.out.has, b"cut\ntwo\nthree\n");
        assert_eq!(full.has, b"one\nt");
    }

    #[test]
    fn case_60_what_no_longer_waits_is_counted_where_it_is_missing() {
        let standing = Standing::default();
        let mut disk = Disk::default();
        let mut trail = Trail::new(&mut disk, &standing);
        trail.write();
        assert!(!trail.is_behind(), "nothing to write is no trouble");
        for number in 0..MOST_LINES + 7 {
            trail.push(&number.to_string());
            trail.write();
        }
        assert_eq!(standing.waiting(), MOST_LINES);
        assert_eq!(standing.lost(), 7);
        trail.out.room = usize::MAX;
        trail.write();
        trail.push("after");
        trail.write();
        let text = String::from_utf8(trail.out.has.clone()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "0");
        assert_eq!(lines[MOST_LINES - 1], (MOST_LINES - 1).to_string());
        assert_eq!(
            lines[MOST_LINES..],
            [r#"{"count":7,"event":"audit_lines_lost"}"#, "after"]
        );
        assert_eq!(standing.lost(), 7, "the metric only rises");
    }
}
