//! Segregated lists of free chunks, one for each class, with a bitmap of those that are not empty.
//!
//! ```text
//! invariant: a chunk is in the list of class_of(size)  <=>  its tag says it is free
//! invariant: bit i of the set  <=>  list i is not empty
//! ```

use crate::base::bitmap::ClassSet;
use crate::base::class::{CLASSES, class_of};
use crate::chunk::Space;
use crate::chunk::tag::Chunk;
use crate::harden;

use super::policy::Fit;

/// How many chunks of a class the best is chosen from.
const LOOK: usize = 8;

/// The lists. Position 0 ends a list.
pub(super) struct FreeChunks {
    heads: [u64; CLASSES],
    filled: ClassSet,
}

#[allow(
    clippy::missing_safety_doc,
    reason = "private; unsafe for the reason of `Space`: the chunk must be one of the heap's"
)]
impl FreeChunks {
    pub const fn new() -> Self {
        FreeChunks {
            heads: [0; CLASSES],
            filled: ClassSet::new(),
        }
    }

    /// Puts a free chunk at the front of its list.
    pub unsafe fn insert(&mut self, space: Space, c: Chunk) {
        // SAFETY: the chunk is the heap's and free, so its payload holds links; heads are such chunks as well.
        unsafe {
            let class = class_of(space.size(c));
            let head = self.heads[class];
            space.set_link_next(c, head);
            space.set_link_prev(c, 0);
            if head != 0 {
                space.set_link_prev(Chunk(head), c.0);
            }
            self.heads[class] = c.0;
            self.filled.insert(class);
        }
    }

    /// Takes a chunk out of its list.
    pub unsafe fn remove(&mut self, space: Space, c: Chunk) {
        // SAFETY: as above.
        unsafe {
            let (next, prev) = (space.link_next(c), space.link_prev(c));
            if harden::ON && space.is_process() {
                let agree = (next == 0 || space.link_prev(Chunk(next)) == c.0)
                    && (prev == 0 || space.link_next(Chunk(prev)) == c.0);
                harden::verify(agree, c.payload());
            }
            if next != 0 {
                space.set_link_prev(Chunk(next), prev);
            }
            if prev != 0 {
                space.set_link_next(Chunk(prev), next);
            } else {
                let class = class_of(space.size(c));
                self.heads[class] = next;
                if next == 0 {
                    self.filled.remove(class);
                }
            }
        }
    }

    /// A free chunk of at least `bytes`, where a class begins; it stays in its list.
    pub unsafe fn find(&self, space: Space, bytes: u64, fit: Fit) -> Option<Chunk> {
        let class = match fit {
            Fit::Good | Fit::Best => self.filled.next_from(class_of(bytes))?,
            Fit::First => self.filled.last().filter(|last| *last >= class_of(bytes))?,
        };
        match fit {
            // SAFETY: as above.
            Fit::Best => unsafe { self.look(space, class) },
            Fit::Good | Fit::First => Some(Chunk(self.heads[class])),
        }
    }

    /// The smallest of the first few of a class.
    unsafe fn look(&self, space: Space, class: usize) -> Option<Chunk> {
        let mut best: Option<(u64, Chunk)> = None;
        let mut at = self.heads[class];
        for _ in 0..LOOK {
            if at == 0 {
                break;
            }
            let c = Chunk(at);
            // SAFETY: as above.
            let (size, next) = unsafe { (space.size(c), space.link_next(c)) };
            if best.is_none_or(|(least, _)| size < least) {
                best = Some((size, c));
            }
            at = next;
        }
        best.map(|(_, c)| c)
    }

    /// The first chunk of a class, as a position; 0: none.
    pub fn head(&self, class: usize) -> u64 {
        self.heads[class]
    }

    /// Whether the bitmap has the class.
    pub fn is_filled(&self, class: usize) -> bool {
        self.filled.contains(class)
    }
}
