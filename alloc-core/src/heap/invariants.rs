//! The checker of every invariant that stands above a structure of this crate.
//!
//! Who has a block of a home writes to its header without the home's lock: the owner word, and what was asked for. Where
//! others may do so at the moment the checker leaves those words alone ([`Among::Others`]); sizes, bins and places are
//! written under the lock only.

use super::Heap;
use super::arenas::Arenas;
use crate::base::class::{BINS, CLASSES, class_of};
use crate::base::error::Broken;
use crate::chunk::arena::{Arena, NO_ARENA};
use crate::chunk::block::Run;
use crate::chunk::owner;
use crate::chunk::tag::{Chunk, KEPT, MIN_CHUNK, Use};
use crate::source::MemorySource;

/// Who may write to headers of blocks while the checker looks at them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Among {
    /// Nobody: every word is tested.
    Nobody,
    /// Whoever has a block.
    Others,
}

/// What a walk over the arenas counted, to be compared with what the lists say.
struct Seen {
    among: Among,
    arenas: u64,
    arena_bytes: u64,
    free: u64,
    free_bytes: u64,
    runs: u64,
    /// Blocks that are not home, and those of them that are free.
    out: u64,
    cached: u64,
    /// Runs that belong in a list.
    partial: u64,
}

impl Seen {
    fn nothing(among: Among) -> Seen {
        Seen {
            among,
            arenas: 0,
            arena_bytes: 0,
            free: 0,
            free_bytes: 0,
            runs: 0,
            out: 0,
            cached: 0,
            partial: 0,
        }
    }
}

fn must(holds: bool, what: &'static str, position: u64) -> Result<(), Broken> {
    if holds {
        Ok(())
    } else {
        Err(Broken { what, position })
    }
}

impl<S: MemorySource> Heap<S> {
    /// Walks every block and every list.
    ///
    /// # Errors
    /// The first invariant that does not hold, and where.
    pub fn check_invariants(&self) -> Result<(), Broken> {
        let seen = self.arenas.count_all(Among::Nobody)?;
        self.cache.check()?;
        must(
            self.cache.total().0 == seen.cached,
            "a block is marked as cached and in no cache",
            0,
        )
    }
}

impl<S: MemorySource> Arenas<S> {
    /// Walks every block and every list of the arenas.
    ///
    /// # Errors
    /// The first invariant that does not hold, and where.
    pub fn check(&self, among: Among) -> Result<(), Broken> {
        self.count_all(among).map(drop)
    }

    fn count_all(&self, among: Among) -> Result<Seen, Broken> {
        let mut seen = Seen::nothing(among);
        let mut at = self.oldest_arena();
        let mut newer_of = NO_ARENA;
        while at != NO_ARENA {
            let arena = Arena(at);
            // SAFETY: the list holds arenas of this heap; a header that is not one ends the check.
            unsafe {
                must(
                    self.space.is_arena(arena),
                    "an arena's header is not one",
                    at,
                )?;
                must(
                    self.space.arena_next(arena) == newer_of,
                    "the list of arenas is not linked both ways",
                    at,
                )?;
                self.check_arena(arena, &mut seen)?;
                newer_of = at;
                at = self.space.arena_prev(arena);
            }
        }
        must(seen.arenas == self.count, "the count of arenas is wrong", 0)?;
        must(
            seen.arena_bytes == self.bytes,
            "the bytes of arenas are wrong",
            0,
        )?;
        self.check_free(&seen)?;
        self.check_runs(&seen)?;
        self.spans.check(self.space)?;
        Ok(seen)
    }
}

impl<S: MemorySource> Arenas<S> {
    /// # Safety
    /// The arena is one of ours.
    unsafe fn check_arena(&self, arena: Arena, seen: &mut Seen) -> Result<(), Broken> {
        let space = self.space;
        // SAFETY: the caller's promise; a size that would lead out of the arena ends the walk.
        unsafe {
            let (bytes, end) = (space.arena_bytes(arena), space.arena_end(arena));
            seen.arenas += 1;
            seen.arena_bytes += bytes;
            let (mut c, mut prev_size, mut prev_free, mut highest) =
                (arena.first(), 0, false, arena.first().0);
            while c != end {
                let size = space.size(c);
                must(
                    size >= MIN_CHUNK && size <= end.0 - c.0,
                    "a chunk leads out of its arena",
                    c.0,
                )?;
                must(
                    space.prev_size(c) == prev_size,
                    "a boundary tag does not match the chunk before",
                    c.0,
                )?;
                let usage = space.usage(c);
                if usage == Use::Free {
                    must(
                        !(prev_free && self.policy.coalesce),
                        "two free chunks are neighbours",
                        c.0,
                    )?;
                    seen.free += 1;
                    seen.free_bytes += size;
                } else {
                    highest = c.0 + size;
                }
                match usage {
                    Use::Free => must(
                        space.owner(c) == owner::NONE,
                        "a free chunk has an owner",
                        c.0,
                    )?,
                    Use::Block if seen.among == Among::Nobody && space.is_binned(c.payload()) => {
                        must(
                            space.binned_home(c.payload()) == self.number,
                            "a medium block names another home",
                            c.0,
                        )?;
                    }
                    Use::Block if seen.among == Among::Nobody => {
                        must(
                            space.owner(c) == space.block_word(c, self.number),
                            "a chunk's owner is wrong",
                            c.0,
                        )?;
                        must(
                            space.asked(c) == KEPT || u64::from(space.asked(c)) + 16 <= size,
                            "a chunk is smaller than asked",
                            c.0,
                        )?;
                    }
                    Use::Block => {}
                    Use::Run => self.check_run(Run(c.0), size, seen)?,
                }
                (prev_size, prev_free) = (size, usage == Use::Free);
                c = Chunk(c.0 + size);
            }
            must(
                space.prev_size(end) == prev_size,
                "an arena's end does not match the last chunk",
                end.0,
            )?;
            must(space.is_end(end), "an arena has no end", end.0)?;
            must(
                space.frontier(arena) >= highest,
                "a block lies beyond the frontier",
                highest,
            )
        }
    }

