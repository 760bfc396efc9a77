//! The conformance suite: what every store promises, held against each store with its real parts.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, its helpers too"
)]

mod cable;
mod cache;
mod counting;
mod directory;
mod faults;
mod files;
mod flows;
mod ldap;
mod limits;
mod own_tokens;
#[path = "../common/pace.rs"]
mod pace;
#[path = "../common/ports.rs"]
mod ports;
#[path = "../common/postgres.rs"]
#[expect(
    dead_code,
    reason = "only the nodes of the API's tests keep one and trust it"
)]
mod postgres;
#[expect(dead_code, reason = "the tests of the API use the rest")]
#[path = "../common/redis.rs"]
mod redis;
mod sessions;
mod several;
#[path = "../common/slapd.rs"]
#[expect(dead_code, reason = "the tests of logins over HTTP use the rest")]
mod slapd;
mod support;
mod throttle;
mod time;
mod tls;
mod tokens;
mod versions;
