//! What stores promise, held against each of them.

mod directory;
