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
    /// Room for a piece of a chunk's events.
    pub(crate) piece: Vec<Event>,
}

/// Events of a chunk that are decoded at a time where they are looked at once: 40 KiB.
pub(crate) const PIECE: usize = 1024;

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
    /// The column from here on.
    #[inline(always)]
    fn of(self, column: &Numbers) -> Rest<'_> {
        let low = column.low.get(self.at..).unwrap_or_default();
        let high = column.high.get(self.at..).unwrap_or_default();
        Rest {
            numbers: low.iter().zip(high),
            wide: column.wide.get(self.wide..).unwrap_or_default().iter(),
        }
    }

    /// The next numbers, as many as there is room for; `None` when there are fewer, or one that is wide.
    #[inline(always)]
    fn plain(self, column: &Numbers, numbers: &mut [u16]) -> Option<()> {
        let low = column.low.get(self.at..)?.get(..numbers.len())?;
        let high = column.high.get(self.at..)?.get(..numbers.len())?;
        for (number, (&low, &high)) in numbers.iter_mut().zip(low.iter().zip(high)) {
            *number = u16::from_le_bytes([low, high]);
        }
        // A high byte of all ones is that of no other numbers.
        let most = numbers.iter().copied().max().unwrap_or(0);
        (most < u16::from_le_bytes([0, WIDE])).then_some(())
    }

    /// Where in `column` `rest` begins.
    fn behind(column: &Numbers, rest: &Rest<'_>) -> Place {
        Place {
            at: column.low.len() - rest.numbers.len(),
            wide: column.wide.len() - rest.wide.len(),
        }
    }
}

/// What is left of a column of numbers.
struct Rest<'c> {
    numbers: std::iter::Zip<std::slice::Iter<'c, u8>, std::slice::Iter<'c, u8>>,
    wide: std::slice::Iter<'c, u64>,
}

impl Rest<'_> {
    #[inline(always)]
    fn next(&mut self) -> Option<u64> {
        let (&low, &high) = self.numbers.next()?;
        if high == WIDE {
            return self.next_wide(low);
        }
        Some(u64::from(high) << 8 | u64::from(low))
    }

    #[cold]
    fn next_wide(&mut self, low: u8) -> Option<u64> {
        // `columns::check` has seen that no bit is lost.
        Some(*self.wide.next()? << 8 | u64::from(low))
    }
}

