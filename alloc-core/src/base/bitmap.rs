//! Which classes of free chunks are not empty.

use super::class::CLASSES;

const WORDS: usize = CLASSES / 64;

/// A set of class numbers; finds the next member in a few instructions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClassSet {
    words: [u64; WORDS],
}

impl ClassSet {
    /// The empty set.
    pub const fn new() -> Self {
        ClassSet { words: [0; WORDS] }
    }

    /// Adds `class`, which must be below [`CLASSES`].
    pub fn insert(&mut self, class: usize) {
        self.words[class / 64] |= 1 << (class % 64);
    }

    /// Takes `class` out.
    pub fn remove(&mut self, class: usize) {
        self.words[class / 64] &= !(1 << (class % 64));
    }

    /// Whether `class` is in it.
    pub fn contains(&self, class: usize) -> bool {
        self.words[class / 64] & (1 << (class % 64)) != 0
    }

    /// The largest member.
    pub fn last(&self) -> Option<usize> {
        let word = self.words.iter().rposition(|bits| *bits != 0)?;
        Some(word * 64 + 63 - self.words[word].leading_zeros() as usize)
    }

    /// The smallest member that is no less than `class`.
    pub fn next_from(&self, class: usize) -> Option<usize> {
        let mut word = class / 64;
        if word >= WORDS {
            return None;
        }
        let mut bits = self.words[word] & (u64::MAX << (class % 64));
        loop {
            if bits != 0 {
                return Some(word * 64 + bits.trailing_zeros() as usize);
            }
            word += 1;
            if word == WORDS {
                return None;
            }
            bits = self.words[word];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_next_member_across_words() {
        let mut set = ClassSet::new();
        assert_eq!(set.next_from(0), None);
        set.insert(3);
        set.insert(64);
        set.insert(255);
        assert_eq!(set.next_from(0), Some(3));
        assert_eq!(set.next_from(4), Some(64));
        assert_eq!(set.next_from(65), Some(255));
        set.remove(255);
        assert_eq!(set.next_from(65), None);
        assert_eq!(set.next_from(CLASSES), None);
        assert!(set.contains(64) && !set.contains(65));
    }
}
