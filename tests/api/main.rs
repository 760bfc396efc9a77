//! REST APIs v1 and v2.0 and `MicroStrategy`'s over real HTTP, against the assembled server on real stores.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, its helpers too"
)]

mod admin;
mod bodies;
mod browser;
mod cookies;
mod endings;
mod errors;
mod faults;
mod flood;
mod ldap;
mod methods;
mod microstrategy;
mod nodes;
mod openapi;
mod outage;
mod own_sessions;
#[path = "../common/pace.rs"]
mod pace;
mod pages;
mod parity;
#[path = "../common/ports.rs"]
mod ports;
#[path = "../common/postgres.rs"]
#[expect(dead_code, reason = "nodes kill and encrypt no database")]
mod postgres;
mod proxy;
mod redirects;
mod secrets;
#[expect(dead_code, reason = "the tests of the stores use the rest")]
#[path = "../common/redis.rs"]
mod servers;
#[path = "../common/slapd.rs"]
#[expect(dead_code, reason = "the tests of the client itself use the rest")]
mod slapd;
mod sso;
#[path = "../common/sso_section.rs"]
mod sso_section;
mod support;
mod thoughtspot_v1;
mod thoughtspot_v2;
mod wire;
