//! Statistics add up. In a process of its own: counters of other tests' running threads lag behind.

use std::collections::HashSet;
use std::thread;

use alloc_core::Fancy;
use alloc_core::global::{Stats, stats};

#[global_allocator]
static ALLOCATOR: Fancy = Fancy::new();

#[test]
fn calls_of_a_thread_that_ended_add_up() {
    let work = || {
        let blocks: Vec<Box<u64>> = (0..10_000).map(Box::new).collect();
        let distinct: HashSet<*const u64> = blocks.iter().map(|b| &raw const **b).collect();
        assert_eq!(distinct.len(), blocks.len());
        let medium: Vec<Vec<u8>> = (0..500).map(|n| vec![1; 1000 + n * 7]).collect();
        drop(medium);
        let large: Vec<Vec<u8>> = (0..3).map(|_| vec![1; 3 << 20]).collect();
        drop(large);
        // What one thread makes and another frees counts once for each.
        blocks
    };
    let before = stats();
    drop(thread::spawn(work).join().expect("no panic"));
    let after = stats();
    let allocs = after.alloc_calls - before.alloc_calls;
    assert!(
        (10_503..11_000).contains(&allocs),
        "{before:?} then {after:?}"
    );
    // The harness's own thread may allocate a little meanwhile.
    let live = |s: &Stats| s.alloc_calls as i64 - s.free_calls as i64;
    assert!(
        (live(&after) - live(&before)).abs() < 50,
        "{before:?} then {after:?}"
    );
    assert_eq!(after.failed, 0);
    assert!(after.peak_bytes >= 9 << 20);
}
