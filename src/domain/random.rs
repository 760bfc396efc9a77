//! Randomness as a parameter: ids and salts come from a `Random`, in production the operating system's generator.

use std::cell::RefCell;
use std::fmt;
use zeroize::Zeroizing;

/// What is drawn from the operating system at a time: every request needs an id, and a system call for each
/// would cost more than all else it takes.
const POOL: usize = 1_024;
/// More than this is not worth pooling.
const SMALL: usize = 64;

thread_local! {
    /// Bytes not yet handed out, at the end of the buffer.
    static DRAWN: RefCell<(usize, Zeroizing<[u8; POOL]>)> =
        RefCell::new((POOL, Zeroizing::new([0; POOL])));
}

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
        if buffer.len() > SMALL {
            return draw(buffer);
        }
        let taken = DRAWN.try_with(|drawn| {
            let (next, pool) = &mut *drawn.borrow_mut();
            if POOL - *next < buffer.len() {
                draw(pool.as_mut_slice());
                *next = 0;
            }
            let part = &mut pool[*next..*next + buffer.len()];
            buffer.copy_from_slice(part);
            // What was handed out is nobody's any more: a look into our memory must not tell earlier ids.
            part.fill(0);
            *next += buffer.len();
        });
        if taken.is_err() {
            draw(buffer);
        }
    }
}

fn draw(buffer: &mut [u8]) {
    if let Err(error) = getrandom::fill(buffer) {
        // Going on would issue predictable session ids; dying loses nothing that was acknowledged.
        tracing::error!(%error, "the operating system's random generator failed; stopping");
        std::process::abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn case_39_pooled_bytes_never_repeat_and_never_stay_unfilled() {
        let random = SystemRandom::open().unwrap();
        let mut seen = HashSet::new();
        for size in (16..=80).cycle().take(50_000) {
            let mut buffer = vec![0; size];
            random.fill(&mut buffer);
            assert!(
                buffer[size - 16..] != [0; 16],
                "{size} bytes were not filled"
            );
            assert!(seen.insert(buffer[..16].to_vec()), "{size} bytes repeat");
        }
    }
}
