//! While a run is measured the harness itself allocates nothing.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use common::{plan_of, ready, sample};
use replayer::AllocatorName;
use replayer::engine::{Board, Touch};

struct Counting;

/// Calls at all, and those while the board says that the run goes on.
static CALLS: AtomicU64 = AtomicU64::new(0);
static MEASURED: AtomicU64 = AtomicU64::new(0);
static BOARD: OnceLock<Arc<Board>> = OnceLock::new();

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count() {
    CALLS.fetch_add(1, Ordering::Relaxed);
    if let Some(board) = BOARD.get()
        && board.started_ns().is_some()
        && board.ended_ns().is_none()
    {
        MEASURED.fetch_add(1, Ordering::Relaxed);
    }
}

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count();
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(block, layout) }
    }
}

/// The only test of this program: another one beside it would allocate.
#[test]
fn nothing_is_allocated_between_start_and_end() {
    let plan = plan_of(&sample(3, 16, 20_000).threads);
    let calls = AllocatorName::System.allocator().calls();
    let before = CALLS.load(Ordering::Relaxed);
    let (engine, board) = ready(&plan, calls, Touch::Pages);
    assert!(
        CALLS.load(Ordering::Relaxed) > before,
        "the counter sees that a run is made ready"
    );
    assert!(BOARD.set(Arc::clone(&board)).is_ok());
    let outcome = engine.run(&mut ()).unwrap();
    assert!(board.started_ns().is_some() && board.ended_ns().is_some());
    assert_eq!(MEASURED.load(Ordering::Relaxed), 0);
    assert!(outcome.tally.mallocs > 1000 && outcome.latencies.malloc.is_some());
}
