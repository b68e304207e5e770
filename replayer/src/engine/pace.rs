//! The recorded pace: no operation before its time.

use super::clock::{now_ns, sleep_until};
use super::perform::Samples;
use super::single::Performer;
use crate::plan::Op;
use std::sync::atomic::Ordering;

/// A thread that has less time than this until its next operation looks at the clock until then: falling asleep and waking takes
/// about as long.
const SHORT_NS: u64 = 60_000;

/// Performs all operations, each no earlier than it is due.
///
/// # Safety
/// As for [`Performer::perform`], for all of them in their order.
pub(super) unsafe fn paced<const TOUCH: u8>(
    performer: &mut Performer<'_, TOUCH>,
    samples: &mut Samples,
    ops: &[Op],
    due: &[u64],
) {
    let began = performer.field().began_ns.load(Ordering::Relaxed);
    let mut sampled = samples.gap(ops);
    for (at, (&op, &due)) in ops.iter().zip(due).enumerate() {
        wait_until(began + due, performer);
        // SAFETY: the caller's promise.
        unsafe {
            if at == sampled {
                performer.sampled(op);
                let next = at + 1;
                sampled = next + samples.gap(&ops[next..]);
            } else {
                performer.perform::<false>(op);
            }
        }
    }
}

fn wait_until<const TOUCH: u8>(due: u64, performer: &mut Performer<'_, TOUCH>) {
    let mut now = now_ns();
    if now >= due {
        performer.tally.late_ns = performer.tally.late_ns.max(now - due);
        return;
    }
    if due - now > SHORT_NS {
        sleep_until(due - SHORT_NS / 2);
        now = now_ns();
    }
    let looking = now;
    while now < due {
        std::hint::spin_loop();
        now = now_ns();
    }
    performer.tally.idle_ns += now - looking;
}
