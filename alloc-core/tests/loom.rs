//! The protocols of the threaded layer in every order of their steps that the memory model allows, by loom:
//! `cargo xtask test --only loom`, or
//!
//! ```text
//! RUSTFLAGS="--cfg loom" cargo test --release -p alloc-core --test loom
//! ```
//! The modules under test are those that ship; `LOOM_MAX_PREEMPTIONS` says how often a thread may be stopped in the middle
//! (3 unless set).
//!
//! A model is worth what it catches. Above each stands what was seen to make it fail: faults that were put into the module
//! by hand, one at a time. Where one thread only looks on it yields first: loom then tries the orders in which the others
//! are ahead of it, some of which it leaves out otherwise.
#![cfg(loom)]

use std::ptr::NonNull;

use alloc_core::chunk::Space;
use alloc_core::source::{Acquired, MemorySource};
use alloc_core::sync::gate::{Gate, TakeIn};
use alloc_core::sync::inbox::Inbox;
use alloc_core::sync::lock::{Guard, Lock};
use alloc_core::sync::order::{Order, Started};
use alloc_core::sync::slabs::Slabs;
use alloc_core::sync::table::Table;
use alloc_core::sync::turn::Turn;
use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use loom::sync::{Arc, Notify};
use loom::thread;

const SPACE: Space = Space::absolute();

/// Tries every order of a program with at most so many preemptions, or with as many as the environment says.
fn model(program: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(3));
    builder.max_branches = 50_000;
    builder.check(program);
}

/// What a block holds: the link, as the shipped code writes it.
#[repr(align(16))]
struct Place {
    _bytes: [u64; 2],
}

/// Blocks that are on their way, and a note of what became of each, in cells that loom looks at: who takes a block in must
/// come after whoever delivered it.
struct Blocks {
    places: Box<[Place]>,
    notes: Vec<UnsafeCell<u32>>,
}

// SAFETY: places are used by whoever has the block; notes are loom's cells, which find out if that is not so.
unsafe impl Send for Blocks {}
// SAFETY: as above.
unsafe impl Sync for Blocks {}

impl Blocks {
    fn new(count: usize) -> Arc<Blocks> {
        let places: Box<[Place]> = (0..count).map(|_| Place { _bytes: [0; 2] }).collect();
        places.as_ptr().expose_provenance();
        let notes = (0..count).map(|_| UnsafeCell::new(0)).collect();
        Arc::new(Blocks { places, notes })
    }

    fn position(&self, index: usize) -> u64 {
        (&raw const self.places[index]).addr() as u64
    }

    /// Links the blocks of a range, writes a note for each, and gives the ends of the chain.
    fn chain(&self, range: std::ops::Range<usize>) -> (u64, u64) {
        for index in range.clone() {
            // SAFETY: nobody else has the block; loom finds out if so.
            self.notes[index].with_mut(|note| unsafe { *note += 1 });
            if index + 1 < range.end {
                // SAFETY: as above; a place has room for a link.
                unsafe { SPACE.set_link(self.position(index), self.position(index + 1)) };
            }
        }
        (self.position(range.start), self.position(range.end - 1))
    }

    /// Follows a chain to its end, and notes each block.
    fn receive(&self, mut at: u64) -> usize {
        let mut count = 0;
        while at != 0 {
            let index = (at - self.position(0)) as usize / size_of::<Place>();
            // SAFETY: as above.
            self.notes[index].with_mut(|note| unsafe {
                assert_eq!(*note, 1, "block {index} came twice, or never left");
                *note += 1;
            });
            // SAFETY: as above.
            at = unsafe { SPACE.link(at) };
            count += 1;
        }
        count
    }

    fn all_came(&self) {
        for (index, note) in self.notes.iter().enumerate() {
            // SAFETY: all threads have ended.
            note.with(|note| unsafe { assert_eq!(*note, 2, "block {index} did not come") });
        }
    }
}

