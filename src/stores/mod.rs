//! Where it is kept: implementations of the domain's store traits.

mod codec;
pub mod embedded;
pub mod redis;
