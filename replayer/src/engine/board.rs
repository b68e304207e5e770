//! The board: a small file in memory that the engine writes and a watcher in another process reads while it runs.

use std::fs::File;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use crate::mapping::{Access, MapError, Region};

/// One cache line, so that no lane slows another.
#[repr(C, align(64))]
pub(super) struct Cell {
    live: AtomicI64,
}

impl Cell {
    /// Shows the lane's live bytes: asked for minus freed. Negative for a lane that frees others' blocks.
    #[inline(always)]
    pub fn show(&self, live: i64) {
        self.live.store(live, Ordering::Relaxed);
    }
}

#[repr(C, align(64))]
struct Head {
    /// When the run began, monotonic clock; 0 before.
    started_ns: AtomicU64,
    /// When it ended; 0 before.
    ended_ns: AtomicU64,
    /// Resident bytes before the run.
    baseline: AtomicU64,
}

/// The board, mapped.
#[derive(Debug)]
pub struct Board {
    region: Region,
    lanes: usize,
}

impl Board {
    /// Bytes that a board of so many lanes takes.
    pub fn bytes(lanes: usize) -> u64 {
        (size_of::<Head>() + lanes * size_of::<Cell>()) as u64
    }

    /// Maps the board in `file`, which must have [`bytes`](Board::bytes) bytes, zeroed when it was made.
    pub fn open(file: &File, lanes: usize) -> Result<Board, MapError> {
        let bytes = Board::bytes(lanes);
        let there = file
            .metadata()
            .map_err(|error| MapError {
                what: "board",
                bytes,
                error,
            })?
            .len();
        if there < bytes {
            return Err(MapError {
                what: "board",
                bytes,
                error: std::io::ErrorKind::UnexpectedEof.into(),
            });
        }
        let region = Region::of_file("board", file, bytes as usize, Access::Shared)?;
        Ok(Board { region, lanes })
    }

    fn head(&self) -> &Head {
        // SAFETY: the mapping is page-aligned and at least as long as Head, which is atomics only, so any bits are valid and other
        // processes may write at any time.
        unsafe { &*self.region.start().cast() }
    }

    /// One cell a lane.
    pub(super) fn cells(&self) -> &[Cell] {
        // SAFETY: as in `head`; open checked that the file holds `lanes` cells behind the head, and both are 64-byte aligned.
        unsafe {
            std::slice::from_raw_parts(
                self.region.start().add(size_of::<Head>()).cast(),
                self.lanes,
            )
        }
    }

    /// Notes the resident bytes before the run.
    pub fn set_baseline(&self, bytes: u64) {
        self.head().baseline.store(bytes, Ordering::Relaxed);
    }

    /// Resident bytes before the run.
    pub fn baseline(&self) -> u64 {
        self.head().baseline.load(Ordering::Relaxed)
    }

    pub(super) fn begin(&self, ns: u64) {
        self.head().started_ns.store(ns, Ordering::Release);
    }

    pub(super) fn end(&self, ns: u64) {
        self.head().ended_ns.store(ns, Ordering::Release);
    }

    /// When the run began (monotonic clock); `None` before.
    pub fn started_ns(&self) -> Option<u64> {
        Some(self.head().started_ns.load(Ordering::Acquire)).filter(|&ns| ns > 0)
    }

    /// When the run ended (monotonic clock); `None` before.
    pub fn ended_ns(&self) -> Option<u64> {
        Some(self.head().ended_ns.load(Ordering::Acquire)).filter(|&ns| ns > 0)
    }

    /// Live bytes over all lanes. The cells are read one after the other while the run goes on, so the sum can be off by what
    /// happens meanwhile; it is never below 0.
    pub fn live_bytes(&self) -> u64 {
        let sum: i64 = self
            .cells()
            .iter()
            .map(|cell| cell.live.load(Ordering::Relaxed))
            .fold(0, i64::wrapping_add);
        u64::try_from(sum).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::MemoryFile;

    #[test]
    fn another_mapping_sees_what_the_lanes_show() {
        let file = MemoryFile::new(c"board", Board::bytes(3)).unwrap();
        let (here, there) = (
            Board::open(file.file(), 3).unwrap(),
            Board::open(file.file(), 3).unwrap(),
        );
        assert_eq!((there.started_ns(), there.live_bytes()), (None, 0));
        here.cells()[0].show(100);
        here.cells()[2].show(-30);
        here.set_baseline(4096);
        here.begin(7);
        assert_eq!(
            (
                there.started_ns(),
                there.ended_ns(),
                there.live_bytes(),
                there.baseline()
            ),
            (Some(7), None, 70, 4096)
        );
        here.cells()[0].show(10);
        assert_eq!(there.live_bytes(), 0);
        assert!(Board::open(file.file(), 1000).is_err());
    }
}