/// Seen to fail: `push` without Release, `take` without Acquire, either of them as a load and a store.
#[test]
fn an_inbox_loses_nothing_and_doubles_nothing() {
    model(|| {
        let inbox = Arc::new(Inbox::new());
        let blocks = Blocks::new(3);
        let pushers: Vec<_> = [0..2, 2..3]
            .into_iter()
            .map(|range| {
                let (inbox, blocks) = (inbox.clone(), blocks.clone());
                thread::spawn(move || {
                    let (first, last) = blocks.chain(range);
                    // SAFETY: the chain is this thread's.
                    unsafe { inbox.push(SPACE, first, last) };
                })
            })
            .collect();
        let mut count = blocks.receive(inbox.take());
        count += blocks.receive(inbox.take());
        pushers.into_iter().for_each(|t| t.join().unwrap());
        count += blocks.receive(inbox.take());
        assert!(inbox.is_empty());
        assert_eq!(count, 3);
        blocks.all_came();
    });
}

/// Adds one, after whoever is there.
fn wait(lock: &Lock<u32>) -> u32 {
    *lock.lock() += 1;
    1
}

/// Adds one if nobody is there.
fn attempt(lock: &Lock<u32>) -> u32 {
    match lock.try_lock() {
        Some(mut guard) => {
            *guard += 1;
            1
        }
        None => 0,
    }
}

/// Threads that each do one of these, and what they added in all.
fn together(works: [fn(&Lock<u32>) -> u32; 2]) -> (Arc<Lock<u32>>, Vec<thread::JoinHandle<u32>>) {
    let lock = Arc::new(Lock::new(0));
    let threads = works.map(|work| {
        let lock = lock.clone();
        thread::spawn(move || work(&lock))
    });
    (lock, threads.into())
}

/// Seen to fail: `try_lock` or `seize` without Acquire, a guard that ends without Release, a guard made (and ended) though
/// the lock was not got, `seize` as a load and a store.
#[test]
fn a_lock_lets_one_thread_in() {
    model(|| {
        let (lock, threads) = together([wait, attempt]);
        let mine = attempt(&lock);
        let sum: u32 = threads.into_iter().map(|t| t.join().unwrap()).sum();
        assert_eq!(*lock.lock(), sum + mine);
    });
}

/// Seen to fail: as above, and `release` without Release.
#[test]
fn a_lock_that_was_seized_is_a_lock() {
    model(|| {
        let (lock, threads) = together([attempt, attempt]);
        lock.seize();
        // SAFETY: the lock is held until `release`.
        unsafe {
            *lock.held() += 1;
            lock.release();
        }
        let sum: u32 = threads.into_iter().map(|t| t.join().unwrap()).sum();
        assert_eq!(*lock.lock(), sum + 1);
    });
}

/// What stands behind the gate of the tests: it takes blocks in.
struct Inside {
    blocks: Arc<Blocks>,
    count: usize,
}

impl TakeIn for Inside {
    unsafe fn take_in(&mut self, first: u64) {
        self.count += self.blocks.receive(first);
    }
}

/// The end of a stay inside.
fn leave(inside: Guard<'_, Inside>) {
    drop(inside);
}

/// A gate, and threads that each deliver one of the ranges.
fn deliver(ranges: &[std::ops::Range<usize>]) -> (Arc<Gate<Inside>>, Vec<thread::JoinHandle<()>>) {
    let count = ranges.last().map_or(0, |range| range.end);
    let blocks = Blocks::new(count);
    let gate = Arc::new(Gate::new(Inside {
        blocks: blocks.clone(),
        count: 0,
    }));
    let threads = ranges
        .iter()
        .cloned()
        .map(|range| {
            let (gate, blocks) = (gate.clone(), blocks.clone());
            thread::spawn(move || {
                let (first, last) = blocks.chain(range);
                // SAFETY: the chain is this thread's.
                unsafe { gate.deliver(SPACE, first, last, leave) };
            })
        })
        .collect();
    (gate, threads)
}

