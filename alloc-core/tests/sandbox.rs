//! The sandbox: key frames lead back to the very state, foreign ones are refused, and no name does harm.

mod common;

use std::collections::HashMap;

use alloc_core::base::class::{BINS, CLASSES};
use alloc_core::chunk::owner;
use alloc_core::heap::policy::Policy;
use alloc_core::heap::{Heap, HeapId, State};
use alloc_core::sandbox::{ForeignFrame, MAX_CAPACITY, Refusal, Sandbox};
use common::{Driver, Memory, Op};
use proptest::prelude::*;

const ID: HeapId = HeapId::new(5).unwrap();

fn sandbox(capacity: u64) -> Sandbox {
    Sandbox::new(ID, capacity, Policy::DEFAULT).expect("memory")
}

/// One request. Names are few, so that they are taken, gone and taken again.
#[derive(Clone, Debug)]
enum Request {
    Malloc(u32, u64),
    Calloc(u32, u64),
    Aligned(u32, u64, u64),
    Realloc(u32, u32, u64),
    Free(u32),
}

fn size() -> impl Strategy<Value = u64> {
    prop_oneof![
        8 => 0u64..300,
        4 => 300u64..3000,
        2 => 3000u64..40_000,
        1 => 40_000u64..800_000,
        1 => prop_oneof![Just(MAX_CAPACITY - 1), Just(MAX_CAPACITY), Just(u64::MAX)],
    ]
}

fn align() -> impl Strategy<Value = u64> {
    prop_oneof![
        8 => (0u32..14).prop_map(|log2| 1 << log2),
        1 => prop_oneof![Just(0), Just(3), Just(1 << 20), Just(1 << 63), Just(u64::MAX)],
    ]
}

fn request(names: u32) -> impl Strategy<Value = Request> {
    let name = move || 0..names;
    prop_oneof![
        8 => (name(), size()).prop_map(|(name, size)| Request::Malloc(name, size)),
        1 => (name(), size()).prop_map(|(name, size)| Request::Calloc(name, size)),
        2 => (name(), size(), align()).prop_map(|(name, size, align)| Request::Aligned(name, size, align)),
        4 => (name(), name(), size()).prop_map(|(old, new, size)| Request::Realloc(old, new, size)),
        8 => name().prop_map(Request::Free),
    ]
}

/// What is live, by name, with the size asked for.
type Model = HashMap<u32, u64>;

/// Does a request and tests the answer against the model.
fn run(sandbox: &mut Sandbox, model: &mut Model, request: &Request) {
    let (name, size, answer) = match *request {
        Request::Malloc(name, size) => (name, size, sandbox.malloc(name, size)),
        Request::Calloc(name, size) => (name, size, sandbox.calloc(name, size)),
        Request::Aligned(name, size, align) => {
            let answer = sandbox.aligned(name, size, align);
            if answer.is_ok() {
                let position = sandbox.position_of(name).expect("live");
                assert_eq!(position % align, 0, "the base is aligned to more");
            }
            (name, size, answer)
        }
        Request::Realloc(old, new, size) => {
            let taken = old != new && model.contains_key(&new);
            let answer = sandbox.realloc(old, new, size);
            if !taken {
                model.remove(&old);
            }
            (new, size, answer)
        }
        Request::Free(name) => {
            assert_eq!(sandbox.free(name), model.remove(&name).is_some());
            return;
        }
    };
    assert_eq!(
        answer == Err(Refusal::NameTaken),
        model.contains_key(&name),
        "{request:?}"
    );
    if answer.is_ok() {
        assert!(size < MAX_CAPACITY);
        model.insert(name, size);
    }
}

