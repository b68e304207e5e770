//! Which block was at an address: the one question of finishing.
//!
//! A pairing sees everything that happens to its addresses, in the order of time, and keeps who made the block that
//! lives at each. Stamps are causal (a making is stamped after the allocator returned, a release before it runs), so
//! usually making and release simply alternate. Where they do not, a stamp is out of order or an event is missing:
//!
//! * **Two makings in a row.** If a release by another thread follows within the skew, it belongs to the older block
//!   and was late. Otherwise the older block's release is missing: it lives to the end.
//! * **A release where nothing lives.** The block is older than the recording; or a making within the skew was late. The
//!   second is believed only on evidence: when the address is made once more without a release in between.

use super::Repairs;
use super::address::AddressHasher;
use super::table::Table;
use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use trace_format::BlockId;

/// Something that happens to an address: 32 bytes.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Touch {
    /// The address.
    pub address: u64,
    /// When, in nanoseconds since the start.
    pub time_ns: u64,
    /// [`MAKES`] and the size, or 0 for a release.
    what: u64,
    /// Who does it.
    pub thread: u32,
    /// Its number among the makings, or among the releases, of this thread in this window.
    pub at: u32,
}

const MAKES: u64 = 1 << 63;

impl Touch {
    /// A block of `size` bytes (below 2^63) is made.
    pub fn making(address: u64, time_ns: u64, thread: u32, at: u32, size: u64) -> Touch {
        Touch::new(address, time_ns, thread, at, Touch::what(true, size))
    }

    /// A block is released.
    pub fn release(address: u64, time_ns: u64, thread: u32, at: u32) -> Touch {
        Touch::new(address, time_ns, thread, at, Touch::what(false, 0))
    }

    /// What happens: a block of `size` bytes is made, or one is released.
    #[inline(always)]
    pub(super) fn what(makes: bool, size: u64) -> u64 {
        if makes { MAKES | size } else { 0 }
    }

    #[inline(always)]
    pub(super) fn new(address: u64, time_ns: u64, thread: u32, at: u32, what: u64) -> Touch {
        Touch {
            address,
            time_ns,
            what,
            thread,
            at,
        }
    }

    fn makes(&self) -> bool {
        self.what & MAKES != 0
    }
}

/// A block that was made.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Made {
    /// Who made it.
    pub thread: u32,
    /// Its number among the blocks of that thread.
    pub index: u64,
    /// Bytes requested.
    pub size: u64,
    /// When it was made, in nanoseconds since the start.
    pub time_ns: u64,
}

/// Bits of a block's index in its name: a thread that makes ten million blocks a second gets there in a month. Threads
/// are fewer than 2^19.
const INDEX_BITS: u32 = 45;
const _: () = assert!(trace_format::MAX_THREADS as u64 <= 1 << (u64::BITS - INDEX_BITS));

impl Made {
    /// Thread and index in one number, which is never the largest one.
    #[inline(always)]
    pub(super) fn name(&self) -> u64 {
        debug_assert!(self.index >> INDEX_BITS == 0);
        u64::from(self.thread) << INDEX_BITS | self.index
    }

    /// A block of this name.
    #[inline(always)]
    pub(super) fn named(name: u64, size: u64, time_ns: u64) -> Made {
        let block = block_of(name);
        Made {
            thread: block.thread,
            index: block.index,
            size,
            time_ns,
        }
    }
}

/// The block of a name.
#[inline(always)]
pub(super) fn block_of(name: u64) -> BlockId {
    BlockId {
        thread: (name >> INDEX_BITS) as u32,
        index: name & ((1 << INDEX_BITS) - 1),
    }
}

/// Release number `at` of `thread` in this window must not be before `least_ns`.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Raise {
    /// The releasing thread.
    pub thread: u32,
    /// The release's number in this window.
    pub at: u32,
    /// Its least time, in nanoseconds since the start.
    pub least_ns: u64,
}

/// An address where something is out of order.
#[derive(Default, Debug)]
struct Odd {
    /// Blocks at this address that were made before the one that lives, and not yet released; oldest first.
    older: Vec<Made>,
    /// A release that came when nothing lived here.
    early: Option<Touch>,
}

/// The state of some addresses.
#[derive(Debug)]
pub struct Pairing {
    live: Table,
    odd: HashMap<u64, Odd, BuildHasherDefault<AddressHasher>>,
    skew_ns: u64,
    repairs: Repairs,
}

