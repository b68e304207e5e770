//! How many medium blocks a cache keeps: they are few and large, so what counts is their bytes together.
//!
//! A limit begins at nothing and grows as long as those of all medium bins stay within the thread's budget; a bin that serves
//! nothing for a while gives its part back. Where there is no room, single blocks go home, and coalesce; long lists go to
//! whoever needs them.

use super::{Cache, Chain, Given, Share};
use crate::base::class::BINS;
use crate::base::medium::bin_bytes;

/// Most blocks of a bin, and most bytes of them (but for one block).
const PER_BIN: u64 = 32;
const BIN_BYTES: u64 = 128 << 10;
/// Most bytes that a thread keeps; where memory is little, a part of its share of it. (With 256 KiB and an eighth
/// a program whose blocks are of all sizes spent a third more time, for 6 % less memory.)
const BUDGET: u64 = 1 << 20;
const PART: u64 = 6;
const LEAST: u64 = 8 << 10;
/// All limits may come to so many times the budget, since lists are seldom full at the same time: less where many threads
/// share the processors, most of which sleep on what they keep. (Two threads with random sizes took 1.7 times as long with
/// twice the budget as with eight times. 200 that wait: a process of 1.8 times
/// the size with eight times.)
const HOPE: u64 = 6;
const LEAST_HOPE: u64 = 1;
/// So many threads are not many.
const FEW: u64 = 16;
/// The same where memory is to go back to the system: what lies in a list can't be taken from a thread that sleeps.
const THRIFTY_HOPE: u64 = 2;
/// Then a bin keeps none where so many times its most were freed since its list last ran empty.
const EBB: u64 = 2;
/// A list of so many blocks is worth to be handed on where the bytes are used up.
const WORTH: u32 = 8;

impl<const N: usize> Cache<N> {
    /// Sets the budget of medium blocks by the thread's share of all memory.
    pub(super) fn set_medium_share(&mut self, share: Share, thrifty: bool) {
        let budget = (share.aside() / PART).clamp(LEAST, BUDGET);
        let most = if thrifty { THRIFTY_HOPE } else { HOPE };
        let hope = (HOPE * FEW / share.threads).clamp(LEAST_HOPE, most);
        self.bounds[1].limits_most = hope * budget;
        // Only what is aside can be taken from a thread that sleeps.
        self.bounds[1].spared_most = if thrifty { budget } else { 0 };
    }

    /// The list of a medium bin is longer than its limit.
    pub(super) fn overflow_medium(&mut self, bin: usize) -> Option<Given> {
        let (listed, limit) = (self.listed(bin) as u32, self.states[bin].limit);
        let state = &mut self.states[bin];
        state.ebbed = state.ebbed.saturating_add(listed);
        let ebbing = self.least == 0 && u64::from(state.ebbed) > EBB * most(bin);
        if !ebbing && self.raise_medium(bin) {
            return None;
        }
        if ebbing {
            // What is only freed waits where it can be taken.
            self.set_limit(bin, 0);
            if listed == 1 {
                return self.drop_aside(bin);
            }
        }
        if i64::from(limit) >= most(bin) as i64 || listed >= WORTH || ebbing {
            return Some(Given::On(self.unlist(bin)));
        }
        let at = self.heads[bin];
        // SAFETY: the list is longer than its limit, so it has a block, which nobody else has.
        unsafe {
            self.heads[bin] = self.space.link(at);
            self.space.set_link(at, 0);
        }
        self.rooms[bin] += 1;
        self.brought -= 1;
        let (first, count) = (at, 1);
        Some(Given::Home(Chain { first, count }))
    }

    /// The list of a medium bin was empty when a block was asked for.
    pub fn ran_empty(&mut self, bin: usize) {
        self.states[bin].ebbed = 0;
    }

    /// Doubles the limit of a medium bin, as far as the budget allows.
    fn raise_medium(&mut self, bin: usize) -> bool {
        let (limit, bounds) = (self.states[bin].limit as u64, &self.bounds[1]);
        let more = limit.max(1).min(most(bin).saturating_sub(limit));
        let may = more > 0 && bounds.limits + more * bin_bytes(bin) <= bounds.limits_most;
        if may {
            self.set_limit(bin, (limit + more) as i32);
        } else if bounds.limits > bounds.limits_most {
            self.set_limit(bin, limit as i32 / 2);
        }
        may
    }

    /// Takes out the blocks of a medium bin that served nothing since the last round; `None` ends the round.
    pub fn stale(&mut self) -> Option<Chain> {
        while self.next < N {
            let bin = self.next;
            let idle = core::mem::replace(&mut self.states[bin].seen, self.allocs[bin])
                == self.allocs[bin];
            if idle {
                // Twice, if it has a spare as well.
                let list = match self.heads[bin] {
                    0 => self.unspare(bin),
                    _ => Some(self.unlist(bin)),
                };
                self.set_limit(bin, 0);
                if list.is_some() {
                    return list;
                }
            }
            self.next += 1;
        }
        self.next = BINS;
        None
    }
}

/// The most blocks of a medium bin.
fn most(bin: usize) -> u64 {
    (BIN_BYTES / bin_bytes(bin)).clamp(1, PER_BIN)
}
