//! The memory that a hash is computed in: kept by a thread from one hash to the next, given back when there is none.
//!
//! It does not come from the program's allocator. That keeps what was freed for later use, and after the first login
//! of a day 19 MiB for every thread that hashes would stay resident until the end of the process.

use crate::domain::authn::password::PasswordError;
use allocator_api2::alloc::System;
use allocator_api2::vec::Vec;
use argon2::Block;

/// The least that is asked for, in blocks of 1 KiB; what is not used of it is never resident.
///
/// Of pieces beyond 32 MiB the C library (glibc) maps each by itself, always, and unmaps it when it is freed. Of smaller
/// ones it learns, after the first, to take them from its heap, which it keeps.
const LEAST_BLOCKS: usize = 33 * 1024;

/// Memory for hashes, one at a time.
#[derive(Default)]
pub struct HashMemory {
    blocks: Option<Vec<Block, System>>,
}

impl HashMemory {
    /// That many blocks of 1 KiB, with whatever the last hash left in them: argon2 fills each before it reads it.
    pub(in crate::domain::authn) fn blocks(
        &mut self,
        count: usize,
    ) -> Result<&mut [Block], PasswordError> {
        if self.held() < count {
            self.give_back();
        }
        let blocks = self.blocks.get_or_insert_with(|| Vec::new_in(System));
        if blocks.len() < count {
            blocks
                .try_reserve_exact(count.max(LEAST_BLOCKS))
                .map_err(|error| PasswordError::Hasher(format!("no memory: {error}")))?;
            blocks.resize(count, Block::new());
        }
        Ok(&mut blocks[..count])
    }

    /// Frees it.
    pub(in crate::domain::authn) fn give_back(&mut self) {
        self.blocks = None;
    }

    /// How much it holds, in blocks of 1 KiB.
    pub(in crate::domain::authn) fn held(&self) -> usize {
        self.blocks.as_ref().map_or(0, Vec::len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_as_needed_and_is_kept_until_given_back() {
        let mut memory = HashMemory::default();
        assert_eq!(memory.held(), 0);
        assert_eq!(memory.blocks(64).unwrap().len(), 64);
        assert_eq!(memory.blocks(8).unwrap().len(), 8);
        assert_eq!(memory.held(), 64);
        assert_eq!(memory.blocks(128).unwrap().len(), 128);
        memory.give_back();
        assert_eq!(memory.held(), 0);
    }

    #[test]
    fn more_than_there_is_is_an_error() {
        let mut memory = HashMemory::default();
        assert!(memory.blocks(usize::MAX / 2048).is_err());
        assert_eq!(memory.blocks(8).unwrap().len(), 8);
    }
}