    /// # Safety
    /// The run is one of ours and `size` bytes long.
    unsafe fn check_run(&self, run: Run, size: u64, seen: &mut Seen) -> Result<(), Broken> {
        let space = self.space;
        // SAFETY: the caller's promise.
        unsafe {
            let (bin, capacity, home) = (
                space.run_bin(run),
                space.run_capacity(run),
                space.run_home(run),
            );
            must((1..BINS).contains(&bin), "a run's bin is none", run.0)?;
            let last = run.block(bin, capacity) - 8;
            must(
                capacity > 0 && last <= run.0 + size,
                "a run has more blocks than fit",
                run.0,
            )?;
            seen.runs += 1;
            let set = space.home_set(run);
            let mut marked_free = 0;
            for index in 0..capacity {
                let at = run.block(bin, index);
                must(space.run_of(at) == run, "a block's place is wrong", at)?;
                must(space.bin(at) == bin, "a block is not of its run's bin", at)?;
                if seen.among == Among::Others && !set.has(index) {
                    continue;
                }
                let word = space.owner_before(at);
                let live = owner::kind(word) == owner::SMALL;
                must(live || word == owner::FREE, "a block's owner is wrong", at)?;
                marked_free += u64::from(word == owner::FREE);
            }
            must(
                set.count() == home && home <= marked_free && home < capacity,
                "a run's count of blocks at home is wrong",
                run.0,
            )?;
            seen.out += capacity - home;
            seen.cached += marked_free - home;
            seen.partial += u64::from(home > 0);
            let (mut at, mut length, mut last) = (space.run_first(run), 0, 0);
            while at != 0 && length <= home {
                must(
                    space.owner_before(at) == owner::FREE && space.run_of(at) == run,
                    "a run's list holds a foreign block",
                    at,
                )?;
                length += 1;
                last = at;
                at = space.link(at);
            }
            must(
                home == 0 || last == space.run_last(run),
                "a run's list does not end at its last block",
                run.0,
            )?;
            must(
                length == home,
                "a run's list has another length than its count",
                run.0,
            )
        }
    }

    fn check_free(&self, seen: &Seen) -> Result<(), Broken> {
        let (mut count, mut bytes) = (0, 0);
        for class in 0..CLASSES {
            let mut at = self.free.head(class);
            must(
                self.free.is_filled(class) == (at != 0),
                "the bitmap of classes is wrong",
                at,
            )?;
            let mut prev = 0;
            while at != 0 && count <= seen.free {
                let c = Chunk(at);
                // SAFETY: lists hold free chunks of this heap.
                unsafe {
                    must(
                        self.space.usage(c) == Use::Free,
                        "a chunk in use is in a list of free ones",
                        at,
                    )?;
                    must(
                        class_of(self.space.size(c)) == class,
                        "a free chunk is in the wrong class",
                        at,
                    )?;
                    must(
                        self.space.link_prev(c) == prev,
                        "a list of free chunks is not linked both ways",
                        at,
                    )?;
                    count += 1;
                    bytes += self.space.size(c);
                    (prev, at) = (at, self.space.link_next(c));
                }
            }
        }
        must(
            (count, bytes) == (seen.free, seen.free_bytes),
            "free chunks and their lists differ",
            0,
        )
    }

    fn check_runs(&self, seen: &Seen) -> Result<(), Broken> {
        let mut listed = 0;
        for bin in 1..BINS {
            let mut run = self.runs[bin].first;
            while run != 0 && listed <= seen.partial {
                // SAFETY: the list holds runs of this heap.
                unsafe {
                    must(
                        self.space.run_home(Run(run)) > 0,
                        "a run without blocks at home is in a list",
                        run,
                    )?;
                    run = self.space.run_next(Run(run));
                }
                listed += 1;
            }
        }
        must(
            listed == seen.partial,
            "a run with blocks at home is in no list",
            0,
        )?;
        must(
            self.out() == (seen.runs, seen.out),
            "counts of runs or blocks are wrong",
            0,
        )
    }
}
