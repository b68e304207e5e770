//! What lives before the first event that the log keeps: the blocks that its events may still release.

use std::collections::HashMap;

use trace_format::BlockId;

use super::entry::What;

/// A block that was made before the log begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Made {
    /// The event that made it.
    pub(super) event: u32,
    pub(super) what: What,
    pub(super) size: u64,
    pub(super) time_ns: u64,
    /// The event of the log that releases it, or [`NONE`](super::NONE).
    pub(super) released_by: u32,
}

/// Such blocks, by name and by the event that made them.
#[derive(Debug, Default)]
pub(super) struct Before {
    live: HashMap<BlockId, Made>,
    /// Filled when the log begins; sorted by event.
    made: Vec<Made>,
}

impl Before {
    pub(super) fn make(&mut self, block: BlockId, made: Made) {
        self.live.insert(block, made);
    }

    pub(super) fn release(&mut self, block: BlockId) -> Option<Made> {
        self.live.remove(&block)
    }

    /// Nothing comes before the log any more: from now on blocks are found by their events too.
    pub(super) fn close(&mut self) {
        self.made = self.live.values().copied().collect();
        self.made.sort_unstable_by_key(|made| made.event);
    }

    pub(super) fn get(&self, event: u32) -> Option<&Made> {
        let found = self.made.binary_search_by_key(&event, |made| made.event);
        found.ok().and_then(|index| self.made.get(index))
    }

    /// Notes that `event` of the log releases what `maker` made.
    pub(super) fn note(&mut self, maker: u32, event: u32) {
        let found = self.made.binary_search_by_key(&maker, |made| made.event);
        if let Some(made) = found.ok().and_then(|index| self.made.get_mut(index)) {
            made.released_by = event;
        }
    }

    /// Gives back what only appending needs.
    pub(super) fn forget_names(&mut self) {
        self.live = HashMap::new();
    }
}
