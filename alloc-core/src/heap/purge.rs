//! Pages of free chunks that go back to the system while the chunk stays in its list.
//!
//! ```text
//! the asked word of a free chunk: the heap's epoch when it became free, or PURGED
//! invariant: the whole pages of a PURGED chunk, but for its header and links, hold nothing
//! ```
//! The epoch counts the rounds of whoever purges; without one it stays 0.

use core::ptr::NonNull;

use super::arenas::Arenas;
use crate::base::align::PAGE;
use crate::base::class::{CLASSES, class_of};
use crate::chunk::owner;
use crate::chunk::tag::{Chunk, MIN_CHUNK};
use crate::source::MemorySource;

/// The asked word of a free chunk whose pages hold nothing.
pub(super) const PURGED: u32 = u32::MAX;

impl<S: MemorySource> Arenas<S> {
    /// Begins another round: what is free now has been so for less than one.
    pub fn next_epoch(&mut self) {
        self.epoch = (self.epoch + 1) % PURGED;
    }

    /// Shows the whole pages of chunks that have been free since before the last round to `discard`, which may take their
    /// contents; of at most `most` chunks. Returns how many bytes were shown; 0: there are none left.
    pub fn purge(&mut self, most: usize, discard: &mut dyn FnMut(NonNull<u8>, u64)) -> u64 {
        let space = self.space;
        let (mut chunks, mut bytes) = (0, 0);
        for class in class_of(PAGE + MIN_CHUNK)..CLASSES {
            let mut at = self.free.head(class);
            while at != 0 {
                let c = Chunk(at);
                // SAFETY: lists hold free chunks of this heap, whose payload but for the links is nobody's.
                unsafe {
                    at = space.link_next(c);
                    let since = space.asked(c);
                    if since == PURGED || since == self.epoch {
                        continue;
                    }
                    space.set_owner(c, PURGED, owner::NONE);
                    let end = c.0 + space.size(c);
                    let first = space.pointer(c.0 + MIN_CHUNK).addr() as u64;
                    let from = c.0 + MIN_CHUNK + (first.next_multiple_of(PAGE) - first);
                    let last = space.pointer(end).addr() as u64;
                    let to = end - last % PAGE;
                    if from < to {
                        discard(NonNull::new_unchecked(space.pointer(from)), to - from);
                        bytes += to - from;
                        chunks += 1;
                    }
                }
                if chunks == most {
                    return bytes;
                }
            }
        }
        bytes
    }
}
