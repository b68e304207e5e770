//! The little statistics that a chart needs: medians, extremes, and how sure a ratio of medians is.

/// The middle of some measurements and how far they reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The median.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// How many there were.
    pub count: usize,
}

impl Spread {
    /// Of those values that are finite; `None` where there is none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Spread> {
        let mut sorted: Vec<f64> = values.into_iter().filter(|v| v.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let half = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 {
            sorted[half]
        } else {
            f64::midpoint(sorted[half - 1], sorted[half])
        };
        Some(Spread {
            median,
            min,
            max,
            count: sorted.len(),
        })
    }
}

/// The geometric mean of positive values; `None` where there is none or one is not positive.
pub fn geometric_mean(values: &[f64]) -> Option<f64> {
    if values.is_empty() || values.iter().any(|v| !v.is_finite() || *v <= 0.0) {
        return None;
    }
    Some((values.iter().map(|v| v.ln()).sum::<f64>() / values.len() as f64).exp())
}

/// The ratio of two medians with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MedianRatio {
    /// The first's median.
    pub before: f64,
    /// The second's median.
    pub after: f64,
    /// The second's over the first's.
    pub median: f64,
    /// The interval's lower end.
    pub low: f64,
    /// The interval's upper end.
    pub high: f64,
}

/// Draws of [`bootstrap_ratio`].
const DRAWS: usize = 2_000;

/// The ratio of the medians of two unpaired samples, with the 95 % percentile-bootstrap interval (Efron and Tibshirani, *An
/// Introduction to the Bootstrap*, 1993, chapter 13) from a fixed seed. `None` where either has no finite positive value.
pub fn bootstrap_ratio(before: &[f64], after: &[f64]) -> Option<MedianRatio> {
    let sound = |of: &[f64]| -> Vec<f64> {
        of.iter()
            .copied()
            .filter(|v| v.is_finite() && *v > 0.0)
            .collect()
    };
    let (before, after) = (sound(before), sound(after));
    let median = |of: &[f64]| Spread::of(of.iter().copied()).map(|s| s.median);
    let (was, is) = (median(&before)?, median(&after)?);
    // xorshift64*: any generator will do, and the same figures must give the same interval.
    let mut state = 0x2545_F491_4F6C_DD1Du64;
    let mut draw = |of: &[f64]| -> f64 {
        let picked = (0..of.len()).map(|_| {
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            let random = state.wrapping_mul(0x2545_F491_4F6C_DD1D);
            of[((u128::from(random) * of.len() as u128) >> 64) as usize]
        });
        Spread::of(picked).map_or(f64::NAN, |s| s.median)
    };
    let mut ratios: Vec<f64> = (0..DRAWS).map(|_| draw(&after) / draw(&before)).collect();
    ratios.sort_by(f64::total_cmp);
    Some(MedianRatio {
        before: was,
        after: is,
        median: is / was,
        low: ratios[DRAWS * 25 / 1000],
        high: ratios[DRAWS * 975 / 1000],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(Spread::of([]), None);
        assert_eq!(Spread::of([f64::NAN]), None);
        assert_eq!(
            Spread::of([3.0, f64::INFINITY, 1.0]).map(|s| (s.median, s.count)),
            Some((2.0, 2))
        );
        assert_eq!(
            Spread::of([5.0, 1.0, 3.0]).map(|s| (s.min, s.median, s.max)),
            Some((1.0, 3.0, 5.0))
        );
    }

    #[test]
    fn an_interval_holds_the_ratio_and_narrows_with_more_repetitions() {
        let sample = |n: usize, at: f64| -> Vec<f64> {
            (0..n)
                .map(|i| at * (1.0 + 0.05 * ((i * 7919 % 101) as f64 / 50.0 - 1.0)))
                .collect()
        };
        let few = bootstrap_ratio(&sample(5, 10.0), &sample(5, 5.0)).unwrap();
        let many = bootstrap_ratio(&sample(99, 10.0), &sample(99, 5.0)).unwrap();
        for r in [few, many] {
            assert!(r.low <= r.median && r.median <= r.high, "{r:?}");
            assert!((r.median - 0.5).abs() < 0.03, "{r:?}");
        }
        assert!(
            many.high - many.low < few.high - few.low,
            "{few:?} {many:?}"
        );
        assert_eq!(bootstrap_ratio(&[f64::NAN, 0.0], &[1.0]), None);
    }

    #[test]
    fn means() {
        assert_eq!(geometric_mean(&[]), None);
        assert_eq!(geometric_mean(&[1.0, 0.0]), None);
        assert!((geometric_mean(&[0.5, 2.0]).unwrap_or(0.0) - 1.0).abs() < 1e-12);
    }
}
