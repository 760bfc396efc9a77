//! vestibule: a session server that speaks the sign-in dialects of embedded analytics.
//!
//! ```text
//! floor 4   main, cli, server    everything: flags, the running server, the composition of the rooms
//! floor 3   api, operator        how we are spoken to: HTTP dialects; the operator's socket
//! floor 2   stores, idp          where it is kept: Redis, SQLite, PostgreSQL; who vouches elsewhere: OIDC, SAML
//! floor 1   settings, telemetry  plain values; the log
//!           trust                which servers we believe
//! floor 0   domain               what we mean: the one door, sessions, tokens, users
//! ```
//!
//! Imports point downward only; `tests/architecture.rs` holds it. `api` and `stores` never see each other, a dialect
//! never sees a sibling, and every login of every dialect goes through [`domain::login`].
//!
//! | to add | touch |
//! |---|---|
//! | a dialect | `src/api/<name>/`, a line in [`api::mount`], `docs/dialects/<name>.md`, `tests/api/<name>/` |
//! | a session store | `src/stores/<name>/`, an arm in [`stores::open`], a line in `tests/stores/` |
//! | a way to authenticate | `domain/authn/<name>.rs`; the compiler lists the rest |
//! | a setting | its section in [`settings`] and `default.toml`; a test fails if the two differ |

pub mod api;
pub mod cli;
pub mod domain;
pub mod idp;
pub mod operator;
pub mod server;
pub mod settings;
pub mod stores;
pub mod telemetry;
#[cfg(any(feature = "ldap", feature = "oidc"))]
pub mod trust;
