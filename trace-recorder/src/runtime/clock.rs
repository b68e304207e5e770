//! Which clock stamps events on this machine.

use std::sync::OnceLock;
use trace_capture::clock::{Clock, choose, has_invariant_counter};

/// Chooses the clock of this process, once, and says which it is: the cycle counter where the processor says that it is
/// invariant and the kernel that the counters of all processors agree, else the monotonic clock.
pub fn chosen() -> Clock {
    static CHOSEN: OnceLock<Clock> = OnceLock::new();
    *CHOSEN.get_or_init(|| {
        let clock = if has_invariant_counter() && kernel_trusts_counter() {
            Clock::Cycles
        } else {
            Clock::Monotonic
        };
        choose(clock);
        clock
    })
}

/// Linux takes the counter out of its list of clocks when processors disagree or it stops in a sleep state.
fn kernel_trusts_counter() -> bool {
    std::fs::read_to_string("/sys/devices/system/clocksource/clocksource0/available_clocksource")
        .is_ok_and(|clocks| clocks.split_whitespace().any(|clock| clock == "tsc"))
}

/// The same for the header of a tape.
pub fn on_tape(clock: Clock) -> trace_format::Clock {
    match clock {
        Clock::Monotonic => trace_format::Clock::Monotonic,
        Clock::Cycles => trace_format::Clock::CycleCounter,
    }
}
