//! From a chunk's payload back to events.

use crate::MAX_MARKS;
use crate::codec::{Codec, Unpacker};
use crate::columns::{self, Columns, Numbers, WIDE, unzigzag};
use crate::counts::ChunkCounts;
use crate::event::{BlockId, Event, EventKind, ThreadIndex};
use crate::frame::{FRAME_HEADER_LEN, FrameHeader};
use crate::opcode;

/// Buffers for decoding, kept from chunk to chunk so that a loop over many does not allocate for each.
#[derive(Default)]
pub struct Scratch {
    /// The frame as it stands in the file.
    pub(crate) frame: Vec<u8>,
    unpacked: Vec<u8>,
    unpacker: Unpacker,
}

impl std::fmt::Debug for Scratch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scratch")
            .field("frame", &self.frame.len())
            .field("unpacked", &self.unpacked.len())
            .finish()
    }
}

/// How many threads and marks a tape has: numbers of either must be below.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Bounds {
    pub threads: u32,
    pub marks: u32,
}

impl Bounds {
    /// What the format allows, for tapes whose footer is not known.
    pub const FORMAT: Bounds = Bounds {
        threads: crate::MAX_THREADS,
        marks: MAX_MARKS,
    };
}

impl Scratch {
    /// Checks and decodes the payload that stands in `frame` behind the header: its columns, a walk through them that
    /// stands before the first event, and what they add up to.
    pub(crate) fn columns(
        &mut self,
        header: &FrameHeader,
        bounds: Bounds,
    ) -> Result<(Columns, Walk, ChunkCounts), &'static str> {
        let stored = self.frame.get(FRAME_HEADER_LEN..).unwrap_or_default();
        if crc32c::crc32c(stored) != header.payload_crc {
            return Err("checksum does not match");
        }
        let payload = match header.codec {
            Codec::Plain => stored,
            Codec::Zstd => {
                self.unpacker
                    .unpack(stored, header.len, &mut self.unpacked)?;
                &self.unpacked
            }
        };
        let columns: Columns = crate::payload::decode(payload)?;
        let counts = columns::check(&columns, header)?;
        let walk = Walk::new(header, &columns, bounds)?;
        Ok((columns, walk, counts))
    }
}

/// A place in a column of numbers.
#[derive(Copy, Clone, Debug, Default)]
struct Place {
    at: usize,
    wide: usize,
}

impl Place {
    #[inline(always)]
    fn next(&mut self, column: &Numbers) -> Option<u64> {
        let low = *column.low.get(self.at)?;
        let high = *column.high.get(self.at)?;
        self.at += 1;
        if high != WIDE {
            return Some(u64::from(high) << 8 | u64::from(low));
        }
        let wide = *column.wide.get(self.wide)?;
        self.wide += 1;
        // `columns::check` has seen that no bit is lost.
        Some(wide << 8 | u64::from(low))
    }
}

/// A walk through the columns of one chunk, from event to event.
#[derive(Debug)]
pub(crate) struct Walk {
    thread: ThreadIndex,
    bounds: Bounds,
    /// Events left.
    left: usize,
    at: usize,
    time_ns: u64,
    end_ns: u64,
    /// Blocks the thread has made so far.
    pub allocations: u64,
    times: Place,
    sizes: Place,
    aligns: usize,
    ages: Place,
    remote_owners: Place,
    remote_indices: Place,
    extras: usize,
    /// For each of `owners` the index of its block that was released last.
    last_index: Vec<u64>,
}

const SHORT: &str = "a column of the chunk ends early or holds a number that is out of range";

