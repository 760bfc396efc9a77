//! REST APIs v1 and v2.0 over real HTTP, against the assembled server on real stores.

mod browser;
mod cookies;
mod errors;
mod outage;
mod proxy;
mod redirects;
mod secrets;
mod support;
mod thoughtspot_v1;
mod thoughtspot_v2;
mod wire;
