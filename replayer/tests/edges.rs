//! A million edges between 512 threads: every block is freed by the thread that the tape says, after the thread that made it had
//! stamped it, whatever the cores do; nobody waits for ever.

mod common;

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use common::{plan_with, run};
use replayer::engine::{Calls, Touch};
use replayer::plan::PlanOptions;
use trace_format::{BlockId, Event, EventKind};

const THREADS: u64 = 512;
const ROUNDS: u64 = 2048;

/// Bytes of the header before each block: who made it, and that it lives.
const HEADER: usize = 16;
const ALIVE: u64 = 0x0000_a11e_0000_a11e;
const DEAD: u64 = 0x0000_dead_0000_dead;

static MADE: AtomicU64 = AtomicU64::new(0);
static FREED: AtomicU64 = AtomicU64::new(0);
static WRONG: AtomicU64 = AtomicU64::new(0);
/// When folded, a worker plays several threads, so who frees says nothing.
static FOLDED: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// The thread's number on the tape plus one, which is the size that it asks for.
    static ME: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// The thread that frees the blocks of thread `maker`.
fn heir(maker: u64) -> u64 {
    (maker + THREADS - 1) % THREADS
}

unsafe extern "C" fn malloc(size: usize) -> *mut c_void {
    // SAFETY: room for the header and the block.
    let start: *mut u64 = unsafe { libc::malloc(size + HEADER) }.cast();
    ME.set(size as u64);
    MADE.fetch_add(1, Ordering::Relaxed);
    // SAFETY: two words of the header.
    unsafe {
        start.write(size as u64 - 1);
        start.add(1).write(ALIVE);
        start.cast::<u8>().add(HEADER).cast()
    }
}

unsafe extern "C" fn free(block: *mut c_void) {
    // SAFETY: every block came from `malloc` above.
    unsafe {
        let start: *mut u64 = block.cast::<u8>().sub(HEADER).cast();
        let (maker, state) = (start.read(), start.add(1).read());
        let me = ME.get().wrapping_sub(1);
        let right_thread = FOLDED.load(Ordering::Relaxed) || me == heir(maker);
        if state != ALIVE || maker >= THREADS || !right_thread {
            WRONG.fetch_add(1, Ordering::Relaxed);
        }
        start.add(1).write_volatile(DEAD);
        FREED.fetch_add(1, Ordering::Relaxed);
        libc::free(start.cast());
    }
}

unsafe extern "C" fn other(_: usize, _: usize) -> *mut c_void {
    std::ptr::null_mut()
}

unsafe extern "C" fn realloc(_: *mut c_void, _: usize) -> *mut c_void {
    std::ptr::null_mut()
}

const CALLS: Calls = Calls {
    malloc,
    calloc: other,
    aligned: other,
    realloc,
    free,
    begin: None,
    end: None,
};

/// In each round every thread makes a block and frees its neighbour's.
fn ring() -> Vec<Vec<Event>> {
    let mut threads = vec![Vec::with_capacity(2 * ROUNDS as usize); THREADS as usize];
    let mut ns = 0;
    for index in 0..ROUNDS {
        for (thread, events) in threads.iter_mut().enumerate() {
            ns += 1;
            let size = thread as u64 + 1;
            events.push(Event {
                time_ns: ns,
                kind: EventKind::Malloc { size },
            });
        }
        for (thread, events) in threads.iter_mut().enumerate() {
            ns += 1;
            let thread = ((thread as u64 + 1) % THREADS) as u32;
            events.push(Event {
                time_ns: ns,
                kind: EventKind::Free {
                    block: BlockId { thread, index },
                },
            });
        }
    }
    threads
}

/// A replay of this takes some seconds, many more on a busy machine; who waits for ever shall not have the test do so as well.
const MOST_TIME: Duration = Duration::from_secs(900);

/// Ends the process, with a word, unless it is done in time.
fn bound() {
    std::thread::spawn(|| {
        std::thread::sleep(MOST_TIME);
        eprintln!(
            "after {MOST_TIME:?} {} blocks are made and {} freed: a deadlock",
            MADE.load(Ordering::Relaxed),
            FREED.load(Ordering::Relaxed)
        );
        std::process::abort();
    });
}

/// The only test of this program: it counts for the whole process.
#[test]
fn a_million_edges_between_512_threads() {
    bound();
    let threads = ring();
    for workers in [None, Some(2)] {
        FOLDED.store(workers.is_some(), Ordering::Relaxed);
        let options = PlanOptions {
            threads: workers,
            ..PlanOptions::default()
        };
        let plan = plan_with(&threads, &options);
        let facts = plan.facts();
        let blocks = THREADS * ROUNDS;
        if workers.is_none() {
            assert_eq!(facts.counts.shared, blocks);
            assert!(blocks > 1_000_000);
            assert!(facts.counts.beats > 50, "{facts:?}");
        }
        assert!(facts.bytes <= 24 * facts.counts.ops, "{facts:?}");
        let (outcome, board) = run(&plan, CALLS, Touch::Ends);
        assert_eq!(MADE.swap(0, Ordering::Relaxed), blocks);
        assert_eq!(FREED.swap(0, Ordering::Relaxed), blocks);
        assert_eq!(WRONG.load(Ordering::Relaxed), 0);
        assert_eq!((outcome.tally.frees, board.live_bytes()), (blocks, 0));
    }
}
