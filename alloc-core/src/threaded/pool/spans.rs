//! The stock of spans at work: what is free is looked through, put together, added to and given back.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::clock::Stamp;
use super::moving::{Failed, carry, join};
use super::pieces::{PIECES, Pieces};
use super::shelves::Shelves;
use super::stock::Stock;
use super::system::{Range, remap, unmap};
use crate::base::align::{self, PAGE};
use crate::source::Mmap;
use crate::sync::lock::Lock;

/// How long a span waits. Milliseconds.
const WAIT_MS: u64 = 1000;
/// So much of spans may wait, whatever is in use; and no more than this. Bytes.
const LEAST_STOCK: u64 = 8 << 20;
const MOST_STOCK: u64 = 256 << 20;
/// The least that is given back at once. Bytes.
const LEAST_RETURN: u64 = 256 << 10;
/// A block that grows gets room for as much again, up to this. Bytes.
const MOST_SLACK: u64 = 64 << 20;
/// Copying so much costs what moving a part does now (6 to 10 µs) and whenever the parts move again. Bytes.
const PART: u64 = 256 << 10;

/// Spans in use and free.
pub struct Spans {
    stock: Lock<Stock>,
    /// Bytes in the stock, to be read without its lock.
    free: AtomicU64,
    /// Bytes in use.
    live: AtomicU64,
    /// The most there were of these in this period, and in the one before.
    peaks: [AtomicU64; 2],
    period: AtomicU64,
    /// Pages could not be moved once, so they are left where they are.
    stuck: AtomicBool,
}

impl Spans {
    /// None.
    pub const fn new() -> Spans {
        Spans {
            stock: Lock::new(Stock::new()),
            free: AtomicU64::new(0),
            live: AtomicU64::new(0),
            peaks: [AtomicU64::new(0), AtomicU64::new(0)],
            period: AtomicU64::new(0),
            stuck: AtomicBool::new(false),
        }
    }

    /// Bytes that wait.
    pub fn bytes(&self) -> u64 {
        self.free.load(Ordering::Relaxed)
    }

    /// Whether pages did not move when they should.
    #[cfg(test)]
    pub fn is_stuck(&self) -> bool {
        self.stuck.load(Ordering::Relaxed)
    }

    /// The lock, for `fork`.
    pub fn lock(&self) -> &Lock<Stock> {
        &self.stock
    }

    fn with<T>(&self, work: impl FnOnce(&mut Stock) -> T) -> T {
        let mut stock = self.stock.lock();
        let answer = work(&mut stock);
        self.free.store(stock.bytes(), Ordering::Relaxed);
        answer
    }

    /// Free memory for `bytes`, a multiple of the page, at a multiple of `align`: from one span, or put together from
    /// several and from arenas.
    pub fn take(&self, shelves: &Shelves, bytes: u64, align: u64) -> Option<Range> {
        if self.bytes() + shelves.bytes() == 0 {
            return None;
        }
        let found = self.with(|stock| stock.take(bytes, align));
        if found.is_some() || align > PAGE {
            return found;
        }
        let (pieces, reserved) = self.gather(shelves, Pieces::new(), bytes, bytes);
        if pieces.bytes == 0 {
            self.note_seams(None, &pieces, reserved);
            return None;
        }
        // SAFETY: what was gathered is free, and no more than was asked for.
        let joined = self.noted(unsafe { join(bytes, 0, pieces.list()) });
        self.note_seams(joined, &pieces, reserved);
        joined
    }

    /// Free memory for an arena: `wish` bytes, or less, but at least `need`.
    pub fn take_within(&self, need: u64, wish: u64) -> Option<Range> {
        (self.bytes() >= need).then(|| self.with(|stock| stock.take_within(need, wish)))?
    }