impl Pairing {
    /// Nothing lives yet. Stamps of different threads may be wrong by `skew_ns` against each other.
    pub fn new(skew_ns: u64) -> Pairing {
        Pairing {
            live: Table::new(),
            odd: HashMap::default(),
            skew_ns,
            repairs: Repairs::default(),
        }
    }

    /// Takes the next touch of a window. They come in the order of time, those of one thread in its order. `first_made[t]`
    /// is how many blocks thread `t` made before the window. `sink` hears of each release once, with its owner if that is
    /// known: here or when the window is [settled](Pairing::settle).
    #[inline(always)]
    pub fn take(
        &mut self,
        touch: &Touch,
        first_made: &[u64],
        sink: &mut impl FnMut(&Touch, Option<Made>),
    ) {
        let is_odd = !self.odd.is_empty() && self.odd.contains_key(&touch.address);
        if touch.makes() {
            let made = Made {
                thread: touch.thread,
                index: first_made[touch.thread as usize] + u64::from(touch.at),
                size: touch.what & !MAKES,
                time_ns: touch.time_ns,
            };
            if is_odd {
                self.make_at_odd(touch.address, made, sink);
            } else if let Some(older) = self.live.insert(touch.address, made) {
                self.odd.entry(touch.address).or_default().older.push(older);
            }
        } else if is_odd {
            self.release_at_odd(touch, sink);
        } else if let Some(made) = self.live.remove(touch.address) {
            sink(touch, Some(made));
        } else {
            self.odd.entry(touch.address).or_default().early = Some(*touch);
        }
    }

    fn make_at_odd(
        &mut self,
        address: u64,
        made: Made,
        sink: &mut impl FnMut(&Touch, Option<Made>),
    ) {
        let Some(odd) = self.odd.get_mut(&address) else {
            return;
        };
        if let Some(early) = odd.early.take() {
            let near = made.time_ns <= early.time_ns.saturating_add(self.skew_ns);
            if let Some(between) = self.live.insert(address, made) {
                // Made twice with no release in between: the early release was of the first of them.
                self.repairs.reordered += 1;
                sink(&early, Some(between));
            } else if made.thread != early.thread && made.time_ns == early.time_ns {
                // The clock cannot tell, but an address cannot be released and given out again in no time.
                self.live.remove(address);
                sink(&early, Some(made));
            } else if made.thread != early.thread && near {
                odd.early = Some(early);
                return;
            } else {
                self.repairs.unknown_releases += 1;
                sink(&early, None);
            }
            self.odd.remove(&address);
        } else if let Some(older) = self.live.insert(address, made) {
            odd.older.push(older);
        }
    }

    fn release_at_odd(&mut self, touch: &Touch, sink: &mut impl FnMut(&Touch, Option<Made>)) {
        let Some(odd) = self.odd.get_mut(&touch.address) else {
            return;
        };
        if let Some(early) = odd.early.take() {
            self.repairs.unknown_releases += 1;
            sink(&early, None);
            match self.live.remove(touch.address) {
                Some(made) => {
                    self.odd.remove(&touch.address);
                    sink(touch, Some(made));
                }
                None => odd.early = Some(*touch),
            }
            return;
        }
        let Some(made) = self.live.remove(touch.address) else {
            // The block that lived is released, and older ones are still open: their releases are missing.
            self.repairs.lost_releases += odd.older.len() as u64;
            odd.older.clear();
            odd.early = Some(*touch);
            return;
        };
        let late = touch.thread != made.thread
            && touch.time_ns <= made.time_ns.saturating_add(self.skew_ns);
        if late && !odd.older.is_empty() {
            self.repairs.reordered += 1;
            let oldest = odd.older.remove(0);
            self.live.insert(touch.address, made);
            if odd.older.is_empty() {
                self.odd.remove(&touch.address);
            }
            sink(touch, Some(oldest));
        } else {
            self.repairs.lost_releases += odd.older.len() as u64;
            self.odd.remove(&touch.address);
            sink(touch, Some(made));
        }
    }

    /// The window ends: its events are about to be written, so no release can wait any longer.
    pub fn settle(&mut self, sink: &mut impl FnMut(&Touch, Option<Made>)) {
        if self.odd.is_empty() {
            return;
        }
        let repairs = &mut self.repairs;
        self.odd.retain(|_, odd| {
            if let Some(early) = odd.early.take() {
                repairs.unknown_releases += 1;
                sink(&early, None);
            }
            !odd.older.is_empty()
        });
    }

