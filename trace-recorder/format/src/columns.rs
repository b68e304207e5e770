//! The columns of a chunk: one for each thing that an event may say, so that like stands by like.
//!
//! Numbers are split. Their low byte is mostly noise, the rest is mostly small and repeats; apart, each comes near its
//! entropy, together they would spoil each other's statistics.

use crate::counts::ChunkCounts;
use crate::frame::FrameHeader;
use crate::histogram::histogram;
use crate::opcode;
use crate::{MAX_CHUNK_EVENTS, MAX_THREADS};
use bincode::{Decode, Encode};

/// In the high plane: the high part stands in the wide column.
pub(crate) const WIDE: u8 = 255;

/// A column of numbers: the low bytes; the bits above, where they are below 255; and those that are not.
#[derive(Encode, Decode, Default, Debug)]
pub(crate) struct Numbers {
    pub low: Vec<u8>,
    pub high: Vec<u8>,
    pub wide: Vec<u64>,
}

impl Numbers {
    #[inline]
    pub fn push(&mut self, number: u64) {
        self.low.push(number as u8);
        let high = number >> 8;
        if high < u64::from(WIDE) {
            self.high.push(high as u8);
        } else {
            self.high.push(WIDE);
            self.wide.push(high);
        }
    }

    fn clear(&mut self) {
        self.low.clear();
        self.high.clear();
        self.wide.clear();
    }
}

/// The payload of a chunk.
#[derive(Encode, Decode, Default, Debug)]
pub(crate) struct Columns {
    /// One of [`opcode`](crate::opcode) an event.
    pub opcodes: Vec<u8>,
    /// One an event: nanoseconds since the event before; 0 for the first.
    pub times: Numbers,
    /// One for each event that requests bytes.
    pub sizes: Numbers,
    /// One for each aligned malloc: the base-2 logarithm of the alignment.
    pub aligns: Vec<u8>,
    /// One for each release of an own block: how many own allocations ago it was made, at least 1.
    pub ages: Numbers,
    /// The threads whose blocks this chunk releases, in order of first appearance.
    pub owners: Vec<u32>,
    /// One for each release of another thread's block: which of `owners`.
    pub remote_owners: Numbers,
    /// One for each release of another thread's block: its index, as a zigzag delta to the one before of that owner.
    pub remote_indices: Numbers,
    /// One for each fork (the child's process number) and each mark (its number).
    pub extras: Vec<u64>,
}

impl Columns {
    /// Empties all columns and keeps their memory.
    pub fn clear(&mut self) {
        self.opcodes.clear();
        self.aligns.clear();
        self.owners.clear();
        self.extras.clear();
        for numbers in [
            &mut self.times,
            &mut self.sizes,
            &mut self.ages,
            &mut self.remote_owners,
            &mut self.remote_indices,
        ] {
            numbers.clear();
        }
    }

    /// Where in the payload the columns end that come before `extras`.
    pub fn ends(&self) -> Vec<usize> {
        let mut ends = Vec::new();
        let mut at = 0;
        let mut column = |count: usize, bytes: usize| {
            at += varint_len(count as u64) + bytes;
            ends.push(at);
        };
        let numbers = |numbers: &Numbers, column: &mut dyn FnMut(usize, usize)| {
            column(numbers.low.len(), numbers.low.len());
            column(numbers.high.len(), numbers.high.len());
            column(
                numbers.wide.len(),
                numbers.wide.iter().map(|&number| varint_len(number)).sum(),
            );
        };
        column(self.opcodes.len(), self.opcodes.len());
        numbers(&self.times, &mut column);
        numbers(&self.sizes, &mut column);
        column(self.aligns.len(), self.aligns.len());
        numbers(&self.ages, &mut column);
        column(
            self.owners.len(),
            self.owners
                .iter()
                .map(|&owner| varint_len(u64::from(owner)))
                .sum(),
        );
        numbers(&self.remote_owners, &mut column);
        numbers(&self.remote_indices, &mut column);
        ends
    }
}

/// Bytes of a number in bincode's varint.
fn varint_len(number: u64) -> usize {
    match number {
        0..=250 => 1,
        251..=0xFFFF => 3,
        0x1_0000..=0xFFFF_FFFF => 5,
        _ => 9,
    }
}

/// Small numbers for small differences of either sign: 0, -1, 1, -2 … become 0, 1, 2, 3 …
#[inline]
pub(crate) fn zigzag(from: u64, to: u64) -> u64 {
    let delta = to.wrapping_sub(from) as i64;
    ((delta << 1) ^ (delta >> 63)) as u64
}

/// The number that [`zigzag`] says comes after `from`.
#[inline]
pub(crate) fn unzigzag(from: u64, code: u64) -> u64 {
    from.wrapping_add((code >> 1) ^ (code & 1).wrapping_neg())
}

/// Compares the columns' lengths with each other and with the frame's header, and counts the opcodes.
///
/// After this, reading the columns in order never runs out of any of them.
pub(crate) fn check(columns: &Columns, header: &FrameHeader) -> Result<ChunkCounts, &'static str> {
    if header.entries > MAX_CHUNK_EVENTS || columns.opcodes.len() != header.entries as usize {
        return Err("the chunk's count of events is not that of its header");
    }
    let counts = histogram(&columns.opcodes);
    if counts[opcode::COUNT..].iter().any(|&count| count > 0) {
        return Err("the chunk has an event of a kind that this version does not know");
    }
    let mut known = [0u64; opcode::COUNT];
    known.copy_from_slice(&counts[..opcode::COUNT]);
    let count = |code: u8| known[usize::from(code)];
    let sums = ChunkCounts::of(&known);
    let own = count(opcode::FREE_OWN) + count(opcode::REALLOC_OWN);
    let remote = count(opcode::FREE_REMOTE) + count(opcode::REALLOC_REMOTE);
    let numbers = [
        (&columns.times, columns.opcodes.len() as u64),
        (&columns.sizes, sums.allocations + sums.failed),
        (&columns.ages, own),
        (&columns.remote_owners, remote),
        (&columns.remote_indices, remote),
    ];
    for (column, wanted) in numbers {
        let wide = column.high.iter().filter(|&&high| high == WIDE).count();
        if column.low.len() as u64 != wanted
            || column.high.len() as u64 != wanted
            || column.wide.len() != wide
        {
            return Err("the chunk's columns do not have the lengths that its events ask for");
        }
        if column
            .wide
            .iter()
            .any(|&high| high < u64::from(WIDE) || high >> 56 != 0)
        {
            return Err("a column of the chunk holds a number in a form that it must not have");
        }
    }
    if columns.aligns.len() as u64 != count(opcode::ALIGNED_MALLOC)
        || columns.extras.len() as u64 != count(opcode::FORK) + count(opcode::MARK)
        || columns.owners.len() as u64 > remote
    {
        return Err("the chunk's columns do not have the lengths that its events ask for");
    }
    if columns.aligns.iter().any(|&align| align > 63) {
        return Err("the chunk has an alignment above 2^63");
    }
    if columns
        .owners
        .iter()
        .any(|&owner| owner >= MAX_THREADS || owner == header.thread)
    {
        return Err("the chunk releases blocks of a thread whose number is out of range");
    }
    Ok(sums)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zigzag_comes_back() {
        for (from, to) in [
            (0, 0),
            (5, 4),
            (4, 5),
            (0, u64::MAX),
            (u64::MAX, 0),
            (1 << 63, 7),
        ] {
            assert_eq!(unzigzag(from, zigzag(from, to)), to);
        }
        assert_eq!(zigzag(10, 9), 1);
        assert_eq!(zigzag(10, 11), 2);
    }
}