    /// Adds free memory to `pieces`, up to `bytes` in all, and keeps room for their seams: how many, the second value tells.
    fn gather(
        &self,
        shelves: &Shelves,
        mut pieces: Pieces,
        least: u64,
        bytes: u64,
    ) -> (Pieces, usize) {
        let moves = Mmap::MOVES && !self.stuck.load(Ordering::Relaxed);
        let reserved = self.with(|stock| {
            if moves {
                stock.gather(&mut pieces, least, bytes);
            }
            let reserved = stock.seams.room().min(PIECES + 1);
            stock.seams.reserve(reserved);
            reserved
        });
        while moves && pieces.bytes < least && pieces.list().len() + 1 < reserved.min(PIECES) {
            let Some(arena) = shelves.take_longest() else {
                break;
            };
            let part = Range {
                start: arena.start,
                bytes: arena.bytes.min(bytes - pieces.bytes),
            };
            let known = self.with(|stock| {
                let known = pieces.push_all(part, &stock.seams);
                if known {
                    stock.seams.clear(part.start, part.end());
                }
                known
            });
            let left = Range {
                start: part.start + if known { part.bytes } else { 0 },
                bytes: arena.bytes - if known { part.bytes } else { 0 },
            };
            if left.bytes > 0 {
                // SAFETY: the arena is free.
                unsafe { self.put(left, Stamp::now()) };
            }
            if !known {
                break;
            }
        }
        (pieces, reserved)
    }

    /// Notes whether pages moved as they should.
    fn noted(&self, joined: Result<Range, Failed>) -> Option<Range> {
        if joined == Err(Failed::Stuck) {
            self.stuck.store(true, Ordering::Relaxed);
        }
        joined.ok()
    }

    /// Remembers where pieces meet in what was made of them.
    fn note_seams(&self, made: Option<Range>, pieces: &Pieces, reserved: usize) {
        let (mut at, end) = made.map_or((0, 0), |made| (made.start, made.end()));
        let ends = pieces.list().iter().map(|piece| {
            at += piece.bytes;
            at
        });
        let seams = ends.filter(|at| *at < end);
        self.with(|stock| stock.seams.keep(reserved, seams));
    }

    /// Adds free memory; what can't be remembered is given back.
    ///
    /// # Safety
    /// It is ours, and nobody uses it.
    pub unsafe fn put(&self, free: Range, since: Stamp) {
        let kept = self.with(|stock| {
            let kept = stock.put(free, since);
            if !kept {
                stock.seams.clear(free.start, free.end());
            }
            kept
        });
        if !kept {
            // SAFETY: the caller's promise.
            unsafe { unmap(free) };
        }
    }

    /// Gives an arena back to the system. Returns its length in bytes.
    ///
    /// # Safety
    /// It is ours, and nobody uses it.
    pub unsafe fn drop_arena(&self, arena: Range) -> u64 {
        self.with(|stock| stock.seams.clear(arena.start, arena.end()));
        // SAFETY: the caller's promise.
        unsafe { unmap(arena) }
    }

    /// Counts bytes that come into use, or go out of it, at a moment in milliseconds.
    pub fn count(&self, change: i64, now: u64) {
        let period = now / WAIT_MS;
        let before = self.period.swap(period, Ordering::Relaxed);
        let live = self.live.fetch_add(change as u64, Ordering::Relaxed);
        let [this, last] = &self.peaks;
        if period != before {
            // Between periods in which something happened, what was in use did not change.
            let ended = this.swap(live, Ordering::Relaxed);
            let ended = if period - before == 1 { ended } else { live };
            last.store(ended, Ordering::Relaxed);
        }
        if change > 0 {
            this.fetch_max(live.wrapping_add(change as u64), Ordering::Relaxed);
        }
    }

    /// Gives back what is more than may wait, and what waits for too long.
    pub fn shed(&self, now: u64) {
        let most = self.may_wait();
        while let Some(old) = self.with(|stock| {
            let over = align::up(stock.bytes().saturating_sub(most), PAGE)?;
            if over > 0 {
                stock.oldest(|_| true, over.max(LEAST_RETURN))
            } else {
                stock.oldest(|since| now.saturating_sub(since.ms) > WAIT_MS, u64::MAX / 2)
            }
        }) {
            // SAFETY: it is in no stock any more.
            unsafe { unmap(old) };
        }
    }

