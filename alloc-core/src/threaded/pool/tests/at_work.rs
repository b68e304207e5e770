//! The spans at work: blocks whose every page is written come, grow, shrink and go.

extern crate std;

use std::vec::Vec;

use proptest::prelude::*;

use crate::base::align::PAGE;
use crate::threaded::pool::clock::Stamp;
use crate::threaded::pool::moving::{carry, join};
use crate::threaded::pool::pieces::Pieces;
use crate::threaded::pool::shelves::Shelves;
use crate::threaded::pool::spans::Spans;
use crate::threaded::pool::system::{Range, map, unmap};

const SECOND: u64 = 1000;

/// A block that a program has; every page of `used` bytes is marked.
struct Block {
    range: Range,
    used: u64,
    mark: u64,
}

impl Block {
    fn write(&mut self, from: u64) {
        for offset in (from..self.used).step_by(PAGE as usize) {
            // SAFETY: within the block.
            unsafe {
                self.range
                    .pointer()
                    .add(offset as usize)
                    .cast::<u64>()
                    .write(self.mark ^ offset)
            };
        }
    }

    fn check(&self) {
        for offset in (0..self.used).step_by(PAGE as usize) {
            // SAFETY: as above.
            let word = unsafe {
                self.range
                    .pointer()
                    .add(offset as usize)
                    .cast::<u64>()
                    .read()
            };
            assert_eq!(word, self.mark ^ offset, "at {offset} of {:?}", self.range);
        }
    }
}

#[derive(Clone, Debug)]
enum Op {
    Make(u64),
    Grow(usize, u64),
    Shrink(usize),
    Free(usize),
    /// So many pages go to the shelves of arenas, or come from there.
    Arena(u64),
    Wait(u64),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (17..400u64).prop_map(Op::Make),
        6 => (any::<usize>(), 1..200u64).prop_map(|(k, n)| Op::Grow(k, n)),
        2 => any::<usize>().prop_map(Op::Shrink),
        6 => any::<usize>().prop_map(Op::Free),
        1 => (256..600u64).prop_map(Op::Arena),
        1 => (0..3 * SECOND).prop_map(Op::Wait),
    ]
}

struct Program {
    spans: Spans,
    shelves: Shelves,
    blocks: Vec<Block>,
    marks: u64,
    now: u64,
}

impl Program {
    fn put(&mut self, range: Range) {
        let since = Stamp {
            ms: self.now,
            tick: 0,
        };
        self.spans.count(-(range.bytes as i64), self.now);
        // SAFETY: the block is gone from the list.
        unsafe { self.spans.put(range, since) };
        self.spans.shed(self.now);
    }

    fn run(&mut self, op: Op) {
        let count = self.blocks.len();
        match op {
            Op::Make(pages) => {
                let used = pages * PAGE;
                let found = self.spans.take(&self.shelves, used, PAGE);
                let range = found.or_else(|| map(used, PAGE)).expect("memory");
                self.spans.count(range.bytes as i64, self.now);
                self.marks += 1 << 32;
                let mut block = Block {
                    range,
                    used,
                    mark: self.marks,
                };
                block.write(0);
                self.blocks.push(block);
            }
            Op::Grow(which, pages) if count > 0 => {
                let block = &mut self.blocks[which % count];
                let (before, need) = (block.range, block.range.bytes + pages * PAGE);
                // SAFETY: the block is this program's, and not used in the meantime.
                let grown = unsafe { self.spans.grow(&self.shelves, before, need) };
                if let Some(range) = grown {
                    assert!(range.bytes >= need);
                    self.spans
                        .count((range.bytes - before.bytes) as i64, self.now);
                    let from = block.used;
                    (block.range, block.used) = (range, need);
                    block.write(from);
                }
                block.check();
            }
            Op::Shrink(which) if count > 0 => {
                let block = &mut self.blocks[which % count];
                let half = (block.range.bytes / 2) & !(PAGE - 1);
                let (keep, tail) = self.spans.cut(block.range, half);
                block.range = keep;
                block.used = block.used.min(half);
                self.put(tail);
            }
            Op::Free(which) if count > 0 => {
                let block = self.blocks.swap_remove(which % count);
                block.check();
                self.put(block.range);
            }
            Op::Arena(pages) => {
                let arena = self.shelves.take(pages * PAGE, pages * PAGE);
                let arena = arena.or_else(|| self.spans.take_within(PAGE, pages * PAGE));
                let arena = arena.or_else(|| map(pages * PAGE, PAGE)).expect("memory");
                // SAFETY: the arena is nobody's.
                unsafe { self.shelves.put(arena) };
            }
            Op::Wait(ms) => {
                self.now += ms;
                self.spans.shed(self.now);
            }
            Op::Grow(..) | Op::Shrink(_) | Op::Free(_) => {}
        }
    }
}

proptest! {
    #![proptest_config(super::cases(40))]

    #[test]
    fn blocks_keep_what_they_hold(ops in proptest::collection::vec(op(), 1..150)) {
        let mut program = Program {
            spans: Spans::new(),
            shelves: Shelves::new(),
            blocks: Vec::new(),
            marks: 0,
            now: 10 * SECOND,
        };
        for op in ops {
            program.run(op);
        }
        program.blocks.iter().for_each(Block::check);
        prop_assert!(!program.spans.is_stuck());
        for block in program.blocks.split_off(0) {
            program.put(block.range);
        }
        program.spans.give_back(0, |_| true);
        prop_assert_eq!(program.spans.bytes(), 0);
        let spans = &program.spans;
        // SAFETY: the arenas are nobody's.
        program.shelves.give_back(0, |_| true, |arena| unsafe {
            spans.drop_arena(arena);
        });
        prop_assert_eq!(program.shelves.bytes(), 0);
    }
}

