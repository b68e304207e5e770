//! While a run is measured the harness itself allocates nothing.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use common::{plan_of, ready, sample};
use replayer::AllocatorName;
use replayer::engine::Touch;

struct Counting;

static CALLS: AtomicU64 = AtomicU64::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        CALLS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(block, layout) }
    }
}

/// The only test of this program: another one beside it would allocate.
#[test]
fn nothing_is_allocated_between_start_and_end() {
    let plan = plan_of(&sample(3, 16, 20_000).threads);
    let calls = AllocatorName::System.allocator().calls();
    let (engine, board) = ready(&plan, calls, Touch::Pages);
    let before = CALLS.load(Ordering::Relaxed);
    let ready = Arc::new(AtomicBool::new(false));
    let watcher = std::thread::spawn({
        let (board, ready) = (Arc::clone(&board), Arc::clone(&ready));
        move || {
            ready.store(true, Ordering::Release);
            while board.started_ns().is_none() {
                std::hint::spin_loop();
            }
            let at_start = CALLS.load(Ordering::Relaxed);
            while board.ended_ns().is_none() {
                std::hint::spin_loop();
            }
            (at_start, CALLS.load(Ordering::Relaxed))
        }
    });
    while !ready.load(Ordering::Acquire) {
        std::thread::yield_now();
    }
    assert!(
        CALLS.load(Ordering::Relaxed) > before,
        "the counter sees that a thread was started"
    );
    let outcome = engine.run().unwrap();
    let (at_start, at_end) = watcher.join().unwrap();
    assert_eq!(at_end - at_start, 0);
    assert!(outcome.tally.mallocs > 1000 && outcome.latencies.malloc.is_some());
}
