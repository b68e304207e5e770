//! The clock.

/// The monotonic clock in nanoseconds. All processes of a machine read the same one.
#[inline]
pub fn now_ns() -> u64 {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `now` is a timespec that lives through the call.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// The processor time of the calling thread in nanoseconds. A system call: some hundred nanoseconds.
pub(super) fn thread_cpu_ns() -> u64 {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `now` is a timespec that lives through the call.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut now) };
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// Sleeps until `ns` on the monotonic clock, or a little less: a signal ends it early.
pub(super) fn sleep_until(ns: u64) {
    let until = libc::timespec {
        tv_sec: (ns / 1_000_000_000) as libc::time_t,
        tv_nsec: (ns % 1_000_000_000) as libc::c_long,
    };
    // SAFETY: `until` lives through the call, which writes nothing, as no place for the remaining time is given.
    unsafe {
        libc::clock_nanosleep(
            libc::CLOCK_MONOTONIC,
            libc::TIMER_ABSTIME,
            &until,
            std::ptr::null_mut(),
        )
    };
}

/// What a sampled latency contains of the clock itself: the median distance of two readings in a row, in nanoseconds.
pub fn cost_ns() -> u64 {
    let mut gaps = [0u64; 1001];
    for gap in &mut gaps {
        let before = now_ns();
        *gap = now_ns() - before;
    }
    gaps.sort_unstable();
    gaps[gaps.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_runs_forward_and_costs_less_than_ten_microseconds() {
        let before = now_ns();
        assert!(cost_ns() < 10_000);
        assert!(now_ns() > before);
    }
}
