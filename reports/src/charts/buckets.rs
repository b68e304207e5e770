//! Buckets by powers of two, and the axis on which they stand.

use crate::units::{bytes, count, nanos, trim_zeros};
use std::collections::BTreeMap;

/// What lifetimes count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds.
    Time,
    /// Steps in the order of events.
    Steps,
}

impl Unit {
    /// What a lifetime is called.
    pub fn lifetime(self) -> &'static str {
        match self {
            Unit::Time => "lifetime",
            Unit::Steps => "lifetime in steps of the tape (it knows no times)",
        }
    }
}

/// Blocks and bytes by powers of two.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Buckets {
    /// By the number of the bucket: 0 holds zeros, n holds 2^(n-1) to below 2^n.
    pub counts: BTreeMap<u32, (u64, u64)>,
    /// Those without an end.
    pub rest: (u64, u64),
}

impl Buckets {
    /// Counts so many blocks and bytes from this value on; `None` is without an end.
    pub fn add(&mut self, from: Option<u64>, blocks: u64, bytes: u64) {
        let at = match from {
            Some(from) => self.counts.entry(number(from)).or_default(),
            None => &mut self.rest,
        };
        (at.0, at.1) = (at.0.saturating_add(blocks), at.1.saturating_add(bytes));
    }

    fn range(&self) -> (u32, u32) {
        let first = self.counts.keys().next().copied().unwrap_or(0);
        let last = self.counts.keys().next_back().copied().unwrap_or(first);
        (first, last)
    }
}

/// The number of the bucket that begins with this value.
pub fn number(from: u64) -> u32 {
    u64::BITS - from.leading_zeros()
}

/// An axis of buckets: the first, how many, and one more for what never ends.
#[derive(Clone, Copy, Debug)]
pub struct Axis {
    first: u32,
    count: u32,
    /// Whether there is a bucket without an end.
    pub rest: bool,
    what: What,
}

/// What an axis measures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum What {
    /// Bytes.
    Size,
    /// How long a block lives.
    Lifetime(Unit),
}

impl Axis {
    /// Over the buckets that hold anything.
    pub fn new(buckets: &Buckets, what: What) -> Axis {
        let (first, last) = buckets.range();
        Axis {
            first,
            count: last - first + 1,
            rest: buckets.rest.0 > 0,
            what,
        }
    }

    /// Widths of a bucket that the axis is long.
    fn length(&self) -> f64 {
        f64::from(self.count) + if self.rest { 1.5 } else { 0.0 }
    }

    /// Where a bucket begins and ends, 0 to 1; `None` is the one of those without an end.
    pub fn span(&self, bucket: Option<u32>) -> (f64, f64) {
        let from = match bucket {
            Some(number) => f64::from(number.saturating_sub(self.first)),
            None => f64::from(self.count) + 0.5,
        };
        (from / self.length(), (from + 1.0) / self.length())
    }

    /// Round values with their places, 0 to 1: as many steps of the same width as have room for their labels, and `never`.
    pub fn ticks(&self, room: impl Fn(&str) -> f64) -> Vec<(f64, String)> {
        let place = |value: f64| {
            let bucket = if value < 1.0 { 0.0 } else { value.log2() + 1.0 };
            (bucket - f64::from(self.first)) / self.length()
        };
        let end = f64::from(self.count) / self.length();
        let (base, most) = match self.what {
            What::Size => (2f64, 64),
            What::Lifetime(_) => (10f64, 20),
        };
        let rest = self.rest.then(|| {
            let (from, to) = self.span(None);
            (f64::midpoint(from, to), "never".to_owned())
        });
        // Where a label begins and ends, 0 to 1: one at the end is moved to the left until it fits.
        let claim = |(at, label): &(f64, String)| {
            let end = (at + room(label) / 2.0).min(1.0);
            (end - room(label), end)
        };
        let last = rest.as_ref().map_or(f64::INFINITY, |r| claim(r).0);
        let free = |ticks: &[(f64, String)]| {
            let mut taken = f64::NEG_INFINITY;
            ticks.iter().map(claim).all(|(begin, end)| {
                let fits = begin >= taken;
                taken = end;
                fits
            })
        };
        let stepped = |step: usize| -> Vec<(f64, String)> {
            let values = (0..most).step_by(step).map(|p| base.powi(p));
            values
                .map(|v| (place(v), self.format(v)))
                .filter(|(at, _)| (-1e-9..=end + 1e-9).contains(at))
                .filter(|tick| claim(tick).1 <= last)
                .collect()
        };
        let mut ticks = (1..=12)
            .map(stepped)
            .find(|ticks| free(ticks))
            .unwrap_or_default();
        ticks.extend(rest);
        ticks
    }

    fn format(&self, value: f64) -> String {
        match self.what {
            What::Size => trim_zeros(&bytes(value)),
            What::Lifetime(Unit::Time) => trim_zeros(&nanos(value)),
            What::Lifetime(Unit::Steps) => count(value as u64),
        }
    }
}
