//! Small blocks and the runs they live in.
//!
//! A run is a chunk in use that is cut into blocks of one bin:
//!
//! ```text
//! chunk header 16 │ bin 16 │ capacity 16 │ home 16 │ 0 │ next run 64 │ previous run 64 │ first home block 64 │ last 64 │ block │ block │ …
//! invariant: a block's place = (its position - the run's position) / 16
//! invariant: home = length of the run's own list;  0 <= home <= capacity
//! invariant: home > 0  =>  that list leads from the first home block to the last
//! invariant: the run is in its bin's list of runs  <=>  0 < home < capacity
//! ```
//!
//! A block of a run is in use (its owner word names who handed it out) or free: in a cache, on its way, or home in the
//! run's list.

use super::tag::CHUNK_HEADER;
use super::{Space, owner};
use crate::base::class;

/// Bytes before the payload of a small block.
pub const BLOCK_HEADER: u64 = 8;
/// From the start of a run's chunk to the payload of its first block. Bytes; a multiple of 16.
pub const FIRST_BLOCK: u64 = CHUNK_HEADER + 40 + BLOCK_HEADER;

/// A run, by the position of its chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run(pub u64);

/// How many blocks of `bin` a run of `bytes` holds.
pub const fn capacity(bin: usize, bytes: u64) -> u64 {
    // The last block may end 8 bytes before the chunk does: headers sit at 8 modulo 16.
    (bytes - (FIRST_BLOCK - BLOCK_HEADER)) / class::block_bytes(bin)
}

/// Bytes of a chunk for a run of `blocks` blocks of `bin`.
pub const fn run_bytes(bin: usize, blocks: u64) -> u64 {
    (FIRST_BLOCK - BLOCK_HEADER + blocks * class::block_bytes(bin) + 15) & !15
}

impl Run {
    /// The payload's position of the `index`-th block.
    #[inline]
    pub fn block(self, bin: usize, index: u64) -> u64 {
        self.0 + FIRST_BLOCK + index * class::block_bytes(bin)
    }
}

/// Reads and writes of runs and their blocks. Each is unsafe for the reason of [`Space`]: the run or block must be one of
/// the heap's. Blocks are named by the position of their payload.
#[allow(clippy::missing_safety_doc, reason = "the reason stands once, above")]
impl Space {
    /// The bin of a small block.
    #[inline(always)]
    pub unsafe fn bin(self, block: u64) -> usize {
        // SAFETY: the 8 bytes before a payload are its header.
        usize::from(unsafe { self.load8(block.wrapping_sub(4)) })
    }

    /// Notes the lower byte of what was asked for.
    #[inline(always)]
    pub unsafe fn set_low(self, block: u64, low: u8) {
        // SAFETY: as above.
        unsafe { self.store8(block.wrapping_sub(3), low) }
    }

    /// What was asked for. Bytes.
    #[inline]
    pub unsafe fn requested(self, block: u64) -> u64 {
        // SAFETY: as above.
        unsafe { class::requested(self.bin(block), self.load8(block.wrapping_sub(3))) }
    }

    /// The owner word before a payload of any kind.
    #[inline(always)]
    pub unsafe fn owner_before(self, payload: u64) -> u32 {
        // SAFETY: every payload has an owner word 8 bytes before it.
        unsafe { self.load32(payload.wrapping_sub(8)) }
    }

    /// Writes the owner word before a payload.
    #[inline(always)]
    pub unsafe fn set_owner_before(self, payload: u64, word: u32) {
        // SAFETY: as above.
        unsafe { self.store32(payload.wrapping_sub(8), word) }
    }

    /// The run that a block belongs to.
    #[inline]
    pub unsafe fn run_of(self, block: u64) -> Run {
        // SAFETY: as above.
        Run(block.wrapping_sub(u64::from(unsafe { self.load16(block.wrapping_sub(2)) }) * 16))
    }

    /// Writes a block's header for the first time: free, of this run and bin.
    #[inline]
    pub unsafe fn begin_block(self, run: Run, block: u64, bin: usize) {
        // SAFETY: as above.
        unsafe {
            self.set_owner_before(block, owner::FREE);
            self.store8(block - 4, bin as u8);
            self.store8(block - 3, 0);
            self.store16(block - 2, ((block - run.0) / 16) as u16);
        }
    }

    /// The link that a free block keeps in its payload.
    #[inline(always)]
    pub unsafe fn link(self, block: u64) -> u64 {
        // SAFETY: a payload has at least 8 bytes, aligned to 16.
        unsafe { self.load_link(block) }
    }

    /// Writes the link of a free block.
    #[inline(always)]
    pub unsafe fn set_link(self, block: u64, position: u64) {
        // SAFETY: as above.
        unsafe { self.store_link(block, position) }
    }

    /// Writes a run's header: no block is home, no list holds it.
    pub unsafe fn begin_run(self, run: Run, bin: usize, capacity: u64) {
        // SAFETY: a run's header is the first 40 bytes of its chunk's payload.
        unsafe {
            self.store16(run.0 + 16, bin as u16);
            self.store16(run.0 + 18, capacity as u16);
            self.store32(run.0 + 20, 0);
            self.store64(run.0 + 24, 0);
            self.store64(run.0 + 32, 0);
            self.store64(run.0 + 40, 0);
            self.store64(run.0 + 48, 0);
        }
    }

