//! REST API v1 over real HTTP, against the assembled server on real stores.

mod browser;
mod cookies;
mod endings;
mod errors;
mod outage;
mod proxy;
mod redirects;
mod secrets;
mod support;
mod thoughtspot_v1;
mod wire;
