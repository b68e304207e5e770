//! The live set: which names have a block, and where it lies.
//!
//! A table with open addressing and linear probing (Knuth, The Art of Computer Programming 3, section 6.4), since it is
//! asked twice for every request. The standard map is not there without an operating system.
//!
//! ```text
//! invariant: the number of slots is 0 or a power of two;  live <= 3/4 of it
//! invariant: no name is in two slots
//! invariant: no slot between a name's first choice and its own slot is vacant
//! ```

use alloc::vec::Vec;

/// Marks a slot without a block; no payload lies there, since payloads are at multiples of 16.
const VACANT: u32 = u32::MAX;

/// The slots of the first table.
const FIRST_SLOTS: usize = 16;

#[derive(Clone, Copy)]
struct Slot {
    name: u32,
    position: u32,
}

const EMPTY: Slot = Slot {
    name: 0,
    position: VACANT,
};

/// Live blocks: name and position of the payload.
pub(super) struct Blocks {
    slots: Vec<Slot>,
    live: usize,
}

impl Blocks {
    pub(super) const fn new() -> Blocks {
        Blocks {
            slots: Vec::new(),
            live: 0,
        }
    }

    /// An empty table that takes so many blocks without growing.
    pub(super) fn with_room(live: usize) -> Blocks {
        let slots = (live * 4 / 3 + 1).next_power_of_two().max(FIRST_SLOTS);
        Blocks {
            slots: alloc::vec![EMPTY; slots],
            live: 0,
        }
    }

    /// How many are live.
    pub(super) fn len(&self) -> usize {
        self.live
    }

    /// The position of a live block.
    pub(super) fn get(&self, name: u32) -> Option<u32> {
        self.find(name).map(|index| self.slots[index].position)
    }

    /// The name of the live block at a position. Looks at every slot.
    pub(super) fn name_at(&self, position: u32) -> Option<u32> {
        self.slots
            .iter()
            .find(|slot| slot.position == position && position != VACANT)
            .map(|slot| slot.name)
    }

    /// Enters a block, or moves the one of this name.
    pub(super) fn insert(&mut self, name: u32, position: u32) {
        debug_assert_ne!(position, VACANT);
        if let Some(index) = self.find(name) {
            self.slots[index].position = position;
            return;
        }
        if (self.live + 1) * 4 > self.slots.len() * 3 {
            self.grow();
        }
        self.put(Slot { name, position });
        self.live += 1;
    }

    /// Takes a block out; its position, if it was live.
    pub(super) fn remove(&mut self, name: u32) -> Option<u32> {
        let mut hole = self.find(name)?;
        let position = self.slots[hole].position;
        let mask = self.slots.len() - 1;
        // Those behind the hole move up, unless that would put them before their first choice (Knuth's algorithm R).
        let mut next = (hole + 1) & mask;
        while self.slots[next].position != VACANT {
            let way = next.wrapping_sub(self.choice(self.slots[next].name)) & mask;
            if way >= (next.wrapping_sub(hole) & mask) {
                self.slots[hole] = self.slots[next];
                hole = next;
            }
            next = (next + 1) & mask;
        }
        self.slots[hole] = EMPTY;
        self.live -= 1;
        Some(position)
    }

    /// The first choice of a name. Only for tables with slots.
    fn choice(&self, name: u32) -> usize {
        // The upper bits of the product with 2^64 over the golden ratio: names that follow one another spread evenly.
        let product = u64::from(name).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (product >> (64 - self.slots.len().trailing_zeros())) as usize
    }

    fn find(&self, name: u32) -> Option<usize> {
        if self.slots.is_empty() {
            return None;
        }
        let mask = self.slots.len() - 1;
        let mut index = self.choice(name);
        // A quarter of the slots is vacant, so this ends.
        while self.slots[index].position != VACANT {
            if self.slots[index].name == name {
                return Some(index);
            }
            index = (index + 1) & mask;
        }
        None
    }

    /// Puts a name that is not there yet into a table that has room.
    fn put(&mut self, slot: Slot) {
        let mask = self.slots.len() - 1;
        let mut index = self.choice(slot.name);
        while self.slots[index].position != VACANT {
            index = (index + 1) & mask;
        }
        self.slots[index] = slot;
    }

    fn grow(&mut self) {
        let slots = (self.slots.len() * 2).max(FIRST_SLOTS);
        let old = core::mem::replace(&mut self.slots, alloc::vec![EMPTY; slots]);
        for slot in old {
            if slot.position != VACANT {
                self.put(slot);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_map(steps in prop::collection::vec((any::<bool>(), 0u32..200, any::<bool>(), 0u32..1000), 0..600)) {
            let (mut blocks, mut model) = (Blocks::new(), HashMap::new());
            for (insert, name, far, position) in steps {
                // Names from both ends of the range, so that probing goes around the table's end.
                let name = if far { u32::MAX - name } else { name };
                if insert {
                    blocks.insert(name, position * 16);
                    model.insert(name, position * 16);
                } else {
                    prop_assert_eq!(blocks.remove(name), model.remove(&name));
                }
                prop_assert_eq!(blocks.len(), model.len());
            }
            for (name, position) in &model {
                prop_assert_eq!(blocks.get(*name), Some(*position));
                let found = blocks.name_at(*position);
                prop_assert_eq!(found.and_then(|name| model.get(&name)), Some(position));
            }
            prop_assert_eq!(blocks.name_at(VACANT), None);
        }
    }
}