/// Events that are looked at together.
const STRETCH: usize = 64;

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
    pub fn take(
        &mut self,
        columns: &Columns,
        most: usize,
        events: &mut Vec<Event>,
    ) -> Result<(), &'static str> {
        let count = most.min(self.left);
        let codes = columns.opcodes.get(self.at..).unwrap_or_default();
        let codes = codes.get(..count).ok_or(SHORT)?;
        events.reserve(count);
        let (stretches, rest) = codes.as_chunks::<STRETCH>();
        for stretch in stretches {
            if self.take_plain(columns, stretch, events).is_none() {
                self.take_any(columns, stretch, events)?;
            }
        }
        self.take_any(columns, rest, events)?;
        self.at += count;
        self.left -= count;
        if self.left == 0 && self.time_ns != self.end_ns {
            return Err("the chunk's last event is not at the time of its header");
        }
        Ok(())
    }

    /// Appends a stretch that has only mallocs and frees of own blocks, all of numbers below [`WIDE`]: mostly there is nothing
    /// else. Which of them comes next nobody can foretell, so there is no branch on it. `None` and nothing done when there is
    /// something else, or something wrong.
    #[inline(always)]
    fn take_plain(
        &mut self,
        columns: &Columns,
        codes: &[u8; STRETCH],
        events: &mut Vec<Event>,
    ) -> Option<()> {
        let count = |code| {
            codes
                .iter()
                .map(|&other| u8::from(other == code))
                .sum::<u8>()
        };
        let (mallocs, frees) = (count(opcode::MALLOC), count(opcode::FREE_OWN));
        let (mallocs, frees) = (usize::from(mallocs), usize::from(frees));
        if mallocs + frees != STRETCH {
            return None;
        }
        let mut deltas = [0u16; STRETCH];
        self.times.plain(&columns.times, &mut deltas)?;
        // The sizes, and behind them the ages.
        let mut numbers = [0u16; STRETCH];
        let (sizes, ages) = numbers.split_at_mut(mallocs);
        self.sizes.plain(&columns.sizes, sizes)?;
        self.ages.plain(&columns.ages, ages)?;
        let oldest = ages.iter().copied().max().map_or(0, u64::from);
        let (thread, before, time_ns) = (self.thread, self.allocations, self.time_ns);
        if ages.contains(&0)
            || oldest > before
            || time_ns > u64::MAX - (STRETCH as u64 * u64::from(u16::MAX))
        {
            return None;
        }
        let (mut time_ns, mut made) = (time_ns, 0);
        let stretch = codes.iter().zip(&deltas).enumerate();
        events.extend(stretch.map(|(at, (&code, &delta))| {
            time_ns += u64::from(delta);
            let is_free = code == opcode::FREE_OWN;
            // All ones for a free: arithmetic, since a choice would be made a branch again.
            let mask = u64::from(is_free).wrapping_neg();
            let further = (mallocs + at).wrapping_sub(2 * made) as u64;
            let place = made.wrapping_add((further & mask) as usize);
            let number = u64::from(numbers[place % STRETCH]);
            // The number, or for a free so much less than what was made so far.
            let made_so_far = before + made as u64;
            let value = (made_so_far & mask).wrapping_add((number ^ mask).wrapping_sub(mask));
            made += usize::from(!is_free);
            let kind = if is_free {
                let index = value;
                EventKind::Free {
                    block: BlockId { thread, index },
                }
            } else {
                EventKind::Malloc { size: value }
            };
            Event { time_ns, kind }
        }));
        self.time_ns = time_ns;
        self.allocations = before + mallocs as u64;
        self.times.at += STRETCH;
        self.sizes.at += mallocs;
        self.ages.at += frees;
        Some(())
    }

    /// Appends events of these opcodes.
    fn take_any(
        &mut self,
        columns: &Columns,
        codes: &[u8],
        events: &mut Vec<Event>,
    ) -> Result<(), &'static str> {
        let mut times = self.times.of(&columns.times);
        let mut sizes = self.sizes.of(&columns.sizes);
        let mut ages = self.ages.of(&columns.ages);
        let (thread, mut time_ns, mut allocations) = (self.thread, self.time_ns, self.allocations);
        for &code in codes {
            time_ns = times
                .next()
                .and_then(|delta| time_ns.checked_add(delta))
                .ok_or(SHORT)?;
            // Each event is made where it is pushed, not before: it would be copied.
            match code {
                opcode::MALLOC => {
                    let size = sizes.next().ok_or(SHORT)?;
                    let kind = EventKind::Malloc { size };
                    events.push(Event { time_ns, kind });
                    allocations += 1;
                }
                opcode::FREE_OWN => {
                    let block = own(ages.next(), thread, allocations).ok_or(SHORT)?;
                    let kind = EventKind::Free { block };
                    events.push(Event { time_ns, kind });
                }
                _ => {
                    let own = || own(ages.next(), thread, allocations);
                    let kind = self.other(code, columns, &mut sizes, own).ok_or(SHORT)?;
                    allocations += u64::from(kind.makes_block());
                    events.push(Event { time_ns, kind });
                }
            }
        }
        self.times = Place::behind(&columns.times, &times);
        self.sizes = Place::behind(&columns.sizes, &sizes);
        self.ages = Place::behind(&columns.ages, &ages);
        (self.time_ns, self.allocations) = (time_ns, allocations);
        Ok(())
    }

    /// An event that is neither malloc nor free of an own block. `own` is the own block that is released next.
    #[inline(never)]
    fn other(
        &mut self,
        code: u8,
        columns: &Columns,
        sizes: &mut Rest<'_>,
        own: impl FnOnce() -> Option<BlockId>,
    ) -> Option<EventKind> {
        Some(match code {
            opcode::CALLOC => EventKind::Calloc {
                size: sizes.next()?,
            },
            opcode::ALIGNED_MALLOC => {
                let align_log2 = *columns.aligns.get(self.aligns)?;
                self.aligns += 1;
                EventKind::AlignedMalloc {
                    size: sizes.next()?,
                    align_log2,
                }
            }
            opcode::REALLOC_OWN => EventKind::Realloc {
                old: own()?,
                size: sizes.next()?,
            },
            opcode::REALLOC_REMOTE => EventKind::Realloc {
                old: self.remote(columns)?,
                size: sizes.next()?,
            },
            opcode::REALLOC_UNKNOWN => EventKind::ReallocUnknown {
                size: sizes.next()?,
            },
            opcode::FREE_REMOTE => EventKind::Free {
                block: self.remote(columns)?,
            },
            opcode::FREE_UNKNOWN => EventKind::FreeUnknown,
            opcode::FAILED => EventKind::Failed {
                size: sizes.next()?,
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
        })
    }

    fn remote(&mut self, columns: &Columns) -> Option<BlockId> {
        let mut owners = self.remote_owners.of(&columns.remote_owners);
        let mut indices = self.remote_indices.of(&columns.remote_indices);
        let ordinal = usize::try_from(owners.next()?).ok()?;
        let thread = *columns.owners.get(ordinal)?;
        let last = self.last_index.get_mut(ordinal)?;
        *last = unzigzag(*last, indices.next()?);
        self.remote_owners = Place::behind(&columns.remote_owners, &owners);
        self.remote_indices = Place::behind(&columns.remote_indices, &indices);
        Some(BlockId {
            thread,
            index: *last,
        })
    }

    fn extra(&mut self, columns: &Columns) -> Option<u64> {
        let extra = *columns.extras.get(self.extras)?;
        self.extras += 1;
        Some(extra)
    }
}

/// The block of `thread` that was made `age` of its allocations ago.
#[inline(always)]
fn own(age: Option<u64>, thread: ThreadIndex, allocations: u64) -> Option<BlockId> {
    let age = age.filter(|age| *age > 0)?;
    Some(BlockId {
        thread,
        index: allocations.checked_sub(age)?,
    })
}
