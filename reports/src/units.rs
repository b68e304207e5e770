//! Numbers for people: sizes in binary units, times in SI units, thousands separators.
//!
//! Every function takes any `f64` and never panics; what is not a finite number is written as a dash.
//! Between a figure and its unit stands a no-break space.

/// What stands for a figure that is unknown.
pub const UNKNOWN: &str = "–";

const NBSP: char = '\u{a0}';

/// A whole number with a comma at every third digit: `352,289,103`.
pub fn count(n: u64) -> String {
    group(&n.to_string())
}

/// A size with a binary unit and three significant digits: `1.31 GiB`.
pub fn bytes(n: f64) -> String {
    scaled(n, 1024.0, &["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"])
}

/// A time in nanoseconds with its SI unit and three significant digits: `1.23 µs`.
pub fn nanos(n: f64) -> String {
    scaled(n, 1000.0, &["ns", "µs", "ms", "s"])
}

/// How many a second, with an SI prefix and three significant digits: `12.3 M/s`.
pub fn rate(per_second: f64) -> String {
    scaled(per_second, 1000.0, &["/s", "k/s", "M/s", "G/s"])
}

/// With three significant digits in the largest unit that leaves it at least 1; each unit is `base` times the one before.
fn scaled(n: f64, base: f64, units: &[&str]) -> String {
    let mut units = units.iter();
    let Some(mut unit) = units.next().filter(|_| n.is_finite()) else {
        return UNKNOWN.to_owned();
    };
    let mut value = n;
    // 999.5 would round to four digits: the next unit reads better.
    while value.abs() >= 999.5
        && let Some(next) = units.next()
    {
        value /= base;
        unit = next;
    }
    format!("{}{NBSP}{unit}", significant(value, 3))
}

/// A ratio: `0.42 ×`, `12.3 ×`, `1,000,000 ×`.
pub fn times(ratio: f64) -> String {
    if !ratio.is_finite() {
        return UNKNOWN.to_owned();
    }
    format!("{}{NBSP}×", plain_ratio(ratio))
}

/// A ratio with its interval: `0.42 × (0.40–0.45)`.
pub fn times_with_interval(median: f64, low: f64, high: f64) -> String {
    if !(median.is_finite() && low.is_finite() && high.is_finite()) {
        return times(median);
    }
    format!(
        "{} ({}–{})",
        times(median),
        plain_ratio(low),
        plain_ratio(high)
    )
}

/// A range of ratios, `0.40–0.45 ×`; one figure where both ends read the same.
pub fn times_range(low: f64, high: f64) -> String {
    let (a, b) = (plain_ratio(low), plain_ratio(high));
    if a == b {
        times(low)
    } else {
        format!("{a}–{b}{NBSP}×")
    }
}

/// The range of several ratios.
pub fn times_range_of(ratios: impl IntoIterator<Item = f64>) -> String {
    let (low, high) = ratios
        .into_iter()
        .fold((f64::INFINITY, 0.0f64), |(l, h), r| (l.min(r), h.max(r)));
    times_range(low, high)
}

/// A share, 0 to 1, as a percentage: `33 %`.
pub fn percent(share: f64) -> String {
    if !share.is_finite() {
        return UNKNOWN.to_owned();
    }
    let value = share * 100.0;
    let digits = if value != 0.0 && value.abs() < 9.95 {
        1
    } else {
        0
    };
    let text = group(&format!("{value:.digits$}"));
    format!("{}{NBSP}%", text.strip_suffix(".0").unwrap_or(&text))
}

/// A figure with this many significant digits and thousands separators.
pub fn significant(value: f64, digits: usize) -> String {
    if !value.is_finite() {
        return UNKNOWN.to_owned();
    }
    if value.abs() >= 1e15 || (value != 0.0 && value.abs() < 1e-6) {
        return format!("{value:.1e}");
    }
    if value == value.trunc() && value.abs() < 1e3 {
        return format!("{value:.0}");
    }
    // The exponent after rounding, so that 999.6 and 0.9996 do not get a digit too many.
    let rounded = format!("{:.*e}", digits.saturating_sub(1), value);
    let magnitude: i32 = rounded
        .split_once('e')
        .and_then(|(_, exponent)| exponent.parse().ok())
        .unwrap_or(0);
    let decimals = (digits as i32 - 1 - magnitude).max(0) as usize;
    group(&format!("{value:.decimals$}"))
}

/// The same figure without zeros at the end of its fraction, for ticks: `0.500 ×` becomes `0.5 ×`.
pub fn trim_zeros(figure: &str) -> String {
    let (number, unit) = figure
        .split_once(NBSP)
        .map_or((figure, None), |(n, u)| (n, Some(u)));
    let short = if number.contains('.') && !number.contains('e') {
        number.trim_end_matches('0').trim_end_matches('.')
    } else {
        number
    };
    unit.map_or_else(|| short.to_owned(), |unit| format!("{short}{NBSP}{unit}"))
}

