//! The ways home: what happens to a block when no cache keeps it.
//!
//! A block goes to the home that it came from, whichever thread had it: to that of its run or, for a chunk, of its owner
//! word. Many go together, those of one home in one list, so that each home is entered once.

use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicU64, Ordering};

use super::depot::Refused;
use super::home::{SPACE, number_of};
use super::{homes, manager};
use crate::base::class::BINS;
use crate::base::error::Misuse;
use crate::base::stop::stop;
use crate::chunk::owner;
use crate::chunk::tag::{Chunk, KEPT};
use crate::heap::arenas::check_block;
use crate::heap::cache::Chain;

/// Sends home what the depot has no room for.
#[cold]
pub fn send_home(refused: Refused) {
    match refused {
        // SAFETY: lists that were on their way through the depot are of free blocks that nobody else has.
        Refused::Small(chain) => unsafe { bring_home(chain) },
        // SAFETY: as above.
        Refused::Medium(chain) => unsafe { let_go(chain) },
    }
}

/// Sends free small blocks to the homes they came from: those of one home together.
///
/// # Safety
/// They are small blocks marked as free, in no other list, and nobody uses them.
pub unsafe fn bring_home(chain: Chain) {
    if chain.first == 0 {
        return;
    }
    let mut strays = Strays::new();
    // SAFETY: the caller's promise; what is left over is brought to its own home.
    unsafe {
        // Mostly all of them came from one home.
        let home = homes::find(number_of(chain.first));
        if !home.is_some_and(|home| home.take_in(chain.first, |at| strays.add(number_of(at), at))) {
            each(chain, |at| strays.add(number_of(at), at));
        }
        strays.deliver();
    }
}

/// Shows the blocks of a list; the receiver may link them elsewhere.
///
/// # Safety
/// They are free blocks, small ones or chunks, that nobody else uses.
pub unsafe fn each(chain: Chain, mut show: impl FnMut(u64)) {
    let mut at = chain.first;
    while at != 0 {
        // SAFETY: the caller's promise.
        let next = unsafe { SPACE.link(at) };
        show(at);
        at = next;
    }
}

/// Free blocks by the home they came from.
pub struct Strays {
    lists: [MaybeUninit<(u64, u64)>; homes::MAX_HOMES],
    /// A bit for each list that has blocks.
    there: u64,
}

impl Default for Strays {
    fn default() -> Self {
        Strays::new()
    }
}

impl Strays {
    /// None yet.
    pub fn new() -> Strays {
        Strays {
            lists: [const { MaybeUninit::uninit() }; homes::MAX_HOMES],
            there: 0,
        }
    }

    /// Adds a block.
    ///
    /// # Safety
    /// `at` is a free block of the home of this number, in no other list, and nobody uses it.
    pub unsafe fn add(&mut self, number: u32, at: u64) {
        let place = (number as usize).wrapping_sub(1);
        if place >= homes::MAX_HOMES {
            return; // Its header was overwritten since it was freed: this block is lost, and nothing else.
        }
        // SAFETY: the caller's promise; a list whose bit is set was written.
        unsafe {
            let list = &mut self.lists[place];
            let (head, last) = match self.there >> place & 1 {
                0 => (0, at),
                _ => list.assume_init(),
            };
            SPACE.set_link(at, head);
            list.write((at, last));
            self.there |= 1 << place;
        }
    }

    /// Adds medium blocks, as the chunks that they are for the arenas. A header that was overwritten since its block was freed
    /// ends the process, as it would have at a free.
    ///
    /// # Safety
    /// They are free blocks in the form of a bin, and nobody uses them.
    pub unsafe fn add_medium(&mut self, chain: Chain) {
        // SAFETY: the caller's promise.
        unsafe {
            each(chain, |at| {
                if !SPACE.is_binned(at) {
                    stop(Misuse::NotABlock {
                        address: SPACE.pointer(at).addr(),
                    });
                }
                SPACE.end_binned(at);
                self.add(owner::heap(SPACE.owner_before(at)), at)
            })
        };
        COUNTED_TWICE.fetch_add(u64::from(chain.count), Ordering::Relaxed);
    }

    /// Adds what the depot had no room for.
    ///
    /// # Safety
    /// Nobody uses it.
    pub unsafe fn add_refused(&mut self, refused: Option<Refused>) {
        // SAFETY: the caller's promise; the headers say where it came from.
        unsafe {
            match refused {
                Some(Refused::Small(chain)) => each(chain, |at| self.add(number_of(at), at)),
                Some(Refused::Medium(chain)) => self.add_medium(chain),
                None => {}
            }
        }
    }

