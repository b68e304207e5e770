//! When memory became free: by a clock that costs a few nanoseconds, and by the reclaimer's ticks.

use core::sync::atomic::{AtomicU32, Ordering};

static TICK: AtomicU32 = AtomicU32::new(0);

/// The tick that runs.
pub fn tick() -> u32 {
    TICK.load(Ordering::Relaxed)
}

/// Ends the tick that runs, and names it.
pub fn next_tick() -> u32 {
    TICK.fetch_add(1, Ordering::Relaxed)
}

/// A moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// Since some moment in the past, exact to about ten. Milliseconds.
    pub ms: u64,
    /// The tick that ran.
    pub tick: u32,
}

impl Stamp {
    /// Now.
    pub fn now() -> Stamp {
        #[cfg(target_os = "linux")]
        const CLOCK: libc::clockid_t = libc::CLOCK_MONOTONIC_COARSE;
        #[cfg(not(target_os = "linux"))]
        const CLOCK: libc::clockid_t = libc::CLOCK_MONOTONIC;
        let mut time = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // SAFETY: the time is on this stack.
        unsafe { libc::clock_gettime(CLOCK, &mut time) };
        Stamp {
            ms: time.tv_sec as u64 * 1000 + time.tv_nsec as u64 / 1_000_000,
            tick: tick(),
        }
    }
}
