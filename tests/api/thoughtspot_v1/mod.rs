//! REST API v1, a file per URL.

mod auth_token;
mod auth_token_fetch;
mod auth_token_lifetime;
mod auth_token_provision;
mod bearer;
mod listvizheaders;
mod login_token;
mod logout;
mod prism;
mod session_bearer;
mod session_info;
mod session_lifetime;
mod session_login;
mod session_login_refused;
mod session_login_throttle;
mod session_orgs;
mod user_directory;
mod user_password;
mod user_session_invalidate;
