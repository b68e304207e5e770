//! What no correct program does is told, and changes nothing.

mod common;

use alloc_core::base::error::Misuse;
use alloc_core::heap::{Heap, HeapId, policy::Policy};
use common::Memory;

const ID: HeapId = HeapId::new(3).unwrap();

#[test]
fn a_double_free_is_told_for_every_kind_of_block() {
    let memory = Memory::new(64 << 20);
    let region = memory.region();
    let base = region.base();
    let mut heap = Heap::new(region, base, ID, Policy::DEFAULT);
    let _keep = heap.malloc(5000);
    for size in [1, 200, 1016, 1017, 40_000] {
        let block = heap.malloc(size).expect("memory");
        // SAFETY: the first free is right; the second is the breach under test, in memory that the heap still has.
        unsafe {
            assert_eq!(heap.free(block), Ok(()));
            let address = block.as_ptr().addr();
            assert_eq!(
                heap.free(block),
                Err(Misuse::DoubleFree { address }),
                "size {size}"
            );
        }
        heap.check_invariants().expect("sound");
    }
}

#[test]
fn a_foreign_pointer_and_an_overwritten_header_are_told() {
    let memory = Memory::new(64 << 20);
    let region = memory.region();
    let base = region.base();
    let mut heap = Heap::new(region, base, ID, Policy::DEFAULT);
    let block = heap.malloc(100).expect("memory");
    // SAFETY: the breaches under test, inside a block of the heap.
    unsafe {
        block.write_bytes(0, 100);
        let inside = block.add(32);
        assert!(matches!(heap.free(inside), Err(Misuse::NotABlock { .. })));
        assert!(matches!(
            heap.free(block.add(1)),
            Err(Misuse::NotABlock { .. })
        ));
        let next = heap.malloc(100).expect("memory");
        let header = next.sub(8);
        let kept = header.cast::<u64>().read();
        header.cast::<u64>().write(0x4141_4141_4141_4141);
        assert!(matches!(heap.free(next), Err(Misuse::NotABlock { .. })));
        header.cast::<u64>().write(kept);
        assert_eq!(heap.free(next), Ok(()));
        assert_eq!(heap.free(block), Ok(()));
    }
    heap.check_invariants().expect("sound");
}

#[test]
fn absurd_sizes_are_refused() {
    let memory = Memory::new(16 << 20);
    let region = memory.region();
    let base = region.base();
    let mut heap = Heap::new(region, base, ID, Policy::DEFAULT);
    for size in [usize::MAX, usize::MAX - 15, usize::MAX / 2, 1 << 40] {
        assert_eq!(heap.malloc(size), None);
        assert_eq!(heap.calloc(size), None);
        assert_eq!(heap.aligned(4096, size), None);
        let block = heap.malloc(10).expect("memory");
        // SAFETY: the block is live.
        unsafe {
            assert_eq!(heap.realloc(block, size), Ok(None));
            assert_eq!(heap.free(block), Ok(()));
        }
    }
    assert_eq!(heap.aligned(1 << 62, 1), None);
    assert_eq!(heap.aligned(24, 1), None);
    assert!(heap.stats().failed >= 16);
    heap.check_invariants().expect("sound");
}
