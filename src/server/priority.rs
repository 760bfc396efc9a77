//! Who goes first on a busy machine: everything but hashing.

use rustix::process::setpriority_process;
use rustix::thread::gettid;

/// The nice value of hashing threads: a ninth of the weight of the others, so that a thread that wakes up to check a
/// session takes the core at once, while hashing still gets all that nobody else wants.
const HASHING: i32 = 10;

/// Puts the calling thread behind the others of this process.
pub fn yield_to_others() {
    // Linux keeps nice values by thread. The thread is named, because "none" reads as the whole process.
    if let Err(error) = setpriority_process(Some(gettid()), HASHING) {
        tracing::warn!(%error, "hashing has the priority of everything else");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::getpriority_process;

    #[test]
    fn only_the_thread_that_asks_goes_behind() {
        let nice = || getpriority_process(Some(gettid())).unwrap();
        let before = nice();
        let behind = std::thread::spawn(move || {
            yield_to_others();
            nice()
        });
        assert_eq!(behind.join().unwrap(), HASHING.max(before));
        assert_eq!(nice(), before);
    }
}
