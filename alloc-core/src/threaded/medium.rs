//! Blocks of 1 to 32 KiB that the thread freed a moment ago, kept for its next request of that size.
//!
//! They stay chunks in use of whichever home made them. Where threads free each other's blocks this is what keeps memory
//! moving: one that is used again at once saves the way home, the coalescing and the next split. A class that is full goes
//! into the depot as a whole list. A kept block is marked in its header, so a second free of it is noticed.
//!
//! ```text
//! invariant: bytes = sum over the classes of count * worth;  head = 0 <=> count = 0
//! invariant: count <= most(class);  the class of no chunk, the last, has most = 0
//! invariant: a kept chunk's asked word is KEPT
//! ```

use super::depot;
use crate::base::class::{class_bytes, class_of, round_chunk};
use crate::chunk::Space;
pub use crate::chunk::tag::KEPT;
use crate::chunk::tag::{CHUNK_HEADER, Chunk};
use crate::heap::cache::Chain;

/// What is kept is no larger than this. Bytes asked.
pub const MEDIUM_MAX: usize = 32 << 10;

/// The class of free chunks that is the first here.
pub const FIRST_CLASS: usize = 64;
/// Classes of medium chunks.
pub const COUNT: usize = class_of(round_chunk(MEDIUM_MAX as u64 + CHUNK_HEADER)) + 2 - FIRST_CLASS;
/// The class of what is not kept.
const NONE: usize = COUNT;
/// Most blocks of a class, and most bytes of them (but for one block).
const PER_CLASS: u64 = 32;
const CLASS_BYTES: u64 = 128 << 10;
/// Most bytes that a thread keeps; where memory is little, a part of its share of it. (With 256 KiB and an eighth
/// a program whose blocks are of all sizes spent a third more time, for 6 % less memory.)
const BUDGET: u64 = 1 << 20;
const PART: u64 = 6;
const LEAST: u64 = 16 << 10;

/// A list of so many blocks is worth to be handed on where the bytes are used up.
const WORTH: u16 = 8;

/// Where a class begins is a multiple of this. Bytes.
const STEP: u64 = 64;
/// Sizes of chunks in steps: one more than the longest that is kept.
const STEPS: usize = (class_bytes(COUNT + FIRST_CLASS) / STEP) as usize;
/// The class of a chunk by its steps, rounded down; of longer ones the last.
static HOLDS: [u8; STEPS + 1] = {
    let mut table = [NONE as u8; STEPS + 1];
    let mut steps = (class_bytes(FIRST_CLASS) / STEP) as usize;
    while steps < STEPS {
        table[steps] = (class_of(steps as u64 * STEP) - FIRST_CLASS) as u8;
        steps += 1;
    }
    table
};
/// The class that serves a request by its steps, header included and rounded up.
static SERVES: [u8; STEPS + 1] = {
    let mut table = [NONE as u8 - 1; STEPS + 1];
    let mut steps = (class_bytes(FIRST_CLASS) / STEP) as usize;
    while steps <= ((MEDIUM_MAX as u64 + CHUNK_HEADER).div_ceil(STEP)) as usize {
        table[steps] = (class_of(round_chunk(steps as u64 * STEP)) - FIRST_CLASS) as u8;
        steps += 1;
    }
    table
};
/// What a block of each class counts for. Bytes.
static WORTHS: [u32; COUNT + 1] = {
    let mut table = [0; COUNT + 1];
    let mut class = 0;
    while class < COUNT {
        table[class] = class_bytes(class + FIRST_CLASS) as u32;
        class += 1;
    }
    table
};

/// How much a thread may keep that [may set so much aside](crate::heap::cache::Share::aside). Bytes.
pub fn budget(aside: u64) -> u64 {
    (aside / PART).clamp(LEAST, BUDGET)
}

/// The kept blocks of one class.
#[derive(Clone, Copy, Debug)]
struct Kept {
    head: u64,
    count: u16,
    most: u16,
    /// It served a request since [`Medium::stale`] was last asked.
    used: bool,
}

