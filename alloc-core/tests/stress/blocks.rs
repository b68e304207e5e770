//! Blocks that know what they should hold, and the places where they wait for another thread.

use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use alloc_core::global;

use crate::random::Random;

/// A block begins with its length and a number that all its other bytes follow from.
const HEAD: usize = 16;
/// Of a long block these many bytes at both ends are written and checked, and one of so many between.
const EDGE: usize = 192;
const STEP: usize = 509;

/// One block in use, of at least [`HEAD`] bytes.
pub struct Block(*mut u8);

impl Block {
    /// A block from one of the functions that make one.
    pub fn make(random: &mut Random) -> Block {
        let len = random.size().max(HEAD);
        let start = match random.below(16) {
            0 => {
                let start = global::calloc(len, 1);
                assert!(
                    positions(len).all(|i| byte(start, i) == 0),
                    "calloc of {len}"
                );
                start
            }
            1 => {
                let align = 16 << random.below(10);
                let start = global::aligned(align, len);
                assert!(start.addr().is_multiple_of(align), "aligned {align}");
                start
            }
            _ => global::malloc(len),
        };
        assert!(!start.is_null() && start.addr().is_multiple_of(16));
        Block(start).filled(len, random.next())
    }

    /// Writes all that a block of `len` bytes shall hold.
    fn filled(self, len: usize, number: u64) -> Block {
        // SAFETY: the block has at least HEAD bytes, aligned to 16.
        unsafe {
            self.0.cast::<usize>().write(len);
            self.0.add(8).cast::<u64>().write(number);
        }
        for i in positions(len) {
            // SAFETY: within the block.
            unsafe { self.0.add(i).write(expected(number, i)) };
        }
        self
    }

    fn head(&self) -> (usize, u64) {
        // SAFETY: as in `filled`.
        unsafe {
            (
                self.0.cast::<usize>().read(),
                self.0.add(8).cast::<u64>().read(),
            )
        }
    }

    /// Looks at what it holds, up to `end` bytes.
    fn check(&self, end: usize) -> (usize, u64) {
        let (len, number) = self.head();
        // SAFETY: the block is in use.
        assert!(unsafe { global::usable_size(self.0) } >= len.min(end));
        for i in positions(len).filter(|i| *i < end) {
            assert_eq!(
                byte(self.0, i),
                expected(number, i),
                "byte {i} of a block of {len} at {:p} was changed",
                self.0
            );
        }
        (len, number)
    }

    pub fn free(self) {
        self.check(usize::MAX);
        // SAFETY: the block is in use, and not used any more.
        unsafe { global::free(self.0) };
    }

    /// Gives it another length.
    pub fn realloc(self, random: &mut Random) -> Block {
        let (old, _) = self.check(usize::MAX);
        let len = if random.one_in(2) {
            // A little more, or less: where it is, as far as there is room.
            (old + random.below(old / 4 + 64)).saturating_sub(old / 8)
        } else {
            random.size()
        };
        let len = len.max(HEAD);
        // SAFETY: the block is in use, and forgotten for the new one.
        let new = Block(unsafe { global::realloc(self.0, len) });
        assert!(!new.0.is_null() && new.0.addr().is_multiple_of(16));
        new.check(len);
        new.filled(len, random.next())
    }

    /// The block of a pointer that came from [`leave`].
    pub fn take(start: *mut u8) -> Block {
        assert!(!start.is_null());
        Block(start)
    }
}

/// The bytes of a block that are looked at.
fn positions(len: usize) -> impl Iterator<Item = usize> {
    let short = len <= 3 * EDGE;
    let (first, last) = if short {
        (len, len)
    } else {
        (EDGE, len - EDGE)
    };
    let middle = (first..last).step_by(STEP);
    (HEAD..first).chain(middle).chain(last..len)
}

fn expected(number: u64, i: usize) -> u8 {
    (number >> (i % 8 * 8)) as u8 ^ i as u8
}

fn byte(start: *mut u8, i: usize) -> u8 {
    // SAFETY: callers look within blocks that they have.
    unsafe { start.add(i).read() }
}

/// Blocks that wait for whoever comes by.
static PLACES: [AtomicPtr<u8>; 256] = [const { AtomicPtr::new(ptr::null_mut()) }; 256];

/// Leaves a block (or none) at a place, and takes what waits there.
pub fn exchange(block: Option<Block>, random: &mut Random) -> Option<Block> {
    let start = block.map_or(ptr::null_mut(), |block| block.0);
    let found = PLACES[random.below(PLACES.len())].swap(start, Ordering::AcqRel);
    (!found.is_null()).then_some(Block(found))
}

/// Takes all that wait.
pub fn waiting() -> impl Iterator<Item = *mut u8> {
    let take = |place: &AtomicPtr<u8>| place.swap(ptr::null_mut(), Ordering::AcqRel);
    PLACES.iter().map(take).filter(|start| !start.is_null())
}
