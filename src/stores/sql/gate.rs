//! Whether the directory may be written: shut while it is copied, and for as long as the copy is to take its place.
//!
//! Every connection that writes is asked for here, so a new write cannot forget it. Whoever has passed holds the one
//! connection that writes, and the copy takes that very connection: it begins when the last of them is done.

use crate::domain::failure::ReadOnly;
use std::sync::atomic::{AtomicU8, Ordering};

const OPEN: u8 = 0;
const BEING_COPIED: u8 = 1;
const COPIED: u8 = 2;

/// Lets writes pass, or not.
#[derive(Debug, Default)]
pub(super) struct Gate(AtomicU8);

impl Gate {
    /// Refuses while shut.
    pub(super) fn pass(&self) -> Result<(), sqlx::Error> {
        match self.shut_by() {
            None => Ok(()),
            Some(why) => Err(sqlx::Error::Configuration(Box::new(why))),
        }
    }

    /// Why it is shut, if it is.
    pub(super) fn shut_by(&self) -> Option<ReadOnly> {
        match self.0.load(Ordering::SeqCst) {
            BEING_COPIED => Some(ReadOnly::BeingCopied),
            COPIED => Some(ReadOnly::Copied),
            _ => None,
        }
    }

    /// Shuts it for a copy; what is shut already stays as it is. It opens again when the answer is dropped before
    /// [`Copying::finish`].
    pub(super) fn shut(&self) -> Result<Copying<'_>, ReadOnly> {
        let before = self.turn(OPEN, BEING_COPIED);
        if before {
            return Ok(Copying(self));
        }
        Err(self.shut_by().unwrap_or(ReadOnly::BeingCopied))
    }

    /// Opens what was shut by a copy that is done; false when it was not.
    pub(super) fn open(&self) -> bool {
        self.turn(COPIED, OPEN)
    }

    fn turn(&self, from: u8, to: u8) -> bool {
        let (done, seen) = (Ordering::SeqCst, Ordering::SeqCst);
        self.0.compare_exchange(from, to, done, seen).is_ok()
    }
}

/// A copy under way: given up, failed or cancelled, it leaves the gate open.
#[derive(Debug)]
pub(super) struct Copying<'a>(&'a Gate);

impl Copying<'_> {
    /// The gate stays shut: from now on the copy is what counts.
    pub(super) fn finish(self) {
        self.0.turn(BEING_COPIED, COPIED);
    }
}

impl Drop for Copying<'_> {
    fn drop(&mut self) {
        // Nothing after `finish`.
        self.0.turn(BEING_COPIED, OPEN);
    }
}

/// Whether a query was refused at the gate.
pub(super) fn refusal(error: &sqlx::Error) -> Option<ReadOnly> {
    match error {
        sqlx::Error::Configuration(cause) => cause.downcast_ref().copied(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_that_is_given_up_leaves_the_gate_open_and_one_that_is_done_shut() {
        let gate = Gate::default();
        assert!(!gate.open(), "it was not shut");
        let copying = gate.shut().unwrap();
        assert_eq!(gate.shut().unwrap_err(), ReadOnly::BeingCopied);
        let refused = gate.pass().unwrap_err();
        assert_eq!(refusal(&refused), Some(ReadOnly::BeingCopied));
        assert!(!gate.open(), "nobody opens it under a copy");
        drop(copying);
        gate.pass().unwrap();
        gate.shut().unwrap().finish();
        assert_eq!(gate.shut().unwrap_err(), ReadOnly::Copied);
        assert!(gate.open() && gate.pass().is_ok());
    }
}
