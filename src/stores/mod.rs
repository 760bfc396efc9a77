//! Where it is kept: implementations of the domain's store traits.

pub mod sql;
