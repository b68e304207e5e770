//! A sandbox's whole state, kept to come back to.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::fmt;
use core::mem::{MaybeUninit, needs_drop};
use core::ptr;
use core::slice;

use super::blocks::Blocks;
use super::records::{RECORD, Records};
use super::{Core, Sandbox};
use crate::chunk::arena::ARENA_HEADER;
use crate::chunk::block::{BLOCK_HEADER, FIRST_BLOCK};
use crate::chunk::owner;
use crate::chunk::span::SPAN_HEADER;
use crate::chunk::tag::MIN_CHUNK;
use crate::heap::{Piece, State};

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

/// Which positions of a sandbox's memory are kept, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stretch {
    /// From one position to another, byte by byte.
    Bytes { from: u32, to: u32 },
    /// Records of small blocks at equal distances.
    Records { from: u32, apart: u32, count: u32 },
}

/// A sandbox's whole state: the heap's own bytes, its counters and lists, and the names of the live blocks, of which the
/// live set is made again. What programs write into blocks decides nothing and is not kept.
///
/// ```text
/// invariant: `token` is that of the sandbox that made the frame
/// invariant: stretches lie within that sandbox's memory
/// invariant: `bytes` is as long as all stretches of bytes, `records` has as many as all stretches of records
/// ```
pub struct KeyFrame {
    token: Rc<()>,
    core: Box<MaybeUninit<Core>>,
    /// In the order of the walk.
    stretches: Vec<Stretch>,
    bytes: Vec<MaybeUninit<u8>>,
    records: Records,
    /// Blocks in use that have no record: name and position of the payload.
    others: Vec<(u32, u32)>,
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
        let stretches = self.stretches.len() * size_of::<Stretch>();
        let others = self.others.len() * size_of::<(u32, u32)>();
        (size_of::<Core>() + self.bytes.len() + self.records.len() + stretches + others) as u64
    }
}

impl Sandbox {
    /// The state as it is now.
    pub fn key_frame(&self) -> KeyFrame {
        let mut stretches: Vec<Stretch> = Vec::new();
        let (mut bytes, mut records, mut others) = (Vec::new(), Records::default(), Vec::new());
        let start = self.memory.start();
        self.walk_named_within(0, u64::MAX, &mut |piece: Piece, name| {
            if is_record(&piece) {
                add_record(&mut stretches, piece.position as u32);
                // SAFETY: a small block lies in the sandbox's memory, aligned to 8. Its header was written, and so was the
                // word behind it: as a link by the heap, or as a name, see `keep`. The sandbox is borrowed, so no one
                // writes them.
                records.push(unsafe {
                    let header = start.add(piece.position as usize).cast::<u64>();
                    [header.read(), header.add(1).read()]
                });
                return;
            }
            // Below `MAX_CAPACITY`, since the block lies in the memory.
            others.extend(name.map(|name| (name, piece.payload as u32)));
            let (from, to) = own_bytes(&piece);
            match stretches.last_mut() {
                _ if from == to => return,
                Some(Stretch::Bytes { to: last, .. }) if *last == from => *last = to,
                _ => stretches.push(Stretch::Bytes { from, to }),
            }
            // SAFETY: a walk shows only memory that the source handed out, which lies within the sandbox's own; the
            // sandbox is borrowed, so no one writes it. As `MaybeUninit` it need not have been written ever.
            bytes.extend_from_slice(unsafe {
                slice::from_raw_parts(
                    start.cast::<MaybeUninit<u8>>().add(from as usize).as_ptr(),
                    (to - from) as usize,
                )
            });
        });
        stretches.shrink_to_fit();
        bytes.shrink_to_fit();
        others.shrink_to_fit();
        records.close();
        let mut core = Box::new_uninit();
        // SAFETY: source and target are one `Core` each and do not overlap. The copy is never used as a heap, dropped or
        // handed out: `restore` copies it back over the original, so there never are two heaps over the memory.
        unsafe { ptr::copy_nonoverlapping(&raw const *self.core, core.as_mut_ptr(), 1) };
        KeyFrame {
            token: Rc::clone(&self.token),
            core,
            stretches,
            bytes,
            records,
            others,
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
        let start = self.memory.start();
        let mut kept = frame.bytes.as_ptr();
        let mut records = frame.records.iter();
        let mut blocks = core::mem::replace(&mut self.blocks, Blocks::new());
        blocks.empty();
        for &stretch in &frame.stretches {
            match stretch {
                Stretch::Bytes { from, to } => {
                    let bytes = (to - from) as usize;
                    let to = start.cast::<MaybeUninit<u8>>();
                    // SAFETY: the frame is of this sandbox, whose memory never changes its place or length, so the
                    // stretches lie within it as they did then; `frame.bytes` is as long as all of them; the two are
                    // different allocations.
                    unsafe {
                        ptr::copy_nonoverlapping(kept, to.add(from as usize).as_ptr(), bytes);
                        kept = kept.add(bytes);
                    }
                }
                Stretch::Records { from, apart, count } => {
                    for (index, [header, word]) in (0..count).zip(&mut records) {
                        let position = from + index * apart;
                        // SAFETY: as above; records lie where small blocks lay, aligned to 8.
                        unsafe {
                            let at = start.add(position as usize).cast::<u64>();
                            at.write(header);
                            at.add(1).write(word);
                        }
                        // Its owner word tells what is in use, and the word behind the header is then its name.
                        if header as u32 != owner::FREE {
                            blocks.insert_again(word as u32, position + BLOCK_HEADER as u32);
                        }
                    }
                }
            }
        }
        // SAFETY: `key_frame` has filled the copy. It is of this core over this memory, so its pointers lead where they
        // led, and the heap's own bytes are as they were then. What is overwritten has nothing to drop, see above.
        unsafe { ptr::copy_nonoverlapping(frame.core.as_ptr(), &raw mut *self.core, 1) };
        for &(name, position) in &frame.others {
            blocks.insert_again(name, position);
        }
        self.blocks = blocks;
        Ok(())
    }
}

/// Whether a piece is kept as a record: a small block, whatever its state.
fn is_record(piece: &Piece) -> bool {
    piece.bin > 0 && matches!(piece.state, State::InUse | State::Cached | State::Home)
}

/// Adds the record at a position to the stretches, if it can be to the last of them.
fn add_record(stretches: &mut Vec<Stretch>, position: u32) {
    if let Some(Stretch::Records { from, apart, count }) = stretches.last_mut()
        && position > *from
    {
        let way = position - *from;
        if *count == 1 {
            *apart = way;
        }
        if u64::from(*apart) * u64::from(*count) == u64::from(way) {
            *count += 1;
            return;
        }
    }
    stretches.push(Stretch::Records {
        from: position,
        apart: RECORD as u32,
        count: 1,
    });
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
        // Records, see above.
        State::Cached | State::Home => (piece.position, piece.position),
        // A free chunk that was never handed out has header and links, too; and the links of one that begins right
        // before the frontier lie beyond it.
        State::Free | State::Fresh => (piece.position, piece.position + MIN_CHUNK),
    };
    // Positions are below `MAX_CAPACITY`.
    (from as u32, to.min(end) as u32)
}
