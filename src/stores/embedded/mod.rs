//! placeholder while it is built
