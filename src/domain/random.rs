//! Randomness as a parameter: ids and salts come from a `Random`, in production the operating system's generator.

use std::fmt;

/// A source of unpredictable bytes.
pub trait Random: fmt::Debug + Send + Sync {
    /// Fills the buffer with unpredictable bytes.
    fn fill(&self, buffer: &mut [u8]);
}

/// `N` unpredictable bytes.
pub fn bytes<const N: usize>(random: &dyn Random) -> [u8; N] {
    let mut buffer = [0; N];
    random.fill(&mut buffer);
    buffer
}

/// A version 4 UUID drawn from `random`.
pub fn uuid(random: &dyn Random) -> uuid::Uuid {
    uuid::Builder::from_random_bytes(bytes(random)).into_uuid()
}

/// The operating system's generator.
#[derive(Debug)]
pub struct SystemRandom(());

impl SystemRandom {
    /// Draws once, so that a machine without randomness refuses to start instead of issuing guessable ids.
    pub fn open() -> Result<Self, getrandom::Error> {
        let mut probe = [0; 32];
        getrandom::fill(&mut probe)?;
        Ok(Self(()))
    }
}

impl Random for SystemRandom {
    fn fill(&self, buffer: &mut [u8]) {
        if let Err(error) = getrandom::fill(buffer) {
            // Going on would issue predictable session ids; dying loses nothing that was acknowledged.
            tracing::error!(%error, "the operating system's random generator failed; stopping");
            std::process::abort();
        }
    }
}