    /// What had to be repaired so far. Blocks whose release may still turn up count as lost.
    pub fn repairs(&self) -> Repairs {
        let open: usize = self.odd.values().map(|odd| odd.older.len()).sum();
        Repairs {
            lost_releases: self.repairs.lost_releases + open as u64,
            ..self.repairs
        }
    }

    /// Gives the blocks that live, and those whose release is still looked for, another time.
    pub fn retime(&mut self, mut time_of: impl FnMut(&Made) -> u64) {
        self.live.retime(&mut time_of);
        for made in self.odd.values_mut().flat_map(|odd| odd.older.iter_mut()) {
            made.time_ns = time_of(made);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The owner (thread, index) of each release, by (thread, at).
    type Owners = HashMap<(u32, u32), Option<(u32, u64)>>;

    /// Runs the touches as one window.
    fn run(touches: &[Touch], skew_ns: u64) -> (Owners, Repairs) {
        let mut pairing = Pairing::new(skew_ns);
        let mut found = HashMap::new();
        let mut sink = |touch: &Touch, made: Option<Made>| {
            let before = found.insert((touch.thread, touch.at), made.map(|m| (m.thread, m.index)));
            assert!(before.is_none(), "told twice");
        };
        for touch in touches {
            pairing.take(touch, &[0; 8], &mut sink);
        }
        pairing.settle(&mut sink);
        (found, pairing.repairs())
    }

    fn make(time: u64, thread: u32, at: u32) -> Touch {
        Touch::making(0x1000, time, thread, at, 8)
    }

    fn free(time: u64, thread: u32, at: u32) -> Touch {
        Touch::release(0x1000, time, thread, at)
    }

    #[test]
    fn in_order() {
        let (found, repairs) = run(
            &[make(1, 0, 0), free(2, 1, 0), make(3, 1, 0), free(4, 0, 0)],
            5,
        );
        assert_eq!(found[&(1, 0)], Some((0, 0)));
        assert_eq!(found[&(0, 0)], Some((1, 0)));
        assert_eq!(repairs, Repairs::default());
    }

    #[test]
    fn a_late_release_belongs_to_the_older_block() {
        let (found, repairs) = run(
            &[
                make(1, 0, 0),
                make(10, 1, 0),
                free(11, 2, 0),
                free(90, 0, 0),
            ],
            5,
        );
        assert_eq!(found[&(2, 0)], Some((0, 0)));
        assert_eq!(found[&(0, 0)], Some((1, 0)));
        assert_eq!(
            repairs,
            Repairs {
                reordered: 1,
                ..Default::default()
            }
        );
    }

    #[test]
    fn a_missing_release_is_counted_and_costs_one_block() {
        let (found, repairs) = run(
            &[
                make(1, 0, 0),
                make(10, 1, 0),
                free(90, 2, 0),
                make(91, 0, 1),
                free(92, 0, 0),
            ],
            5,
        );
        assert_eq!(found[&(2, 0)], Some((1, 0)));
        assert_eq!(found[&(0, 0)], Some((0, 1)));
        assert_eq!(
            repairs,
            Repairs {
                lost_releases: 1,
                ..Default::default()
            }
        );
    }

    #[test]
    fn a_release_of_an_older_block_is_unknown() {
        let (found, repairs) = run(
            &[free(1, 0, 0), make(2, 1, 0), free(4, 0, 1), free(5, 0, 2)],
            5,
        );
        assert_eq!(found[&(0, 0)], None);
        assert_eq!(found[&(0, 1)], Some((1, 0)));
        assert_eq!(found[&(0, 2)], None);
        assert_eq!(
            repairs,
            Repairs {
                unknown_releases: 2,
                ..Default::default()
            }
        );
    }

    #[test]
    fn an_early_release_is_believed_on_evidence() {
        let (found, repairs) = run(
            &[free(1, 0, 0), make(2, 1, 0), make(8, 1, 1), free(9, 1, 0)],
            5,
        );
        assert_eq!(found[&(0, 0)], Some((1, 0)));
        assert_eq!(found[&(1, 0)], Some((1, 1)));
        assert_eq!(
            repairs,
            Repairs {
                reordered: 1,
                ..Default::default()
            }
        );
    }

    #[test]
    fn a_tie_is_made_first() {
        let (found, _) = run(&[free(3, 0, 0), make(3, 1, 0)], 0);
        assert_eq!(found[&(0, 0)], Some((1, 0)));
    }
}
