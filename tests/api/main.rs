//! REST API v1 over real HTTP, against the assembled server on real stores.

mod browser;
mod cookies;
mod errors;
mod flood;
mod outage;
mod proxy;
mod redirects;
mod secrets;
mod support;
mod thoughtspot_v1;
mod wire;
