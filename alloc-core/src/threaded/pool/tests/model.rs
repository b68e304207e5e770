//! The stock against a model of the kernel: which page is mapped, to what mapping it belongs, and who has it.

extern crate std;

use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use crate::base::align::PAGE;
use crate::threaded::pool::clock::Stamp;
use crate::threaded::pool::pieces::Pieces;
use crate::threaded::pool::stock::Stock;
use crate::threaded::pool::system::Range;

/// Pages of the model's address space; addresses start at [`BASE`].
const PAGES: usize = 4096;
const BASE: u64 = 1 << 30;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Has {
    Nobody,
    Stock,
    Program,
}

#[derive(Clone, Debug)]
enum Op {
    /// New memory of so many pages, to the program.
    Map(u64),
    /// The program gives back one of its spans.
    Put(usize),
    /// It gives back the end of one.
    Cut(usize, u64),
    /// A best fit of so many pages at a multiple of so many (a power of two).
    Take(u64, u32),
    /// What follows a span of the program's, at least and at most so many pages.
    Follow(usize, u64, u64),
    /// Something that stays where it is.
    Within(u64, u64),
    /// A span is put together from parts: at least and at most so many pages.
    Gather(u64, u64),
    /// A span of the program's moves, with room behind it.
    Move(usize, u64),
    /// The oldest goes back, at most so many pages.
    Oldest(u64),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => (1..200u64).prop_map(Op::Map),
        6 => any::<usize>().prop_map(Op::Put),
        2 => (any::<usize>(), 1..100u64).prop_map(|(k, n)| Op::Cut(k, n)),
        4 => (1..200u64, 0..5u32).prop_map(|(n, a)| Op::Take(n, a)),
        3 => (any::<usize>(), 1..50u64, 0..50u64).prop_map(|(k, n, m)| Op::Follow(k, n, n + m)),
        1 => (1..20u64, 0..50u64).prop_map(|(n, m)| Op::Within(n, n + m)),
        3 => (1..300u64, 0..50u64).prop_map(|(n, m)| Op::Gather(n, n + m)),
        2 => (any::<usize>(), 1..100u64).prop_map(|(k, n)| Op::Move(k, n)),
        2 => (16..200u64).prop_map(Op::Oldest),
    ]
}

struct Model {
    stock: Stock,
    has: Vec<Has>,
    /// The mapping of each page; one mapping's pages lie side by side.
    mapping: Vec<u32>,
    mappings: u32,
    spans: Vec<Range>,
    time: u64,
}

fn pages(range: Range) -> core::ops::Range<usize> {
    let first = ((range.start - BASE) / PAGE) as usize;
    first..first + (range.bytes / PAGE) as usize
}

fn span(first: usize, pages: u64) -> Range {
    Range {
        start: BASE + first as u64 * PAGE,
        bytes: pages * PAGE,
    }
}

impl Model {
    fn new() -> Model {
        Model {
            stock: Stock::new(),
            has: vec![Has::Nobody; PAGES],
            mapping: vec![0; PAGES],
            mappings: 0,
            spans: Vec::new(),
            time: 0,
        }
    }

    /// A mapping in the first gap, as a kernel may choose it: next to others.
    fn map(&mut self, count: u64) -> Option<Range> {
        let first = (0..PAGES.saturating_sub(count as usize))
            .find(|&at| (at..at + count as usize).all(|page| self.has[page] == Has::Nobody))?;
        let new = span(first, count);
        self.give(new, Has::Nobody, Has::Program);
        self.mappings += 1;
        self.mapping[pages(new)].fill(self.mappings);
        Some(new)
    }

    fn give(&mut self, range: Range, from: Has, to: Has) {
        for page in pages(range) {
            assert_eq!(self.has[page], from, "page {page} of {range:?}");
            self.has[page] = to;
        }
    }

    fn take_span(&mut self, which: usize) -> Option<Range> {
        let count = self.spans.len();
        (count > 0).then(|| self.spans.swap_remove(which % count))
    }

    fn put(&mut self, range: Range) {
        self.time += 1;
        let since = Stamp {
            ms: self.time,
            tick: 0,
        };
        if self.stock.put(range, since) {
            self.give(range, Has::Program, Has::Stock);
        } else {
            self.stock.seams.clear(range.start, range.end());
            self.give(range, Has::Program, Has::Nobody);
        }
    }

    /// Moves pieces to a new mapping, as the kernel does: each must be of one mapping, and is one of its own afterwards.
    fn join(&mut self, pieces: &Pieces, from: &[Has], bytes: u64, reserved: usize) {
        let made = self.map(bytes / PAGE);
        let mut at = made.map_or(0, |made| made.start);
        let mut seams = Vec::new();
        for (piece, from) in pieces.list().iter().zip(from) {
            let of = self.mapping[pages(*piece).start];
            assert!(self.mapping[pages(*piece)].iter().all(|m| *m == of));
            self.give(*piece, *from, Has::Nobody);
            if let Some(made) = made {
                self.mappings += 1;
                let target = Range {
                    start: at,
                    bytes: piece.bytes,
                };
                self.mapping[pages(target)].fill(self.mappings);
                at += piece.bytes;
                seams.extend((at < made.end()).then_some(at));
            }
        }
        self.stock.seams.keep(reserved, seams.into_iter());
        self.spans.extend(made);
    }

