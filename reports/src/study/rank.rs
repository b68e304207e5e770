//! Contenders in the order of a figure, and what may be claimed of that order.

use super::{Cell, Tape, list};
use crate::stats::Spread;

/// Medians within this share of each other are not worth a claim, however sure.
const WORTH: f64 = 0.02;

/// A contender with its figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranked<'s> {
    /// The allocator, as people read it.
    pub name: &'s str,
    /// Its figure over the repetitions.
    pub figure: Spread,
}

/// Contenders by the median of a figure, the least first.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranking<'s> {
    order: Vec<Ranked<'s>>,
}

impl<'s> Ranking<'s> {
    /// Of those contenders of the tape that have the figure.
    pub fn of(tape: &'s Tape<'_>, figure: impl Fn(&Cell<'_>) -> Option<Spread>) -> Ranking<'s> {
        let with = |c: &'s Cell<'_>| {
            Some(Ranked {
                name: c.name,
                figure: figure(c)?,
            })
        };
        Ranking::new(tape.contenders().filter_map(with).collect())
    }

    /// Of these.
    pub fn new(mut order: Vec<Ranked<'s>>) -> Ranking<'s> {
        order.sort_by(|a, b| a.figure.median.total_cmp(&b.figure.median));
        Ranking { order }
    }

    /// The one with the least median, and the one with the most where that is another.
    pub fn ends(&self) -> Option<(Ranked<'s>, Option<Ranked<'s>>)> {
        let (first, rest) = self.order.split_first()?;
        Some((*first, rest.last().copied()))
    }

    /// One of them.
    pub fn get(&self, name: &str) -> Option<Ranked<'s>> {
        self.order.iter().find(|r| r.name == name).copied()
    }

    /// Those that cannot be told from the first.
    pub fn level(&self) -> Vec<&'s str> {
        let Some((first, rest)) = self.order.split_first() else {
            return Vec::new();
        };
        rest.iter()
            .filter(|other| !first.is_less_than(other))
            .map(|other| other.name)
            .collect()
    }

    /// `, b and c within noise of it`; nothing where the first stands alone.
    pub fn level_phrase(&self) -> String {
        match &self.level()[..] {
            [] => String::new(),
            level => format!(", {} within noise of it", list(level)),
        }
    }

    /// `In one repetition `, where the order rests on that and the noise is unknown.
    pub fn reserve(&self) -> &'static str {
        let repeated = self.order.iter().all(|r| r.figure.count > 1);
        if repeated { "" } else { "In one repetition " }
    }
}

impl Ranked<'_> {
    /// Whether all of its repetitions are below all of the other's, by medians that are worth a word.
    pub fn is_less_than(&self, other: &Ranked<'_>) -> bool {
        let (a, b) = (self.figure, other.figure);
        a.max < b.min && a.median < b.median * (1.0 - WORTH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranked(name: &'static str, figures: &[f64]) -> Ranked<'static> {
        Ranked {
            name,
            figure: Spread::of(figures.iter().copied()).unwrap(),
        }
    }

    #[test]
    fn a_repetition_that_reaches_into_the_first_s_range_is_level() {
        let ranking = Ranking::new(vec![
            ranked("far", &[9.0, 10.0, 11.0]),
            ranked("near", &[1.1, 1.4, 1.6]),
            ranked("first", &[1.0, 1.1, 1.2]),
        ]);
        let (first, last) = ranking.ends().unwrap();
        assert_eq!((first.name, last.unwrap().name), ("first", "far"));
        assert_eq!(ranking.level(), ["near"]);
        assert_eq!(ranking.level_phrase(), ", near within noise of it");
        assert!(first.is_less_than(&last.unwrap()));
        assert_eq!(ranking.reserve(), "");
    }

    #[test]
    fn what_is_next_to_nothing_is_no_difference_and_one_repetition_no_certainty() {
        let near = Ranking::new(vec![
            ranked("a", &[100.0, 100.0]),
            ranked("b", &[101.0, 101.0]),
        ]);
        assert_eq!(near.level(), ["b"]);
        let once = Ranking::new(vec![ranked("a", &[1.0]), ranked("b", &[2.0])]);
        assert_eq!(
            (once.level().len(), once.reserve()),
            (0, "In one repetition ")
        );
        assert!(Ranking::new(Vec::new()).ends().is_none());
    }
}
