//! vestibule: a session server that speaks the sign-in dialects of embedded analytics.

pub mod cli;
pub mod domain;
pub mod operator;
pub mod server;
pub mod settings;
pub mod stores;
