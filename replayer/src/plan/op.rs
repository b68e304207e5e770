//! One operation of a program in eight bytes.
//!
//! ```text
//! bit 63            32 31              5   4   3      1   0
//!     slot (32)        size (27)        wide   kind (3)  shared
//! ```
//! `slot` numbers a slot of the thread's own table, or of the shared one when the shared bit is set. `size` is the block's size in
//! bytes, or, when the wide bit is set, the number of a [`Wide`] record: for sizes from 2^27 bytes on and for alignments.
//!
//! A realloc is two operations: `Take` moves the old block into the thread's hand, `Realloc` changes it and puts it into its new
//! slot. So old and new block may each be the thread's own or shared.

/// Bits of the size field.
const SIZE_BITS: u32 = 27;
const SIZE_MASK: u64 = (1 << SIZE_BITS) - 1;
const WIDE: u64 = 1 << 4;
const SHARED: u64 = 1;
const SIZE_AND_WIDE: u64 = (SIZE_MASK << 5) | WIDE;

/// The smallest size that needs a [`Wide`] record.
pub const WIDE_FROM: u64 = 1 << SIZE_BITS;

/// The most [`Wide`] records of a plan.
pub const MOST_WIDE: u64 = SIZE_MASK;

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// malloc into the slot.
    Malloc = 0,
    /// free of the slot's block.
    Free = 1,
    /// calloc into the slot.
    Calloc = 2,
    /// aligned malloc into the slot; always wide.
    Aligned = 3,
    /// The slot's block goes into the hand.
    Take = 4,
    /// realloc of the block in the hand, into the slot.
    Realloc = 5,
}

impl Kind {
    const fn from_bits(bits: u64) -> Option<Kind> {
        match bits {
            0 => Some(Kind::Malloc),
            1 => Some(Kind::Free),
            2 => Some(Kind::Calloc),
            3 => Some(Kind::Aligned),
            4 => Some(Kind::Take),
            5 => Some(Kind::Realloc),
            _ => None,
        }
    }

    /// Whether the operation fills its slot (the others empty it).
    pub const fn makes(self) -> bool {
        matches!(
            self,
            Kind::Malloc | Kind::Calloc | Kind::Aligned | Kind::Realloc
        )
    }
}

/// A size as an operation holds it: the size field and the wide bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct SizeField(u32);

impl SizeField {
    /// A size below [`WIDE_FROM`].
    pub fn small(size: u64) -> Option<SizeField> {
        if size < WIDE_FROM {
            Some(SizeField((size as u32) << 1))
        } else {
            None
        }
    }

    /// The number of a wide record, at most [`MOST_WIDE`].
    pub fn wide(record: u64) -> Option<SizeField> {
        if record <= MOST_WIDE {
            Some(SizeField((record as u32) << 1 | 1))
        } else {
            None
        }
    }
}

impl SizeField {
    /// As a number.
    pub fn to_raw(self) -> u32 {
        self.0
    }

    /// From the number that [`to_raw`](Self::to_raw) gave.
    pub fn from_raw(raw: u32) -> SizeField {
        SizeField(raw & (u32::MAX >> 4))
    }

    /// The field and the bit at their places in an operation. They stand side by side, the bit below.
    fn bits(self) -> u64 {
        u64::from(self.0) << 4
    }
}

/// One operation. All-zero bits are `Malloc` of 0 bytes into slot 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Op(u64);

impl Op {
    /// An operation on `slot`, of the shared table if `shared`.
    pub fn new(kind: Kind, shared: bool, slot: u32, size: SizeField) -> Op {
        let place = u64::from(slot) << 32;
        Op(place | size.bits() | ((kind as u64) << 1) | u64::from(shared))
    }

    /// The same operation with another size.
    pub fn with_size(self, size: SizeField) -> Op {
        Op((self.0 & !SIZE_AND_WIDE) | size.bits())
    }

    /// The kind; `None` for bits that no plan holds.
    #[inline(always)]
    pub fn kind(self) -> Option<Kind> {
        Kind::from_bits(self.0 >> 1 & 7)
    }

    /// Whether the slot lies in the shared table.
    #[inline(always)]
    pub fn shared(self) -> bool {
        self.0 & SHARED != 0
    }

    /// Whether it is plain: malloc or free in the thread's own table, no wide record.
    #[inline(always)]
    pub fn is_plain(self) -> bool {
        // What is neither slot nor size nor the bit that tells Free from Malloc.
        const ODD: u64 = 0b1_1101;
        self.0 & ODD == 0
    }

    /// The slot's number.
    #[inline(always)]
    pub fn slot(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// Whether the size field numbers a wide record.
    #[inline(always)]
    pub fn is_wide(self) -> bool {
        self.0 & WIDE != 0
    }

    /// The size of a plain operation, see [`is_plain`](Self::is_plain).
    #[inline(always)]
    pub fn plain_size(self) -> usize {
        // The other bits of the lower half are below the field.
        (self.0 as u32 >> 5) as usize
    }

    /// The size field: a size in bytes, or the number of a wide record.
    #[inline(always)]
    pub fn field(self) -> usize {
        (self.0 >> 5 & SIZE_MASK) as usize
    }
}

/// What does not fit into an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[repr(C)]
pub struct Wide {
    /// Size in bytes.
    pub size: u64,
    /// Base-2 logarithm of the alignment; 0 where none was asked for.
    pub align_log2: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_comes_back() {
        let sizes = [
            SizeField::small(0),
            SizeField::small(WIDE_FROM - 1),
            SizeField::wide(0),
            SizeField::wide(MOST_WIDE),
        ];
        for size in sizes.into_iter().flatten() {
            for kind in [
                Kind::Malloc,
                Kind::Calloc,
                Kind::Aligned,
                Kind::Free,
                Kind::Take,
                Kind::Realloc,
            ] {
                for slot in [0, 1, u32::MAX] {
                    for shared in [false, true] {
                        let op = Op::new(kind, shared, slot, SizeField::default()).with_size(size);
                        assert_eq!(op, Op::new(kind, shared, slot, size));
                        assert_eq!(
                            (op.kind(), op.shared(), op.slot()),
                            (Some(kind), shared, slot)
                        );
                        assert_eq!(
                            (op.is_wide(), op.field()),
                            (size.0 & 1 == 1, (size.0 >> 1) as usize)
                        );
                    }
                }
            }
        }
        assert_eq!(SizeField::small(WIDE_FROM), None);
        assert_eq!(SizeField::wide(MOST_WIDE + 1), None);
        assert_eq!(size_of::<Op>(), 8);
    }

    #[test]
    fn bits_of_no_kind_are_told() {
        assert_eq!(Op(6 << 1).kind(), None);
        assert_eq!(Op(7 << 1).kind(), None);
    }
}
