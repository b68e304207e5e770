//! One caught event.

/// What was caught.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Op {
    /// A block was made.
    Malloc,
    /// A zeroed block was made.
    Calloc,
    /// A block with an alignment of its own was made.
    Aligned,
    /// A block is about to be freed.
    Free,
    /// A realloc succeeded: this address, stamped before it ran. [`Op::ReallocNew`] of the same thread follows at once.
    ReallocOld,
    /// A realloc succeeded: the new address, stamped after it returned.
    ReallocNew,
    /// A request of this size was refused.
    Failed,
    /// The thread began.
    ThreadStart,
    /// The thread ends.
    ThreadEnd,
    /// The program named a phase; the size is the name's length in bytes, and as many [`Op::Text`] follow as it takes.
    Mark,
    /// The process forked; the size is the child's number.
    Fork,
    /// A piece of a text: seven bytes, in the address.
    Text,
}

impl Op {
    /// All operations, by their numbers.
    pub const ALL: [Op; 12] = [
        Op::Malloc,
        Op::Calloc,
        Op::Aligned,
        Op::Free,
        Op::ReallocOld,
        Op::ReallocNew,
        Op::Failed,
        Op::ThreadStart,
        Op::ThreadEnd,
        Op::Mark,
        Op::Fork,
        Op::Text,
    ];

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

const _: () = {
    let mut number = 0;
    while number < Op::ALL.len() {
        assert!(Op::ALL[number] as usize == number);
        number += 1;
    }
};

/// A caught event.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Raw {
    /// What happened.
    pub op: Op,
    /// Alignment, base-2 logarithm, below 64; only of [`Op::Aligned`].
    pub align_log2: u8,
    /// Bytes requested; for some operations another number.
    pub size: u64,
    /// Address of the block, below 2^60.
    pub address: u64,
    /// When, on [`clock`](crate::clock), below 2^60.
    pub stamp: u64,
}

impl Raw {
    /// An event of nothing, where one is to be put.
    pub const NONE: Raw = Raw {
        op: Op::Text,
        align_log2: 0,
        size: 0,
        address: 0,
        stamp: 0,
    };
}
