//! What happens to addresses, and the blocks that are made there.

use trace_format::BlockId;

/// Something that happens to an address: 32 bytes.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Touch {
    /// The address.
    pub address: u64,
    /// When, in nanoseconds since the start.
    pub time_ns: u64,
    /// [`MAKES`] and the size, or 0 for a release.
    what: u64,
    /// Who does it.
    pub thread: u32,
    /// Its number among the makings, or among the releases, of this thread in this window.
    pub at: u32,
}

const MAKES: u64 = 1 << 63;

impl Touch {
    /// A block of `size` bytes (below 2^63) is made.
    #[cfg(test)]
    pub fn making(address: u64, time_ns: u64, thread: u32, at: u32, size: u64) -> Touch {
        Touch::new(address, time_ns, thread, at, Touch::what(true, size))
    }

    /// A block is released.
    #[cfg(test)]
    pub fn release(address: u64, time_ns: u64, thread: u32, at: u32) -> Touch {
        Touch::new(address, time_ns, thread, at, Touch::what(false, 0))
    }

    /// What happens: a block of `size` bytes is made, or one is released.
    #[inline(always)]
    pub(super) fn what(makes: bool, size: u64) -> u64 {
        if makes { MAKES | size } else { 0 }
    }

    #[inline(always)]
    pub(super) fn new(address: u64, time_ns: u64, thread: u32, at: u32, what: u64) -> Touch {
        Touch {
            address,
            time_ns,
            what,
            thread,
            at,
        }
    }

    /// Whether a block is made.
    #[inline(always)]
    pub(super) fn makes(&self) -> bool {
        self.what & MAKES != 0
    }

    /// Bytes of the block that is made.
    #[inline(always)]
    pub(super) fn size(&self) -> u64 {
        self.what & !MAKES
    }
}

/// A block that was made.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Made {
    /// Who made it.
    pub thread: u32,
    /// Its number among the blocks of that thread.
    pub index: u64,
    /// Bytes requested.
    pub size: u64,
    /// When it was made, in nanoseconds since the start.
    pub time_ns: u64,
}

/// Bits of a block's index in its name: a thread that makes ten million blocks a second gets there in a month. Threads
/// are fewer than 2^19.
const INDEX_BITS: u32 = 45;
const _: () = assert!(trace_format::MAX_THREADS as u64 <= 1 << (u64::BITS - INDEX_BITS));

impl Made {
    /// Thread and index in one number, which is never the largest one.
    #[inline(always)]
    pub(super) fn name(&self) -> u64 {
        debug_assert!(self.index >> INDEX_BITS == 0);
        u64::from(self.thread) << INDEX_BITS | self.index
    }

    /// A block of this name.
    #[inline(always)]
    pub(super) fn named(name: u64, size: u64, time_ns: u64) -> Made {
        let block = block_of(name);
        Made {
            thread: block.thread,
            index: block.index,
            size,
            time_ns,
        }
    }
}

/// The block of a name.
#[inline(always)]
pub(super) fn block_of(name: u64) -> BlockId {
    BlockId {
        thread: (name >> INDEX_BITS) as u32,
        index: name & ((1 << INDEX_BITS) - 1),
    }
}
