//! Redirect targets.