    /// The number of the heap whose arenas the run lies in; a run's chunk keeps it where a block's keeps what was asked.
    #[inline]
    pub unsafe fn run_home_number(self, run: Run) -> u32 {
        // SAFETY: as above.
        unsafe { self.load32(run.0 + 12) }
    }

    /// The bin of a run's blocks.
    #[inline]
    pub unsafe fn run_bin(self, run: Run) -> usize {
        // SAFETY: as above.
        usize::from(unsafe { self.load16(run.0 + 16) })
    }

    /// How many blocks a run has.
    #[inline]
    pub unsafe fn run_capacity(self, run: Run) -> u64 {
        // SAFETY: as above.
        u64::from(unsafe { self.load16(run.0 + 18) })
    }

    /// How many of a run's blocks are in its own list.
    #[inline]
    pub unsafe fn run_home(self, run: Run) -> u64 {
        // SAFETY: as above.
        u64::from(unsafe { self.load16(run.0 + 20) })
    }

    /// Writes how many blocks are home.
    #[inline]
    pub unsafe fn set_run_home(self, run: Run, count: u64) {
        // SAFETY: as above.
        unsafe { self.store16(run.0 + 20, count as u16) }
    }

    /// The next run of the bin with blocks at home; position 0: none.
    #[inline]
    pub unsafe fn run_next(self, run: Run) -> u64 {
        // SAFETY: as above.
        unsafe { self.load64(run.0 + 24) }
    }

    /// Writes the next run.
    #[inline]
    pub unsafe fn set_run_next(self, run: Run, position: u64) {
        // SAFETY: as above.
        unsafe { self.store64(run.0 + 24, position) }
    }

    /// The previous run of the bin with blocks at home; position 0: none.
    #[inline]
    pub unsafe fn run_prev(self, run: Run) -> u64 {
        // SAFETY: as above.
        unsafe { self.load64(run.0 + 32) }
    }

    /// Writes the previous run.
    #[inline]
    pub unsafe fn set_run_prev(self, run: Run, position: u64) {
        // SAFETY: as above.
        unsafe { self.store64(run.0 + 32, position) }
    }

    /// The first block of the run's own list; position 0: none.
    #[inline]
    pub unsafe fn run_first(self, run: Run) -> u64 {
        // SAFETY: as above.
        unsafe { self.load64(run.0 + 40) }
    }

    /// Writes the first block of the run's own list.
    #[inline]
    pub unsafe fn set_run_first(self, run: Run, position: u64) {
        // SAFETY: as above.
        unsafe { self.store64(run.0 + 40, position) }
    }

    /// The last block of the run's own list; anything if that is empty.
    #[inline]
    pub unsafe fn run_last(self, run: Run) -> u64 {
        // SAFETY: as above.
        unsafe { self.load64(run.0 + 48) }
    }

    /// Writes the last block of the run's own list.
    #[inline]
    pub unsafe fn set_run_last(self, run: Run, position: u64) {
        // SAFETY: as above.
        unsafe { self.store64(run.0 + 48, position) }
    }
}

/// Which blocks of a run are in its own list.
pub struct HomeSet([u64; MAX_BLOCKS / 64]);

/// The most blocks that a run can have: the longest run, of the smallest blocks.
const MAX_BLOCKS: usize = 4096;

impl HomeSet {
    /// Whether the `index`-th block is home.
    pub fn has(&self, index: u64) -> bool {
        self.0
            .get(index as usize / 64)
            .is_some_and(|word| word >> (index % 64) & 1 == 1)
    }

    /// How many are home.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|word| u64::from(word.count_ones())).sum()
    }
}

impl Space {
    /// Looks through the run's own list; stops after as many blocks as are said to be home.
    ///
    /// # Safety
    /// For the reason of [`Space`].
    pub unsafe fn home_set(self, run: Run) -> HomeSet {
        let mut set = HomeSet([0; MAX_BLOCKS / 64]);
        // SAFETY: the caller's promise.
        unsafe {
            let (bytes, mut at) = (class::block_bytes(self.run_bin(run)), self.run_first(run));
            for _ in 0..self.run_home(run) {
                if at == 0 || bytes == 0 {
                    break;
                }
                let index = (at.wrapping_sub(run.0 + FIRST_BLOCK) / bytes) as usize;
                if let Some(word) = set.0.get_mut(index / 64) {
                    *word |= 1 << (index % 64);
                }
                at = self.link(at);
            }
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_aligned_and_stay_inside_the_run() {
        assert_eq!(FIRST_BLOCK % 16, 0);
        for bin in 1..class::BINS {
            for blocks in [1, 4, 7, 63] {
                let bytes = run_bytes(bin, blocks);
                let run = Run(0x1000);
                assert!(capacity(bin, bytes) >= blocks);
                let last = run.block(bin, capacity(bin, bytes) - 1);
                assert!(last + class::payload_bytes(bin) <= run.0 + bytes);
            }
        }
    }
}
