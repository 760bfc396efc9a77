//! SAML 2.0: answers signed by xmlsec1, a second opinion on XML signatures, and real identity providers.

mod accepted;
mod costly;
mod crypto;
mod encrypted;
mod encrypted_cbc;
mod files;
mod fuzz;
mod logout;
#[path = "../../common/simplesaml.rs"]
mod php;
mod process;
mod refused;
mod saml_idp;
mod simplesaml;
mod support;
mod wrapping;
