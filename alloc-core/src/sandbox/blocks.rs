//! The live set: which names have a block, and where it lies.
//!
//! A table by name, in pages, since it is asked twice for every request: names are given out in order, so those that live
//! lie in few pages, and one that comes lies beside the one before it.
//!
//! Which names live stands apart from where their blocks lie, a bit each. The same requests make the same blocks, so
//! where a name's block lay it will lie again: who goes back to an earlier state sets bits, which are near the processor even of
//! a million blocks, and leaves the positions, which are not, as they are.
//!
//! ```text
//! invariant: a group counts the bits of each page;  live is the sum over all of them
//! invariant: the position of a live name stands in its page
//! invariant: unless `moved`, a page that is not `gone` has, for each name that ever was in it, the one position it ever had
//! invariant: a page of which no name lives is there only if it was written last, or since `empty`
//! ```

use alloc::boxed::Box;
use alloc::vec::Vec;

/// Marks a slot without a position; no payload lies there, since payloads are at multiples of 16.
const VACANT: u32 = u32::MAX;

/// Names of a page.
const PAGE: usize = 4096;

/// Pages of a group.
const PAGES: usize = 16;

/// Names of a group.
const GROUP: usize = PAGE * PAGES;

type Page = [u32; PAGE];

struct Group {
    /// A bit for each name: whether it lives.
    bits: [u64; GROUP / 64],
    /// Live names of each page.
    live: [u16; PAGES],
    /// A bit for each page: whether it was given back once, with the positions in it.
    gone: u16,
    pages: [Option<Box<Page>>; PAGES],
}

impl Group {
    #[cold]
    fn new() -> Box<Group> {
        Box::new(Group {
            bits: [0; GROUP / 64],
            live: [0; PAGES],
            gone: 0,
            pages: [const { None }; PAGES],
        })
    }

    /// Whether the name in this place of the group lives.
    fn has(&self, at: usize) -> bool {
        self.bits[at / 64] >> (at % 64) & 1 > 0
    }

    /// Marks a name as live; whether it was not before.
    fn set(&mut self, at: usize) -> bool {
        let bit = 1 << (at % 64);
        let new = self.bits[at / 64] & bit == 0;
        self.bits[at / 64] |= bit;
        self.live[at / PAGE] += u16::from(new);
        new
    }

    fn page(&mut self, number: usize) -> &mut Page {
        self.pages[number].get_or_insert_with(|| Box::new([VACANT; PAGE]))
    }

    /// Gives a page back in which nothing lives.
    fn forget_if_empty(&mut self, number: usize) {
        if self.live[number] == 0 && self.pages[number].take().is_some() {
            self.gone |= 1 << number;
        }
    }
}

/// Live blocks: name and position of the payload.
pub(super) struct Blocks {
    groups: Vec<Option<Box<Group>>>,
    /// The page that was written last.
    last: usize,
    live: usize,
    /// Whether a name was ever given to a block elsewhere than the one that had it before.
    moved: bool,
}

/// The group of a name, and its place there.
fn place(name: u32) -> (usize, usize) {
    (name as usize / GROUP, name as usize % GROUP)
}

impl Blocks {
    pub(super) const fn new() -> Blocks {
        Blocks {
            groups: Vec::new(),
            last: 0,
            live: 0,
            moved: false,
        }
    }

    /// How many are live.
    pub(super) fn len(&self) -> usize {
        self.live
    }

    /// The position of a live block.
    #[inline]
    pub(super) fn get(&self, name: u32) -> Option<u32> {
        let (group, at) = place(name);
        let group = self.groups.get(group)?.as_deref()?;
        if !group.has(at) {
            return None;
        }
        group.pages[at / PAGE]
            .as_deref()
            .map(|page| page[at % PAGE])
    }

    /// The name of the live block at a position. Looks at every one.
    pub(super) fn name_at(&self, position: u32) -> Option<u32> {
        let of_group = |(number, group): (usize, &Option<Box<Group>>)| {
            let group = group.as_deref()?;
            let of_page = |(page, positions): (usize, &Option<Box<Page>>)| {
                let slots = positions.as_deref()?.iter().enumerate();
                let mut found = slots.filter(|&(_, &slot)| slot == position);
                let found = found.find(|&(slot, _)| group.has(page * PAGE + slot));
                found.map(|(slot, _)| page * PAGE + slot)
            };
            let at = group.pages.iter().enumerate().find_map(of_page)?;
            Some((number * GROUP + at) as u32)
        };
        self.groups.iter().enumerate().find_map(of_group)
    }

    #[inline(always)]
    fn group(&mut self, number: usize) -> &mut Group {
        if self.groups.len() <= number {
            self.add_groups(number + 1);
        }
        self.groups[number].get_or_insert_with(Group::new)
    }

    #[cold]
    fn add_groups(&mut self, groups: usize) {
        self.groups.resize_with(groups, || None);
    }

