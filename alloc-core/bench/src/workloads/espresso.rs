//! Minimising logic: covers of many sets of one size are built, reduced, and dropped.
//!
//! What espresso does to an allocator: one thread, a list that grows, hundreds of blocks of one size behind it, a part of
//! them handed to the next cover, the others freed in the order in which they were made.

use super::Scale;
use crate::blocks::{Block, Blocks};
use crate::counts::Counts;
use crate::random::Random;

/// Covers that live side by side.
const COVERS: usize = 24;

pub fn run(scale: Scale) -> Counts {
    let built = scale.times(150_000, 60);
    let mut random = Random::new(0);
    let mut blocks = Blocks::default();
    let mut covers: Vec<Cover> = (0..COVERS).map(|_| Cover::default()).collect();
    for _ in 0..built {
        let at = random.below(COVERS);
        let old = std::mem::take(&mut covers[at]);
        let mut cover = Cover::default();
        let size = random.power_law(4, 9);
        for set in old.sets {
            // Every eighth is a part of the next cover as well.
            if random.below(8) == 0 {
                cover.add(&mut blocks, Some(set));
            } else {
                blocks.free(set);
            }
        }
        old.list.into_iter().for_each(|list| blocks.free(list));
        for _ in 0..random.within(20, 600) {
            let set = blocks.malloc(size);
            let scratch = blocks.malloc(size * 2);
            cover.add(&mut blocks, set);
            scratch.into_iter().for_each(|scratch| blocks.free(scratch));
        }
        covers[at] = cover;
    }
    for cover in covers {
        cover
            .sets
            .into_iter()
            .chain(cover.list)
            .for_each(|block| blocks.free(block));
    }
    blocks.counts
}

#[derive(Default)]
struct Cover {
    sets: Vec<Block>,
    /// The list of the sets as the program would keep it: a block that grows by doubling.
    list: Option<Block>,
}

impl Cover {
    fn add(&mut self, blocks: &mut Blocks, set: Option<Block>) {
        self.sets.extend(set);
        let bytes = self.sets.len() * 8;
        match &mut self.list {
            Some(list) if list.size() >= bytes => {}
            Some(list) => {
                let size = list.size() * 2;
                blocks.resize(list, size);
            }
            None => self.list = blocks.malloc(64),
        }
    }
}
