//! Statistics add up. In a process of its own: counters of other tests' running threads lag behind.

use std::collections::HashSet;
use std::sync::Mutex;
use std::thread;

use alloc_core::Fancy;
use alloc_core::global::{Stats, stats};

#[global_allocator]
static ALLOCATOR: Fancy = Fancy::new();

/// One after the other: each looks at the whole process's numbers.
static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn calls_of_a_thread_that_ended_add_up() {
    let _alone = ALONE.lock();
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

/// Frees what it is given, and does nothing else: such a thread has no heap.
extern "C" fn free_all(blocks: *mut libc::c_void) -> *mut libc::c_void {
    // SAFETY: the test hands over a list of blocks of `SIZE` bytes that it does not use any more.
    unsafe {
        let blocks = &*blocks.cast::<[*mut u8; BLOCKS]>();
        for block in blocks {
            alloc_core::global::free(*block);
        }
    }
    std::ptr::null_mut()
}

const BLOCKS: usize = 2000;

#[test]
fn frees_of_a_thread_without_a_heap_count() {
    let _alone = ALONE.lock();
    let blocks: Box<[*mut u8; BLOCKS]> =
        Box::new(std::array::from_fn(|n| alloc_core::global::malloc(50 + n)));
    let before = stats();
    let mut thread: libc::pthread_t = 0;
    let list = (&raw const *blocks).cast_mut().cast();
    // SAFETY: the list lives until the thread is joined; its blocks are freed by that thread alone.
    unsafe {
        assert_eq!(
            libc::pthread_create(&mut thread, std::ptr::null(), free_all, list),
            0
        );
        assert_eq!(libc::pthread_join(thread, std::ptr::null_mut()), 0);
    }
    let after = stats();
    let freed = after.free_calls - before.free_calls;
    assert!(
        (BLOCKS as u64..BLOCKS as u64 + 50).contains(&freed),
        "{before:?} then {after:?}"
    );
}