/// Looks without taking in what waits.
fn inside(gate: &Gate<Inside>, look: impl Fn(&Inside)) {
    gate.seize();
    // SAFETY: the lock is held until `release`.
    unsafe {
        look(&*gate.held());
        gate.release();
    }
}

/// Seen to fail: `deliver` that does not look again, or looks again only after it left blocks; `visit` without a full
/// barrier, or with the barrier after its look; `try_enter` that does not take in.
#[test]
fn what_is_delivered_among_deliverers_is_taken_in_by_one_of_them() {
    model(|| {
        let (gate, threads) = deliver(&[0..2, 2..3]);
        threads.into_iter().for_each(|t| t.join().unwrap());
        inside(&gate, |inside| {
            assert_eq!(inside.count, 3, "a block waits, and nobody comes");
            inside.blocks.all_came();
        });
    });
}

/// Seen to fail: as above.
#[test]
fn what_is_delivered_while_somebody_visits_is_taken_in() {
    model(|| {
        let (gate, threads) = deliver(&[0..1, 1..2]);
        gate.visit(leave);
        threads.into_iter().for_each(|t| t.join().unwrap());
        inside(&gate, |inside| {
            assert_eq!(inside.count, 2, "a block waits, and nobody comes")
        });
    });
}

/// Who takes in what another left may be left something meanwhile.
///
/// Seen to fail: `visit` that looks once.
#[test]
fn what_is_delivered_while_somebody_takes_in_is_taken_in_too() {
    model(|| {
        let (gate, threads) = deliver(&[0..1, 1..2, 2..3]);
        threads.into_iter().for_each(|t| t.join().unwrap());
        inside(&gate, |inside| {
            assert_eq!(inside.count, 3, "a block waits, and nobody comes");
        });
    });
}

