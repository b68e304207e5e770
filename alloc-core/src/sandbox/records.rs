//! Small blocks in few bytes: what a key frame keeps of them, for there may be millions.
//!
//! A block's record is two words: its header, and the first word of its payload, which is its name or a link. Neighbours in
//! a run have the same bin, places at equal distances, one of two owner words (in use, or free), and names or links that
//! are often near one another. So a record is kept as what differs from the guess that those before it allow: about five
//! bytes in place of sixteen.
//!
//! ```text
//! record = control, [owner, 4 bytes], [asked, 1 byte | all of the header's upper half, 4 bytes], word or its difference
//! control = bits 0..1: owner code; bits 2..3: code of the upper half; bits 4..7: how many bytes of the word's difference, 0 to
//!           8, or 8 more than the bytes of the word itself, 1 to 7
//! ```

use alloc::vec::Vec;

/// A small block's header and the first word of its payload.
pub(super) type Record = [u64; 2];

/// Bytes of a record in memory, header and word.
pub(super) const RECORD: u64 = 16;

const SAME: u8 = 0;
const OTHER: u8 = 1;
const ASKED: u8 = 1;
const WHOLE: u8 = 2;

/// Where `asked` stands in the upper half of a header, and where the place does.
const ASKED_SHIFT: u32 = 8;
const PLACE_SHIFT: u32 = 16;

/// What those before a record let one expect of it. A wrong guess costs bytes, nothing else.
#[derive(Clone, Copy, Debug, Default)]
struct Guess {
    /// The last owner word, and the last one that was another; with the last word that followed each.
    owners: [(u32, u64); 2],
    /// The upper half of the last header: bin, asked, place.
    upper: u32,
    /// How far the last place was from the one before it.
    step: u32,
}

impl Guess {
    fn upper(&self) -> u32 {
        self.upper.wrapping_add(self.step << PLACE_SHIFT)
    }

    /// Takes in the record that came, under the code that its owner has.
    fn learn(&mut self, code: u8, owner: u32, upper: u32, word: u64) {
        self.step = (upper >> PLACE_SHIFT).wrapping_sub(self.upper >> PLACE_SHIFT) & 0xFFFF;
        self.upper = upper;
        if code != SAME {
            self.owners[1] = self.owners[0];
        }
        self.owners[0] = (owner, word);
    }

    /// The word that came last with the owner of this code.
    fn word(&self, code: u8) -> u64 {
        self.owners[usize::from(code == OTHER)].1
    }
}

/// The most bytes that a record takes.
const LONGEST: usize = 1 + 4 + 4 + 8;

/// Records, packed one after the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Records {
    bytes: Vec<u8>,
    guess: Guess,
}

impl Records {
    /// Bytes that they take.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Appends a record.
    pub(super) fn push(&mut self, [header, word]: Record) {
        let (owner, upper) = (header as u32, (header >> 32) as u32);
        let [last, other] = self.guess.owners;
        let code = match owner {
            _ if owner == last.0 => SAME,
            _ if owner == other.0 => OTHER,
            _ => WHOLE,
        };
        let wrong = upper ^ self.guess.upper();
        let upper_code = match wrong {
            0 => SAME,
            _ if wrong & !(0xFF << ASKED_SHIFT) == 0 => ASKED,
            _ => WHOLE,
        };
        let apart = zigzag(word.wrapping_sub(self.guess.word(code)));
        let (short, whole) = (bytes_of(apart), bytes_of(word));
        // Names far apart are shorter as they are, since a difference needs its sign.
        let (apart, length, way) = if (1..short).contains(&whole) {
            (word, whole, whole + 8)
        } else {
            (apart, short, short)
        };
        let (mut bytes, mut end) = ([0; LONGEST], 1);
        bytes[0] = code | upper_code << 2 | (way as u8) << 4;
        if code == WHOLE {
            bytes[end..end + 4].copy_from_slice(&owner.to_le_bytes());
            end += 4;
        }
        if upper_code == ASKED {
            bytes[end] = (upper >> ASKED_SHIFT) as u8;
            end += 1;
        } else if upper_code == WHOLE {
            bytes[end..end + 4].copy_from_slice(&upper.to_le_bytes());
            end += 4;
        }
        bytes[end..end + 8].copy_from_slice(&apart.to_le_bytes());
        // All of it, and then less: a copy of fixed length is a few stores, one of any length a call.
        let from = self.bytes.len();
        self.bytes.extend_from_slice(&bytes);
        self.bytes.truncate(from + end + length);
        self.guess.learn(code, owner, upper, word);
    }