    /// What is missing to the most that was in use a moment ago, within limits.
    fn may_wait(&self) -> u64 {
        let [this, last, live] =
            [&self.peaks[0], &self.peaks[1], &self.live].map(|bytes| bytes.load(Ordering::Relaxed));
        let missing = this.max(last).saturating_sub(live);
        missing.clamp(LEAST_STOCK, MOST_STOCK)
    }

    /// Gives back what is ripe, as long as more than `threshold` bytes are left. Returns how many bytes.
    pub fn give_back(&self, threshold: u64, ripe: impl Fn(Stamp) -> bool) -> u64 {
        let mut returned = 0;
        while let Some(old) = self.with(|stock| {
            let spare = stock.bytes().saturating_sub(threshold) & !(PAGE - 1);
            (spare > 0).then(|| stock.oldest(&ripe, spare))?
        }) {
            // SAFETY: it is in no stock any more.
            returned += unsafe { unmap(old) };
        }
        returned
    }

    /// Cuts memory in use in two after `bytes`; the second part is to be released.
    pub fn cut(&self, old: Range, bytes: u64) -> (Range, Range) {
        let keep = Range {
            start: old.start,
            bytes,
        };
        self.with(|stock| stock.seams.cut(keep.end()));
        let tail = Range {
            start: keep.end(),
            bytes: old.bytes - bytes,
        };
        (keep, tail)
    }

    /// Makes memory in use longer, to at least `need` bytes: where it is, if what follows is free, or by moving its pages.
    /// `None`: not possible, nothing has changed.
    ///
    /// # Safety
    /// It is ours, and whoever has it waits; when it answers `Some`, the old range must not be used any more.
    pub unsafe fn grow(&self, shelves: &Shelves, old: Range, need: u64) -> Option<Range> {
        // Room for a while: pages that are not touched cost nothing.
        let wish = (need + need.min(MOST_SLACK)) & !(PAGE - 1);
        let (least, most) = (need - old.bytes, wish - old.bytes);
        if let Some(more) = self.with(|stock| stock.take_at(old.end(), least, most)) {
            return Some(Range {
                start: old.start,
                bytes: old.bytes + more.bytes,
            });
        }
        let parts = self.with(|stock| stock.seams.between(old.start, old.end()).count()) + 1;
        if old.bytes <= PART * (parts as u64 + 1)
            && let Some(new) = self.with(|stock| stock.take(wish, PAGE))
        {
            // SAFETY: the new memory is free and longer, the old one is given up.
            unsafe {
                let (to, from) = (new.pointer(), old.pointer());
                to.copy_from_nonoverlapping(from, old.bytes as usize);
                self.put(old, Stamp::now());
            }
            return Some(new);
        }
        let mut block = Pieces::new();
        let known = self.with(|stock| {
            let known = block.push_all(old, &stock.seams);
            if known {
                stock.seams.clear(old.start, old.end());
            }
            known
        });
        if !known {
            return None;
        }
        let (pieces, reserved) = self.gather(shelves, block, (need + wish) / 2, wish);
        let made = if pieces.list().len() == 1 {
            // SAFETY: the caller's promise; it is one mapping.
            unsafe { remap(old, wish).or_else(|| remap(old, need)) }
        } else {
            let (block, free) = pieces.list().split_at(parts);
            // SAFETY: what was gathered is free; the block is the caller's.
            let target = self.noted(unsafe { join(wish, old.bytes, free) });
            // SAFETY: as above.
            target.and_then(|target| unsafe { carry(target, block) })
        };
        match made {
            Some(_) => self.note_seams(made, &pieces, reserved),
            None => self.note_seams(Some(old), &pieces, reserved),
        }
        made
    }
}
