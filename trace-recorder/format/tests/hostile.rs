//! Bytes that mean harm: every checksum is right, what they protect is not. No panic, and little memory.

mod common;

use common::{frames, seal, small_tape, word};
use proptest::prelude::*;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use trace_format::{Tape, totals_of, verify};

/// Counts what lives, and the most that lived.
struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

fn grow(size: usize) {
    let live = LIVE.fetch_add(size, Ordering::Relaxed) + size;
    PEAK.fetch_max(live, Ordering::Relaxed);
}

// SAFETY: every call goes to the system's allocator with the arguments that came in; only sizes are counted besides.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: the caller keeps the contract of `alloc`, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the block came from `System` with this layout, as all blocks here do.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One at a time: the count is of the whole process.
static TURN: Mutex<()> = Mutex::new(());

const MOST: usize = 64 << 20;

/// Does with the bytes all that can be done, and returns the most memory that it took.
fn use_all(bytes: &[u8]) -> usize {
    let before = LIVE.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let report = verify(bytes);
    let _ = report.to_string();
    let _ = Tape::scan(bytes).map(|(tape, _)| tape.merged().count());
    if let Ok(tape) = Tape::open(bytes) {
        for chunk in 0..tape.chunks().len() {
            let decoded = tape.decode(chunk);
            assert!(decoded.is_ok() || !report.sound);
        }
        let _ = totals_of(&tape, |_, _| {});
    }
    PEAK.load(Ordering::Relaxed) - before
}

fn check(bytes: &[u8]) {
    let turn = TURN
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let peak = use_all(bytes);
    drop(turn);
    assert!(peak < MOST, "took {peak} bytes");
}

/// Puts another payload into the frame at `at`, and moves the trailer's places by what the length changed.
fn replace(bytes: &[u8], at: usize, codec: u8, payload: &[u8], len: u32) -> Vec<u8> {
    let stored = word(bytes, at + 48) as usize;
    let mut out = [&bytes[..at + 64], payload, &bytes[at + 64 + stored..]].concat();
    out[at + 5] = codec;
    out[at + 48..at + 52].copy_from_slice(&(payload.len() as u32).to_le_bytes());
    out[at + 52..at + 56].copy_from_slice(&len.to_le_bytes());
    seal(&mut out, at);
    let trailer = out.len() - 32;
    let moved = payload.len() as i64 - stored as i64;
    for place in [trailer + 8, trailer + 16] {
        let old = i64::from_le_bytes(out[place..place + 8].try_into().unwrap());
        let new = if old > at as i64 { old + moved } else { old };
        out[place..place + 8].copy_from_slice(&new.to_le_bytes());
    }
    let crc = crc32c::crc32c(&out[trailer..trailer + 28]).to_le_bytes();
    out[trailer + 28..].copy_from_slice(&crc);
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(800))]

    #[test]
    fn changed_payloads_with_right_sums(
        frame in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
    ) {
        let mut bytes = small_tape();
        let places = frames(&bytes);
        let at = places[frame.index(places.len())];
        let stored = word(&bytes, at + 48) as usize;
        for (place, byte) in changes {
            let place = place.index(stored);
            bytes[at + 64 + place] = byte;
        }
        seal(&mut bytes, at);
        check(&bytes);
    }

    #[test]
    fn changed_headers_with_right_sums(
        frame in any::<prop::sample::Index>(),
        field in 4usize..60,
        value in any::<[u8; 4]>(),
        width in 1usize..5,
    ) {
        let mut bytes = small_tape();
        let places = frames(&bytes);
        let at = places[frame.index(places.len())];
        let to = (field + width).min(60);
        bytes[at + field..at + to].copy_from_slice(&value[..to - field]);
        let crc = crc32c::crc32c(&bytes[at..at + 60]).to_le_bytes();
        bytes[at + 60..at + 64].copy_from_slice(&crc);
        check(&bytes);
    }

    #[test]
    fn other_payloads_with_right_sums(
        frame in any::<prop::sample::Index>(),
        codec in 0u8..3,
        payload in prop::collection::vec(prop_oneof![0u8..4, 248u8..=255, any::<u8>()], 0..200),
        zstd in any::<bool>(),
        len in any::<u32>(),
    ) {
        let bytes = small_tape();
        let places = frames(&bytes);
        let at = places[frame.index(places.len())];
        let payload = if zstd { [&[0x28, 0xB5, 0x2F, 0xFD], &payload[..]].concat() } else { payload };
        let len = if codec == 0 { payload.len() as u32 } else { len >> 8 };
        check(&replace(&bytes, at, codec, &payload, len));
    }

    #[test]
    fn changed_trailers_with_right_sums(value in any::<u64>(), shift in 0u32..64, place in 1usize..4) {
        let mut bytes = small_tape();
        let trailer = bytes.len() - 32;
        bytes[trailer + 8 * place..trailer + 8 * place + 4].copy_from_slice(&((value >> shift) as u32).to_le_bytes());
        let crc = crc32c::crc32c(&bytes[trailer..trailer + 28]).to_le_bytes();
        bytes[trailer + 28..].copy_from_slice(&crc);
        check(&bytes);
    }
}

#[test]
fn a_few_bytes_that_unpack_to_much() {
    // RLE blocks of 128 KiB: three bytes of header and one of content each. 4 MiB is what a frame may state.
    for (stated, blocks) in [
        (4 << 20, 32),
        (4 << 20, 33),
        (1 << 20, 4000),
        (4 << 20, 100_000),
    ] {
        let mut packed = vec![0x28, 0xB5, 0x2F, 0xFD, 0b1010_0000];
        packed.extend_from_slice(&u32::to_le_bytes(stated));
        for block in 0..blocks {
            let header = (1u32 << 20) | 0b10 | u32::from(block == blocks - 1);
            packed.extend_from_slice(&header.to_le_bytes()[..3]);
            packed.push(7);
        }
        let bytes = small_tape();
        let place = frames(&bytes)[2];
        let bytes = replace(&bytes, place, 1, &packed, stated);
        assert!(!verify(&bytes).sound);
        check(&bytes);
    }
}

#[test]
fn many_threads_and_large_chunks_at_once() {
    // A chunk for every 256th thread number, so that each takes a page of the state that verifying keeps.
    let small = small_tape();
    let places = frames(&small);
    let mut bytes = small[..places[1]].to_vec();
    let frame = &small[places[1]..places[2]];
    for thread in (0..trace_format::MAX_THREADS).step_by(256) {
        let at = bytes.len();
        bytes.extend_from_slice(frame);
        bytes[at + 8..at + 12].copy_from_slice(&thread.to_le_bytes());
        seal(&mut bytes, at);
    }
    // And one as large as can be that is no bincode.
    let at = bytes.len();
    bytes.extend_from_slice(&frame[..64]);
    bytes.extend(std::iter::repeat_n(253, 4 << 20));
    bytes[at + 5] = 0;
    for field in [48, 52] {
        bytes[at + field..at + field + 4].copy_from_slice(&(4u32 << 20).to_le_bytes());
    }
    seal(&mut bytes, at);
    let turn = TURN
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let before = LIVE.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let report = verify(&bytes);
    let peak = PEAK.load(Ordering::Relaxed) - before;
    drop(turn);
    assert!(!report.sound);
    assert!(peak < MOST, "took {peak} bytes");
}