/// Seen to fail: `enter` that does not take in; `push` without Release, `take` without Acquire.
#[test]
fn what_is_delivered_while_somebody_works_inside_comes_with_the_next_visit() {
    model(|| {
        let (gate, threads) = deliver(&[0..1, 1..3]);
        let before = gate
            .try_enter()
            .map(|inside: Guard<'_, Inside>| inside.count);
        let after = gate.enter().count;
        assert!(before.unwrap_or(0) <= after);
        threads.into_iter().for_each(|t| t.join().unwrap());
        let inside = gate.enter();
        assert_eq!(inside.count, 3);
        inside.blocks.all_came();
    });
}

/// Something that must be whole when it is found.
#[repr(align(128))]
struct Thing {
    value: UnsafeCell<u32>,
}

impl Thing {
    fn new(value: u32) -> Thing {
        let thing = Thing {
            value: UnsafeCell::new(0),
        };
        // SAFETY: nobody else has it yet.
        thing.value.with_mut(|v| unsafe { *v = value });
        thing
    }

    fn value(&self) -> u32 {
        // SAFETY: nobody writes to it any more; loom finds out if so.
        self.value.with(|v| unsafe { *v })
    }
}

/// Seen to fail: a place without Release, the count before the place, `find` without Acquire.
#[test]
fn what_is_found_in_a_table_is_whole() {
    model(|| {
        let table: Arc<Table<Thing, 4>> = Arc::new(Table::new());
        let choosing = Arc::new(Lock::new(()));
        let (adder, lock) = (table.clone(), choosing.clone());
        let make = |number| Some(&*Box::leak(Box::new(Thing::new(number * 10))));
        let other = thread::spawn(move || {
            let _guard = lock.lock();
            // SAFETY: under the lock.
            unsafe { adder.add(make) }.expect("room").value()
        });
        thread::yield_now();
        let count = table.count();
        let seen: Vec<u32> = table.iter().map(Thing::value).collect();
        assert!(seen.len() >= count as usize);
        assert_eq!(table.find(1).map(Thing::value).unwrap_or(10), 10);
        let mine = {
            let _guard = choosing.lock();
            // SAFETY: under the lock.
            unsafe { table.add(make) }.expect("room").value()
        };
        let theirs = other.join().unwrap();
        assert_eq!(mine + theirs, 30, "two things of one number");
        let all: Vec<u32> = table.iter().map(Thing::value).collect();
        assert_eq!(all, [10, 20]);
        for thing in [1, 2].map(|n| table.find(n).unwrap()) {
            // SAFETY: leaked above, and not used any more.
            drop(unsafe { Box::from_raw(std::ptr::from_ref(thing).cast_mut()) });
        }
    });
}

/// Pages for slabs, which outlive the model's runs: each takes them afresh.
struct Pages {
    next: usize,
}

const PAGES: usize = 8;

impl Pages {
    fn new() -> Pages {
        static MEMORY: std::sync::OnceLock<usize> = std::sync::OnceLock::new();
        let start = *MEMORY.get_or_init(|| {
            let layout = std::alloc::Layout::from_size_align(PAGES << 12, 1 << 12).unwrap();
            // SAFETY: the layout has a size.
            unsafe { std::alloc::alloc(layout) }.expose_provenance()
        });
        Pages { next: start }
    }
}

// SAFETY: the pages are this model's alone: one runs at a time, and what it made before is not used any more.
unsafe impl MemorySource for Pages {
    fn acquire(&mut self, bytes: u64, _: u64) -> Option<Acquired> {
        let start = NonNull::new(std::ptr::with_exposed_provenance_mut(self.next))?;
        self.next += bytes as usize;
        Some(Acquired {
            start,
            bytes,
            zeroed: false,
        })
    }

    unsafe fn release(&mut self, _: NonNull<u8>, _: u64) {}
}

/// As large as that a slab has room for two.
#[repr(C, align(128))]
struct Owner {
    thing: Thing,
    number: u32,
    room: [u8; 1700],
}

/// Seen to fail: `made` without Release or before the thing, `find` without Acquire, the count of slabs without Release or
/// before the slab's address.
#[test]
fn an_owner_is_found_by_its_number_while_others_are_made() {
    model(|| {
        let slabs: Arc<Slabs<Owner, 2, 4096>> = Arc::new(Slabs::new());
        let making = Arc::new(Lock::new(Pages::new()));
        // As addresses: pointers may not change threads.
        let make = |slabs: &Slabs<Owner, 2, 4096>, making: &Lock<Pages>| {
            let new = |number| {
                Some(Owner {
                    thing: Thing::new(number ^ 1),
                    number,
                    room: [0; 1700],
                })
            };
            let mut source = making.lock();
            // SAFETY: under the lock.
            unsafe { slabs.make(&mut *source, &[], new) }.expect("room")
        };
        let known = Arc::new(AtomicUsize::new(0));
        let other = {
            let (slabs, making, known) = (slabs.clone(), making.clone(), known.clone());
            thread::spawn(move || {
                // SAFETY: made, and never freed.
                let owner = unsafe { &*make(&slabs, &making) };
                known.store(owner.number as usize, Relaxed);
                make(&slabs, &making);
            })
        };
        let mut seen = 0;
        thread::yield_now();
        slabs.each(|owner| {
            assert_eq!(owner.thing.value(), owner.number ^ 1);
            seen += 1;
        });
        assert!(seen <= 2);
        // A number that came by another way, without an order of its own: if it is found, it is whole.
        let number = known.load(Relaxed) as u32;
        if let Some(owner) = slabs.find(number) {
            // SAFETY: found, and never freed.
            assert_eq!(unsafe { &*owner }.thing.value(), number ^ 1);
        }
        // SAFETY: made, and never freed.
        let mine = unsafe { &*make(&slabs, &making) };
        other.join().unwrap();
        let mut numbers = Vec::new();
        slabs.each(|owner| numbers.push(owner.number));
        assert_eq!(numbers.len(), 3);
        assert!(numbers.contains(&mine.number));
        for number in &numbers {
            assert!(slabs.find(*number).is_some());
            assert!(slabs.find(number + 1).is_none());
        }
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 3);
    });
}

