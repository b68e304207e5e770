//! Events as words of 64 bits: mostly one word an event.
//!
//! Every word has its kind in the lowest four bits. An event is one word, which says what differs from the event before:
//!
//! ```text
//! kind 4 | ticks since the event before 16 | size 12 | address/16 less the base, signed 32
//! ```
//!
//! What does not fit stands in words before it: a whole stamp, a new base of addresses, a size. The event's own word is
//! written last, so a reader that comes after the writer was killed finds it whole or not at all. A page of memory
//! begins with a stamp and a base, so it decodes alone.

use crate::raw::{Op, Raw};
use std::sync::atomic::{AtomicU64, Ordering};

const MALLOC: u64 = 1;
const CALLOC: u64 = 2;
const ALIGNED: u64 = 3;
const FREE: u64 = 4;
const REALLOC_OLD: u64 = 5;
const REALLOC_NEW: u64 = 6;
const FAILED: u64 = 7;
/// Thread start, thread end, mark, fork: which of them stands in the field of the base.
const NOTE: u64 = 8;
/// An event that was taken back: an allocator's own step within a request, which the request's event stands for.
const VOID: u64 = 9;
const TEXT: u64 = 10;
/// Stamp, 60 bits.
const TIME: u64 = 11;
/// Lowest 4 bits of the next event's address; then 56 bits, the new base.
const ADDRESS: u64 = 12;
/// Alignment 6 bits, size 54 bits.
const SIZE: u64 = 13;
/// The size's highest 10 bits.
const HIGH: u64 = 14;

const KIND: u64 = 15;
const NUMBER: u64 = (1 << 60) - 1;
const SIZE_BITS: u32 = 54;

/// Most words that an event takes.
pub const MOST_WORDS: usize = 5;

/// Words at the start of a page before its events.
pub const PAGE_START: usize = 2;

#[inline(always)]
const fn kind_of(op: Op) -> u64 {
    match op {
        Op::Malloc => MALLOC,
        Op::Calloc => CALLOC,
        Op::Aligned => ALIGNED,
        Op::Free => FREE,
        Op::ReallocOld => REALLOC_OLD,
        Op::ReallocNew => REALLOC_NEW,
        Op::Failed => FAILED,
        Op::ThreadStart | Op::ThreadEnd | Op::Mark | Op::Fork => NOTE,
        Op::Text => TEXT,
    }
}

const fn note_of(op: Op) -> u64 {
    match op {
        Op::ThreadStart => 1,
        Op::ThreadEnd => 2,
        Op::Mark => 3,
        Op::Fork => 4,
        _ => 0,
    }
}

/// What the next word is relative to.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub struct Base {
    /// The stamp of the event before.
    pub stamp: u64,
    /// Addresses count from here, in units of 16 bytes.
    pub address: u64,
}

/// The one word of a block's event; `None` if it needs more words. Only for events of blocks.
#[inline(always)]
pub fn short(base: Base, raw: Raw) -> Option<u64> {
    let ticks = raw.stamp.wrapping_sub(base.stamp);
    let distance = (raw.address >> 4).wrapping_sub(base.address);
    let too_much = ticks >> 16
        | raw.size >> 12
        | raw.address & 15
        | distance.wrapping_add(1 << 31) >> 32
        | raw.align_log2 as u64;
    if too_much != 0 {
        return None;
    }
    Some(kind_of(raw.op) | ticks << 4 | raw.size << 20 | distance << 32)
}

/// All words of an event, and how many they are. The base becomes that of the next one.
pub fn long(base: &mut Base, raw: Raw) -> ([u64; MOST_WORDS], usize) {
    let mut words = [0; MOST_WORDS];
    let mut len = 0;
    let mut push = |word: u64| {
        if let Some(place) = words.get_mut(len) {
            *place = word;
            len += 1;
        }
    };
    if raw.op == Op::Text {
        push(TEXT | raw.address << 4);
        return (words, len);
    }
    let mut ticks = raw.stamp.wrapping_sub(base.stamp);
    if ticks >> 16 != 0 {
        push(TIME | (raw.stamp & NUMBER) << 4);
        ticks = 0;
    }
    base.stamp = raw.stamp & NUMBER;
    let kind = kind_of(raw.op);
    let is_block = kind != NOTE && kind != FAILED;
    let address = raw.address & NUMBER;
    let mut distance = (address >> 4).wrapping_sub(base.address);
    if !is_block {
        distance = note_of(raw.op);
    } else if address & 15 != 0 || distance.wrapping_add(1 << 31) >> 32 != 0 {
        push(ADDRESS | (address & 15) << 4 | (address >> 4) << 8);
        base.address = address >> 4;
        distance = 0;
    }
    let mut size = raw.size;
    let align = u64::from(raw.align_log2 & 63);
    if size >> 12 != 0 || align != 0 {
        push(SIZE | align << 4 | size << 10);
        if size >> SIZE_BITS != 0 {
            push(HIGH | size >> SIZE_BITS << 4);
        }
        size = 0;
    }
    push(kind | ticks << 4 | size << 20 | distance << 32);
    (words, len)
}

