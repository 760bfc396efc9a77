//! The conformance suite: what every store promises, held against each store with its real parts.

mod faults;
mod files;
mod sessions;
mod support;
mod tokens;
