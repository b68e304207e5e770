//! A heap's whole state, kept to come back to.

use std::mem::{MaybeUninit, needs_drop};
use std::ptr;
use std::slice;

use super::blocks::Blocks;
use super::{Core, Part, Replay, State};

/// A heap's whole state, to come back to.
pub struct KeyFrame {
    core: Box<MaybeUninit<Core>>,
    /// Which bytes are kept: from and to, in the order of `bytes`.
    ranges: Vec<(u32, u32)>,
    bytes: Vec<MaybeUninit<u8>>,
    blocks: Blocks,
    requested: u64,
    refused: u64,
}

impl KeyFrame {
    /// What keeping it costs. Bytes.
    pub fn cost(&self) -> u64 {
        (size_of::<Core>() + self.bytes.len() + self.ranges.len() * 8 + self.blocks.capacity() * 9)
            as u64
    }
}

impl Replay {
    /// The state as it is now. Keeps what is the heap's own; what programs write into blocks decides nothing.
    pub fn key_frame(&self) -> KeyFrame {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        self.walk(&mut |part| {
            let (from, to) = own_bytes(&part);
            match ranges.last_mut() {
                Some(last) if last.1 == from => last.1 = to,
                _ => ranges.push((from, to)),
            }
        });
        let mut bytes = Vec::with_capacity(
            ranges
                .iter()
                .map(|range| (range.1 - range.0) as usize)
                .sum(),
        );
        for &(from, to) in &ranges {
            // SAFETY: parts lie within the region's memory. Bytes are copied without being looked at, so it does not
            // matter whether they were ever written.
            bytes.extend_from_slice(unsafe {
                slice::from_raw_parts(
                    self.memory.start.as_ptr().add(from as usize).cast(),
                    (to - from) as usize,
                )
            });
        }
        let mut core = Box::new(MaybeUninit::uninit());
        // SAFETY: the core is plain numbers (it has nothing to drop, see `restore`), so a bitwise copy that is never used
        // but to be copied back is sound.
        unsafe { ptr::copy_nonoverlapping(&raw const *self.core, core.as_mut_ptr(), 1) };
        KeyFrame {
            core,
            ranges,
            bytes,
            blocks: self.blocks.clone(),
            requested: self.requested,
            refused: self.refused,
        }
    }

    /// Goes to a state that [`key_frame`](Self::key_frame) of this same replay has kept.
    pub fn restore(&mut self, frame: &KeyFrame) {
        const {
            assert!(
                !needs_drop::<Core>(),
                "a bitwise copy of the core must own nothing"
            )
        };
        let mut kept = frame.bytes.as_slice();
        for &(from, to) in &frame.ranges {
            let Some((range, rest)) = kept.split_at_checked((to - from) as usize) else {
                break;
            };
            kept = rest;
            // SAFETY: the frame was made of this replay, so the range lies within its memory.
            unsafe {
                ptr::copy_nonoverlapping(
                    range.as_ptr(),
                    self.memory.start.as_ptr().add(from as usize).cast(),
                    range.len(),
                );
            }
        }
        // SAFETY: the frame was made of this core over this memory, so its pointers lead where they led, and the heap's
        // own bytes are as they were; the core that is overwritten has nothing to drop.
        unsafe { ptr::copy_nonoverlapping(frame.core.as_ptr(), &raw mut *self.core, 1) };
        self.blocks.clone_from(&frame.blocks);
        self.requested = frame.requested;
        self.refused = frame.refused;
    }
}

/// The bytes of a part that are the heap's own, from and to: headers, and the links of what is free.
fn own_bytes(part: &Part) -> (u32, u32) {
    let end = part.position + part.bytes;
    let (from, to) = match part.state {
        State::InUse => (part.position, part.payload),
        // Before the payload of a span with a large alignment there is room; its header is the end of it.
        State::Header => (end.saturating_sub(part.bytes.min(128)), end),
        State::Cached | State::Home => (part.position, part.payload + 8),
        // A free chunk that was never handed out has a header, too.
        State::Free | State::Fresh => (part.position, part.position + 32),
    };
    (from as u32, to.min(end) as u32)
}
