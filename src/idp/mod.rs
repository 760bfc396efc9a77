//! Who vouches elsewhere: identity providers, each spoken to in its protocol.
//!
//! The rooms below implement [`crate::domain::sso::IdentityProvider`]. Only here are XML and JWT known.

#[cfg(feature = "oidc")]
pub mod oidc;
#[cfg(feature = "saml")]
pub mod saml;