    /// No more come. Behind them stands what lets each be read in one go.
    pub(super) fn close(&mut self) {
        self.bytes.extend_from_slice(&[0; LONGEST]);
        self.bytes.shrink_to_fit();
    }

    /// The records after [`close`](Self::close), in the order in which they were appended, and behind them some that mean
    /// nothing: the reader knows how many there are.
    pub(super) fn iter(&self) -> Iter<'_> {
        Iter {
            bytes: &self.bytes,
            guess: Guess::default(),
        }
    }
}

/// Reads records.
pub(super) struct Iter<'r> {
    bytes: &'r [u8],
    guess: Guess,
}

fn four(bytes: &[u8; LONGEST], at: usize) -> u32 {
    let mut four = [0; 4];
    four.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(four)
}

impl Iterator for Iter<'_> {
    type Item = Record;

    #[inline]
    fn next(&mut self) -> Option<Record> {
        let bytes: &[u8; LONGEST] = self.bytes.first_chunk()?;
        let control = bytes[0];
        let (code, upper_code) = (control & 3, control >> 2 & 3);
        let (mut end, owner) = match code {
            WHOLE => (5, four(bytes, 1)),
            code => (1, self.guess.owners[usize::from(code == OTHER)].0),
        };
        let mut upper = self.guess.upper();
        if upper_code == ASKED {
            upper = upper & !(0xFF << ASKED_SHIFT) | u32::from(bytes[end]) << ASKED_SHIFT;
            end += 1;
        } else if upper_code == WHOLE {
            upper = four(bytes, end);
            end += 4;
        }
        let mut eight = [0; 8];
        eight.copy_from_slice(&bytes[end..end + 8]);
        let way = usize::from(control >> 4);
        let is_whole = way > 8;
        let length = way - usize::from(is_whole) * 8;
        // Nothing of no bytes: all bits are shifted out.
        let kept = u64::MAX.checked_shr(64 - 8 * length as u32).unwrap_or(0);
        let number = u64::from_le_bytes(eight) & kept;
        let apart = self.guess.word(code).wrapping_add(unzigzag(number));
        let word = if is_whole { number } else { apart };
        self.guess.learn(code, owner, upper, word);
        self.bytes = self.bytes.get(end + length..)?;
        Some([u64::from(owner) | u64::from(upper) << 32, word])
    }
}

fn bytes_of(number: u64) -> usize {
    (64 - number.leading_zeros()).div_ceil(8) as usize
}

/// Small numbers for small differences, whichever their sign.
fn zigzag(difference: u64) -> u64 {
    difference << 1 ^ ((difference as i64) >> 63) as u64
}

fn unzigzag(number: u64) -> u64 {
    number >> 1 ^ (number & 1).wrapping_neg()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packed(records: &[Record]) -> Records {
        let mut packed = Records::default();
        records.iter().for_each(|&record| packed.push(record));
        packed.close();
        packed
    }

    fn unpacked(packed: &Records, count: usize) -> Vec<Record> {
        packed.iter().take(count).collect()
    }

    proptest! {
        #[test]
        fn any_records_come_back(records in prop::collection::vec(any::<Record>(), 0..40)) {
            prop_assert_eq!(unpacked(&packed(&records), records.len()), records);
        }

        #[test]
        fn so_do_those_of_a_run(steps in prop::collection::vec((any::<bool>(), any::<u8>(), 0u64..1000), 0..200)) {
            let records: Vec<Record> = (steps.iter().enumerate())
                .map(|(at, &(free, asked, word))| {
                    let owner = if free { 7 } else { 0x901 };
                    [owner | 3 << 32 | u64::from(asked) << 40 | ((at as u64 * 3) & 0xFFFF) << 48, word]
                })
                .collect();
            prop_assert_eq!(unpacked(&packed(&records), records.len()), records);
        }
    }

    #[test]
    fn blocks_that_were_made_one_after_the_other_take_three_bytes() {
        let records: Vec<Record> = (0..1000u64)
            .map(|at| {
                [
                    0x901 | 3 << 32 | (at % 7) << 40 | (at * 3) << 48,
                    5_000_000 + at * 2,
                ]
            })
            .collect();
        let packed = packed(&records);
        assert!(packed.len() < 3100, "{} bytes", packed.len());
        assert_eq!(unpacked(&packed, 1000), records);
    }
}
