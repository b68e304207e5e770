//! What one line of a foreign trace says.

/// A pointer that is not one.
pub(super) const NULL: u64 = 0;

/// What was asked of the allocator, and what it gave. Sizes in bytes, addresses as the source has them.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum Asked {
    Malloc {
        size: u64,
        address: u64,
    },
    Calloc {
        size: u64,
        address: u64,
    },
    Aligned {
        size: u64,
        align_log2: u8,
        address: u64,
    },
    Realloc {
        old: u64,
        size: u64,
        address: u64,
    },
    Free {
        address: u64,
    },
    /// `realloc` that the source knows to have failed.
    Refused {
        size: u64,
    },
    ThreadEnd,
    Mark {
        name: &'static str,
    },
}

/// When it happened, in nanoseconds: a release before it ran, a making after it was done.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) struct Stamps {
    pub start_ns: u64,
    pub end_ns: u64,
}

/// A request with who made it.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) struct Request {
    /// 0 where the source has no processes.
    pub process: u64,
    /// `None` where the source has no threads.
    pub thread: Option<u64>,
    pub stamps: Option<Stamps>,
    pub asked: Asked,
}

impl Request {
    /// A request of a source that knows neither processes, nor threads, nor times.
    pub fn bare(asked: Asked) -> Request {
        Request {
            process: 0,
            thread: None,
            stamps: None,
            asked,
        }
    }
}

/// What one line, or one record, says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Said {
    /// Nothing that a tape holds.
    Nothing,
    Request(Request),
    /// The first half of a realloc, whose second is the next line: the old address.
    ReallocOld(u64),
    /// The second half of a realloc.
    ReallocNew {
        address: u64,
        size: u64,
    },
    /// From here on it is so late, in nanoseconds.
    Clock(u64),
    /// The command line that was recorded.
    Command(String),
    /// Bytes of a page of memory.
    PageSize(u64),
    /// The recorder was attached to a running program.
    Attached,
    /// The line is not of the format; why.
    Bad(&'static str),
}

/// The result of reading a line.
pub(super) type Parsed = Result<Said, &'static str>;

/// The base-2 logarithm of an alignment; one that is no power of two counts as the next one, as allocators take it.
pub(super) fn align_log2(align: u64) -> u8 {
    align
        .max(1)
        .checked_next_power_of_two()
        .map_or(63, |power| power.trailing_zeros() as u8)
}

/// Bytes of `count` elements; `None` when they do not fit 64 bits.
pub(super) fn elements(count: u64, size: u64, address: u64) -> Result<u64, &'static str> {
    match count.checked_mul(size) {
        Some(bytes) => Ok(bytes),
        // Such a request is refused, so the product does not matter.
        None if address == NULL => Ok(u64::MAX),
        None => Err("count times size does not fit 64 bits, and yet there is a block"),
    }
}
