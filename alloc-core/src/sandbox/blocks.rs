//! The live set: which names have a block, and where it lies.
//!
//! A table by name, in pages, since it is asked twice for every request: names are given out in order, so those that live
//! lie in few pages, and one that comes lies beside the one before it.
//!
//! ```text
//! invariant: a page counts its slots that are not vacant;  live is the sum over all pages
//! invariant: only the page that was written last may count 0, but for the time between `empty` and `tidy`
//! ```

use alloc::boxed::Box;
use alloc::vec::Vec;

/// Marks a slot without a block; no payload lies there, since payloads are at multiples of 16.
const VACANT: u32 = u32::MAX;

/// Names of a page.
const PAGE: usize = 4096;

struct Page {
    live: u32,
    positions: [u32; PAGE],
}

/// Live blocks: name and position of the payload.
pub(super) struct Blocks {
    pages: Vec<Option<Box<Page>>>,
    /// The page that was written last.
    last: usize,
    live: usize,
}

impl Blocks {
    pub(super) const fn new() -> Blocks {
        Blocks {
            pages: Vec::new(),
            last: 0,
            live: 0,
        }
    }

    /// How many are live.
    pub(super) fn len(&self) -> usize {
        self.live
    }

    /// The position of a live block.
    pub(super) fn get(&self, name: u32) -> Option<u32> {
        let page = self.pages.get(name as usize / PAGE)?.as_deref()?;
        let position = page.positions[name as usize % PAGE];
        (position != VACANT).then_some(position)
    }

    /// The name of the live block at a position. Looks at every page.
    pub(super) fn name_at(&self, position: u32) -> Option<u32> {
        let of_page = |(number, page): (usize, &Option<Box<Page>>)| {
            let slots = &page.as_deref()?.positions;
            let index = slots.iter().position(|&slot| slot == position)?;
            Some((number * PAGE + index) as u32)
        };
        match position {
            VACANT => None,
            _ => self.pages.iter().enumerate().find_map(of_page),
        }
    }

    /// Enters a block, or moves the one of this name.
    pub(super) fn insert(&mut self, name: u32, position: u32) {
        debug_assert_ne!(position, VACANT);
        let number = name as usize / PAGE;
        if number != self.last {
            self.forget_if_empty(self.last);
            self.last = number;
        }
        if self.pages.len() <= number {
            self.pages.resize_with(number + 1, || None);
        }
        let page = self.pages[number].get_or_insert_with(|| {
            Box::new(Page {
                live: 0,
                positions: [VACANT; PAGE],
            })
        });
        let slot = &mut page.positions[name as usize % PAGE];
        if *slot == VACANT {
            page.live += 1;
            self.live += 1;
        }
        *slot = position;
    }

    /// Takes a block out; its position, if it was live.
    pub(super) fn remove(&mut self, name: u32) -> Option<u32> {
        let number = name as usize / PAGE;
        let page = self.pages.get_mut(number)?.as_deref_mut()?;
        let slot = &mut page.positions[name as usize % PAGE];
        if *slot == VACANT {
            return None;
        }
        let position = core::mem::replace(slot, VACANT);
        page.live -= 1;
        self.live -= 1;
        if number != self.last {
            self.forget_if_empty(number);
        }
        Some(position)
    }

    /// Takes all blocks out and keeps the memory, for those that come next; [`tidy`](Self::tidy) gives back what they leave.
    pub(super) fn empty(&mut self) {
        for page in self.pages.iter_mut().flatten().filter(|page| page.live > 0) {
            page.live = 0;
            page.positions.fill(VACANT);
        }
        self.live = 0;
    }

    /// Gives back every page in which nothing lives.
    pub(super) fn tidy(&mut self) {
        (0..self.pages.len()).for_each(|number| self.forget_if_empty(number));
    }

    /// Gives a page back in which nothing lives.
    fn forget_if_empty(&mut self, number: usize) {
        if let Some(slot) = self.pages.get_mut(number)
            && slot.as_ref().is_some_and(|page| page.live == 0)
        {
            *slot = None;
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
        fn it_is_a_map(
            steps in prop::collection::vec((any::<bool>(), 0u32..200, 0u32..3, 0u32..1000), 0..600),
            emptied in 0usize..1200,
        ) {
            let (mut blocks, mut model) = (Blocks::new(), HashMap::new());
            for (at, (insert, name, far, position)) in steps.into_iter().enumerate() {
                if at == emptied {
                    blocks.empty();
                    model.clear();
                }
                // Names in several pages, some on both sides of a border.
                let name = [name, name + 4000, name + 90_000][far as usize];
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
            blocks.tidy();
            let pages = blocks.pages.iter().flatten();
            prop_assert!(pages.clone().all(|page| page.live > 0));
            prop_assert_eq!(pages.map(|page| page.live as usize).sum::<usize>(), model.len());
        }
    }

    #[test]
    fn the_last_name_is_one_like_any() {
        let mut blocks = Blocks::new();
        blocks.insert(u32::MAX, 48);
        assert_eq!(
            (blocks.get(u32::MAX), blocks.name_at(48)),
            (Some(48), Some(u32::MAX))
        );
        assert_eq!((blocks.remove(u32::MAX), blocks.len()), (Some(48), 0));
        assert_eq!(blocks.remove(u32::MAX), None);
    }
}
