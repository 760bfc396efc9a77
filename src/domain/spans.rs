//! The spans that traces are made of: one target for all of them, so that nothing else gets into a trace.

/// The target of every span. The log leaves it out and a trace takes nothing else: log lines, and whatever crates
/// below us note, may name users.
pub const SPANS: &str = "vestibule::spans";
