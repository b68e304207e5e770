//! What can go wrong: misuse by the program, and a heap that is broken.

use core::fmt;

/// A free or realloc that no correct program makes. The position is the block's address for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misuse {
    /// The block is already free.
    DoubleFree {
        /// The block's address.
        address: usize,
    },
    /// No block of this heap has this address, or the header before it was overwritten.
    NotABlock {
        /// The address given.
        address: usize,
    },
    /// Memory that was freed has been written to; told only with the feature `hardened`.
    Overwritten {
        /// The address of the freed block.
        address: usize,
    },
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Misuse::DoubleFree { address } => write!(f, "double free of {address:#x}"),
            Misuse::NotABlock { address } => {
                write!(
                    f,
                    "free of {address:#x}, which is no block or whose header was overwritten"
                )
            }
            Misuse::Overwritten { address } => {
                write!(f, "the freed memory at {address:#x} was written to")
            }
        }
    }
}

/// An invariant that does not hold, found by `Heap::check_invariants`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Which invariant, as a sentence.
    pub what: &'static str,
    /// Where: a byte offset from the heap's base.
    pub position: u64,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at offset {:#x}", self.what, self.position)
    }
}

impl core::error::Error for Broken {}
impl core::error::Error for Misuse {}
