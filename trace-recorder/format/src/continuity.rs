//! How far each thread's chunks go, for who walks over all of them in little memory.

use crate::event::ThreadIndex;
use crate::index::ChunkInfo;

/// How far a thread's chunks go.
#[derive(Copy, Clone, Default)]
pub(crate) struct ThreadState {
    pub events: u64,
    pub allocations: u64,
    pub start_ns: u64,
    pub end_ns: u64,
    /// A chunk before could not be read, so `allocations` is not known.
    pub gap: bool,
    pub started: bool,
    pub ended: bool,
}

impl ThreadState {
    /// Steps over a chunk that cannot be read.
    pub fn skip(&mut self, info: &ChunkInfo) {
        self.events = info.first_event.saturating_add(u64::from(info.events));
        self.gap = true;
    }
}

/// The threads' states, in pages, so that one large number does not take memory for all below it.
#[derive(Default)]
pub(crate) struct ThreadStates {
    pages: Vec<Option<Box<[ThreadState; PAGE]>>>,
}

const PAGE: usize = 256;

impl ThreadStates {
    /// The thread's state; `None` when the number is out of range.
    pub fn get_mut(&mut self, thread: ThreadIndex) -> Option<&mut ThreadState> {
        if thread >= crate::MAX_THREADS {
            return None;
        }
        let page = thread as usize / PAGE;
        if page >= self.pages.len() {
            self.pages.resize_with(page + 1, || None);
        }
        let page = self
            .pages
            .get_mut(page)?
            .get_or_insert_with(|| Box::new([ThreadState::default(); PAGE]));
        page.get_mut(thread as usize % PAGE)
    }

    /// A copy of the thread's state.
    pub fn get(&self, thread: ThreadIndex) -> ThreadState {
        let page = self
            .pages
            .get(thread as usize / PAGE)
            .and_then(Option::as_ref);
        page.and_then(|page| page.get(thread as usize % PAGE))
            .copied()
            .unwrap_or_default()
    }
}
