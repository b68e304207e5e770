//! A window's events on their way from the capture to the tape.

use crate::runtime::raw::{Op, Raw};

/// An event: 16 bytes, since every event becomes one.
#[derive(Copy, Clone, Debug)]
pub(super) struct Item {
    /// When, in nanoseconds since the start.
    pub time_ns: u64,
    /// Operation 4 bits, alignment 6 bits, whether the size stands elsewhere 1 bit; then the size, or where it stands.
    what: u64,
}

const ALIGN_SHIFT: u32 = 4;
const LARGE: u64 = 1 << 10;
const SIZE_SHIFT: u32 = 11;

/// Events of some threads, one thread's after another's.
#[derive(Default, Debug)]
pub(super) struct Items {
    list: Vec<Item>,
    /// Sizes that have no room in an item.
    large: Vec<u64>,
}

impl Items {
    /// Empties it, and keeps its memory.
    pub fn clear(&mut self) {
        self.list.clear();
        self.large.clear();
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Adds an event that happened at `time_ns`.
    #[inline(always)]
    pub fn push(&mut self, time_ns: u64, raw: &Raw) {
        let mut size = raw.size << SIZE_SHIFT;
        if size >> SIZE_SHIFT != raw.size {
            size = self.put_large(raw.size);
        }
        let what = raw.op as u64 | u64::from(raw.align_log2 & 63) << ALIGN_SHIFT | size;
        self.list.push(Item { time_ns, what });
    }

    #[cold]
    fn put_large(&mut self, size: u64) -> u64 {
        self.large.push(size);
        (self.large.len() as u64 - 1) << SIZE_SHIFT | LARGE
    }

    /// Those at these places.
    pub fn at(&self, places: &std::ops::Range<usize>) -> &[Item] {
        self.list.get(places.clone()).unwrap_or_default()
    }

    /// An event's size.
    #[inline(always)]
    pub fn size(&self, item: Item) -> u64 {
        let size = item.what >> SIZE_SHIFT;
        if item.what & LARGE == 0 {
            size
        } else {
            self.large.get(size as usize).copied().unwrap_or(0)
        }
    }
}

impl Item {
    /// What happened.
    #[inline(always)]
    pub fn op(self) -> Op {
        Op::ALL[(self.what & 15) as usize % Op::ALL.len()]
    }

    /// An alignment, as its base-2 logarithm.
    pub fn align_log2(self) -> u8 {
        (self.what >> ALIGN_SHIFT & 63) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out() {
        let mut items = Items::default();
        let sizes = [0, 17, (1 << 53) - 1, 1 << 53, u64::MAX];
        let raw = |n: usize| Raw {
            op: Op::ALL[n % Op::ALL.len()],
            align_log2: (n * 13 % 64) as u8,
            size: sizes[n % sizes.len()],
            address: 0,
            stamp: 0,
        };
        for n in 0..60 {
            items.push(n as u64 * 1000, &raw(n));
        }
        for (n, &item) in items.at(&(0..60)).iter().enumerate() {
            assert_eq!(item.time_ns, n as u64 * 1000);
            assert_eq!(
                (item.op(), item.align_log2(), items.size(item)),
                (raw(n).op, raw(n).align_log2, raw(n).size)
            );
        }
    }
}
