//! What we mean: sessions, tokens, users and the one door to them, without HTTP, Redis, SQL or any wire format.

pub mod administration;
pub mod audit;
pub mod authn;
pub mod clock;
pub mod directory;
pub mod failure;
pub mod login;
pub mod principal;
pub mod random;
pub mod redirect;
pub mod session;
pub mod spans;
pub mod sso;
pub mod throttle;
pub mod token;