/// The kept blocks of one thread.
///
/// Programs that come here with sizes at random miss what the processor foresees, so both ways have few branches, look
/// classes up instead of computing them, and never load in one piece what was just stored in two, which no processor
/// forwards (hence the order of the fields, too: neighbours would be changed together). All this was half of the time
/// spent here.
#[derive(Debug)]
pub struct Medium {
    kept: [Kept; COUNT + 1],
    bytes: u64,
    /// The most bytes to be kept.
    pub budget: u64,
    /// Blocks taken in from the program.
    pub puts: u64,
    /// Classes are given away from here on.
    next: usize,
    /// Requests served.
    pub hits: u64,
}

/// What became of a block given to [`Medium::put`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It is kept.
    Kept,
    /// It is kept, and these, of this class, are to be given away.
    Instead(usize, Chain),
    /// It is not.
    NoRoom,
}

impl Default for Medium {
    fn default() -> Self {
        Medium::new()
    }
}

/// Each function that is unsafe is so for the reason of [`Space`].
#[allow(clippy::missing_safety_doc, reason = "the reason stands once, above")]
impl Medium {
    /// Nothing kept.
    pub const fn new() -> Medium {
        const NOTHING: Kept = Kept {
            head: 0,
            count: 0,
            most: 0,
            used: false,
        };
        let mut kept = [NOTHING; COUNT + 1];
        let mut class = 0;
        while class < COUNT {
            let most = CLASS_BYTES / WORTHS[class] as u64;
            kept[class].most = match most {
                0 => 1,
                1..PER_CLASS => most as u16,
                _ => PER_CLASS as u16,
            };
            class += 1;
        }
        Medium {
            kept,
            bytes: 0,
            budget: 0,
            puts: 0,
            next: 0,
            hits: 0,
        }
    }

    /// The payload of a kept block for a request of `size` bytes, `size` being more than small and at most [`MEDIUM_MAX`].
    #[inline(always)]
    pub unsafe fn get(&mut self, space: Space, size: usize) -> Option<u64> {
        // Requests are rounded to classes, so every block of the class is long enough; one of the next wastes little.
        let first = class_for(size);
        let class = first + usize::from(self.kept[first].head == 0);
        if self.kept[class].head == 0 {
            return None;
        }
        // SAFETY: the caller's promise; the list is not empty.
        Some(unsafe { self.hand_out(space, class, size) })
    }

    /// As [`get`](Self::get), with what the depot has.
    pub unsafe fn get_from_depot(&mut self, space: Space, size: usize) -> Option<u64> {
        let class = class_for(size);
        let chain = depot::get_medium(class)?;
        let kept = &mut self.kept[class];
        (kept.head, kept.count) = (chain.first, chain.count as u16);
        self.bytes += u64::from(WORTHS[class]) * u64::from(chain.count);
        // SAFETY: as above.
        Some(unsafe { self.hand_out(space, class, size) })
    }

    #[inline(always)]
    unsafe fn hand_out(&mut self, space: Space, class: usize, size: usize) -> u64 {
        let kept = &mut self.kept[class];
        let at = kept.head;
        // SAFETY: kept blocks are chunks in use that nobody else touches.
        unsafe {
            let next = space.link(at);
            kept.head = next;
            #[cfg(target_arch = "x86_64")]
            core::arch::x86_64::_mm_prefetch::<{ core::arch::x86_64::_MM_HINT_T0 }>(
                space.pointer(next).cast(),
            );
            space.set_asked(Chunk::of_payload(at), size as u32);
        }
        kept.count -= 1;
        kept.used = true;
        self.bytes -= u64::from(WORTHS[class]);
        self.hits += 1;
        at
    }

