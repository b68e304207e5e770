//! Scales and where their ticks stand. A [`Scale`] is a plotters coordinate ([`Ranged`]).

use crate::units;
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use std::ops::Range;

/// What an axis measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// A plain ratio.
    Ratio,
    /// Bytes.
    Bytes,
    /// Nanoseconds.
    Time,
    /// How many.
    Count,
    /// How many a second.
    Rate,
    /// A share of a whole, 0 to 1.
    Share,
}

impl Quantity {
    /// The value as people read it.
    pub fn format(self, value: f64) -> String {
        units::trim_zeros(&match self {
            Quantity::Ratio => format!("{}\u{a0}×", units::significant(value, 3)),
            Quantity::Bytes => units::bytes(value),
            Quantity::Time => units::nanos(value),
            Quantity::Count => units::significant(value, 9),
            Quantity::Rate => units::rate(value),
            Quantity::Share => units::percent(value),
        })
    }
}

/// A linear or logarithmic scale over a finite, non-empty range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    quantity: Quantity,
    low: f64,
    high: f64,
    log: bool,
}

impl Scale {
    /// From 0 to a little beyond the greatest of the values.
    pub fn from_zero(quantity: Quantity, values: impl IntoIterator<Item = f64>) -> Scale {
        let high = values
            .into_iter()
            .filter(|v| v.is_finite())
            .fold(0.0, f64::max);
        Scale {
            quantity,
            low: 0.0,
            high: if high > 0.0 { high * 1.04 } else { 1.0 },
            log: false,
        }
    }

    /// Linear over just this range; an empty or senseless one becomes 0 to 1.
    pub fn over(quantity: Quantity, low: f64, high: f64) -> Scale {
        let sound = low.is_finite() && high.is_finite() && high > low;
        let (low, high) = if sound { (low, high) } else { (0.0, 1.0) };
        Scale {
            quantity,
            low,
            high,
            log: false,
        }
    }

    /// Logarithmic around those values that are positive.
    pub fn log(quantity: Quantity, values: impl IntoIterator<Item = f64>) -> Scale {
        let (mut low, mut high) = (f64::INFINITY, 0.0f64);
        for v in values.into_iter().filter(|v| v.is_finite() && *v > 0.0) {
            (low, high) = (low.min(v), high.max(v));
        }
        if high == 0.0 {
            (low, high) = (0.5, 2.0);
        }
        // A narrow range is widened, or noise would look like a difference.
        let margin = (high / low).powf(0.05).max(1.08);
        Scale {
            quantity,
            low: low / margin,
            high: high * margin,
            log: true,
        }
    }

    /// From zero where the values are of a similar size, else logarithmic.
    pub fn fitting(quantity: Quantity, values: &[f64]) -> Scale {
        let positive = || values.iter().copied().filter(|v| v.is_finite() && *v > 0.0);
        let (low, high) = (
            positive().fold(f64::INFINITY, f64::min),
            positive().fold(0.0, f64::max),
        );
        if high > 12.0 * low {
            Scale::log(quantity, positive())
        } else {
            Scale::from_zero(quantity, positive())
        }
    }

    /// Whether it is logarithmic.
    pub fn is_log(&self) -> bool {
        self.log
    }

    /// The least value.
    pub fn low(&self) -> f64 {
        self.low
    }

