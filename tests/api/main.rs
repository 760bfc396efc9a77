//! REST API v1 over real HTTP, against the assembled server on real stores.

mod support;
mod thoughtspot_v1;