/// The words that a page begins with.
pub fn page_start(base: Base) -> [u64; PAGE_START] {
    [
        TIME | (base.stamp & NUMBER) << 4,
        ADDRESS | (base.address & (NUMBER >> 4)) << 8,
    ]
}

/// The stamp in the first word of a page; `None` if nothing stands there.
pub fn page_stamp(first: u64) -> Option<u64> {
    (first & KIND == TIME).then_some(first >> 4)
}

/// The word of an event that is taken back: time goes on as before.
pub fn void(word: u64) -> u64 {
    word & !KIND | VOID
}

/// Reads words one after the other.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub struct Decoder {
    base: Base,
    /// Of the next event: the lowest bits of its address, and its size if that did not fit.
    odd: u64,
    size: Option<(u64, u8)>,
    /// Whether one of them was told.
    waits: bool,
}

/// The operations of [`MALLOC`] to [`REALLOC_NEW`].
const BLOCK_OPS: &[Op] = Op::ALL.split_at(6).0;

impl Decoder {
    /// Reads on from a base.
    pub fn from_base(base: Base) -> Decoder {
        Decoder {
            base,
            ..Decoder::default()
        }
    }

    /// Takes a word, and hands back the event that it completes. A word of no known kind is passed over.
    pub fn take(&mut self, word: u64) -> Option<Raw> {
        let (next, raw) = self.after(word);
        *self = next;
        raw
    }

    /// Takes words as long as each is a whole event of a block, as most are, and there is room in `events`. Says how many.
    pub fn take_plain(&mut self, words: &[AtomicU64], events: &mut [Raw]) -> usize {
        if self.waits {
            return 0;
        }
        // The loop's state is a stamp and nothing else.
        let mut stamp = self.base.stamp;
        let mut taken = 0;
        for (word, event) in words.iter().zip(events) {
            let word = word.load(Ordering::Acquire);
            let Some(&op) = BLOCK_OPS.get((word & KIND).wrapping_sub(MALLOC) as usize) else {
                break;
            };
            stamp = stamp.wrapping_add(word >> 4 & 0xFFFF) & NUMBER;
            *event = Raw {
                op,
                align_log2: 0,
                size: word >> 20 & 0xFFF,
                address: self.address(word),
                stamp,
            };
            taken += 1;
        }
        self.base.stamp = stamp;
        taken
    }

    /// As it was when it had taken all up to an event of this stamp, of those that [`take_plain`](Decoder::take_plain) took
    /// last.
    pub fn back_to(mut self, stamp: u64) -> Decoder {
        self.base.stamp = stamp;
        self
    }

    /// The stamp of the event before.
    pub fn stamp(&self) -> u64 {
        self.base.stamp
    }

    /// The address in an event's word, without its lowest bits.
    #[inline(always)]
    fn address(&self, word: u64) -> u64 {
        let distance = (word as i64 >> 32) as u64;
        self.base.address.wrapping_add(distance) << 4 & NUMBER
    }

    /// As it is behind a word, and the event that the word completes.
    #[inline(never)]
    pub fn after(mut self, word: u64) -> (Decoder, Option<Raw>) {
        let raw = self.take_one(word);
        (self, raw)
    }

    #[inline(always)]
    fn take_one(&mut self, word: u64) -> Option<Raw> {
        let kind = word & KIND;
        let op = match kind {
            FAILED => Op::Failed,
            NOTE => match word >> 32 {
                1 => Op::ThreadStart,
                2 => Op::ThreadEnd,
                3 => Op::Mark,
                4 => Op::Fork,
                _ => return None,
            },
            _ => match BLOCK_OPS.get(kind.wrapping_sub(MALLOC) as usize) {
                Some(&op) => op,
                None => return self.other(kind, word),
            },
        };
        self.base.stamp = self.base.stamp.wrapping_add(word >> 4 & 0xFFFF) & NUMBER;
        let address = self.address(word) | self.odd;
        let (size, align_log2) = self.size.take().unwrap_or((word >> 20 & 0xFFF, 0));
        (self.odd, self.waits) = (0, false);
        Some(Raw {
            op,
            align_log2,
            size,
            address: if kind == NOTE || kind == FAILED {
                0
            } else {
                address
            },
            stamp: self.base.stamp,
        })
    }

