//! vestibule: a session server that speaks the sign-in dialects of embedded analytics.

pub mod api;
pub mod domain;
pub mod settings;
pub mod stores;
