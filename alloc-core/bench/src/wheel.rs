//! A timing wheel: blocks that end after a number of operations.
//!
//! The links are in the blocks themselves, so a slot of the ring is one pointer, as in the C programs that this stands for.

use crate::calls;
use crate::counts::Counts;

/// The head of every block in the wheel.
#[repr(C)]
struct Head {
    next: *mut Head,
    size: u32,
    mark: u32,
}

/// The smallest block that the wheel takes, in bytes.
pub const SMALLEST: usize = size_of::<Head>();

/// The ring and what it holds.
pub struct Wheel {
    slots: *mut *mut Head,
    ring: usize,
    now: usize,
    /// What was done so far; the ring itself is not counted.
    pub counts: Counts,
}

impl Wheel {
    /// An empty wheel of `ring` slots, one operation each; `None` when there is no memory for it.
    pub fn new(ring: usize) -> Option<Self> {
        let slots = calls::calloc(ring, size_of::<*mut Head>()).cast::<*mut Head>();
        (!slots.is_null()).then_some(Wheel {
            slots,
            ring,
            now: 0,
            counts: Counts::default(),
        })
    }

    /// Goes one operation on and frees what ends there.
    #[inline]
    pub fn step(&mut self) {
        self.now += 1;
        if self.now == self.ring {
            self.now = 0;
        }
        // SAFETY: `now` is below `ring`.
        let slot = unsafe { &mut *self.slots.add(self.now) };
        let mut head = std::mem::replace(slot, std::ptr::null_mut());
        while !head.is_null() {
            // SAFETY: every block in the wheel begins with a head, and is there until it is freed here.
            unsafe {
                let next = (*head).next;
                let size = (*head).size as usize;
                let last = head.cast::<u8>().add(size - 1);
                let intact = size == SMALLEST || last.read_volatile() == (*head).mark as u8;
                self.counts.damaged += u64::from(!intact || (*head).mark != mark(head, size));
                calls::free(head.cast());
                head = next;
            }
            self.counts.freed += 1;
        }
    }

    /// Allocates `size` bytes (at least [`SMALLEST`]), to be freed in `life` operations (below the ring's slots).
    #[inline]
    pub fn allocate(&mut self, size: usize, life: usize) {
        debug_assert!(size >= SMALLEST && (1..self.ring).contains(&life));
        self.counts.bytes += size as u64;
        let head = calls::malloc(size).cast::<Head>();
        if head.is_null() {
            self.counts.refused += 1;
            return;
        }
        self.counts.allocated += 1;
        let mut at = self.now + life;
        if at >= self.ring {
            at -= self.ring;
        }
        let mark = mark(head, size);
        // SAFETY: `at` is below `ring`; the block has `size` bytes, at least a head's.
        unsafe {
            let slot = self.slots.add(at);
            let mut page = 4096;
            while page < size {
                head.cast::<u8>().add(page).write_volatile(mark as u8);
                page += 4096;
            }
            head.cast::<u8>().add(size - 1).write_volatile(mark as u8);
            *head = Head {
                next: *slot,
                size: size as u32,
                mark,
            };
            *slot = head;
        }
    }

    /// Frees all that is left, and the ring.
    pub fn finish(mut self) -> Counts {
        for _ in 0..self.ring {
            self.step();
        }
        // SAFETY: calloc's, and not used hereafter.
        unsafe { calls::free(self.slots.cast()) };
        self.counts
    }
}

fn mark(head: *mut Head, size: usize) -> u32 {
    (head as usize >> 4) as u32 ^ (size as u32) << 8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_end_when_their_time_has_come() {
        let mut wheel = Wheel::new(8).unwrap();
        wheel.allocate(SMALLEST, 1);
        wheel.allocate(5000, 7);
        wheel.step();
        assert_eq!(wheel.counts.freed, 1);
        for _ in 0..5 {
            wheel.step();
        }
        assert_eq!(wheel.counts.freed, 1);
        wheel.step();
        assert_eq!(wheel.counts.freed, 2);
        wheel.allocate(64, 3);
        let counts = wheel.finish();
        assert_eq!((counts.allocated, counts.freed), (3, 3));
        assert_eq!(counts.complaint(), None);
    }
}