    fn run(&mut self, op: Op) {
        match op {
            Op::Map(count) => {
                let new = self.map(count);
                self.spans.extend(new);
            }
            Op::Put(which) => {
                if let Some(range) = self.take_span(which) {
                    self.put(range);
                }
            }
            Op::Cut(which, count) => {
                let Some(range) = self.take_span(which) else {
                    return;
                };
                let keep = range.bytes.min(count * PAGE);
                self.spans.push(Range {
                    bytes: keep,
                    ..range
                });
                if keep < range.bytes {
                    let start = range.start + keep;
                    self.stock.seams.cut(start);
                    self.put(Range {
                        start,
                        bytes: range.bytes - keep,
                    });
                }
            }
            Op::Take(count, align) => {
                let align = PAGE << align;
                if let Some(taken) = self.stock.take(count * PAGE, align) {
                    assert!(taken.bytes >= count * PAGE && taken.start.is_multiple_of(align));
                    self.give(taken, Has::Stock, Has::Program);
                    self.spans.push(taken);
                }
            }
            Op::Follow(which, least, most) => {
                let Some(mut range) = self.take_span(which) else {
                    return;
                };
                let more = self.stock.take_at(range.end(), least * PAGE, most * PAGE);
                if let Some(more) = more {
                    assert!(more.start == range.end() && more.bytes >= least * PAGE);
                    self.give(more, Has::Stock, Has::Program);
                    range.bytes += more.bytes;
                }
                self.spans.push(range);
            }
            Op::Within(least, most) => {
                if let Some(taken) = self.stock.take_within(least * PAGE, most * PAGE) {
                    assert!((least * PAGE..=most * PAGE).contains(&taken.bytes));
                    self.give(taken, Has::Stock, Has::Program);
                    self.spans.push(taken);
                }
            }
            Op::Gather(least, most) => {
                let mut pieces = Pieces::new();
                self.stock.gather(&mut pieces, least * PAGE, most * PAGE);
                assert!(pieces.bytes <= most * PAGE);
                let from = vec![Has::Stock; pieces.list().len()];
                let reserved = from.len() + 1;
                self.stock.seams.reserve(reserved);
                self.join(&pieces, &from, pieces.bytes + PAGE, reserved);
            }
            Op::Move(which, more) => {
                let Some(range) = self.take_span(which) else {
                    return;
                };
                let mut pieces = Pieces::new();
                if !pieces.push_all(range, &self.stock.seams) {
                    return self.spans.push(range);
                }
                self.stock.seams.clear(range.start, range.end());
                let parts = pieces.list().len();
                let enough = range.bytes + more * PAGE;
                self.stock.gather(&mut pieces, enough, enough);
                let mut from = vec![Has::Program; parts];
                from.resize(pieces.list().len(), Has::Stock);
                self.stock.seams.reserve(from.len() + 1);
                self.join(&pieces, &from, enough, from.len() + 1);
            }
            Op::Oldest(most) => {
                if let Some(old) = self.stock.oldest(|_| true, most * PAGE) {
                    self.give(old, Has::Stock, Has::Nobody);
                }
            }
        }
    }

    /// The stock's invariants, and that it has what the model says.
    fn check(&self) {
        let free: Vec<Range> = self.stock.ranges().collect();
        assert!(free.windows(2).all(|two| two[0].end() <= two[1].start));
        let bytes: u64 = free.iter().map(|range| range.bytes).sum();
        assert_eq!(bytes, self.stock.bytes());
        let had = self.has.iter().filter(|has| **has == Has::Stock).count();
        assert_eq!(bytes, had as u64 * PAGE);
        for range in free.iter().chain(&self.spans) {
            let seams: Vec<u64> = self.stock.seams.between(range.start, range.end()).collect();
            for page in pages(*range).skip(1) {
                let at = BASE + page as u64 * PAGE;
                assert!(
                    self.mapping[page - 1] == self.mapping[page] || seams.contains(&at),
                    "mappings meet at {at:#x} in {range:?}, and nobody knows"
                );
            }
        }
        for range in &free {
            assert!(pages(*range).all(|page| self.has[page] == Has::Stock));
        }
    }
}

proptest! {
    #![proptest_config(super::cases(200))]

    #[test]
    fn no_page_is_lost_or_shared_and_seams_are_known(ops in proptest::collection::vec(op(), 1..120)) {
        let mut model = Model::new();
        for op in ops {
            model.run(op);
            model.check();
        }
    }
}

#[test]
fn a_stock_without_room_takes_nothing() {
    let mut stock = Stock::new();
    let far = |n: u64| Range {
        start: BASE + n * 3 * PAGE,
        bytes: PAGE,
    };
    let mut count = 0;
    while stock.put(far(count), Stamp::default()) {
        count += 1;
        assert!(count < 10_000);
    }
    assert_eq!(stock.bytes(), count * PAGE);
    // What touches a span that is there needs no room.
    let next = Range {
        start: far(0).end(),
        bytes: PAGE,
    };
    assert!(stock.put(next, Stamp::default()));
    assert_eq!(stock.ranges().count() as u64, count);
}
