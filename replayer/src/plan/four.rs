//! Four operations that stand side by side, looked at together before the clock runs.
//!
//! Which of malloc and free comes next is what a processor can't predict in many programs, so the engine does plain operations four
//! at a time, by one of sixteen straight pieces of code. Which piece, and what the four do to the live bytes, stands here: two
//! bytes an operation, read where some ten instructions an operation would find it out.

use super::op::{Kind, Op};

/// What four operations are together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Four {
    /// Which of them free, bit i for the i-th, where all are plain: malloc or free in the thread's own table, no wide record. Else
    /// [`Four::ODD`].
    pub pattern: u32,
    /// By how many bytes the live bytes change, if all are plain and each succeeds.
    pub change: i32,
}

impl Four {
    /// The pattern of four that are not all plain, or of fewer than four.
    pub const ODD: u32 = 16;

    /// How many of these a plan of so many operations has: one for each four of them by their place in the plan, whosever they are,
    /// and one behind, so that whoever looks ahead finds something.
    pub(super) fn count(ops: u64) -> u64 {
        ops.div_ceil(4) + 1
    }

    /// Of operations that stand side by side.
    pub fn of(ops: &[Op]) -> Four {
        let odd = Four {
            pattern: Four::ODD,
            change: 0,
        };
        if ops.len() != 4 {
            return odd;
        }
        let mut four = Four::default();
        for (at, op) in ops.iter().enumerate() {
            if !op.is_plain() {
                return odd;
            }
            // Below 2^27, so that four of them fit.
            let size = op.field() as i32;
            if op.kind() == Some(Kind::Free) {
                four.pattern |= 1 << at;
                four.change -= size;
            } else {
                four.change += size;
            }
        }
        four
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::op::{SizeField, WIDE_FROM};

    #[test]
    fn four_at_once_are_told() {
        let most = SizeField::small(WIDE_FROM - 1).unwrap_or_default();
        let op = |kind, shared| Op::new(kind, shared, u32::MAX, most);
        for pattern in 0..16u32 {
            let kind = |at: usize| {
                if pattern >> at & 1 == 1 {
                    Kind::Free
                } else {
                    Kind::Malloc
                }
            };
            let four: [Op; 4] = std::array::from_fn(|at| op(kind(at), false));
            let frees = pattern.count_ones() as i32;
            let change = (4 - 2 * frees) * (WIDE_FROM as i32 - 1);
            assert_eq!(Four::of(&four), Four { pattern, change });
            assert_eq!(Four::of(&four[..3]).pattern, Four::ODD);
        }
        let wide = SizeField::wide(0).unwrap_or_default();
        for odd in [
            op(Kind::Malloc, true),
            op(Kind::Calloc, false),
            op(Kind::Take, false),
            op(Kind::Realloc, false),
            Op::new(Kind::Free, false, 0, wide),
            Op::new(Kind::Aligned, false, 0, wide),
        ] {
            for at in 0..4 {
                let mut four = [op(Kind::Malloc, false); 4];
                four[at] = odd;
                assert_eq!(Four::of(&four).pattern, Four::ODD);
            }
        }
    }
}
