//! Limits as people write them: times and sizes.

use std::time::Duration;

/// `90`, `2.5` (seconds), `500ms`, `30s`, `10m`, `2h`; more than nothing.
pub fn time(text: &str) -> Result<Duration, String> {
    let number = text.trim_end_matches(char::is_alphabetic);
    let seconds = match &text[number.len()..] {
        "ms" => Some(0.001),
        "" | "s" => Some(1.0),
        "m" | "min" => Some(60.0),
        "h" => Some(3600.0),
        _ => None,
    };
    let value = number.parse::<f64>().ok();
    value
        .zip(seconds)
        .and_then(|(value, seconds)| Duration::try_from_secs_f64(value * seconds).ok())
        .filter(|time| !time.is_zero())
        .ok_or_else(|| {
            format!("`{text}` is no time; write seconds, or a number with ms, s, m or h: 30s, 10m")
        })
}

/// `4096` (bytes), `512K`, `64M`, `2G`, `1T`: powers of 1,024.
pub fn size(text: &str) -> Result<u64, String> {
    let number = text.trim_end_matches(char::is_alphabetic);
    let shift = match &text[number.len()..] {
        "" | "B" => Some(0),
        "K" | "KiB" => Some(10),
        "M" | "MiB" => Some(20),
        "G" | "GiB" => Some(30),
        "T" | "TiB" => Some(40),
        _ => None,
    };
    let value = number.parse::<u64>().ok();
    value
        .zip(shift)
        .and_then(|(value, shift)| value.checked_mul(1 << shift))
        .filter(|&bytes| bytes > 0)
        .ok_or_else(|| {
            format!("`{text}` is no size; write bytes, or a whole number with K, M, G or T: 512M")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_are_understood() {
        let ms = |text: &str| time(text).map(|time| time.as_millis());
        assert_eq!(ms("90"), Ok(90_000));
        assert_eq!(ms("2.5"), Ok(2_500));
        assert_eq!(ms("500ms"), Ok(500));
        assert_eq!(ms("10m"), Ok(600_000));
        assert_eq!(ms("2h"), Ok(7_200_000));
        for bad in ["", "s", "-1", "5 parsecs", "0", "1e300", "nan"] {
            assert!(time(bad).is_err(), "{bad}");
        }
        assert_eq!(size("4096"), Ok(4096));
        assert_eq!(size("2G"), Ok(2 << 30));
        assert_eq!(size("512MiB"), Ok(512 << 20));
        for bad in ["", "M", "0", "1.5G", "99999999999T", "5X"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }
}
