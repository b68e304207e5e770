//! One caught event: 24 bytes, written once by its own thread.

use std::sync::atomic::{AtomicU64, Ordering};

/// What was caught. 0 is no operation: reserve memory is zero until it is written.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Op {
    /// A block was made.
    Malloc = 1,
    /// A zeroed block was made.
    Calloc = 2,
    /// A block with an alignment above the usual one was made.
    Aligned = 3,
    /// A block is about to be freed.
    Free = 4,
    /// A realloc succeeded: this address, stamped before it ran. [`Op::ReallocNew`] of the same thread follows at once.
    ReallocOld = 5,
    /// A realloc succeeded: the new address, stamped after it returned.
    ReallocNew = 6,
    /// A request was refused; the address field holds the size.
    Failed = 7,
    /// The thread began.
    ThreadStart = 8,
    /// The thread ends.
    ThreadEnd = 9,
    /// The program named a phase; the address field holds the name's number.
    Mark = 10,
    /// The process forked; the address field holds the child's number.
    Fork = 11,
}

impl Op {
    fn from_code(code: u8) -> Option<Op> {
        Some(match code {
            1 => Op::Malloc,
            2 => Op::Calloc,
            3 => Op::Aligned,
            4 => Op::Free,
            5 => Op::ReallocOld,
            6 => Op::ReallocNew,
            7 => Op::Failed,
            8 => Op::ThreadStart,
            9 => Op::ThreadEnd,
            10 => Op::Mark,
            11 => Op::Fork,
            _ => return None,
        })
    }

    /// Whether a block is there after it.
    #[inline]
    pub fn makes(self) -> bool {
        matches!(self, Op::Malloc | Op::Calloc | Op::Aligned | Op::ReallocNew)
    }

    /// Whether a block is gone after it.
    #[inline]
    pub fn releases(self) -> bool {
        matches!(self, Op::Free | Op::ReallocOld)
    }
}

/// A caught event, read back.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Raw {
    /// What happened.
    pub op: Op,
    /// Alignment, base-2 logarithm; only of [`Op::Aligned`].
    pub align_log2: u8,
    /// Bytes requested, below 2^48: a bigger request never succeeds.
    pub size: u64,
    /// Address of the block; for some operations another number.
    pub address: u64,
    /// When, on [`clock`](super::clock).
    pub stamp: u64,
}

/// The greatest size that a raw event holds.
pub const MAX_SIZE: u64 = (1 << 48) - 1;

/// Where a raw event is kept. The word `what` is written last, so a slot is either empty or whole, also for a reader
/// that comes after the writer was killed.
#[derive(Debug)]
#[repr(C)]
pub struct RawSlot {
    what: AtomicU64,
    address: AtomicU64,
    stamp: AtomicU64,
}

impl RawSlot {
    /// An empty slot, as reserve memory is from the start.
    pub const fn empty() -> RawSlot {
        RawSlot {
            what: AtomicU64::new(0),
            address: AtomicU64::new(0),
            stamp: AtomicU64::new(0),
        }
    }

    /// Stores an event.
    #[inline]
    pub fn put(&self, raw: Raw) {
        let what = raw.op as u64 | (raw.align_log2 as u64) << 8 | raw.size.min(MAX_SIZE) << 16;
        self.address.store(raw.address, Ordering::Relaxed);
        self.stamp.store(raw.stamp, Ordering::Relaxed);
        self.what.store(what, Ordering::Release);
    }

    /// The event, if there is one.
    #[inline]
    pub fn get(&self) -> Option<Raw> {
        let what = self.what.load(Ordering::Acquire);
        Some(Raw {
            op: Op::from_code(what as u8)?,
            align_log2: (what >> 8) as u8,
            size: what >> 16,
            address: self.address.load(Ordering::Relaxed),
            stamp: self.stamp.load(Ordering::Relaxed),
        })
    }

    /// Whether nothing was written here.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.what.load(Ordering::Acquire) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_got() {
        let slot = RawSlot::empty();
        assert_eq!(slot.get(), None);
        for code in 1..=11 {
            let op = Op::from_code(code).unwrap();
            assert_eq!(op as u8, code);
            let raw = Raw {
                op,
                align_log2: 63,
                size: MAX_SIZE,
                address: u64::MAX,
                stamp: 77,
            };
            slot.put(raw);
            assert_eq!(slot.get(), Some(raw));
        }
        assert_eq!(Op::from_code(0), None);
        assert_eq!(Op::from_code(12), None);
    }
}
