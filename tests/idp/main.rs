//! Identity providers: each protocol against real providers, and against hostile ones.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, its helpers too"
)]

mod oidc;
#[path = "../common/ports.rs"]
mod ports;
mod saml;
