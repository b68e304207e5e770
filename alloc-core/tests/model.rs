//! Random programs of requests against a model: no overlap, alignment, contents kept, invariants after every request.

mod common;

use alloc_core::heap::{Fit, Heap, HeapId, policy::Policy};
use alloc_core::source::FailAfter;
use common::{Driver, Fresh, Memory, Op};
use proptest::prelude::*;

fn size() -> impl Strategy<Value = usize> {
    prop_oneof![
        6 => 0usize..300,
        3 => 300usize..3000,
        2 => 3000usize..40_000,
        1 => 40_000usize..150_000,
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => size().prop_map(Op::Malloc),
        1 => size().prop_map(Op::Calloc),
        1 => (0u8..14, size()).prop_map(|(log2, size)| Op::Aligned(log2, size)),
        3 => (any::<usize>(), size()).prop_map(|(which, size)| Op::Realloc(which, size)),
        8 => any::<usize>().prop_map(Op::Free),
        1 => Just(Op::EmptyCache),
    ]
}

fn policy() -> impl Strategy<Value = Policy> {
    (any::<bool>(), any::<bool>(), 4u32..18, 64u64..1024).prop_map(
        |(first, coalesce, cache, spans)| Policy {
            fit: if first { Fit::First } else { Fit::Good },
            coalesce,
            cache_floor: 1 << cache,
            cache_ceiling: 4 << cache,
            span_threshold: spans << 10,
            ..Policy::DEFAULT
        },
    )
}

const ID: HeapId = HeapId::new(7).unwrap();

proptest! {
    #![proptest_config(common::cases(24))]

    #[test]
    fn a_heap_keeps_its_promises(ops in prop::collection::vec(op(), 1..common::length(300)), policy in policy()) {
        let memory = Memory::new(256 << 20);
        let region = memory.region();
        let base = region.base();
        let mut heap = Heap::new(region, base, ID, policy);
        let mut driver = Driver::new(&mut heap);
        for op in &ops {
            driver.run(op);
            driver.heap.check_invariants().unwrap_or_else(|broken| panic!("after {op:?}: {broken}"));
        }
        let (blocks, bytes) = driver.live();
        let stats = driver.heap.stats();
        prop_assert_eq!(stats.alloc_calls - stats.free_calls, blocks);
        prop_assert!(stats.current_bytes >= bytes);
        prop_assert!(stats.peak_bytes >= stats.current_bytes);
        driver.free_all();
        driver.heap.empty_cache();
        driver.heap.check_invariants().expect("sound when empty");
        let stats = driver.heap.stats();
        prop_assert_eq!(stats.alloc_calls, stats.free_calls);
        prop_assert_eq!(stats.current_bytes, 0);
        if policy.coalesce {
            prop_assert!(stats.arenas <= 1, "arenas that are all free go back");
            driver.heap.release_last();
            prop_assert_eq!(driver.heap.stats().footprint_bytes, 0);
        }
    }

    #[test]
    fn what_shall_be_zero_is(
        ops in prop::collection::vec(prop_oneof![3 => op(), 1 => size().prop_map(Op::Calloc)], 1..common::length(300)),
        policy in policy(),
    ) {
        let memory = Memory::new(256 << 20);
        let source = Fresh::new(&memory);
        let base = source.base();
        let mut heap = Heap::new(source, base, ID, policy);
        let mut driver = Driver::new(&mut heap);
        for op in &ops {
            driver.run(op);
        }
        driver.heap.check_invariants().unwrap_or_else(|broken| panic!("{broken}"));
    }

    #[test]
    fn a_walk_covers_every_byte_once(ops in prop::collection::vec(op(), 1..common::length(200))) {
        let memory = Memory::new(128 << 20);
        let region = memory.region();
        let base = region.base();
        let mut heap = Heap::new(region, base, ID, Policy::DEFAULT);
        let mut driver = Driver::new(&mut heap);
        ops.iter().for_each(|op| driver.run(op));
        let (blocks, bytes) = driver.live();
        let mut total = 0;
        let mut in_use = (0, 0);
        let mut at = None;
        driver.heap.walk(&mut |piece| {
            if let Some((region, end)) = at && region == piece.region {
                assert_eq!(piece.position, end, "a gap or an overlap in the walk");
            }
            at = Some((piece.region, piece.position + piece.bytes));
            total += piece.bytes;
            if piece.state == alloc_core::heap::State::InUse {
                in_use = (in_use.0 + 1, in_use.1 + piece.requested);
            }
        });
        prop_assert_eq!(total, driver.heap.stats().footprint_bytes);
        prop_assert_eq!(in_use, (blocks, bytes));
    }

    #[test]
    fn equal_requests_leave_equal_layouts(ops in prop::collection::vec(op(), 1..common::length(300))) {
        let digest = || {
            let memory = Memory::new(128 << 20);
            let region = memory.region();
            let base = region.base();
            let mut heap = Heap::new(region, base, ID, Policy::DEFAULT);
            let mut driver = Driver::new(&mut heap);
            ops.iter().for_each(|op| driver.run(op));
            driver.heap.digest()
        };
        prop_assert_eq!(digest(), digest());
    }

    #[test]
    fn a_heap_works_on_after_its_memory_ended(ops in prop::collection::vec(op(), 1..common::length(200)), left in 0u64..12) {
        let memory = Memory::new(128 << 20);
        let region = memory.region();
        let base = region.base();
        let mut heap = Heap::new(FailAfter { inner: region, left }, base, ID, Policy::DEFAULT);
        let mut driver = Driver::new(&mut heap);
        for op in &ops {
            driver.run(op);
            driver.heap.check_invariants().unwrap_or_else(|broken| panic!("after {op:?}: {broken}"));
        }
        driver.free_all();
        driver.heap.check_invariants().expect("sound when empty");
        prop_assert_eq!(driver.heap.stats().alloc_calls, driver.heap.stats().free_calls);
    }
}
