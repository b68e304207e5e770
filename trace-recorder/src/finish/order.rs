//! Raising times until every release follows the making of its block.
//!
//! Usually there is nothing to do. Where a clock was out of order, a release is raised to just after the making; that
//! raises what its thread did next, perhaps a making whose release, by a third thread, must then be raised as well; and
//! so on until nothing changes. Times only rise and only to one past another, and causes do not run in circles, so it
//! ends; should wrongly paired events make a circle, the rounds are bounded and what is left becomes unknown.

use super::Repairs;
use super::found::FoundCell;
use super::group::Groups;
use super::pairing::{Pairing, Raise};
use rayon::prelude::*;

const MOST_ROUNDS: usize = 64;

/// Completes `raises`, and tells `pairings` the raised times of blocks that live on.
pub(super) fn settle<'p>(
    groups: &Groups<'_>,
    found: &[&[FoundCell]],
    first_made: &[u64],
    raises: &mut Vec<Raise>,
    pairings: impl Iterator<Item = &'p mut Pairing>,
    repairs: &mut Repairs,
) {
    if raises.is_empty() {
        return;
    }
    for round in 0.. {
        raises.sort_unstable();
        raises.dedup();
        let times = times(groups, raises);
        let more = violations(found, first_made, &times);
        if more.is_empty() {
            let raised = |thread: u32| raises.binary_search_by(|r| r.thread.cmp(&thread)).is_ok();
            for pairing in pairings {
                pairing.retime(|made| {
                    let thread = made.thread as usize;
                    match made.index.checked_sub(first_made[thread]) {
                        Some(at) if raised(made.thread) => times[thread].0[at as usize],
                        _ => made.time_ns,
                    }
                });
            }
            repairs.raised += raises.len() as u64;
            return;
        }
        if round < MOST_ROUNDS {
            raises.extend(more);
        } else {
            for raise in more {
                found[raise.thread as usize][raise.at as usize].forget();
                repairs.unknown_releases += 1;
            }
        }
    }
}

/// Times of makings and releases, by thread, as they are with `raises`.
fn times(groups: &Groups<'_>, raises: &[Raise]) -> Vec<(Vec<u64>, Vec<u64>)> {
    let threads: Vec<_> = groups.in_order().collect();
    threads
        .into_par_iter()
        .map(|(group, thread)| {
            let mine: Vec<(u32, u64)> = raises
                .iter()
                .filter(|r| r.thread == thread.stream.number)
                .map(|r| (r.at, r.least_ns))
                .collect();
            let items = &group.window.items;
            thread.stream.times(&thread.slice, items, &mine)
        })
        .collect()
}

/// Releases that do not come after the making of their block, which was made in this window by another thread.
fn violations(
    found: &[&[FoundCell]],
    first_made: &[u64],
    times: &[(Vec<u64>, Vec<u64>)],
) -> Vec<Raise> {
    (0u32..)
        .zip(found.iter().zip(times))
        .par_bridge()
        .flat_map_iter(|(thread, (found, (_, releases)))| {
            (0u32..)
                .zip(found.iter().zip(releases))
                .filter_map(move |(at, (found, &time_ns))| {
                    let (block, _) = found.get().block()?;
                    let place = block.index.checked_sub(first_made[block.thread as usize])?;
                    let made_ns = *times[block.thread as usize].0.get(place as usize)?;
                    (block.thread != thread && time_ns <= made_ns).then_some(Raise {
                        thread,
                        at,
                        least_ns: made_ns + 1,
                    })
                })
        })
        .collect()
}
