//! A sandbox's whole state, kept to come back to.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::fmt;
use core::mem::{MaybeUninit, needs_drop};
use core::ptr;
use core::slice;

use super::blocks::Blocks;
use super::{Core, Sandbox};
use crate::chunk::arena::ARENA_HEADER;
use crate::chunk::block::{BLOCK_HEADER, FIRST_BLOCK};
use crate::chunk::span::SPAN_HEADER;
use crate::chunk::tag::MIN_CHUNK;
use crate::heap::{Piece, State};

/// Bytes of the link that a free small block keeps in its payload.
const LINK: u64 = 8;

/// Bytes kept of a live block's payload: its name, and what makes it a multiple of 8.
const NAME: u64 = 8;

/// The longest header that a piece of headers holds. Bytes.
const LONGEST_HEADER: u64 = {
    let run = FIRST_BLOCK - BLOCK_HEADER;
    let most = if ARENA_HEADER > SPAN_HEADER {
        ARENA_HEADER
    } else {
        SPAN_HEADER
    };
    if run > most { run } else { most }
};

/// A sandbox's whole state: the heap's own bytes, its counters and lists, and the names of the live blocks, of which the
/// live set is made again. What programs write into blocks decides nothing and is not kept.
///
/// ```text
/// invariant: `token` is that of the sandbox that made the frame
/// invariant: ranges lie within that sandbox's memory, and `bytes` is as long as all of them
/// ```
pub struct KeyFrame {
    token: Rc<()>,
    core: Box<MaybeUninit<Core>>,
    /// Which positions are kept: from and to, in the order of `bytes`.
    ranges: Vec<(u32, u32)>,
    bytes: Vec<MaybeUninit<u8>>,
    live: usize,
}

/// A key frame of another sandbox; nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForeignFrame;

impl fmt::Display for ForeignFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the key frame is of another heap; restore one that this heap has made")
    }
}

impl core::error::Error for ForeignFrame {}

impl KeyFrame {
    /// What keeping it costs. Bytes.
    pub fn cost(&self) -> u64 {
        let ranges = self.ranges.len() * size_of::<(u32, u32)>();
        (size_of::<Core>() + self.bytes.len() + ranges) as u64
    }
}

impl Sandbox {
    /// The state as it is now.
    pub fn key_frame(&self) -> KeyFrame {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        self.walk(&mut |piece| {
            let (from, to) = own_bytes(&piece);
            match ranges.last_mut() {
                _ if from == to => {}
                Some(last) if last.1 == from => last.1 = to,
                _ => ranges.push((from, to)),
            }
        });
        let total = ranges.iter().map(|range| (range.1 - range.0) as usize);
        let mut bytes = Vec::with_capacity(total.sum());
        let start = self.memory.start().cast::<MaybeUninit<u8>>();
        for &(from, to) in &ranges {
            // SAFETY: a walk shows only memory that the source handed out, which lies within the sandbox's own; the
            // sandbox is borrowed, so no one writes it. As `MaybeUninit` it need not have been written ever.
            bytes.extend_from_slice(unsafe {
                slice::from_raw_parts(
                    start.add(from as usize).as_ptr().cast_const(),
                    (to - from) as usize,
                )
            });
        }
        let mut core = Box::new_uninit();
        // SAFETY: source and target are one `Core` each and do not overlap. The copy is never used as a heap, dropped or
        // handed out: `restore` copies it back over the original, so there never are two heaps over the memory.
        unsafe { ptr::copy_nonoverlapping(&raw const *self.core, core.as_mut_ptr(), 1) };
        KeyFrame {
            token: Rc::clone(&self.token),
            core,
            ranges,
            bytes,
            live: self.blocks.len(),
        }
    }

    /// Goes to a state that [`key_frame`](Self::key_frame) of this same sandbox has kept.
    ///
    /// # Errors
    /// [`ForeignFrame`] when another sandbox made the frame.
    pub fn restore(&mut self, frame: &KeyFrame) -> Result<(), ForeignFrame> {
        const {
            assert!(
                !needs_drop::<Core>(),
                "a bitwise copy of the core must own nothing"
            )
        };
        if !Rc::ptr_eq(&self.token, &frame.token) {
            return Err(ForeignFrame);
        }
        // The one thing that may fail comes first: heap, memory and live set must never be of different moments.
        let mut blocks = Blocks::with_room(frame.live);
        let start = self.memory.start().cast::<MaybeUninit<u8>>();
        let mut kept = frame.bytes.as_ptr();
        for &(from, to) in &frame.ranges {
            let bytes = (to - from) as usize;
            // SAFETY: the frame is of this sandbox, whose memory never changes its place or length, so the ranges lie
            // within it as they did then; `frame.bytes` is as long as all ranges; the two are different allocations.
            unsafe {
                ptr::copy_nonoverlapping(kept, start.add(from as usize).as_ptr(), bytes);
                kept = kept.add(bytes);
            }
        }
        // SAFETY: `key_frame` has filled the copy. It is of this core over this memory, so its pointers lead where they
        // led, and the heap's own bytes are as they were then. What is overwritten has nothing to drop, see above.
        unsafe { ptr::copy_nonoverlapping(frame.core.as_ptr(), &raw mut *self.core, 1) };
        self.walk_named(&mut |piece, name| {
            if let Some(name) = name {
                // Below `MAX_CAPACITY`, since the block lies in the memory.
                blocks.insert(name, piece.payload as u32);
            }
        });
        self.blocks = blocks;
        Ok(())
    }
}

/// The bytes of a piece that may be the heap's own, as positions from and to: headers, and the links of what is free.
fn own_bytes(piece: &Piece) -> (u32, u32) {
    let end = piece.position + piece.bytes;
    let (from, to) = match piece.state {
        State::InUse => (piece.position, piece.payload + NAME),
        // Left over at the end of a run.
        State::Header if piece.payload != piece.position => (end, end),
        // Before the header of a span with a large alignment there is room; the header is the end of the piece.
        State::Header => (end - piece.bytes.min(LONGEST_HEADER), end),
        State::Cached | State::Home => (piece.position, piece.payload + LINK),
        // A free chunk that was never handed out has header and links, too; and the links of one that begins right
        // before the frontier lie beyond it.
        State::Free | State::Fresh => (piece.position, piece.position + MIN_CHUNK),
    };
    // Positions are below `MAX_CAPACITY`.
    (from as u32, to.min(end) as u32)
}
