//! The real binary as a child process: what an operator, a script and a shell see of it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, its helpers too"
)]

mod astray;
mod clock;
mod crash;
mod crash_shared;
mod crowd;
mod curl;
#[path = "../common/postgres.rs"]
#[expect(dead_code, reason = "encryption is tested with the stores")]
mod database;
mod drain;
mod flood;
mod full_disk;
mod lifecycle;
mod metrics;
mod no_descriptors;
mod no_randomness;
#[cfg(feature = "oidc")]
mod oidc;
#[cfg(feature = "oidc")]
#[path = "../common/oidc.rs"]
#[expect(dead_code, reason = "the tests of the protocol itself use the rest")]
mod oidc_provider;
mod operator;
mod outage_log;
#[path = "../common/pace.rs"]
mod pace;
mod packaging;
mod packed;
#[path = "../common/ports.rs"]
mod ports;
mod postgres;
mod prompt;
#[cfg(all(feature = "oidc", feature = "saml"))]
mod providers;
mod session;
mod settings;
mod slow;
mod support;
mod tls;
#[cfg(feature = "otel")]
mod traces;
