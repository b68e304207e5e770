//! The clock that stamps events, and nothing else knows which one it is.
//!
//! Stamps of different processors must be comparable: a free is stamped before it runs and a malloc after it returned,
//! so on one common clock every address is stamped in the order in which it was really used.

/// What a stamp is made of, for the tape's header.
pub const CLOCK: trace_format::Clock = trace_format::Clock::Monotonic;

/// A stamp: nanoseconds of the monotonic clock, from an unspecified start.
#[inline]
pub fn now() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a valid timespec to write to; CLOCK_MONOTONIC exists on every system that this builds for, so the call cannot fail.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// The wall clock: nanoseconds since 1970-01-01 UTC, 0 if it stands before that.
pub fn wall_ns() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map(|d| d.as_nanos() as u64)
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #[test]
    fn time_does_not_run_back() {
        let mut last = super::now();
        for _ in 0..10_000 {
            let next = super::now();
            assert!(next >= last);
            last = next;
        }
    }
}