    /// Keeps a chunk that the program freed, if there is room for it.
    #[inline(always)]
    pub unsafe fn put(&mut self, space: Space, at: u64) -> Put {
        // SAFETY: the block is in use by nobody any more, so its header may be read.
        let class = class_of_chunk(unsafe { space.size(Chunk::of_payload(at)) });
        let kept = &mut self.kept[class];
        let bytes = self.bytes + u64::from(WORTHS[class]);
        // SAFETY: as above.
        unsafe {
            if kept.count >= kept.most || bytes > self.budget {
                return self.put_instead(space, at, class);
            }
            self.add(space, at, class);
        }
        Put::Kept
    }

    /// As [`put`](Self::put), where the class or the bytes are used up.
    #[cold]
    unsafe fn put_instead(&mut self, space: Space, at: u64, class: usize) -> Put {
        let Kept { count, most, .. } = self.kept[class];
        let over = count < most;
        if class == NONE || over && count < WORTH {
            return Put::NoRoom;
        }
        // What is too much moves on whole, as at the cache of small blocks: the next one who needs it finds it in the
        // depot, and nobody takes a home's lock for a single block.
        let given = self.take(class);
        // SAFETY: the caller's promise.
        unsafe { self.add(space, at, class) };
        Put::Instead(class, given)
    }

    #[inline(always)]
    unsafe fn add(&mut self, space: Space, at: u64, class: usize) {
        let kept = &mut self.kept[class];
        // SAFETY: nobody uses the block, so its asked word and payload are this thread's.
        unsafe {
            space.set_link(at, kept.head);
            space.set_asked(Chunk::of_payload(at), KEPT);
        }
        kept.head = at;
        kept.count += 1;
        self.bytes += u64::from(WORTHS[class]);
        self.puts += 1;
    }

    fn take(&mut self, class: usize) -> Chain {
        let kept = &mut self.kept[class];
        let chain = Chain {
            first: kept.head,
            count: u32::from(kept.count),
        };
        (kept.head, kept.count) = (0, 0);
        self.bytes -= u64::from(WORTHS[class]) * u64::from(chain.count);
        chain
    }

    /// Takes out the blocks of a class that served nothing since the last round; `None` ends the round.
    pub fn stale(&mut self) -> Option<Chain> {
        while self.next < COUNT {
            let class = self.next;
            self.next += 1;
            let used = core::mem::take(&mut self.kept[class].used);
            if !used && self.kept[class].head != 0 {
                return Some(self.take(class));
            }
        }
        self.next = 0;
        None
    }

    /// Takes out the blocks of any class, and tells which.
    pub fn any(&mut self) -> Option<(usize, Chain)> {
        let class = self.kept.iter().position(|kept| kept.head != 0)?;
        Some((class, self.take(class)))
    }
}

/// The class of a chunk of `bytes`.
#[inline(always)]
fn class_of_chunk(bytes: u64) -> usize {
    let class = HOLDS[((bytes / STEP) as usize).min(STEPS)];
    usize::from(class).min(NONE)
}

/// The class of the chunk that a request of `size` bytes asks for, `size` being more than small and at most [`MEDIUM_MAX`].
#[inline(always)]
fn class_for(size: usize) -> usize {
    let steps = (size as u64 + CHUNK_HEADER).div_ceil(STEP) as usize;
    usize::from(SERVES[steps.min(STEPS)]).min(NONE - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::class::SMALL_MAX;

    #[test]
    fn the_tables_say_what_the_classes_are() {
        for size in SMALL_MAX + 1..=MEDIUM_MAX {
            let chunk = round_chunk(size as u64 + CHUNK_HEADER);
            assert_eq!(class_for(size), class_of(chunk) - FIRST_CLASS, "{size}");
            assert_eq!(class_of_chunk(chunk), class_for(size), "{size}");
            assert!(u64::from(WORTHS[class_for(size)]) >= size as u64 + CHUNK_HEADER);
        }
        for bytes in (32..80 << 10).step_by(16) {
            let class = class_of(bytes).checked_sub(FIRST_CLASS);
            let kept = class.filter(|class| *class < COUNT).unwrap_or(NONE);
            assert_eq!(class_of_chunk(bytes), kept, "{bytes}");
        }
        assert_eq!(class_of_chunk(1 << 31), NONE);
    }
}
