//! Single sign-on: what an identity provider is asked, what it answers, and who that is here.
//!
//! ```text
//! begin ─▶ browser at the provider ─▶ finish ─▶ Assertion ─▶ mapping ─▶ Identity ─▶ the door ─▶ session
//!    └──────── kept in the FlowStore, bound to the browser ────────┘
//! ```
//!
//! The protocols live in `idp`; nothing here knows XML or JWT.

mod configured;
mod fault;
mod findings;
mod policy;
mod provider;
mod sign_on;
mod store;
mod trial;

pub use configured::{Asked, Provider, sharing};
pub use fault::{AssertionFault, ProviderError};
pub use findings::Findings;
pub use policy::{Accounts, AttributeNames, SsoIdentity, SsoPolicy};
pub use provider::{
    Answer, Assertion, Begun, Departure, IdentityProvider, LoggedOutThere, LogoutNotice,
    LogoutWord, NameForm, Protocol, ProviderLink, Wish,
};
pub(in crate::domain) use sign_on::LOGOUT;
pub use sign_on::{Begin, Errand, FLOW_LIFETIME, Intent, SingleSignOn, SsoError};
pub use store::{FlowDigest, FlowStore};
