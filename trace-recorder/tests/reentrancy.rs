//! An allocator that asks itself for memory in the course of a request.

use std::alloc::{GlobalAlloc, Layout, System};
use trace_format::{EventKind, Tape};
use trace_recorder::{RecordingAlloc, RecordingOptions};

/// Serves a request only after it has asked the recorded allocator for a block of its own.
struct Greedy;

static ALLOCATOR: RecordingAlloc<Greedy> = RecordingAlloc::new(Greedy);

const OWN: Layout = Layout::new::<[u8; 333]>();

// SAFETY: every request goes to the system with the arguments it came with; those of the size of OWN end the recursion.
unsafe impl GlobalAlloc for Greedy {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout != OWN {
            // SAFETY: OWN is not empty; the block is freed at once with the same layout.
            unsafe {
                let own = ALLOCATOR.alloc(OWN);
                ALLOCATOR.dealloc(own, OWN);
            }
        }
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}

#[test]
fn only_the_programs_requests_are_recorded() {
    let recording = ALLOCATOR.record().unwrap();
    let layout = Layout::new::<[u8; 48]>();
    for _ in 0..3 {
        // SAFETY: the layout is not empty; the block is freed once, with its layout.
        unsafe {
            let block = ALLOCATOR.alloc(layout);
            ALLOCATOR.dealloc(block, layout);
        }
    }
    let mut bytes = Vec::new();
    recording
        .finish_to(&mut bytes, &RecordingOptions::default(), &|_, _, _| ())
        .unwrap();
    let tape = Tape::open(bytes).unwrap();
    let kinds: Vec<EventKind> = tape
        .decode(0)
        .unwrap()
        .events
        .iter()
        .map(|e| e.kind)
        .collect();
    let made = kinds
        .iter()
        .filter(|k| **k == EventKind::Malloc { size: 48 })
        .count();
    assert_eq!(made, 3);
    assert_eq!(
        (tape.totals().mallocs, tape.totals().frees),
        (3, 3),
        "{kinds:?}"
    );
}

#[test]
fn there_is_room_for_four_recordings_at_once() {
    let allocators: Vec<RecordingAlloc<System>> =
        (0..5).map(|_| RecordingAlloc::new(System)).collect();
    let mut running: Vec<_> = allocators[..3]
        .iter()
        .map(|a| a.record().unwrap())
        .collect();
    let layout = Layout::new::<[u8; 64]>();
    // A request goes on the tape of its own allocator only.
    for (allocator, times) in allocators.iter().zip([1, 2, 3]) {
        for _ in 0..times {
            // SAFETY: the layout is not empty; the block is freed once, with its layout.
            unsafe { allocator.dealloc(allocator.alloc(layout), layout) };
        }
    }
    for times in [3, 2, 1] {
        let mut bytes = Vec::new();
        let recording = running.pop().unwrap();
        recording
            .finish_to(&mut bytes, &RecordingOptions::default(), &|_, _, _| ())
            .unwrap();
        assert_eq!(Tape::open(bytes).unwrap().totals().mallocs, times);
    }
}
