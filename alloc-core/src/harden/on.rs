//! The defences themselves.

use super::{pages, random};
use crate::base::error::Misuse;
use crate::base::stop::stop;

pub use super::random::begin;

/// What freed memory holds.
const WIPED: u8 = 0xDF;
/// Of a freed block at most so many bytes are overwritten: what programs keep pointers in is in front.
const WIPED_BYTES: usize = 1024;
/// Links are positions of blocks: multiples of 16 in the lower half of the address space.
const NO_LINK: u64 = !((1 << 47) - 16);

/// The word for a link that stands at position `at`. The place is turned around so that its varying bits meet those of a
/// link that vary least.
#[inline(always)]
pub fn encode(at: u64, link: u64) -> u64 {
    link ^ at.swap_bytes() ^ random::secret()
}

/// The link of the word at position `at`. A word that was overwritten is no link, but for one in two million.
#[inline(always)]
pub fn decode(at: u64, word: u64) -> u64 {
    let link = word ^ at.swap_bytes() ^ random::secret();
    if link & NO_LINK != 0 {
        overwritten(at);
    }
    link
}

/// Ends the program unless the links of neighbours in a list agree with that of the chunk at `at`.
#[inline(always)]
pub fn verify(agree: bool, at: u64) {
    if !agree {
        overwritten(at);
    }
}

#[cold]
#[inline(never)]
fn overwritten(at: u64) -> ! {
    stop(Misuse::Overwritten {
        address: at as usize,
    })
}

/// Which end of a free chunk is taken: the back if true.
pub fn coin() -> bool {
    random::below(2) == 1
}

/// Overwrites the first part of a freed block.
///
/// # Safety
/// The block has `bytes` bytes, which nobody uses.
#[inline]
pub unsafe fn wipe(start: *mut u8, bytes: usize) {
    // SAFETY: the caller's promise.
    unsafe { start.write_bytes(WIPED, bytes.min(WIPED_BYTES)) }
}

/// Notes pages that the system gave. `false`: there is no memory to note them.
#[inline]
pub fn map(start: usize, bytes: usize) -> bool {
    pages::set(start, bytes, true)
}

/// Notes that pages go back to the system.
#[inline]
pub fn unmap(start: usize, bytes: usize) {
    pages::set(start, bytes, false);
}

/// The order of a run's blocks: random (Fisher and Yates) for the first 256, which is all that a run of a process has.
pub struct Order {
    places: [u8; 256],
    count: u64,
}

impl Order {
    /// For a run of `count` blocks; in the order in which they lie unless `random`.
    pub fn new(count: u64, random: bool) -> Order {
        let mut order = Order {
            places: [0; 256],
            count: if random { count.min(256) } else { 0 },
        };
        for (place, block) in order.places.iter_mut().enumerate() {
            *block = place as u8;
        }
        for last in (1..order.count).rev() {
            let other = random::below(last + 1);
            order.places.swap(last as usize, other as usize);
        }
        order
    }

    /// Which block comes at this place.
    pub fn at(&self, place: u64) -> u64 {
        if place < self.count {
            u64::from(self.places[place as usize])
        } else {
            place
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_comes_back_and_a_changed_word_is_no_link() {
        begin();
        for at in [16u64, 0x7f12_3456_7890, 0x5555_0000_1010] {
            for link in [0u64, 32, 0x7fff_ffff_fff0] {
                let word = encode(at, link);
                assert_ne!(word, link);
                assert_eq!(decode(at, word), link);
                assert_ne!((word ^ 1) ^ at.swap_bytes() ^ random::secret(), link);
            }
        }
        assert_ne!(encode(16, 64), encode(32, 64));
    }

    #[test]
    fn an_order_is_a_permutation_that_varies() {
        for count in [1u64, 2, 4, 63, 256, 300] {
            let order = Order::new(count, true);
            let mut seen = std::vec![false; count as usize];
            for place in 0..count {
                assert!(!core::mem::replace(
                    &mut seen[order.at(place) as usize],
                    true
                ));
            }
        }
        let firsts: std::vec::Vec<u64> = (0..64).map(|_| Order::new(100, true).at(0)).collect();
        assert!(firsts.iter().any(|first| *first != firsts[0]));
        assert_eq!(Order::new(100, false).at(7), 7);
    }
}
