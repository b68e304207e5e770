//! The little statistics that a chart needs: a median and the extremes of what is finite.

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
    fn means() {
        assert_eq!(geometric_mean(&[]), None);
        assert_eq!(geometric_mean(&[1.0, 0.0]), None);
        assert!((geometric_mean(&[0.5, 2.0]).unwrap_or(0.0) - 1.0).abs() < 1e-12);
    }
}
