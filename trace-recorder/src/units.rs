//! Numbers for people.

pub use trace_format::sentence::{counted, grouped};

/// Bytes in binary units, three digits: `1.21 GiB`.
pub fn bytes(bytes: u64) -> String {
    scaled(
        bytes as f64,
        1024.0,
        &["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"],
    )
}

/// A duration: `1.21 ms`.
pub fn nanoseconds(ns: u64) -> String {
    match ns {
        0..60_000_000_000 => scaled(ns as f64, 1000.0, &["ns", "µs", "ms", "s"]),
        _ => {
            let seconds = ns / 1_000_000_000;
            format!("{} min {:02} s", seconds / 60, seconds % 60)
        }
    }
}

/// `part` of `whole` in percent; `-` if there is no whole.
pub fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        "-".to_owned()
    } else {
        format!("{:.1} %", part as f64 * 100.0 / whole as f64)
    }
}

fn scaled(mut value: f64, step: f64, units: &[&str]) -> String {
    let mut unit = 0;
    // 999.5 would round to four digits.
    while unit + 1 < units.len() && value >= if unit == 0 { step } else { step.min(999.5) } {
        value /= step;
        unit += 1;
    }
    let digits = match value {
        _ if unit == 0 => 0,
        v if v < 9.995 => 2,
        v if v < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.digits$} {}", units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1024), "1.00 KiB");
        assert_eq!(bytes(262_144), "256 KiB");
        assert_eq!(bytes(1023 * 1024), "1.00 MiB");
        assert_eq!(bytes(u64::MAX), "16.0 EiB");
        assert_eq!(nanoseconds(999), "999 ns");
        assert_eq!(nanoseconds(1_234_567), "1.23 ms");
        assert_eq!(nanoseconds(125_000_000_000), "2 min 05 s");
        assert_eq!(percent(1, 3), "33.3 %");
        assert_eq!(percent(0, 0), "-");
    }
}
