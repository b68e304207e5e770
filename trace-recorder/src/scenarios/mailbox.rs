//! A mailbox: a bounded queue of blocks, many senders, many readers, no lock.
//!
//! Dmitry Vyukov's bounded queue: each cell carries a turn. A sender may fill the cell whose turn is its ticket; it then
//! says turn + 1, by which a reader may empty it, and that says turn + capacity.

use super::blocks::{Block, Slot};
use std::sync::atomic::{AtomicUsize, Ordering};

#[derive(Debug)]
struct Cell {
    turn: AtomicUsize,
    slot: Slot,
}

/// A bounded queue of blocks.
#[derive(Debug)]
pub(super) struct Mailbox {
    cells: Box<[Cell]>,
    /// The next ticket to send, and to read.
    send: AtomicUsize,
    read: AtomicUsize,
}

impl Mailbox {
    /// With room for `capacity` blocks, a power of two.
    pub fn new(capacity: usize) -> Mailbox {
        let cells = (0..capacity.next_power_of_two().max(2))
            .map(|n| Cell {
                turn: AtomicUsize::new(n),
                slot: Slot::default(),
            })
            .collect();
        Mailbox {
            cells,
            send: AtomicUsize::new(0),
            read: AtomicUsize::new(0),
        }
    }

    /// Posts a block; it comes back if the mailbox is full.
    pub fn post(&self, block: Block) -> Result<(), Block> {
        let mut ticket = self.send.load(Ordering::Relaxed);
        loop {
            let cell = &self.cells[ticket & (self.cells.len() - 1)];
            let ahead = cell.turn.load(Ordering::Acquire).wrapping_sub(ticket) as isize;
            if ahead == 0 {
                match self.send.compare_exchange_weak(
                    ticket,
                    ticket + 1,
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                ) {
                    Ok(_) => {
                        cell.slot.exchange(Some(block));
                        cell.turn.store(ticket + 1, Ordering::Release);
                        return Ok(());
                    }
                    Err(now) => ticket = now,
                }
            } else if ahead < 0 {
                return Err(block);
            } else {
                ticket = self.send.load(Ordering::Relaxed);
            }
        }
    }

    /// Takes the oldest block, if there is one.
    pub fn take(&self) -> Option<Block> {
        let mut ticket = self.read.load(Ordering::Relaxed);
        loop {
            let cell = &self.cells[ticket & (self.cells.len() - 1)];
            let ahead = cell.turn.load(Ordering::Acquire).wrapping_sub(ticket + 1) as isize;
            if ahead == 0 {
                match self.read.compare_exchange_weak(
                    ticket,
                    ticket + 1,
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                ) {
                    Ok(_) => {
                        let block = cell.slot.exchange(None);
                        cell.turn
                            .store(ticket + self.cells.len(), Ordering::Release);
                        return block;
                    }
                    Err(now) => ticket = now,
                }
            } else if ahead < 0 {
                return None;
            } else {
                ticket = self.read.load(Ordering::Relaxed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::blocks::Memory;
    use super::*;
    use crate::recording::RecordingAlloc;
    use std::alloc::System;

    #[test]
    fn full_and_empty() {
        let allocator = RecordingAlloc::new(System);
        let memory = Memory::new(&allocator);
        let mailbox = Mailbox::new(4);
        assert!(mailbox.take().is_none());
        for round in 0..3 {
            for n in 1..=4 {
                mailbox.post(memory.allocate(n + round).unwrap()).unwrap();
            }
            let back = mailbox.post(memory.allocate(99).unwrap()).unwrap_err();
            memory.free(back);
            for n in 1..=4 {
                let block = mailbox.take().unwrap();
                assert_eq!(block.size(), n + round);
                memory.free(block);
            }
            assert!(mailbox.take().is_none());
        }
    }

    #[test]
    fn nothing_is_lost_between_threads() {
        let allocator = RecordingAlloc::new(System);
        let mailbox = Mailbox::new(8);
        let (sent, taken) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let memory = Memory::new(&allocator);
                    for n in 1..5000 {
                        match mailbox.post(memory.allocate(n % 64 + 1).unwrap()) {
                            Ok(()) => drop(sent.fetch_add(n % 64 + 1, Ordering::Relaxed)),
                            Err(block) => memory.free(block),
                        }
                        if let Some(block) = mailbox.take() {
                            taken.fetch_add(block.size(), Ordering::Relaxed);
                            memory.free(block);
                        }
                    }
                });
            }
        });
        let memory = Memory::new(&allocator);
        while let Some(block) = mailbox.take() {
            taken.fetch_add(block.size(), Ordering::Relaxed);
            memory.free(block);
        }
        assert_eq!(sent.into_inner(), taken.into_inner());
    }
}
