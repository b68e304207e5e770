//! The clock that stamps events, and nothing else knows which one it is.
//!
//! Stamps of different processors must be comparable: a free is stamped before it runs and a malloc after it returned,
//! so on one common clock every address is stamped in the order in which it was really used. The processor's cycle
//! counter is such a clock where the kernel says so; it costs half of what the monotonic clock does.

use std::sync::atomic::{AtomicBool, Ordering};

/// What stamps are made of.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Clock {
    /// Nanoseconds of the monotonic clock.
    Monotonic = 1,
    /// Ticks of the processor's invariant cycle counter.
    Cycles = 2,
}

impl Clock {
    /// The clock of a number in a file.
    pub fn from_code(code: u32) -> Option<Clock> {
        match code {
            1 => Some(Clock::Monotonic),
            2 => Some(Clock::Cycles),
            _ => None,
        }
    }
}

static CYCLES: AtomicBool = AtomicBool::new(false);

/// Stamps are made of `clock` from now on, in the whole process.
pub fn choose(clock: Clock) {
    CYCLES.store(
        clock == Clock::Cycles && has_invariant_counter(),
        Ordering::Relaxed,
    );
}

/// The clock that stamps are made of.
pub fn chosen() -> Clock {
    if CYCLES.load(Ordering::Relaxed) {
        Clock::Cycles
    } else {
        Clock::Monotonic
    }
}

/// A stamp for what comes next: nothing that the program does after this call is visible to others before the stamp.
#[inline(always)]
pub fn before() -> u64 {
    if CYCLES.load(Ordering::Relaxed) {
        counter::now()
    } else {
        monotonic_ns()
    }
}

/// A stamp for what came before: everything that the program read before this call was read before the stamp.
#[inline(always)]
pub fn after() -> u64 {
    if CYCLES.load(Ordering::Relaxed) {
        counter::now_after_all()
    } else {
        monotonic_ns()
    }
}

/// The monotonic clock: nanoseconds from an unspecified start.
#[inline]
pub fn monotonic_ns() -> u64 {
    clock_ns(libc::CLOCK_MONOTONIC)
}

/// The wall clock: nanoseconds since 1970-01-01 UTC.
pub fn wall_ns() -> u64 {
    clock_ns(libc::CLOCK_REALTIME)
}

fn clock_ns(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a valid timespec to write to; both clocks exist on every system that this builds for, so the call cannot fail.
    unsafe { libc::clock_gettime(clock, &mut time) };
    (time.tv_sec as u64)
        .wrapping_mul(1_000_000_000)
        .wrapping_add(time.tv_nsec as u64)
}

/// Whether the processor says that its cycle counter runs at one rate, and goes on in every sleep state. Whether the
/// counters of all processors agree only the kernel knows.
pub fn has_invariant_counter() -> bool {
    counter::is_invariant()
}

/// One moment on both clocks.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub struct Moment {
    /// The stamp.
    pub stamp: u64,
    /// The monotonic clock, in nanoseconds.
    pub monotonic_ns: u64,
}

/// Now, on both clocks: the closest of some tries.
pub fn moment() -> Moment {
    let mut best = (u64::MAX, Moment::default());
    for _ in 0..8 {
        let first = after();
        let monotonic_ns = monotonic_ns();
        let last = after();
        let width = last.wrapping_sub(first);
        if width < best.0 {
            best = (
                width,
                Moment {
                    stamp: first.wrapping_add(width / 2),
                    monotonic_ns,
                },
            );
        }
    }
    best.1
}

#[cfg(target_arch = "x86_64")]
mod counter {
    use core::arch::x86_64::{__cpuid, _mm_lfence, _rdtsc};

    /// Advanced power management information: bit 8 of EDX is the invariant counter (AMD64 manual volume 3, appendix E;
    /// Intel's manual volume 3, section 19.17.1).
    const POWER: u32 = 0x8000_0007;

    pub fn is_invariant() -> bool {
        let most = __cpuid(0x8000_0000).eax;
        most >= POWER && __cpuid(POWER).edx & 1 << 8 != 0
    }

    /// The counter is read before anything later in the program is visible elsewhere: stores wait for what precedes them.
    #[inline(always)]
    pub fn now() -> u64 {
        // SAFETY: the instruction only reads the counter; Linux lets every process do that unless one asks to be stopped.
        unsafe { _rdtsc() }
    }

    /// The fence lets every load before it finish first.
    #[inline(always)]
    pub fn now_after_all() -> u64 {
        // SAFETY: lfence is part of SSE2, which every x86-64 processor has; for the counter see `now`.
        unsafe {
            _mm_lfence();
            _rdtsc()
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod counter {
    pub fn is_invariant() -> bool {
        false
    }

    pub fn now() -> u64 {
        super::monotonic_ns()
    }

    pub fn now_after_all() -> u64 {
        super::monotonic_ns()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_does_not_run_back() {
        for clock in [Clock::Monotonic, Clock::Cycles] {
            choose(clock);
            let mut last = before();
            for n in 0..10_000 {
                let next = if n % 2 == 0 { after() } else { before() };
                assert!(next >= last);
                last = next;
            }
            let (a, b) = (moment(), moment());
            assert!(a.stamp <= b.stamp && a.monotonic_ns <= b.monotonic_ns);
        }
    }
}
