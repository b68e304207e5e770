//! The tape: a recording of what a program asked of its allocator, written and read.
//!
//! A tape is a file of frames. Each chunk frame holds the events of one thread in columns and decodes alone, so that
//! many threads decode at once and a viewer decodes only what it shows. `docs/tape-format.md` describes every byte.
//!
//! ```
//! use trace_format::{Clock, Ending, Event, EventKind, Header, LiveTotals, Tape, TapeWriter, BlockId, verify};
//! # fn main() -> Result<(), trace_format::TapeError> {
//! let header = Header {
//!     recorder: "example".into(), name: "two events".into(), command: vec![], pid: 0, started_unix_ns: 0,
//!     clock: Clock::Monotonic, page_size: 4096, pointer_width: 64, notes: vec![],
//! };
//! let events = [
//!     Event { time_ns: 10, kind: EventKind::Malloc { size: 100 } },
//!     Event { time_ns: 25, kind: EventKind::Free { block: BlockId { thread: 0, index: 0 } } },
//! ];
//! let mut writer = TapeWriter::new(Vec::new(), &header)?;
//! writer.write_chunk(0, &events)?;
//! let live = LiveTotals { peak_live_bytes: 100, peak_live_ns: 10, ..LiveTotals::default() };
//! let bytes = writer.finish(Ending::Complete, live)?;
//!
//! assert!(verify(&bytes).sound);
//! let tape = Tape::open(bytes)?;
//! assert_eq!(tape.decode(0)?.events, events);
//! assert_eq!(tape.totals().mallocs, 1);
//! # Ok(())
//! # }
//! ```
//!
//! The crate knows no operating system and compiles to wasm32. Feature `native` packs and unpacks through the C
//! library of Zstandard; without it the pure-Rust one does, and the bytes on the tape mean the same.

// Each imports only what stands above it.
pub mod sentence;

mod event;
mod source;

mod error;

mod header;

mod index;

mod histogram;

mod codec;

mod frame;
mod payload;

mod opcode;

mod counts;

mod columns;

mod decode;
mod encode;

mod chunk;

mod builder;

mod layout;
mod writer;

mod tape;

#[cfg(feature = "native")]
mod weigh;

mod merge;

mod live;
mod report;

mod continuity;

mod audit;

mod scan;
mod verify;

pub use builder::{
    Buffers, ChunkBuilder, ChunkFiller, LaidOutChunk, encode_chunk, encode_chunk_with,
};
pub use chunk::{Chunk, EncodedChunk};
pub use codec::Codec;
pub use counts::ChunkCounts;
pub use decode::Scratch;
pub use error::{Damage, EventSpan, TapeError};
pub use event::{BlockId, Event, EventKind, ThreadIndex};
pub use frame::FRAME_HEADER_LEN;
pub use header::{Clock, FORMAT_VERSION, Header, MAGIC};
pub use index::{ChunkInfo, Ending, LiveTotals, ThreadInfo, Totals};
pub use live::{LiveTracker, totals_of};
pub use merge::{Merged, MergedEvent};
pub use report::VerifyReport;
#[cfg(unix)]
pub use source::FileSource;
pub use source::{ReadAt, ReadError};
pub use tape::Tape;
pub use verify::verify;
#[cfg(feature = "native")]
pub use weigh::{COLUMNS, FRAMING, Weight};
pub use writer::TapeWriter;

/// Most events that one chunk holds.
pub const MAX_CHUNK_EVENTS: u32 = 65_536;

/// Most threads that one tape holds: thread numbers are below it. Bounds the memory of [`verify`].
pub const MAX_THREADS: u32 = 1 << 19;

/// Most marks that one tape names: their numbers are below it.
pub const MAX_MARKS: u32 = 1 << 16;

/// Most bytes of a frame's payload, packed and unpacked. A chunk of [`MAX_CHUNK_EVENTS`] events takes at most 51
/// bytes an event and some for the columns' lengths, so every chunk fits.
pub const MAX_FRAME_LEN: u32 = 4 << 20;

/// Most bytes of a thread's or a mark's name; a longer one is shortened.
pub const MAX_NAME_LEN: usize = 1024;
