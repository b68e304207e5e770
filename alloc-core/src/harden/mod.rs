//! What the feature `hardened` adds to a process's heaps. Without it every function here is empty, and costs nothing.
//!
//! | defence | against | where |
//! | --- | --- | --- |
//! | links of free blocks and chunks are XORed with a secret and their place, and looked at when they are followed | writes to freed memory that steer the next request | [`encode`], [`decode`] |
//! | the blocks of a fresh run are linked in random order, chunks are cut from a random end, large blocks lie at random distances | guesses of what lies beside a block | [`Order`], [`coin`], `threaded::guarded` |
//! | pages without access around large blocks | overflows of large blocks | `threaded::guarded` |
//! | a map of the allocator's own pages, and a look at the run or the neighbours, before a block is freed | frees of what is no block | `pages`, `global::admit` |
//! | freed blocks are overwritten | reads of freed memory | [`wipe`] |
//!
//! Only heaps whose positions are addresses are hardened: the one of a process. Heaps over memory of their own keep their
//! layout, which is the same on every target.

#[cfg(not(feature = "hardened"))]
mod off;
#[cfg(feature = "hardened")]
mod on;
#[cfg(feature = "hardened")]
mod random;

#[cfg(feature = "hardened")]
pub mod pages;

#[cfg(not(feature = "hardened"))]
pub use off::{Order, begin, coin, decode, encode, map, unmap, verify, wipe};
#[cfg(feature = "hardened")]
pub use on::{Order, begin, coin, decode, encode, map, unmap, verify, wipe};
#[cfg(feature = "hardened")]
pub use random::below;

/// Whether the feature is on.
pub const ON: bool = cfg!(feature = "hardened");
