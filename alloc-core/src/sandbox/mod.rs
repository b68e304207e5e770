//! A heap with memory of its own and an interface without `unsafe`: blocks are named by numbers of the caller's, no pointer
//! leaves it, and what a name stands for is looked up before the core is asked.
//!
//! For those who look at layouts and need no memory: the browser, and tests. The heap lives in one region, so its layout
//! depends on the requests alone and is the same on every target. [`Sandbox::key_frame`] keeps a state to come back to.

mod blocks;
mod fields;
mod key_frame;
mod memory;
mod records;

use alloc::boxed::Box;
use alloc::rc::Rc;
use core::fmt;
use core::ptr::NonNull;

use crate::base::error::{Broken, Misuse};
use crate::chunk::block::BLOCK_HEADER;
use crate::heap::policy::Policy;
use crate::heap::{BinCounts, Heap, HeapId, HeapStats, Piece, State};
use crate::source::{Metered, Region};

use blocks::Blocks;
use memory::Memory;

pub use fields::Field;
pub use key_frame::{ForeignFrame, KeyFrame};

/// The most address space that a sandbox gets: what a 32-bit memory leaves, and positions fit in 32 bits. Bytes.
pub const MAX_CAPACITY: u64 = (2 << 30) - (2 << 20);

type Core = Heap<Metered<Region>>;

/// A heap with memory of its own, whose blocks have names.
///
/// ```text
/// invariant: blocks has name -> p  <=>  the core handed out the block at position p under this name, and it was not freed
/// invariant: the first eight bytes of such a block's payload are its name
/// invariant: the core is the only heap over `memory`, and only the core and `restore` write there
/// ```
/// The unsafe calls of the core rest on these.
pub struct Sandbox {
    core: Box<Core>,
    memory: Memory,
    blocks: Blocks,
    /// Whose address no other sandbox or key frame shares while one of them is there.
    token: Rc<()>,
    misuse: Option<Misuse>,
}

/// Why a request was not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The heap could not serve it: its address space is used up, or the alignment is no power of two.
    OutOfMemory,
    /// [`MAX_CAPACITY`] bytes or more: no sandbox can serve it.
    TooLarge,
    /// A live block has this name. Nothing has changed.
    NameTaken,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refusal::OutOfMemory => "the heap's address space does not serve the request",
            Refusal::TooLarge => "the request is larger than any heap's address space",
            Refusal::NameTaken => "a live block has this name",
        })
    }
}

impl core::error::Error for Refusal {}

impl Sandbox {
    /// An empty heap with `capacity` bytes of address space, or with [`MAX_CAPACITY`] if that is less; `None` when there
    /// is no memory for it. What the heap does not touch costs nothing.
    pub fn new(id: HeapId, capacity: u64, policy: Policy) -> Option<Sandbox> {
        let memory = Memory::new(capacity.min(MAX_CAPACITY))?;
        // SAFETY: the one region over this memory; it goes into the core, which is dropped with the memory and has nothing
        // to do when it is.
        let region = unsafe { memory.region() };
        let base = region.base();
        Some(Sandbox {
            core: Box::new(Heap::new(Metered::new(region), base, id, policy)),
            memory,
            blocks: Blocks::new(),
            token: Rc::new(()),
            misuse: None,
        })
    }

    /// A block of `size` bytes under this name.
    ///
    /// # Errors
    /// [`Refusal`]: there is no such block.
    pub fn malloc(&mut self, name: u32, size: u64) -> Result<(), Refusal> {
        self.make(name, size, |core, size| core.malloc(size))
    }

    /// As [`malloc`](Self::malloc), filled with zeros.
    ///
    /// # Errors
    /// As there.
    pub fn calloc(&mut self, name: u32, size: u64) -> Result<(), Refusal> {
        self.make(name, size, |core, size| core.calloc(size))
    }