    /// Whether the value stands on the scale and not beyond an end.
    pub fn has(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// Where the value stands, 0 at the low end and 1 at the high end; values beyond stand at the end.
    pub fn part(&self, value: f64) -> f64 {
        if value.is_nan() {
            return 0.0;
        }
        let part = if self.log {
            (value.max(f64::MIN_POSITIVE) / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        part.clamp(0.0, 1.0)
    }

    /// The value as people read it.
    pub fn format(&self, value: f64) -> String {
        self.quantity.format(value)
    }

    /// At most about this many round values within the range.
    pub fn ticks(&self, most: usize) -> Vec<f64> {
        let most = most.max(2);
        if self.log {
            self.log_ticks(most)
        } else {
            self.linear_ticks(most)
        }
    }

    fn linear_ticks(&self, most: usize) -> Vec<f64> {
        let unit = self.unit();
        let raw = (self.high - self.low) / most as f64 / unit;
        let power = 10f64.powf(raw.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .map(|m| m * power)
            .find(|s| *s >= raw * 0.999)
            .unwrap_or(raw)
            * unit;
        let first = (self.low / step).ceil();
        (0..=most * 2)
            .map(|i| (first + i as f64) * step)
            .take_while(|v| *v <= self.high * 1.000_001)
            .collect()
    }

    /// Powers of a base, or 1–2–5 where they are too few, or even steps where those are.
    fn log_ticks(&self, most: usize) -> Vec<f64> {
        let base = if self.quantity == Quantity::Bytes {
            2.0f64
        } else {
            10.0
        };
        let powers = |every: i32| {
            let (from, to) = (
                self.low.log(base).ceil() as i32,
                self.high.log(base).floor() as i32,
            );
            (from..=to)
                .filter(|p| p % every == 0)
                .map(|p| base.powi(p))
                .collect::<Vec<f64>>()
        };
        let within = |mantissas: &[f64]| {
            let (from, to) = (
                self.low.log10().floor() as i32,
                self.high.log10().ceil() as i32,
            );
            let mut all: Vec<f64> = (from..=to)
                .flat_map(|p| mantissas.iter().map(move |m| m * 10f64.powi(p)))
                .collect();
            all.retain(|v| (self.low..=self.high).contains(v));
            all
        };
        if base == 10.0 {
            for mantissas in [
                &[
                    1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0,
                ][..],
                &[1.0, 1.5, 2.0, 3.0, 5.0, 7.0],
                &[1.0, 2.0, 5.0],
            ] {
                let ticks = within(mantissas);
                if (2..=most).contains(&ticks.len()) {
                    return ticks;
                }
            }
        }
        for every in [1, 2, 3, 4, 5, 10, 20, 40, 80] {
            let ticks = powers(every);
            if ticks.len() <= most && (ticks.len() >= 2 || every > 1) {
                return if ticks.is_empty() {
                    powers(1).into_iter().take(1).collect()
                } else {
                    ticks
                };
            }
            if ticks.len() < 2 {
                break;
            }
        }
        let ticks = self.linear_ticks(most);
        ticks.into_iter().filter(|t| *t > 0.0).collect()
    }

    /// Round numbers of bytes are round in their binary unit.
    fn unit(&self) -> f64 {
        if self.quantity != Quantity::Bytes {
            return 1.0;
        }
        let mut unit = 1.0;
        while self.high.max(-self.low) / unit >= 1000.0 {
            unit *= 1024.0;
        }
        unit
    }
}

impl Ranged for Scale {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        from + (self.part(*value) * f64::from(to - from)).round() as i32
    }

    fn key_points<H: KeyPointHint>(&self, hint: H) -> Vec<f64> {
        self.ticks(hint.max_num_points())
    }

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: &Scale, most: usize) -> Vec<String> {
        scale
            .ticks(most)
            .into_iter()
            .map(|t| scale.format(t).replace('\u{a0}', " "))
            .collect()
    }

    #[test]
    fn round_values() {
        let memory = Scale::from_zero(Quantity::Bytes, [1.3 * 1024f64.powi(3)]);
        assert_eq!(labels(&memory, 5), ["0 B", "512 MiB", "1 GiB"]);
        let time = Scale::from_zero(Quantity::Time, [7.3e9]);
        assert_eq!(labels(&time, 5), ["0 ns", "2 s", "4 s", "6 s"]);
        let ratio = Scale::log(Quantity::Ratio, [0.3, 4.0]);
        assert_eq!(labels(&ratio, 5), ["0.5 ×", "1 ×", "2 ×"]);
        let latency = Scale::log(Quantity::Time, [20.0, 3e7]);
        assert_eq!(
            labels(&latency, 8),
            [
                "10 ns", "100 ns", "1 µs", "10 µs", "100 µs", "1 ms", "10 ms"
            ]
        );
    }

    #[test]
    fn any_range_has_ticks_inside_it_and_not_too_many() {
        let scales = [1e-9, 0.5, 1.0, 3.7, 999.0, 1e6, 1e18]
            .into_iter()
            .flat_map(|v| {
                [Quantity::Ratio, Quantity::Bytes, Quantity::Time]
                    .into_iter()
                    .flat_map(move |q| {
                        [1.0, 1.001, 1.7, 40.0, 1e6, 1e12]
                            .into_iter()
                            .flat_map(move |f| {
                                [
                                    Scale::log(q, [v, v * f]),
                                    Scale::from_zero(q, [v, v * f]),
                                    Scale::fitting(q, &[v, v * f]),
                                ]
                            })
                    })
            });
        for scale in scales {
            for most in [2, 3, 5, 9] {
                let ticks = scale.ticks(most);
                assert!(
                    !ticks.is_empty() && ticks.len() <= most * 2 + 1,
                    "{scale:?} {most} {ticks:?}"
                );
                assert!(
                    ticks
                        .iter()
                        .all(|t| (scale.low * 0.999..=scale.high * 1.001).contains(t)),
                    "{scale:?} {ticks:?}"
                );
                assert!(ticks.windows(2).all(|w| w[0] < w[1]), "{scale:?} {ticks:?}");
            }
        }
    }

    #[test]
    fn nonsense_makes_a_scale_too() {
        for scale in [
            Scale::log(Quantity::Time, [0.0, f64::NAN, -1.0]),
            Scale::from_zero(Quantity::Bytes, [f64::INFINITY]),
            Scale::fitting(Quantity::Ratio, &[]),
        ] {
            assert!(!scale.ticks(5).is_empty(), "{scale:?}");
            assert_eq!(scale.part(f64::NAN), 0.0);
            assert_eq!(scale.part(f64::INFINITY), 1.0);
            assert_eq!(scale.map(&f64::NEG_INFINITY, (0, 100)), 0);
        }
    }
}