/// Tests that the sandbox is sound and holds what the model says.
fn agree(sandbox: &Sandbox, model: &Model) {
    sandbox.check_invariants().expect("sound");
    assert_eq!(sandbox.misuse(), None);
    assert_eq!(sandbox.live(), model.len());
    let mut shown = HashMap::new();
    let mut bytes = 0;
    sandbox.walk(&mut |piece| {
        bytes += piece.bytes;
        if piece.state == State::InUse {
            shown.insert(piece.payload, piece.requested);
        }
    });
    assert_eq!(bytes, sandbox.footprint());
    assert_eq!(shown.len(), model.len());
    for (&name, size) in model {
        let position = sandbox.position_of(name).expect("live");
        assert_eq!(shown.get(&position), Some(size));
        assert_eq!(sandbox.name_at(position), Some(name));
        assert!(position < sandbox.top());
    }
    let stats = sandbox.stats();
    assert_eq!(stats.alloc_calls - stats.free_calls, model.len() as u64);
    assert_eq!(stats.footprint_bytes, sandbox.footprint());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn every_use_of_a_name_is_harmless(
        requests in prop::collection::vec(request(40), 1..common::length(300)),
        capacity in prop_oneof![Just(0u64), Just(1 << 20), Just(64 << 20)],
    ) {
        let (mut sandbox, mut model) = (sandbox(capacity), Model::new());
        for request in &requests {
            run(&mut sandbox, &mut model, request);
            agree(&sandbox, &model);
        }
    }

    #[test]
    fn key_frames_lead_back_and_the_way_on_is_the_same(
        requests in prop::collection::vec(request(200), 1..common::length(400)),
        frames in prop::collection::btree_set(0usize..400, 1..12),
        jumps in prop::collection::vec(any::<prop::sample::Index>(), 1..20),
    ) {
        let (mut sandbox, mut model) = (sandbox(32 << 20), Model::new());
        let (mut kept, mut digests) = (Vec::new(), Vec::new());
        for (done, request) in requests.iter().enumerate() {
            digests.push(sandbox.digest());
            if done == 0 || frames.contains(&done) {
                kept.push((done, sandbox.key_frame(), model.clone(), sandbox.stats()));
            }
            run(&mut sandbox, &mut model, request);
        }
        digests.push(sandbox.digest());
        for jump in &jumps {
            // Back or forth to a frame, then some way on, so that the next jump starts elsewhere.
            let target = jump.index(digests.len());
            let (done, frame, held, stats) =
                kept.iter().rev().find(|(done, ..)| *done <= target).expect("the first is at 0");
            prop_assert_eq!(sandbox.restore(frame), Ok(()));
            prop_assert_eq!(sandbox.digest(), digests[*done]);
            prop_assert_eq!(sandbox.stats(), *stats);
            agree(&sandbox, held);
            let mut model = held.clone();
            for request in &requests[*done..target] {
                run(&mut sandbox, &mut model, request);
            }
            prop_assert_eq!(sandbox.digest(), digests[target]);
            agree(&sandbox, &model);
        }
    }
}

#[test]
fn a_digest_does_not_depend_on_what_the_memory_held() {
    let digests = [0x00, 0xFF].map(|byte| {
        let memory = Memory::new(1 << 20);
        let region = memory.region();
        let base = region.base();
        // SAFETY: the memory is 1 MiB long, and no heap uses it yet.
        unsafe { base.write_bytes(byte, 1 << 20) };
        let mut heap = Heap::new(region, base, ID, Policy::DEFAULT);
        let mut driver = Driver::new(&mut heap);
        // A chunk of 1088 bytes whose last 8 are never written, free between others, becomes a run of four blocks of 256
        // bytes, of which 8 bytes are left over.
        driver.run(&Op::Malloc(1072));
        driver.run(&Op::Malloc(2000));
        driver.run(&Op::Free(0));
        driver.run(&Op::Malloc(240));
        let mut shortest = u64::MAX;
        heap.walk(&mut |piece| {
            if piece.state == State::Header && piece.bytes % 16 != 0 {
                shortest = shortest.min(piece.bytes);
            }
        });
        assert_eq!(shortest, 8, "the test has what it is about");
        heap.digest()
    });
    assert_eq!(digests[0], digests[1]);
}

#[test]
fn a_frame_of_another_sandbox_is_refused_and_changes_nothing() {
    let (mut one, mut other) = (sandbox(8 << 20), sandbox(8 << 20));
    for name in 0..100 {
        one.malloc(name, 100).expect("room");
        other.malloc(name, 2000).expect("room");
    }
    let (frame, before) = (one.key_frame(), other.digest());
    assert_eq!(other.restore(&frame), Err(ForeignFrame));
    assert_eq!(other.digest(), before);
    other.check_invariants().expect("sound");
    assert_eq!(one.restore(&frame), Ok(()));
    // A frame outlives its sandbox, and the next one, which may lie where that one was, refuses it too.
    drop(one);
    for _ in 0..10 {
        assert_eq!(sandbox(8 << 20).restore(&frame), Err(ForeignFrame));
    }
}

#[test]
fn a_refused_realloc_ends_the_old_block_and_one_without_an_old_block_is_a_malloc() {
    let mut sandbox = sandbox(1 << 20);
    sandbox.malloc(1, 100).expect("room");
    assert_eq!(sandbox.realloc(1, 2, 2 << 20), Err(Refusal::OutOfMemory));
    assert_eq!((sandbox.live(), sandbox.position_of(1)), (0, None));
    sandbox.malloc(1, 100).expect("room");
    assert_eq!(sandbox.realloc(1, 2, u64::MAX), Err(Refusal::TooLarge));
    assert_eq!(sandbox.live(), 0);
    assert_eq!(sandbox.realloc(1, 2, 100), Ok(()));
    assert_eq!(sandbox.realloc(2, 2, 50_000), Ok(()));
    assert_eq!(sandbox.live(), 1);
    sandbox.malloc(3, 10).expect("room");
    assert_eq!(sandbox.realloc(2, 3, 10), Err(Refusal::NameTaken));
    assert_eq!(sandbox.live(), 2);
    assert!(sandbox.free(2) && !sandbox.free(2) && sandbox.free(3) && !sandbox.free(4));
    sandbox.check_invariants().expect("sound");
}