    /// As [`malloc`](Self::malloc), at a multiple of `align`, a power of two.
    ///
    /// # Errors
    /// As there.
    pub fn aligned(&mut self, name: u32, size: u64, align: u64) -> Result<(), Refusal> {
        // What does not fit is refused as no power of two.
        let align = usize::try_from(align).unwrap_or(usize::MAX);
        self.make(name, size, |core, size| core.aligned(align, size))
    }

    /// Frees the block of this name; `false` when there is none.
    pub fn free(&mut self, name: u32) -> bool {
        let block = self.take(name);
        if let Some(block) = block {
            // SAFETY: the block was live, see `take`, and out of the live set no one can name it again.
            let freed = unsafe { self.core.free(block) };
            self.note(freed.err());
        }
        block.is_some()
    }

    /// The block `old` is gone, and there is one of `size` bytes under the name `new`, which may be the same: in place,
    /// or a copy. Without a block `old` (it may have been refused) this is a [`malloc`](Self::malloc).
    ///
    /// # Errors
    /// [`Refusal`]: there is no block `new`; the old one is gone all the same, unless the name is taken.
    pub fn realloc(&mut self, old: u32, new: u32, size: u64) -> Result<(), Refusal> {
        if new != old && self.blocks.get(new).is_some() {
            return Err(Refusal::NameTaken);
        }
        let Some(block) = self.take(old) else {
            return self.malloc(new, size);
        };
        let served = served_size(size).and_then(|size| {
            // SAFETY: the block was live, see `take`. If the core answers with a block, this one is gone and no one can
            // name it; else it stays in use and is freed below.
            let answer = unsafe { self.core.realloc(block, size) };
            self.note(answer.err());
            answer.ok().flatten().ok_or(Refusal::OutOfMemory)
        });
        if served.is_err() {
            // SAFETY: a refused realloc has left the block in use; out of the live set no one can name it again.
            let freed = unsafe { self.core.free(block) };
            self.note(freed.err());
        }
        self.keep(new, served?);
        Ok(())
    }

    /// Looks at what [`free`](Self::free) and [`realloc`](Self::realloc) of this name would look at first, and does nothing: a
    /// number without meaning. In a large heap all of it is far from the processor, and who asks for several at a time waits
    /// for them together.
    #[inline]
    pub fn touch(&self, name: u32) -> u32 {
        let Some(position) = self.blocks.get(name) else {
            return 0;
        };
        // SAFETY: the position is that of a live block within the memory, see `keep`, and before every payload stands the
        // owner word that the heap wrote, aligned to 8.
        unsafe {
            let payload = self.memory.start().add(position as usize);
            payload.sub(BLOCK_HEADER as usize).cast::<u32>().read()
        }
    }

    /// The thread whose heap this is has ended: what the cache holds goes home, and an arena without blocks goes back.
    pub fn retire(&mut self) {
        self.core.release_last();
    }

    fn make(
        &mut self,
        name: u32,
        size: u64,
        ask: impl FnOnce(&mut Core, usize) -> Option<NonNull<u8>>,
    ) -> Result<(), Refusal> {
        if self.blocks.get(name).is_some() {
            return Err(Refusal::NameTaken);
        }
        let block = ask(&mut self.core, served_size(size)?).ok_or(Refusal::OutOfMemory)?;
        self.keep(name, block);
        Ok(())
    }

    /// Enters a block that the core has handed out.
    fn keep(&mut self, name: u32, block: NonNull<u8>) {
        let position = block.as_ptr().addr() - self.memory.start().as_ptr().addr();
        // SAFETY: every block has at least eight bytes of payload, aligned to 16, that no one else uses.
        unsafe { block.cast::<u64>().write(u64::from(name)) };
        // Below `MAX_CAPACITY`, since the block lies in the memory.
        self.blocks.insert(name, position as u32);
    }

    /// Takes a live block out of the live set: from now on only the caller knows of it.
    fn take(&mut self, name: u32) -> Option<NonNull<u8>> {
        let position = self.blocks.remove(name)?;
        // SAFETY: the position is that of a block within the memory, see `keep`.
        Some(unsafe { self.memory.start().add(position as usize) })
    }

