//! Nothing: what [`super::on`] does, left out.

/// Before the first link is written.
#[inline(always)]
pub fn begin() {}

/// The word for a link that stands at position `at`: the link.
#[inline(always)]
pub fn encode(_at: u64, link: u64) -> u64 {
    link
}

/// The link of the word at position `at`: the word.
#[inline(always)]
pub fn decode(_at: u64, word: u64) -> u64 {
    word
}

/// Which end of a free chunk is taken: always the front.
#[inline(always)]
pub fn coin() -> bool {
    false
}

/// Nobody looks whether links agree.
#[inline(always)]
pub fn verify(_agree: bool, _at: u64) {}

/// Freed memory keeps what it held.
///
/// # Safety
/// None is needed: nothing is done.
#[inline(always)]
pub unsafe fn wipe(_start: *mut u8, _bytes: usize) {}

/// Nobody notes which pages are the allocator's.
#[inline(always)]
pub fn map(_start: usize, _bytes: usize) -> bool {
    true
}

/// As [`map`].
#[inline(always)]
pub fn unmap(_start: usize, _bytes: usize) {}

/// The order of a run's blocks: as they lie.
pub struct Order;

impl Order {
    /// For a run of `count` blocks.
    #[inline(always)]
    pub fn new(_count: u64, _random: bool) -> Order {
        Order
    }

    /// Which block comes at this place.
    #[inline(always)]
    pub fn at(&self, place: u64) -> u64 {
        place
    }
}
