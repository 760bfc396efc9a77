//! SAML 2.0: answers signed by xmlsec1, a second opinion on XML signatures, and real identity providers.

mod accepted;
mod crypto;
mod encrypted;
mod files;
mod fuzz;
mod logout;
mod refused;
mod support;
mod wrapping;
