//! Everything this process logs, at trace level, kept to be searched for secrets.

use std::io::Write;
use std::sync::{Mutex, Once};
use tracing_subscriber::EnvFilter;

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// The clients that the tests themselves use would log what they were told to send.
const FILTER: &str = "trace,reqwest=off,hyper=off,hyper_util=off";

struct Keep;

impl Write for Keep {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        LOG.lock().unwrap().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Starts keeping, once; says how much there is already.
pub fn capture() -> usize {
    static START: Once = Once::new();
    START.call_once(|| {
        tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new(FILTER))
            .with_ansi(false)
            .with_writer(|| Keep)
            .init();
    });
    LOG.lock().unwrap().len()
}

/// What was logged after that much.
pub fn since(start: usize) -> String {
    String::from_utf8_lossy(&LOG.lock().unwrap()[start..]).into_owned()
}