impl Walk {
    /// A walk from the first event on; `columns` must have passed [`columns::check`].
    pub fn new(
        header: &FrameHeader,
        columns: &Columns,
        bounds: Bounds,
    ) -> Result<Walk, &'static str> {
        if columns.owners.iter().any(|&owner| owner >= bounds.threads) {
            return Err("the chunk releases blocks of a thread that the tape does not have");
        }
        if columns.times.low.first() != Some(&0) || columns.times.high.first() != Some(&0) {
            return Err("the chunk's first event is not at the time of its header");
        }
        Ok(Walk {
            thread: header.thread,
            bounds,
            left: columns.opcodes.len(),
            at: 0,
            time_ns: header.start_ns,
            end_ns: header.end_ns,
            allocations: header.first_allocation,
            times: Place::default(),
            sizes: Place::default(),
            aligns: 0,
            ages: Place::default(),
            remote_owners: Place::default(),
            remote_indices: Place::default(),
            extras: 0,
            last_index: vec![0; columns.owners.len()],
        })
    }

    /// Events that are still to come.
    pub fn left(&self) -> usize {
        self.left
    }

    /// Appends up to `most` events to `events`.
    #[inline]
    pub fn take(
        &mut self,
        columns: &Columns,
        most: usize,
        events: &mut Vec<Event>,
    ) -> Result<(), &'static str> {
        let count = most.min(self.left);
        events.reserve(count);
        for _ in 0..count {
            events.push(self.next(columns).ok_or(SHORT)?);
        }
        self.left -= count;
        if self.left == 0 && self.time_ns != self.end_ns {
            return Err("the chunk's last event is not at the time of its header");
        }
        Ok(())
    }

    #[inline(always)]
    fn next(&mut self, columns: &Columns) -> Option<Event> {
        let code = *columns.opcodes.get(self.at)?;
        self.at += 1;
        self.time_ns = self.time_ns.checked_add(self.times.next(&columns.times)?)?;
        let kind = match code {
            opcode::MALLOC => EventKind::Malloc {
                size: self.make(columns)?,
            },
            opcode::CALLOC => EventKind::Calloc {
                size: self.make(columns)?,
            },
            opcode::ALIGNED_MALLOC => {
                let align_log2 = *columns.aligns.get(self.aligns)?;
                self.aligns += 1;
                EventKind::AlignedMalloc {
                    size: self.make(columns)?,
                    align_log2,
                }
            }
            opcode::REALLOC_OWN => {
                let old = self.own(columns)?;
                EventKind::Realloc {
                    old,
                    size: self.make(columns)?,
                }
            }
            opcode::REALLOC_REMOTE => {
                let old = self.remote(columns)?;
                EventKind::Realloc {
                    old,
                    size: self.make(columns)?,
                }
            }
            opcode::REALLOC_UNKNOWN => EventKind::ReallocUnknown {
                size: self.make(columns)?,
            },
            opcode::FREE_OWN => EventKind::Free {
                block: self.own(columns)?,
            },
            opcode::FREE_REMOTE => EventKind::Free {
                block: self.remote(columns)?,
            },
            opcode::FREE_UNKNOWN => EventKind::FreeUnknown,
            opcode::FAILED => EventKind::Failed {
                size: self.sizes.next(&columns.sizes)?,
            },
            opcode::THREAD_START => EventKind::ThreadStart,
            opcode::THREAD_END => EventKind::ThreadEnd,
            opcode::FORK => EventKind::Fork {
                child_pid: self.extra(columns)?,
            },
            opcode::MARK => {
                let name = u32::try_from(self.extra(columns)?).ok()?;
                (name < self.bounds.marks).then_some(())?;
                EventKind::Mark { name }
            }
            _ => return None,
        };
        Some(Event {
            time_ns: self.time_ns,
            kind,
        })
    }

    #[inline(always)]
    fn make(&mut self, columns: &Columns) -> Option<u64> {
        self.allocations += 1;
        self.sizes.next(&columns.sizes)
    }

    #[inline(always)]
    fn own(&mut self, columns: &Columns) -> Option<BlockId> {
        let age = self.ages.next(&columns.ages)?;
        if age == 0 {
            return None;
        }
        Some(BlockId {
            thread: self.thread,
            index: self.allocations.checked_sub(age)?,
        })
    }

    #[inline(always)]
    fn remote(&mut self, columns: &Columns) -> Option<BlockId> {
        let ordinal = usize::try_from(self.remote_owners.next(&columns.remote_owners)?).ok()?;
        let thread = *columns.owners.get(ordinal)?;
        let last = self.last_index.get_mut(ordinal)?;
        *last = unzigzag(*last, self.remote_indices.next(&columns.remote_indices)?);
        Some(BlockId {
            thread,
            index: *last,
        })
    }

    #[inline(always)]
    fn extra(&mut self, columns: &Columns) -> Option<u64> {
        let extra = *columns.extras.get(self.extras)?;
        self.extras += 1;
        Some(extra)
    }
}