#[test]
fn fields_say_what_a_walk_says() {
    let mut sandbox = sandbox(64 << 20);
    for name in 0..600u32 {
        let size = match name % 7 {
            0 => 3000 + u64::from(name),
            1 if name % 5 == 0 => 700_000 + u64::from(name),
            2 => 0,
            _ => u64::from(name * 13 % 1017),
        };
        sandbox.malloc(name, size).expect("room");
    }
    for name in (0..600).step_by(3) {
        assert!(sandbox.free(name));
    }
    let mut pieces = Vec::new();
    sandbox.walk_named(&mut |piece, name| pieces.push((piece, name)));
    let mut seen = std::collections::HashSet::new();
    for (piece, name) in &pieces {
        let mut fields = HashMap::new();
        sandbox.fields(piece, &mut |field| {
            fields.insert(field.name, field.value);
        });
        let own = u64::from(ID.number());
        match piece.state {
            State::InUse if piece.bin > 0 => {
                assert_eq!(fields["bin"], u64::from(piece.bin));
                assert_eq!(fields["asked mod 256"], piece.requested & 255);
                assert_eq!(u64::from(owner::heap(fields["owner"] as u32)), own);
                assert_eq!(
                    sandbox.position_of(name.expect("in use")),
                    Some(piece.payload)
                );
                seen.insert("small");
            }
            State::InUse if piece.payload != piece.position => {
                assert_eq!(fields["asked"], piece.requested);
                assert_eq!(fields["size and flags"] & !15, piece.bytes);
                assert_eq!(owner::kind(fields["owner"] as u32), owner::CHUNK);
                seen.insert("chunk");
            }
            State::InUse => {
                assert!(fields.is_empty(), "a span's header is a piece of its own");
                seen.insert("span");
            }
            State::Header if fields.contains_key("memory from") => {
                assert_eq!(fields["memory from"], piece.region_position);
                assert_eq!(fields["bytes"], piece.region_bytes);
                assert_eq!(owner::kind(fields["owner"] as u32), owner::SPAN);
                seen.insert("header of a span");
            }
            State::Header if piece.position == piece.region_position => {
                assert_eq!((fields["bytes"], fields["heap"]), (piece.region_bytes, own));
                seen.insert("arena");
            }
            State::Header if fields.contains_key("capacity") => {
                assert!(fields["home"] <= fields["capacity"]);
                seen.insert("run");
            }
            State::Free => {
                assert_eq!(fields["size and flags"] & 15, 0);
                seen.insert("free");
            }
            _ => {}
        }
    }
    assert_eq!(seen.len(), 7, "{seen:?}");
}

#[test]
fn lists_hold_what_a_walk_shows() {
    let mut sandbox = sandbox(16 << 20);
    for name in 0..2000u32 {
        sandbox
            .malloc(name, u64::from(name * 37 % 5000))
            .expect("room");
    }
    for name in (0..2000).filter(|name| name % 5 != 0) {
        sandbox.free(name);
    }
    let (mut in_use, mut cached) = (HashMap::new(), HashMap::new());
    sandbox.walk(&mut |piece| {
        let bin = piece.bin as usize;
        match piece.state {
            State::InUse if bin > 0 => *in_use.entry(bin).or_insert(0u64) += 1,
            State::Cached => *cached.entry(bin).or_insert(0u64) += 1,
            _ => {}
        }
    });
    assert!(!cached.is_empty());
    for bin in 1..BINS {
        let counts = sandbox.bin(bin);
        let of = |map: &HashMap<usize, u64>| map.get(&bin).copied().unwrap_or(0);
        assert_eq!(
            (counts.in_use, counts.cached),
            (of(&in_use), of(&cached)),
            "bin {bin}"
        );
        let mut listed = 0;
        sandbox.cached_blocks(bin, &mut |_| {
            listed += 1;
            true
        });
        assert_eq!(listed, counts.cached, "bin {bin}");
    }
    let mut chunks = 0;
    for class in 0..CLASSES {
        sandbox.free_list(class, &mut |position, bytes| {
            assert!(position % 16 == 0 && bytes >= 32);
            chunks += 1;
            true
        });
    }
    assert!(chunks > 0);
    // A list may be left early, and lists that are none are empty.
    let mut looked = 0;
    sandbox.cached_blocks(2, &mut |_| {
        looked += 1;
        false
    });
    assert!(looked <= 1);
    sandbox.cached_blocks(9999, &mut |_| panic!("there is none"));
    sandbox.free_list(9999, &mut |_, _| panic!("there is none"));
}