    /// Enters a block, or moves the one of this name.
    #[inline]
    pub(super) fn insert(&mut self, name: u32, position: u32) {
        debug_assert_ne!(position, VACANT);
        let number = name as usize / PAGE;
        if number != self.last {
            self.forget_if_empty(self.last);
            self.last = number;
        }
        let (group, at) = place(name);
        let group = self.group(group);
        let slot = &mut group.page(at / PAGE)[at % PAGE];
        let before = core::mem::replace(slot, position);
        let new = group.set(at);
        self.moved |= before != position && before != VACANT;
        self.live += usize::from(new);
    }

    /// Enters a block that was in before, under this name and at this position, and was taken out by [`empty`](Self::empty).
    #[inline]
    pub(super) fn insert_again(&mut self, name: u32, position: u32) {
        let moved = self.moved;
        let (group, at) = place(name);
        let group = self.group(group);
        if moved || group.gone >> (at / PAGE) & 1 > 0 {
            group.page(at / PAGE)[at % PAGE] = position;
        }
        debug_assert_eq!(group.page(at / PAGE)[at % PAGE], position);
        let new = group.set(at);
        self.live += usize::from(new);
    }

    /// Takes a block out; its position, if it was live.
    #[inline]
    pub(super) fn remove(&mut self, name: u32) -> Option<u32> {
        let (number, at) = place(name);
        let group = self.groups.get_mut(number)?.as_deref_mut()?;
        if !group.has(at) {
            return None;
        }
        let page = at / PAGE;
        let position = group.pages[page].as_deref()?[at % PAGE];
        group.bits[at / 64] &= !(1 << (at % 64));
        group.live[page] -= 1;
        if group.live[page] == 0 && name as usize / PAGE != self.last {
            group.forget_if_empty(page);
        }
        self.live -= 1;
        Some(position)
    }

    /// Takes all blocks out and keeps what is known of where they lay.
    pub(super) fn empty(&mut self) {
        for group in self.groups.iter_mut().flatten() {
            group.bits.fill(0);
            group.live.fill(0);
        }
        self.live = 0;
    }

    /// Gives a page back in which nothing lives.
    fn forget_if_empty(&mut self, number: usize) {
        let group = self.groups.get_mut(number / PAGES);
        if let Some(group) = group.and_then(Option::as_deref_mut) {
            group.forget_if_empty(number % PAGES);
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
            steps in prop::collection::vec((0u32..12, 0u32..200, 0u32..4, 0u32..1000), 0..600),
            fixed in any::<bool>(),
        ) {
            let (mut blocks, mut model) = (Blocks::new(), HashMap::new());
            let mut kept = model.clone();
            for (step, name, far, position) in steps {
                // Names in several pages and groups, some on both sides of a border.
                let name = [name, name + 4000, name + 65_500, name + 900_000][far as usize];
                // Each name's block in one place always, or anywhere.
                let position = if fixed { name * 16 } else { position * 16 };
                match step {
                    0 => kept.clone_from(&model),
                    // Back to what was kept.
                    1 => {
                        blocks.empty();
                        for (&name, &position) in &kept {
                            blocks.insert_again(name, position);
                        }
                        model.clone_from(&kept);
                    }
                    2..7 => {
                        blocks.insert(name, position);
                        model.insert(name, position);
                    }
                    _ => prop_assert_eq!(blocks.remove(name), model.remove(&name)),
                }
                prop_assert_eq!(blocks.len(), model.len());
            }
            prop_assert!(!(fixed && blocks.moved));
            for (name, position) in &model {
                prop_assert_eq!(blocks.get(*name), Some(*position));
                let found = blocks.name_at(*position);
                prop_assert_eq!(found.and_then(|name| model.get(&name)), Some(position));
            }
            prop_assert_eq!(blocks.name_at(VACANT), None);
            let groups = blocks.groups.iter().flatten();
            let counted = groups.clone().flat_map(|group| group.live.iter()).map(|&live| usize::from(live));
            let bits = groups.flat_map(|group| group.bits.iter()).map(|bits| bits.count_ones() as usize);
            prop_assert_eq!((counted.sum::<usize>(), bits.sum::<usize>()), (model.len(), model.len()));
        }
    }

    #[test]
    fn pages_without_blocks_go_back() {
        let mut blocks = Blocks::new();
        let names = 10 * PAGE as u32;
        for name in 0..names {
            blocks.insert(name, name * 16);
            if let Some(old) = name.checked_sub(100) {
                assert_eq!(blocks.remove(old), Some(old * 16));
            }
        }
        let pages = blocks
            .groups
            .iter()
            .flatten()
            .flat_map(|group| &group.pages);
        assert!(pages.flatten().count() <= 2);
        // And what was in them comes back.
        blocks.empty();
        blocks.insert_again(7, 7 * 16);
        assert_eq!((blocks.get(7), blocks.get(8)), (Some(112), None));
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
