//! A thread's blocks while its program is written. What is gone takes no memory for long: planning needs memory for the blocks that
//! are alive, not for all that ever were.

use super::op::SizeField;

/// Blocks of a page. A page stays as long as one of its blocks is alive.
const PAGE: usize = 256;

/// Where a block lives, or lived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In this slot of the row's own table.
    Slot(u32, SizeField),
    /// Released already.
    Gone,
    /// Not made yet, or never.
    Unmade,
}

/// The slot number of a block that is gone.
const GONE: u32 = u32::MAX;
/// Slots of a row's own table are numbered below this.
pub(super) const MOST_SLOTS: u32 = u32::MAX - 1;

struct Page {
    blocks: [(u32, SizeField); PAGE],
    alive: usize,
}

/// The blocks of one thread, by index.
#[derive(Default)]
pub(super) struct Blocks {
    pages: Vec<Option<Box<Page>>>,
    made: u64,
}

impl Blocks {
    /// How many were made: the index of the next one.
    pub fn made(&self) -> u64 {
        self.made
    }

    /// The next block lives in this slot of the row's own table.
    pub fn push(&mut self, slot: u32, size: SizeField) {
        let at = self.made as usize % PAGE;
        if at == 0 {
            self.close_last();
            self.pages.push(None);
        }
        if let Some(last) = self.pages.last_mut() {
            let page = last.get_or_insert_with(|| {
                Box::new(Page {
                    blocks: [(GONE, SizeField::default()); PAGE],
                    alive: 0,
                })
            });
            page.blocks[at] = (slot, size);
            page.alive += 1;
        }
        self.made += 1;
    }

    /// The next block lives in the shared table. It takes no memory here: nobody of this row releases it.
    pub fn push_crossing(&mut self) {
        if (self.made as usize).is_multiple_of(PAGE) {
            self.close_last();
            self.pages.push(None);
        }
        self.made += 1;
    }

    /// A full page without blocks goes at once, the last one only when the next begins.
    fn close_last(&mut self) {
        if let Some(last) = self.pages.last_mut()
            && last.as_ref().is_some_and(|page| page.alive == 0)
        {
            *last = None;
        }
    }

    /// Takes the block out. A crossing block is `Gone` too: whoever asks knows the crossings.
    pub fn take(&mut self, index: u64) -> Place {
        if index >= self.made {
            return Place::Unmade;
        }
        let (number, at) = (index as usize / PAGE, index as usize % PAGE);
        let is_last = number + 1 == self.pages.len();
        let Some(entry) = self.pages.get_mut(number) else {
            return Place::Gone;
        };
        let Some(page) = entry else {
            return Place::Gone;
        };
        let (slot, size) = std::mem::replace(&mut page.blocks[at], (GONE, SizeField::default()));
        if slot == GONE {
            return Place::Gone;
        }
        page.alive -= 1;
        if page.alive == 0 && !is_last {
            *entry = None;
        }
        Place::Slot(slot, size)
    }

    /// Those that are left, in the order of making.
    pub fn left(&self) -> impl Iterator<Item = (u32, SizeField)> + '_ {
        self.pages
            .iter()
            .flatten()
            .flat_map(|page| page.blocks.iter().copied())
            .filter(|&(slot, _)| slot != GONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_and_pages_go() {
        let size = SizeField::small(7).unwrap_or_default();
        let mut blocks = Blocks::default();
        for slot in 0..1000 {
            if slot % 5 == 0 {
                blocks.push_crossing();
            } else {
                blocks.push(slot, size);
            }
        }
        assert_eq!(blocks.take(1000), Place::Unmade);
        assert_eq!(blocks.take(5), Place::Gone);
        for index in (0..900).filter(|index| index % 5 != 0) {
            assert_eq!(blocks.take(index), Place::Slot(index as u32, size));
            assert_eq!(blocks.take(index), Place::Gone);
        }
        assert_eq!(blocks.pages.iter().flatten().count(), 1);
        let left: Vec<u32> = blocks.left().map(|(slot, _)| slot).collect();
        assert_eq!(left.len(), 80);
        assert!(left.is_sorted() && left.iter().all(|&slot| slot > 900));
        blocks.push(5000, size);
        assert_eq!(blocks.take(1000), Place::Slot(5000, size));
    }
}