fn new_span(spans: &Spans, bytes: u64, ms: u64) -> Range {
    spans.count(bytes as i64, ms);
    map(bytes, PAGE).expect("memory")
}

fn free_span(spans: &Spans, range: Range, ms: u64) {
    spans.count(-(range.bytes as i64), ms);
    spans.shed(ms);
    // SAFETY: the range came from `new_span`.
    unsafe { spans.put(range, Stamp { ms, tick: 0 }) };
    spans.shed(ms);
}

#[test]
fn what_waits_follows_what_was_in_use_and_the_clock() {
    const MB: u64 = 1 << 20;
    let (spans, now) = (Spans::new(), 50 * SECOND);
    let held: Vec<Range> = (0..10).map(|_| new_span(&spans, 20 * MB, now)).collect();
    for range in &held[..5] {
        free_span(&spans, *range, now);
    }
    assert_eq!(
        spans.bytes(),
        100 * MB,
        "as much as was in use a moment ago"
    );
    spans.shed(now + SECOND);
    assert_eq!(spans.bytes(), 100 * MB);
    spans.shed(now + SECOND + 1);
    assert_eq!(spans.bytes(), 0, "a second has passed");
    // What was in use two periods ago does not count any more.
    let later = now + 4 * SECOND;
    for (count, range) in (1..).zip(&held[5..9]) {
        free_span(&spans, *range, later);
        assert_eq!(spans.bytes(), count * 20 * MB);
    }
    free_span(&spans, held[9], later + 9 * SECOND);
    assert_eq!(spans.bytes(), 20 * MB, "the last was alone for long");
    let one = new_span(&spans, 2 * MB, later + 20 * SECOND);
    free_span(&spans, one, later + 30 * SECOND);
    assert!(
        spans.bytes() <= 8 * MB,
        "little may wait whatever was in use"
    );
    spans.give_back(0, |_| true);
    assert_eq!(spans.bytes(), 0);
}

#[test]
fn a_threshold_stays_and_ticks_decide() {
    const MB: u64 = 1 << 20;
    let spans = Spans::new();
    let old = new_span(&spans, 4 * MB, 0);
    // SAFETY: the range came from `new_span`.
    unsafe { spans.put(old, Stamp { ms: 0, tick: 3 }) };
    assert_eq!(spans.give_back(0, |since| since.tick < 3), 0);
    assert_eq!(spans.give_back(3 * MB, |since| since.tick < 4), MB);
    assert_eq!(spans.bytes(), 3 * MB);
    assert_eq!(spans.give_back(0, |since| since.tick < 4), 3 * MB);
}

/// Marks every page of a range.
fn mark(range: Range) {
    for offset in (0..range.bytes).step_by(PAGE as usize) {
        // SAFETY: the range is the test's.
        unsafe {
            range
                .pointer()
                .add(offset as usize)
                .cast::<u64>()
                .write(range.start + offset)
        };
    }
}

#[test]
fn a_mapping_that_somebody_split_is_carried_whole() {
    let (one, two) = (map(8 * PAGE, PAGE), map(8 * PAGE, PAGE));
    let (one, two) = (one.expect("memory"), two.expect("memory"));
    mark(one);
    mark(two);
    // A part of the second gets another property, as a program may do with its memory.
    // SAFETY: the pages are the test's.
    let changed = unsafe {
        let part = two.pointer().add(3 * PAGE as usize);
        libc::mprotect(part.as_ptr().cast(), 2 * PAGE as usize, libc::PROT_READ)
    };
    assert_eq!(changed, 0);
    let target = map(20 * PAGE, PAGE).expect("memory");
    // SAFETY: all three are the test's.
    let carried = unsafe { carry(target, &[one, two]) }.expect("memory");
    for (range, offset) in [(one, 0), (two, one.bytes)] {
        for at in (0..range.bytes).step_by(PAGE as usize) {
            // SAFETY: within what was carried.
            let word = unsafe {
                let word = carried.pointer().add((offset + at) as usize);
                word.cast::<u64>().read()
            };
            assert_eq!(word, range.start + at);
        }
    }
    // SAFETY: nobody uses it.
    unsafe { unmap(carried) };
}

#[test]
fn free_pages_move_without_being_touched() {
    let free = map(16 * PAGE, PAGE).expect("memory");
    mark(free);
    let (front, back) = (
        Range {
            bytes: 4 * PAGE,
            ..free
        },
        Range {
            start: free.start + 8 * PAGE,
            bytes: 8 * PAGE,
        },
    );
    let mut pieces = Pieces::new();
    assert!(pieces.push(back.start, back.bytes) && pieces.push(front.start, front.bytes));
    // SAFETY: the pieces are the test's, and free.
    let joined = unsafe { join(16 * PAGE, PAGE, pieces.list()) }.expect("memory");
    let word = |page: u64| {
        let at = joined.start + page * PAGE;
        // SAFETY: within what was made.
        unsafe {
            Range {
                start: at,
                bytes: 8,
            }
            .pointer()
            .cast::<u64>()
            .read()
        }
    };
    assert_eq!((word(0), word(1)), (0, back.start));
    assert_eq!((word(9), word(13)), (front.start, 0));
    // SAFETY: nobody uses it, nor what was left.
    unsafe {
        unmap(joined);
        unmap(Range {
            start: free.start + 4 * PAGE,
            bytes: 4 * PAGE,
        });
    }
}
