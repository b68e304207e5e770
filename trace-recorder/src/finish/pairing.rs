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
use super::touch::{Made, Touch};
use std::collections::HashMap;
use std::hash::BuildHasherDefault;

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
        // Looked for before it is known what for, which nobody can foretell.
        self.live.reserve();
        let place = self.live.find(touch.address);
        if touch.makes() {
            let made = Made {
                thread: touch.thread,
                index: first_made[touch.thread as usize] + u64::from(touch.at),
                size: touch.size(),
                time_ns: touch.time_ns,
            };
            if is_odd {
                self.make_at_odd(touch.address, made, sink);
            } else if let Some(older) = self.live.insert_at(place, touch.address, made) {
                self.odd.entry(touch.address).or_default().older.push(older);
            }
        } else if is_odd {
            self.release_at_odd(touch, sink);
        } else if let Some(made) = self.live.remove_at(place) {
            sink(touch, Some(made));
        } else {
            self.odd.entry(touch.address).or_default().early = Some(*touch);
        }
    }

    /// [Takes](Pairing::take) touches, all of whose places are looked at before the first of them is taken.
    #[inline(always)]
    pub fn take_all(
        &mut self,
        touches: &[&Touch],
        first_made: &[u64],
        sink: &mut impl FnMut(&Touch, Option<Made>),
    ) {
        self.live
            .look_ahead(touches.iter().map(|touch| touch.address));
        for touch in touches {
            self.take(touch, first_made, sink);
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

    /// A release (thread, at), and the owner (thread, index) of its block.
    type Owner = ((u32, u32), Option<(u32, u64)>);

    /// Runs the touches as one window.
    fn run(touches: &[Touch], skew_ns: u64) -> (Vec<Owner>, Repairs) {
        let mut pairing = Pairing::new(skew_ns);
        let mut found = Vec::new();
        let mut sink = |touch: &Touch, made: Option<Made>| {
            found.push(((touch.thread, touch.at), made.map(|m| (m.thread, m.index))));
        };
        for touch in touches {
            pairing.take(touch, &[0; 8], &mut sink);
        }
        pairing.settle(&mut sink);
        found.sort_unstable();
        (found, pairing.repairs())
    }

    fn make(time: u64, thread: u32, at: u32) -> Touch {
        Touch::making(0x1000, time, thread, at, 8)
    }

    fn free(time: u64, thread: u32, at: u32) -> Touch {
        Touch::release(0x1000, time, thread, at)
    }

    /// What is found out of touches, and what had to be put right.
    fn check(touches: &[Touch], owners: &[Owner], repairs: Repairs) {
        let (found, repaired) = run(touches, 5);
        let mut owners = owners.to_vec();
        owners.sort_unstable();
        assert_eq!(found, owners, "each release is told of once");
        assert_eq!(repaired, repairs);
    }

    #[test]
    fn in_order() {
        check(
            &[make(1, 0, 0), free(2, 1, 0), make(3, 1, 0), free(4, 0, 0)],
            &[((1, 0), Some((0, 0))), ((0, 0), Some((1, 0)))],
            Repairs::default(),
        );
    }

    #[test]
    fn a_late_release_belongs_to_the_older_block() {
        check(
            &[
                make(1, 0, 0),
                make(10, 1, 0),
                free(11, 2, 0),
                free(90, 0, 0),
            ],
            &[((2, 0), Some((0, 0))), ((0, 0), Some((1, 0)))],
            Repairs {
                reordered: 1,
                ..Default::default()
            },
        );
    }

    #[test]
    fn a_missing_release_is_counted_and_costs_one_block() {
        check(
            &[
                make(1, 0, 0),
                make(10, 1, 0),
                free(90, 2, 0),
                make(91, 0, 1),
                free(92, 0, 0),
            ],
            &[((2, 0), Some((1, 0))), ((0, 0), Some((0, 1)))],
            Repairs {
                lost_releases: 1,
                ..Default::default()
            },
        );
    }

    #[test]
    fn a_release_of_an_older_block_is_unknown() {
        check(
            &[free(1, 0, 0), make(2, 1, 0), free(4, 0, 1), free(5, 0, 2)],
            &[((0, 0), None), ((0, 1), Some((1, 0))), ((0, 2), None)],
            Repairs {
                unknown_releases: 2,
                ..Default::default()
            },
        );
    }

    #[test]
    fn an_early_release_is_believed_on_evidence() {
        check(
            &[free(1, 0, 0), make(2, 1, 0), make(8, 1, 1), free(9, 1, 0)],
            &[((0, 0), Some((1, 0))), ((1, 0), Some((1, 1)))],
            Repairs {
                reordered: 1,
                ..Default::default()
            },
        );
    }

    #[test]
    fn a_tie_is_made_first() {
        let (found, _) = run(&[free(3, 0, 0), make(3, 1, 0)], 0);
        assert_eq!(found, [((0, 0), Some((1, 0)))]);
    }
}