    #[cold]
    fn other(&mut self, kind: u64, word: u64) -> Option<Raw> {
        match kind {
            TIME => self.base.stamp = word >> 4,
            ADDRESS => {
                (self.odd, self.base.address) = (word >> 4 & 15, word >> 8);
                self.waits |= self.odd != 0;
            }
            SIZE => {
                self.size = Some((word >> 10, (word >> 4 & 63) as u8));
                self.waits = true;
            }
            HIGH => {
                if let Some((size, _)) = &mut self.size {
                    *size |= (word >> 4) << SIZE_BITS;
                }
            }
            VOID => {
                self.base.stamp = self.base.stamp.wrapping_add(word >> 4 & 0xFFFF) & NUMBER;
                (self.odd, self.size, self.waits) = (0, None, false);
            }
            TEXT => {
                return Some(Raw {
                    op: Op::Text,
                    align_log2: 0,
                    size: 0,
                    address: word >> 4,
                    stamp: self.base.stamp,
                });
            }
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(op: Op, address: u64, size: u64, stamp: u64) -> Raw {
        Raw {
            op,
            align_log2: 0,
            size,
            address,
            stamp,
        }
    }

    /// Writes all events the way the recorder does, and reads them back.
    fn there_and_back(events: &[Raw]) -> usize {
        let mut base = Base {
            stamp: 5,
            address: 7,
        };
        let mut words = page_start(base).to_vec();
        for event in events {
            match short(base, *event).filter(|_| event.op.makes() || event.op.releases()) {
                Some(word) => {
                    base.stamp = event.stamp;
                    words.push(word);
                }
                _ => {
                    let (more, len) = long(&mut base, *event);
                    words.extend_from_slice(&more[..len]);
                }
            }
        }
        let mut decoder = Decoder::default();
        let read: Vec<Raw> = words
            .iter()
            .filter_map(|word| decoder.take(*word))
            .collect();
        assert_eq!(read, events);
        words.len() - PAGE_START
    }

    #[test]
    fn usual_events_take_one_word() {
        let events = [
            raw(Op::Malloc, 0x7000, 64, 100),
            raw(Op::Free, 0x7000, 0, 200),
            raw(Op::Calloc, 0x7_0000_0000, 4095, 65_735),
            raw(Op::ReallocOld, 0x10, 0, 65_735),
        ];
        assert_eq!(there_and_back(&events), 4);
    }

    #[test]
    fn unusual_events_come_back() {
        let aligned = Raw {
            align_log2: 63,
            ..raw(Op::Aligned, 0x1000, u64::MAX, 900)
        };
        let events = [
            raw(Op::ThreadStart, 0, 0, 1 << 59),
            raw(Op::Malloc, 0x7fff_1234_5678, 1 << 40, 100),
            raw(Op::Malloc, 0x5555_0000_0010, 4096, 99),
            raw(Op::Free, 0x7fff_1234_5679, 0, 70_000),
            raw(Op::Free, 0x7fff_1234_5670, 0, 70_001),
            aligned,
            raw(Op::Failed, 0, u64::MAX, 900),
            raw(Op::Failed, 0, 17, 901),
            raw(Op::Mark, 0, 9, 1000),
            raw(Op::Text, 0xFF_FFFF_FFFF_FFFF, 0, 1000),
            raw(Op::Text, 0, 0, 1000),
            raw(Op::Fork, 0, 123_456, 1000),
            raw(Op::ThreadEnd, 0, 0, 1001),
            raw(Op::Malloc, NUMBER - 15, 1, NUMBER),
        ];
        there_and_back(&events);
    }

    #[test]
    fn what_is_void_keeps_the_time() {
        let mut base = Base::default();
        let (words, len) = long(&mut base, raw(Op::Malloc, 0x10, 5000, 40));
        assert_eq!(len, 2);
        let mut decoder = Decoder::default();
        assert_eq!(decoder.take(words[0]), None);
        assert_eq!(decoder.take(void(words[1])), None);
        let next = raw(Op::Malloc, 0x20, 6, 50);
        assert_eq!(
            short(base, next).and_then(|word| decoder.take(word)),
            Some(next)
        );
    }

    #[test]
    fn any_word_can_be_read() {
        let mut decoder = Decoder::default();
        let mut word = 1u64;
        for _ in 0..10_000 {
            word = word.wrapping_mul(0x2545_F491_4F6C_DD1D).wrapping_add(99);
            let _ = decoder.take(word);
        }
    }
}
