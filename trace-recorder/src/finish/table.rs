//! The blocks that live, by address.
//!
//! Nearly every event looks an address up, so this decides how long finishing takes. Slots lie side by side, two in a line of
//! the cache, and what is looked for stands at its place or a few behind (linear probing); a removal closes the gap, so
//! nothing is left of blocks that are gone.

use super::address::hash;
use super::touch::Made;

/// A slot: 32 bytes.
#[derive(Copy, Clone, Debug)]
struct Slot {
    address: u64,
    /// Who made the block, see [`Made::name`]; [`EMPTY`] when there is none.
    name: u64,
    size: u64,
    time_ns: u64,
}

/// A name that no block has.
const EMPTY: u64 = u64::MAX;

const NO_BLOCK: Slot = Slot {
    address: 0,
    name: EMPTY,
    size: 0,
    time_ns: 0,
};

/// Slots at first, as a power of two.
const FIRST_BITS: u32 = 6;

/// How many of 2^`bits` slots may be taken. The fewer, the less often a block is in another's way, which no processor can
/// foretell; but where that would take much memory, more.
fn most_taken(bits: u32) -> usize {
    let slots = 1 << bits;
    match bits {
        ..MIDDLE_BITS => slots / 4,
        MIDDLE_BITS..LARGE_BITS => slots / 2,
        LARGE_BITS.. => slots / 4 * 3,
    }
}

/// A table with so many slots is of middle size, as a power of two: 1 MiB.
const MIDDLE_BITS: u32 = 15;

/// A table with so many slots is large, as a power of two: 8 MiB.
const LARGE_BITS: u32 = 18;

/// Blocks by address.
#[derive(Debug)]
pub(super) struct Table {
    /// A power of two of them.
    slots: Vec<Slot>,
    /// How many may be taken.
    most: usize,
    bits: u32,
    len: usize,
}

impl Table {
    /// Empty.
    pub fn new() -> Table {
        Table {
            slots: vec![NO_BLOCK; 1 << FIRST_BITS],
            most: most_taken(FIRST_BITS),
            bits: FIRST_BITS,
            len: 0,
        }
    }

    /// Where a block of this address stands at best.
    #[inline(always)]
    fn home(&self, address: u64) -> usize {
        (hash(address) >> (u64::BITS - self.bits)) as usize
    }

    /// The slot of this address, or the empty one where it would stand.
    #[inline(always)]
    pub fn find(&self, address: u64) -> usize {
        let last = self.slots.len() - 1;
        let mut at = self.home(address);
        loop {
            let slot = &self.slots[at & last];
            if slot.address == address || slot.name == EMPTY {
                return at & last;
            }
            at += 1;
        }
    }

    /// Makes room for one more block. Places that were [found](Table::find) before may not be used afterwards.
    #[inline(always)]
    pub fn reserve(&mut self) {
        if self.len >= self.most {
            self.grow();
        }
    }

    /// A block lives at this address, whose place was [found](Table::find) after room was [made](Table::reserve). What comes
    /// back is the one that lived there.
    #[inline(always)]
    pub fn insert_at(&mut self, at: usize, address: u64, made: Made) -> Option<Made> {
        let slot = &mut self.slots[at];
        let before = slot.made();
        *slot = Slot {
            address,
            name: made.name(),
            size: made.size,
            time_ns: made.time_ns,
        };
        self.len += usize::from(before.is_none());
        before
    }

    /// No block lives any more at the address whose place was [found](Table::find). What comes back is the one that did.
    #[inline(always)]
    pub fn remove_at(&mut self, mut gap: usize) -> Option<Made> {
        let last = self.slots.len() - 1;
        let gone = self.slots[gap].made()?;
        self.len -= 1;
        let mut at = gap;
        loop {
            at = (at + 1) & last;
            let slot = self.slots[at];
            if slot.name == EMPTY {
                break;
            }
            // It may move to the gap if that is not before its home.
            let from_home = at.wrapping_sub(self.home(slot.address)) & last;
            if from_home >= at.wrapping_sub(gap) & last {
                self.slots[gap] = slot;
                gap = at;
            }
        }
        self.slots[gap] = NO_BLOCK;
        Some(gone)
    }

    /// A block lives at this address. What comes back is the one that lived there.
    pub fn insert(&mut self, address: u64, made: Made) -> Option<Made> {
        self.reserve();
        self.insert_at(self.find(address), address, made)
    }

    /// No block lives at this address any more. What comes back is the one that did.
    pub fn remove(&mut self, address: u64) -> Option<Made> {
        self.remove_at(self.find(address))
    }

    /// Looks at the homes of addresses that are about to be asked for, all at once: the memory then comes while others wait
    /// for it, not one after the other.
    #[inline(always)]
    pub fn look_ahead(&self, addresses: impl Iterator<Item = u64>) {
        let seen = addresses.fold(0, |seen, address| {
            seen ^ self.slots[self.home(address) & (self.slots.len() - 1)].name
        });
        std::hint::black_box(seen);
    }

    #[cold]
    fn grow(&mut self) {
        self.bits += 1;
        self.most = most_taken(self.bits);
        let more = vec![NO_BLOCK; 1 << self.bits];
        for slot in std::mem::replace(&mut self.slots, more) {
            if slot.name != EMPTY {
                let at = self.find(slot.address);
                self.slots[at] = slot;
            }
        }
    }

    /// Gives every block another time.
    pub fn retime(&mut self, mut time_of: impl FnMut(&Made) -> u64) {
        for slot in &mut self.slots {
            if let Some(made) = slot.made() {
                slot.time_ns = time_of(&made);
            }
        }
    }
}

impl Slot {
    #[inline(always)]
    fn made(&self) -> Option<Made> {
        (self.name != EMPTY).then(|| Made::named(self.name, self.size, self.time_ns))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        /// As the map of the standard library, with many addresses that want the same slots.
        #[test]
        fn as_any_map(steps in prop::collection::vec((any::<bool>(), 0u64..120, any::<u32>()), 0..600)) {
            let (mut table, mut plain) = (Table::new(), HashMap::new());
            for (insert, address, number) in steps {
                let made = Made { thread: number % 9, index: u64::from(number), size: address, time_ns: 3 };
                if insert {
                    prop_assert_eq!(table.insert(address, made), plain.insert(address, made));
                } else {
                    prop_assert_eq!(table.remove(address), plain.remove(&address));
                }
                prop_assert_eq!(table.len, plain.len());
            }
            for address in 0..120 {
                prop_assert_eq!(table.remove(address), plain.remove(&address));
            }
            prop_assert!(table.slots.iter().all(|slot| slot.name == EMPTY));
        }
    }

    #[test]
    fn times_can_be_changed() {
        let mut table = Table::new();
        let made = |index| Made {
            thread: 1,
            index,
            size: 8,
            time_ns: 5,
        };
        for index in 0..100 {
            assert_eq!(table.insert(index * 16, made(index)), None);
        }
        table.retime(|made| made.index);
        assert_eq!(
            table.remove(160),
            Some(Made {
                time_ns: 10,
                ..made(10)
            })
        );
    }
}
