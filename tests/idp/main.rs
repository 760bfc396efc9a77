//! Identity providers as they are met: real ones, and messages as an attacker would bend them.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a step that fails fails its test"
)]

mod saml;
