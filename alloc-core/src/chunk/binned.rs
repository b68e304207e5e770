//! Chunks that caches hand out: medium blocks, with the header of a small one.
//!
//! ```text
//! chunk of an arena     │ size 32 │ prev 32 │ owner 32 │ asked 32                      │ payload
//! the same in a bin     │ size 32 │ prev 32 │ owner 32 │ bin 8 │ asked low 8 │ home 16 │ payload
//! invariant: bin = bin_holding(size);  home = the number of the heap whose arena it lies in
//! ```
//! The owner word is then that of a small block: of the cache that handed it out, or of a free one. So malloc and free treat it
//! as one, and a free does not look at size and previous size: an overflow of less than 9 bytes from the block before is noticed
//! when the block goes home, a longer one at its free, as ever. The arenas see it in their own form again. Of what was asked
//! the lower byte is known.

use super::tag::{CHUNK_HEADER, Chunk, KEPT, Use};
use super::{Space, owner};
use crate::base::class::BINS;
use crate::base::medium::{ALL_BINS, NO_BIN, bin_holding};

/// Each is unsafe for the reason of [`Space`].
#[allow(clippy::missing_safety_doc, reason = "the reason stands once, above")]
impl Space {
    /// Puts a chunk that the program freed into the form of its bin, free. `None`: it is too long for any.
    #[inline]
    pub unsafe fn begin_binned(self, at: u64) -> Option<usize> {
        let c = Chunk::of_payload(at);
        // SAFETY: the caller's promise.
        unsafe {
            let (home, low) = (owner::heap(self.owner(c)), self.asked(c) as u8);
            let bin = bin_holding(self.size(c));
            let home = u16::try_from(home).ok()?;
            if bin == NO_BIN {
                return None;
            }
            self.store8(at - 4, bin as u8);
            self.store8(at - 3, low);
            self.store16(at - 2, home);
            self.set_owner_before(at, owner::FREE);
            Some(bin)
        }
    }

    /// Whether a header is that of a chunk in the form of a bin, as far as itself tells: a size that an overflow of the block
    /// before has changed belongs to another bin, or nearly.
    #[inline]
    pub unsafe fn is_binned(self, at: u64) -> bool {
        let c = Chunk::of_payload(at);
        // SAFETY: the caller's promise.
        unsafe {
            let (bin, word) = (self.bin(at), self.owner_before(at));
            (word == owner::FREE || owner::kind(word) == owner::SMALL)
                && (BINS..ALL_BINS).contains(&bin)
                && self.usage(c) == Use::Block
                && bin_holding(self.size(c)) == bin
        }
    }

    /// The number of the heap that a chunk in the form of a bin came from.
    #[inline]
    pub unsafe fn binned_home(self, at: u64) -> u32 {
        // SAFETY: the caller's promise.
        u32::from(unsafe { self.load16(at - 2) })
    }

    /// The most that may have been asked for, by its lower byte. Bytes.
    #[inline]
    pub unsafe fn binned_requested(self, at: u64) -> u64 {
        // SAFETY: the caller's promise.
        unsafe {
            let most = self.size(Chunk::of_payload(at)) - CHUNK_HEADER;
            most - (most.wrapping_sub(u64::from(self.load8(at - 3))) & 255)
        }
    }

    /// Gives a chunk in the form of a bin that of the arenas back: in use, or on its way home if it is free.
    pub unsafe fn end_binned(self, at: u64) {
        let c = Chunk::of_payload(at);
        // SAFETY: the caller's promise.
        unsafe {
            let free = self.owner_before(at) == owner::FREE;
            let asked = if free {
                KEPT
            } else {
                self.binned_requested(at) as u32
            };
            self.set_owner(c, asked, self.block_word(c, self.binned_home(at)));
        }
    }
}
