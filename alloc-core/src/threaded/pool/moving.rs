//! Blocks put together from free pages, by moving these: a page that moves costs a few nanoseconds, a new one 1.5 µs.

use super::system::{Range, gone, map, pointer, unmap};
use crate::base::align::PAGE;
use crate::source::Mmap;
use crate::source::mmap::Moved;

/// Why there is no mapping with pages in it that were elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// Memory has ended.
    NoMemory,
    /// Pages don't move, and others map memory where they should go: better not tried again.
    Stuck,
}

/// A new mapping of `bytes` with pieces of free memory one behind the other from `offset` on; the rest is new. The pieces
/// are gone in any case.
///
/// # Errors
/// [`Failed`]: there is no such mapping.
///
/// # Safety
/// Pieces are ours, each within one mapping, nobody uses them; with the offset they are no longer than `bytes`.
pub unsafe fn join(bytes: u64, mut offset: u64, pieces: &[Range]) -> Result<Range, Failed> {
    let Some(made) = map(bytes, PAGE) else {
        for piece in pieces {
            // SAFETY: nobody uses it.
            unsafe { unmap(*piece) };
        }
        return Err(Failed::NoMemory);
    };
    for (index, piece) in pieces.iter().enumerate() {
        // SAFETY: the piece is free, its target new; after a loss what is left of the target is used by nobody.
        unsafe {
            match Mmap.relocate(piece.pointer(), piece.bytes, pointer(made.start + offset)) {
                Moved::Yes => gone(piece.bytes),
                Moved::No => {
                    unmap(*piece);
                }
                Moved::Lost => {
                    for part in around(made, offset, piece.bytes) {
                        unmap(part);
                    }
                    pieces[index..].iter().for_each(|left| {
                        unmap(*left);
                    });
                    return Err(Failed::Stuck);
                }
            }
        }
        offset += piece.bytes;
    }
    Ok(made)
}

/// What lies before and behind a hole of `bytes` at `offset` in a range; the hole counts as gone.
fn around(range: Range, offset: u64, bytes: u64) -> [Range; 2] {
    gone(bytes);
    let behind = range.start + offset + bytes;
    [
        Range {
            start: range.start,
            bytes: offset,
        },
        Range {
            start: behind,
            bytes: range.end() - behind,
        },
    ]
}

/// Moves a block that is in use, of several mappings, to the front of another that is longer. `None`: nothing has changed
/// but for the target, which is gone.
///
/// # Safety
/// Pieces and target are ours; the pieces hold the block in order, and whoever has it waits.
pub unsafe fn carry(target: Range, pieces: &[Range]) -> Option<Range> {
    // Once a part has moved there is no way back: should another be refused, there must be a place for all of it.
    let refuge = match pieces {
        [] | [_] => Range::default(),
        _ => match map(target.bytes, PAGE) {
            Some(refuge) => refuge,
            None => {
                // SAFETY: nobody uses the target.
                unsafe { unmap(target) };
                return None;
            }
        },
    };
    let mut offset = 0;
    for (index, piece) in pieces.iter().enumerate() {
        let to = pointer(target.start + offset);
        // SAFETY: the caller's promise; a piece that did not move is copied, and nobody uses it afterwards.
        unsafe {
            match Mmap.relocate(piece.pointer(), piece.bytes, to) {
                Moved::Yes => gone(piece.bytes),
                Moved::No => {
                    to.copy_from_nonoverlapping(piece.pointer(), piece.bytes as usize);
                    unmap(*piece);
                }
                Moved::Lost => {
                    let [before, behind] = around(target, offset, piece.bytes);
                    unmap(behind);
                    if before.bytes == 0 {
                        unmap(refuge);
                        return None;
                    }
                    rescue(refuge, before, &pieces[index..]);
                    return Some(refuge);
                }
            }
        }
        offset += piece.bytes;
    }
    // SAFETY: nobody has seen it.
    unsafe { unmap(refuge) };
    Some(target)
}

/// Copies a block of which a part has moved to a target that then got a hole: to new memory that is longer.
///
/// # Safety
/// As for [`carry`]; the block lies in `before`, and then in `left`.
unsafe fn rescue(refuge: Range, before: Range, left: &[Range]) {
    let mut to = refuge.pointer();
    for part in [before].iter().chain(left) {
        // SAFETY: the new memory is longer than the block; what was copied is not used any more.
        unsafe {
            to.copy_from_nonoverlapping(part.pointer(), part.bytes as usize);
            to = to.add(part.bytes as usize);
            unmap(*part);
        }
    }
}

#[cfg(test)]
mod tests {
    use core::sync::atomic::Ordering;

    use super::*;
    use crate::threaded::pool::system::MAPPED;

    /// Two pages of numbers from `first` on.
    fn written(first: u8) -> Range {
        let range = map(2 * PAGE, PAGE).expect("memory");
        for (page, number) in (0..).zip([first, first + 1]) {
            // SAFETY: within the range, which is the test's.
            unsafe { range.pointer().add(page * PAGE as usize).write(number) };
        }
        range
    }

    #[test]
    fn a_block_in_two_places_is_copied_together() {
        let (before, one, two) = (written(1), written(3), written(5));
        let made = map(9 * PAGE, PAGE).expect("memory");
        // SAFETY: all are the test's.
        unsafe { rescue(made, before, &[one, two]) };
        for page in 0..9usize {
            // SAFETY: within what was made.
            let number = unsafe { made.pointer().add(page * PAGE as usize).read() };
            assert_eq!(usize::from(number), if page < 6 { page + 1 } else { 0 });
        }
        // SAFETY: nobody uses it.
        assert_eq!(unsafe { unmap(made) }, 9 * PAGE);
    }

    #[test]
    fn what_is_around_a_hole_leaves_it_out() {
        let range = Range {
            start: 16 * PAGE,
            bytes: 10 * PAGE,
        };
        // The hole was counted before.
        MAPPED.fetch_add(3 * PAGE, Ordering::Relaxed);
        let [before, behind] = around(range, 2 * PAGE, 3 * PAGE);
        assert_eq!((before.start, before.end()), (16 * PAGE, 18 * PAGE));
        assert_eq!((behind.start, behind.end()), (21 * PAGE, 26 * PAGE));
    }
}