    /// Brings them home, those of one home together.
    ///
    /// # Safety
    /// As for [`add`](Self::add), of all that were added.
    pub unsafe fn deliver(mut self) {
        while self.there != 0 {
            let place = self.there.trailing_zeros();
            self.there &= self.there - 1;
            // SAFETY: the list's bit was set.
            let (first, last) = unsafe { self.lists[place as usize].assume_init() };
            if let Some(home) = homes::find(place + 1) {
                // SAFETY: the blocks are of this home, marked as free or kept, and nobody uses them.
                unsafe { home.deliver(first, last) };
            }
        }
    }
}

/// Whether a header is that of a block in use that some owner's cache handed out.
///
/// # Safety
/// There are 16 readable bytes before `at`.
pub unsafe fn check_small(at: u64, word: u32) -> Result<(), Misuse> {
    // SAFETY: the caller's promise.
    let bin = unsafe { SPACE.bin(at) };
    // SAFETY: the caller's promise; a header that says so is that of a chunk, which has 8 bytes more.
    let sound = ((1..BINS).contains(&bin) || unsafe { SPACE.is_binned(at) })
        && word == owner::word(owner::SMALL, owner::heap(word))
        && manager::find(owner::heap(word)).is_some();
    if sound {
        Ok(())
    } else {
        Err(Misuse::NotABlock {
            address: SPACE.pointer(at).addr(),
        })
    }
}

/// Whether a chunk was freed already and is on its way home. All else is tested when it goes home, since
/// that takes a look at the chunk after it.
///
/// # Safety
/// There is a chunk header before `at`.
pub unsafe fn check_kept(at: u64) -> Result<(), Misuse> {
    let c = Chunk::of_payload(at);
    // SAFETY: the caller's promise.
    if unsafe { SPACE.asked(c) == KEPT && SPACE.is_sealed(c) } {
        return Err(Misuse::DoubleFree {
            address: SPACE.pointer(at).addr(),
        });
    }
    Ok(())
}

/// Brings a chunk home, or leaves it in its home's inbox.
///
/// # Safety
/// `at` is a chunk in use with this owner word, and nobody uses it.
pub unsafe fn free_chunk(at: u64, word: u32) -> Result<(), Misuse> {
    let home = homes::find(owner::heap(word)).ok_or(Misuse::NotABlock {
        address: SPACE.pointer(at).addr(),
    })?;
    let c = Chunk::of_payload(at);
    // SAFETY: the caller's promise.
    unsafe {
        if let Some(freed) = home.try_with(|arenas| arenas.free_block(at)) {
            return freed;
        }
        check_block(SPACE, c)?;
        // On its way it is marked, so that a second free is noticed.
        SPACE.set_owner(c, KEPT, word);
        home.deliver(at, at);
    }
    Ok(())
}

/// Sends one medium block home.
///
/// # Safety
/// As for [`Strays::add_medium`].
pub unsafe fn let_one_go(at: u64) {
    // SAFETY: the caller's promise.
    let gone = unsafe {
        match SPACE.is_binned(at) {
            true => {
                SPACE.end_binned(at);
                free_chunk(at, SPACE.owner_before(at))
            }
            false => Err(Misuse::NotABlock {
                address: SPACE.pointer(at).addr(),
            }),
        }
    };
    COUNTED_TWICE.fetch_add(1, Ordering::Relaxed);
    if let Err(found) = gone {
        stop(found);
    }
}

/// Sends medium blocks home.
///
/// # Safety
/// As for [`Strays::add_medium`].
pub unsafe fn let_go(chain: Chain) {
    let mut strays = Strays::new();
    // SAFETY: the caller's promise.
    unsafe {
        strays.add_medium(chain);
        strays.deliver();
    }
}

/// Chunks that were counted as freed when a cache took them, and by the arenas when they went home.
pub static COUNTED_TWICE: AtomicU64 = AtomicU64::new(0);

/// Blocks of a cache freed by threads that had no owner.
pub static OWNERLESS_FREES: AtomicU64 = AtomicU64::new(0);

/// Frees a block for a thread that has no owner. `word` is the block's owner word.
///
/// # Safety
/// `at` is a block (small or chunk), and nobody uses it.
pub unsafe fn free_ownerless(at: u64, word: u32) -> Result<(), Misuse> {
    // SAFETY: the caller's promise.
    unsafe {
        if owner::kind(word) == owner::CHUNK {
            check_kept(at)?;
            return free_chunk(at, word);
        }
        check_small(at, word)?;
        SPACE.set_owner_before(at, owner::FREE);
        SPACE.set_link(at, 0);
        let (first, count) = (at, 1);
        match SPACE.bin(at) < BINS {
            true => bring_home(Chain { first, count }),
            false => let_go(Chain { first, count }),
        }
    }
    OWNERLESS_FREES.fetch_add(1, Ordering::Relaxed);
    Ok(())
}
