//! The time axis of plots that stand beside each other: the same for all, unless the shortest would be a hairline on it.

use super::axis::{Quantity, Scale};

/// A run that takes less than this part of the longest one's time would be too narrow to read.
const NARROW: f64 = 1.0 / 12.0;

/// The axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    /// Whether each plot has its own time, from 0 to 100 %.
    own: bool,
    /// The scale of all.
    pub scale: Scale,
}

impl Span {
    /// For runs of these lengths; nanoseconds.
    pub fn of(lengths: &[f64]) -> Span {
        let positive = || lengths.iter().copied().filter(|l| *l > 0.0);
        let longest = positive().fold(0.0, f64::max);
        let own = positive().any(|l| l < longest * NARROW);
        let scale = if own {
            Scale::over(Quantity::Share, 0.0, 1.0)
        } else {
            Scale::from_zero(Quantity::Time, positive())
        };
        Span { own, scale }
    }

    /// Where a moment of a run of this length stands on the scale; both in nanoseconds.
    pub fn place(&self, at: f64, length: f64) -> f64 {
        if self.own { at / length.max(1.0) } else { at }
    }

    /// What stands below the plots.
    pub fn axis(&self) -> &'static str {
        if self.own {
            "part of the run’s own time"
        } else {
            "time since the run began"
        }
    }

    /// What a caption says of it.
    pub fn words(&self) -> &'static str {
        if self.own {
            "The runs’ times differ so much that each plot has its own."
        } else {
            "All plots have the same time axis, so a plot that ends earlier was faster."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_like_length_share_an_axis_and_others_do_not() {
        let same = Span::of(&[1e9, 0.0, 3e9]);
        assert_eq!(same.place(1e9, 3e9), 1e9);
        assert!(same.axis().starts_with("time") && same.scale.has(3e9));
        let own = Span::of(&[1e6, 3e9]);
        assert_eq!(own.place(1e9, 4e9), 0.25);
        assert!(own.axis().starts_with("part") && own.scale.has(1.0));
        assert_eq!(Span::of(&[]).place(0.0, 0.0), 0.0);
    }
}