/// A time of day and date in UTC from nanoseconds since 1970: `2026-03-14 15:09 UTC`.
pub fn date(unix_ns: u64) -> String {
    let seconds = unix_ns / 1_000_000_000;
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Civil date from days, after Howard Hinnant's `civil_from_days`, for days that count from 1970-01-01.
    let z = days + 719_468;
    let era = z / 146_097;
    let day_of_era = z - era * 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02} {:02}:{:02} UTC",
        rest / 3600,
        rest / 60 % 60
    )
}

fn plain_ratio(ratio: f64) -> String {
    if !ratio.is_finite() {
        return UNKNOWN.to_owned();
    }
    let size = ratio.abs();
    let decimals = match size {
        s if s >= 1e12 => return format!("{ratio:.1e}"),
        s if s >= 99.5 => 0,
        s if s >= 9.995 => 1,
        s if s >= 0.0995 || s == 0.0 => 2,
        s if s >= 0.00995 => 3,
        s if s >= 0.000_095 => return significant(ratio, 2),
        _ => return format!("{ratio:.1e}"),
    };
    group(&format!("{ratio:.decimals$}"))
}

fn group(number: &str) -> String {
    let (sign, rest) = number
        .strip_prefix('-')
        .map_or(("", number), |rest| ("-", rest));
    let (whole, fraction) = rest
        .split_once('.')
        .map_or((rest, None), |(w, f)| (w, Some(f)));
    let mut out = String::with_capacity(number.len() + whole.len() / 3);
    out.push_str(sign);
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: String) -> String {
        text.replace(NBSP, " ")
    }

    #[test]
    fn thousands() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_000), "1,000");
        assert_eq!(count(352_289_103), "352,289,103");
        assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
    }

    #[test]
    fn sizes() {
        assert_eq!(plain(bytes(0.0)), "0 B");
        assert_eq!(plain(bytes(512.0)), "512 B");
        assert_eq!(plain(bytes(1000.0)), "0.977 KiB");
        assert_eq!(plain(bytes(1536.0)), "1.50 KiB");
        assert_eq!(plain(bytes(1.31 * 1024f64.powi(3))), "1.31 GiB");
        assert_eq!(plain(bytes(64.0 * 1024.0 * 1024.0)), "64 MiB");
        assert_eq!(plain(bytes(u64::MAX as f64)), "16 EiB");
        assert_eq!(bytes(f64::NAN), UNKNOWN);
    }

    #[test]
    fn durations() {
        assert_eq!(plain(nanos(0.0)), "0 ns");
        assert_eq!(plain(nanos(640.0)), "640 ns");
        assert_eq!(plain(nanos(999.6)), "1.00 µs");
        assert_eq!(plain(nanos(12_345.0)), "12.3 µs");
        assert_eq!(plain(nanos(70_847_186_000.0)), "70.8 s");
        assert_eq!(plain(nanos(7.2e12)), "7,200 s");
        assert_eq!(nanos(f64::INFINITY), UNKNOWN);
    }

    #[test]
    fn rates() {
        assert_eq!(plain(rate(0.0)), "0 /s");
        assert_eq!(plain(rate(12_345_678.0)), "12.3 M/s");
        assert_eq!(plain(rate(999.6)), "1.00 k/s");
        assert_eq!(rate(f64::NAN), UNKNOWN);
    }

    #[test]
    fn ratios() {
        assert_eq!(plain(times(0.4167)), "0.42 ×");
        assert_eq!(plain(times(0.0421)), "0.042 ×");
        assert_eq!(plain(times(9.999)), "10.0 ×");
        assert_eq!(plain(times(0.000_56)), "0.00056 ×");
        assert_eq!(plain(times(1.04e-6)), "1.0e-6 ×");
        assert_eq!(plain(times(1e6)), "1,000,000 ×");
        assert_eq!(plain(times(0.0)), "0.00 ×");
        assert_eq!(
            plain(times_with_interval(0.42, 0.401, 0.449)),
            "0.42 × (0.40–0.45)"
        );
        assert_eq!(plain(times_range(0.42, 0.421)), "0.42 ×");
        assert_eq!(times(f64::NAN), UNKNOWN);
    }

    #[test]
    fn shares() {
        assert_eq!(plain(percent(0.333)), "33 %");
        assert_eq!(plain(percent(0.071)), "7.1 %");
        assert_eq!(plain(percent(0.05)), "5 %");
        assert_eq!(plain(percent(0.0)), "0 %");
        assert_eq!(plain(percent(12.5)), "1,250 %");
    }

    #[test]
    fn zeros_at_the_end_of_a_fraction_go() {
        assert_eq!(plain(trim_zeros(&times(0.5))), "0.5 ×");
        assert_eq!(plain(trim_zeros(&bytes(100.0))), "100 B");
        assert_eq!(plain(trim_zeros(&bytes(1.5 * 1024.0))), "1.5 KiB");
        assert_eq!(trim_zeros("1.0e-9"), "1.0e-9");
    }

    #[test]
    fn dates() {
        assert_eq!(date(0), "1970-01-01 00:00 UTC");
        assert_eq!(date(951_782_400_000_000_000), "2000-02-29 00:00 UTC");
        assert_eq!(date(1_773_500_940_000_000_000), "2026-03-14 15:09 UTC");
    }
}
