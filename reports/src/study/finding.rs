//! Sentences that say what was found: computed, and silent about what is not beyond noise.

use super::cell::{Estimate, Verdict};
use super::{Tape, list};
use crate::units::{nanos, percent, times, times_with_interval};

/// `2.4 × as fast as system`, `7 % faster than system`, `1.8 × as slow as system`, `no faster or slower than system beyond noise`.
pub fn speed_phrase(time: &Estimate) -> String {
    let r = time.median;
    match time.verdict() {
        Verdict::Level => "no faster or slower than system beyond noise".to_owned(),
        _ if r <= 0.8 => format!("{} as fast as system", times(1.0 / r)),
        _ if r < 1.0 => format!("{} faster than system", percent(1.0 / r - 1.0)),
        _ if r < 1.25 => format!("{} slower than system", percent(r - 1.0)),
        _ => format!("{} as slow as system", times(r)),
    }
}

/// `33 % smaller`, `12 % larger`, `2.3 × as large`, `no smaller or larger beyond noise`.
pub fn memory_phrase(memory: &Estimate) -> String {
    let r = memory.median;
    match memory.verdict() {
        Verdict::Level => "no smaller or larger beyond noise".to_owned(),
        _ if r < 1.0 => format!("{} smaller", percent(1.0 - r)),
        _ if r < 1.6 => format!("{} larger", percent(r - 1.0)),
        _ => format!("{} as large", times(r)),
    }
}

/// One sentence on which allocator this tape asks for, with its cost in memory.
pub fn tape_finding(tape: &Tape<'_>) -> String {
    let name = tape.name;
    let Some(best) = tape.fastest() else {
        return format!("No allocator was measured without fault on {name}");
    };
    let rivals = tape.contenders().filter(|c| !c.is_baseline()).count();
    if rivals == 0 {
        return format!(
            "Only {} was measured on {name}: nothing to compare",
            best.name
        );
    }
    let Some(time) = best.time else {
        let elapsed = best
            .elapsed
            .map_or_else(String::new, |e| format!(" ({})", nanos(e.median)));
        return format!(
            "{} took the least time on {name}{elapsed}; without system there is no ratio",
            best.name
        );
    };
    if best.is_baseline() {
        return format!("No allocator is faster than system on {name}");
    }
    let memory = best.memory.map_or_else(String::new, |m| match m.verdict() {
        Verdict::Level => " at the same peak memory".to_owned(),
        _ if m.median < 1.0 => format!(" and {} at its peak", memory_phrase(&m)),
        _ => format!(" but {} at its peak", memory_phrase(&m)),
    });
    match time.verdict() {
        Verdict::Less => {
            let level: Vec<&str> = tape.level_with(best).iter().map(|c| c.name).collect();
            let tie = if level.is_empty() {
                String::new()
            } else {
                format!("; {} within noise of it", list(&level))
            };
            format!(
                "{} is {} on {name}{memory}{tie}",
                best.name,
                speed_phrase(&time)
            )
        }
        Verdict::Level => format!(
            "No difference beyond noise on {name}: {} is at {} of system’s time",
            best.name,
            times_with_interval(time.median, time.low, time.high)
        ),
        Verdict::More => format!("No allocator is faster than system on {name}"),
        Verdict::Single => format!(
            "{} took {} system’s time on {name} in one repetition, so the noise is unknown",
            best.name,
            times(time.median)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn e(median: f64, low: f64, high: f64) -> Estimate {
        Estimate {
            median,
            low,
            high,
            repeated: true,
        }
    }

    #[test]
    fn phrases() {
        let plain = |s: String| s.replace('\u{a0}', " ");
        assert_eq!(
            plain(speed_phrase(&e(0.4167, 0.4, 0.43))),
            "2.40 × as fast as system"
        );
        assert_eq!(
            plain(speed_phrase(&e(0.93, 0.92, 0.94))),
            "7.5 % faster than system"
        );
        assert_eq!(
            plain(speed_phrase(&e(1.1, 1.05, 1.2))),
            "10 % slower than system"
        );
        assert_eq!(
            plain(speed_phrase(&e(3.0, 2.0, 4.0))),
            "3.00 × as slow as system"
        );
        assert_eq!(
            speed_phrase(&e(0.97, 0.9, 1.1)),
            "no faster or slower than system beyond noise"
        );
        assert_eq!(plain(memory_phrase(&e(0.67, 0.6, 0.7))), "33 % smaller");
        assert_eq!(plain(memory_phrase(&e(2.3, 2.2, 2.4))), "2.30 × as large");
    }
}