    /// Keeps the first misuse that the core reports.
    fn note(&mut self, misuse: Option<Misuse>) {
        self.misuse = self.misuse.or(misuse);
    }

    /// The first misuse that the core has ever reported. There should be none, whatever the caller does.
    pub fn misuse(&self) -> Option<Misuse> {
        self.misuse
    }

    /// Tests the core's invariants.
    ///
    /// # Errors
    /// The first that does not hold, and where.
    pub fn check_invariants(&self) -> Result<(), Broken> {
        self.core.check_invariants()
    }

    /// A number that stands for the whole layout: equal layouts have equal digests.
    pub fn digest(&self) -> u64 {
        self.core.digest()
    }

    /// Shows every byte that the heap has from its source, in address order within an arena or span.
    pub fn walk(&self, visit: &mut dyn FnMut(Piece)) {
        self.core.walk(visit);
    }

    /// As [`walk`](Self::walk), with the name of each block in use.
    pub fn walk_named(&self, visit: &mut dyn FnMut(Piece, Option<u32>)) {
        self.walk_named_within(0, u64::MAX, visit);
    }

    /// As [`walk_named`](Self::walk_named), without the arenas and spans that lie wholly outside the positions `from` to `to`.
    pub fn walk_named_within(
        &self,
        from: u64,
        to: u64,
        visit: &mut (impl FnMut(Piece, Option<u32>) + ?Sized),
    ) {
        let start = self.memory.start();
        self.core.walk_within(from, to, &mut |piece| {
            let name = (piece.state == State::InUse).then(|| {
                // SAFETY: a block in use is a live one, so its payload begins with its name, see `keep`.
                unsafe { start.add(piece.payload as usize).cast::<u64>().read() as u32 }
            });
            visit(piece, name);
        });
    }

    /// What a bin of small blocks holds.
    pub fn bin(&self, bin: usize) -> BinCounts {
        self.core.bin(bin)
    }

    /// The cached blocks of a bin, the next to be handed out first, by the positions of their payloads, until `visit`
    /// answers `false`.
    pub fn cached_blocks(&self, bin: usize, visit: &mut dyn FnMut(u64) -> bool) {
        self.core.cached_blocks(bin, visit);
    }

    /// The free chunks of a class, by position and length in bytes, until `visit` answers `false`.
    pub fn free_list(&self, class: usize, visit: &mut dyn FnMut(u64, u64) -> bool) {
        self.core.free_list(class, visit);
    }

    /// Chunks merged and chunks cut so far, arenas made, and requests refused. Cheap, unlike [`stats`](Self::stats).
    pub fn steps(&self) -> (u64, u64, u64, u64) {
        self.core.steps()
    }

    /// The core's counters.
    pub fn stats(&self) -> HeapStats {
        self.core.stats()
    }

    /// Bytes that the heap has from its source; the core's own counter says the same.
    pub fn footprint(&self) -> u64 {
        self.core.source().current_bytes
    }

    /// Where the used part of the address space ends: a position.
    pub fn top(&self) -> u64 {
        self.core.source().inner.top()
    }

    /// Address space that the heap may use. Bytes.
    pub fn capacity(&self) -> u64 {
        self.memory.bytes()
    }

    /// The position of a live block's payload, in bytes from the heap's base.
    pub fn position_of(&self, name: u32) -> Option<u64> {
        self.blocks.get(name).map(u64::from)
    }

    /// The name of the live block whose payload is at `position`. Looks at every live block.
    pub fn name_at(&self, position: u64) -> Option<u32> {
        self.blocks.name_at(u32::try_from(position).ok()?)
    }

    /// Live blocks.
    pub fn live(&self) -> usize {
        self.blocks.len()
    }
}

/// A size that the core can be asked for.
fn served_size(size: u64) -> Result<usize, Refusal> {
    usize::try_from(size)
        .ok()
        .filter(|_| size < MAX_CAPACITY)
        .ok_or(Refusal::TooLarge)
}