/// As the reclaimer, with a bell for each thread in place of the futex.
struct Background {
    order: Order<thread::JoinHandle<()>>,
    bells: [Notify; 2],
}

impl Background {
    fn start(this: &Arc<Background>) -> Started {
        let background = this.clone();
        this.order.start(move |turn| {
            Some(thread::spawn(move || {
                while background.order.stands(turn) {
                    background.bells[turn as usize / 2].wait();
                }
            }))
        })
    }

    fn stop(&self) {
        if let Some(thread) = self.order.stop() {
            self.bells.iter().for_each(Notify::notify);
            // A thread that does not end is a deadlock, which loom tells.
            thread.join().unwrap();
        }
    }
}

/// Seen to fail: `stop` that takes no step (a deadlock), numbers that come again, `start` without a look whether there is a
/// thread.
#[test]
fn a_background_thread_ends_when_it_is_told_and_not_before() {
    model(|| {
        let background = Arc::new(Background {
            order: Order::new(),
            bells: [Notify::new(), Notify::new()],
        });
        assert_eq!(Background::start(&background), Started::Now);
        let stopper = {
            let background = background.clone();
            thread::spawn(move || background.stop())
        };
        let again = Background::start(&background);
        stopper.join().unwrap();
        // The stop came before the second start, or ended what the first began.
        assert_eq!(background.order.is_on(), again == Started::Now);
        background.stop();
        assert!(!background.order.is_on());
    });
}

/// Seen to fail: numbers that come again, `start` without a look whether there is a thread, a start that fails and leaves its
/// turn standing.
#[test]
fn the_end_of_one_background_thread_is_not_that_of_the_next() {
    model(|| {
        let order: Arc<Order<u32>> = Arc::new(Order::new());
        assert_eq!(order.start(Some), Started::Now);
        let other = {
            let order = order.clone();
            thread::spawn(move || order.stop())
        };
        let mut turns = 0;
        assert_ne!(
            order.start(|turn| {
                turns = turn;
                Some(turn)
            }),
            Started::Not
        );
        assert_eq!(other.join().unwrap(), Some(1).filter(|_| true));
        if turns != 0 {
            assert!(
                order.stands(turns),
                "a thread that was just made was told to end"
            );
            assert!(!order.stands(1));
        }
        let mut failed = 0;
        let again = order.start(|turn| {
            failed = turn;
            None
        });
        if turns == 0 {
            assert_eq!(again, Started::Not);
            assert!(
                !order.stands(failed),
                "a thread that was not made has the turn"
            );
        } else {
            assert_eq!(again, Started::Before);
        }
    });
}

/// The reclaimer looks at what an owner keeps.
///
/// Seen to fail: either barrier left out, also in the wait for who revoked; either end without Release; the owner's look
/// before it says that it is busy; no second look after a wait; `revoke` that does not look.
#[test]
fn a_turn_lets_its_owner_or_somebody_else_in() {
    model(|| {
        let turn = Arc::new((Turn::new(), UnsafeCell::new(0u32)));
        let owner = {
            let turn = turn.clone();
            thread::spawn(move || {
                for _ in 0..2 {
                    let _busy = turn.0.enter();
                    // SAFETY: the owner is inside; loom finds out if somebody else is as well.
                    turn.1.with_mut(|value| unsafe { *value += 1 });
                }
            })
        };
        let mut visits = 0;
        for _ in 0..2 {
            if let Some(_revoked) = turn.0.revoke() {
                // SAFETY: as above.
                turn.1.with_mut(|value| unsafe { *value += 1 });
                visits += 1;
            }
        }
        owner.join().unwrap();
        let _busy = turn.0.enter();
        // SAFETY: as above.
        turn.1
            .with(|value| unsafe { assert_eq!(*value, 2 + visits) });
    });
}
