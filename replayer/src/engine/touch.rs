//! Writing into blocks, as a program would: memory that nobody writes to costs nothing.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How much of each new block is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Touch {
    /// Nothing.
    None,
    /// The first and the last byte.
    Ends,
    /// The first and the last byte and one in every 4 KiB, so that every page is there.
    #[default]
    Pages,
    /// Every byte.
    All,
}

impl FromStr for Touch {
    type Err = String;

    fn from_str(name: &str) -> Result<Touch, String> {
        match name {
            "none" => Ok(Touch::None),
            "ends" => Ok(Touch::Ends),
            "pages" => Ok(Touch::Pages),
            "all" => Ok(Touch::All),
            other => Err(format!(
                "`{other}` is no way to touch memory; choose none, ends, pages or all"
            )),
        }
    }
}

impl std::fmt::Display for Touch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Touch::None => "none",
            Touch::Ends => "ends",
            Touch::Pages => "pages",
            Touch::All => "all",
        })
    }
}

pub(super) const NONE: u8 = 0;
pub(super) const ENDS: u8 = 1;
pub(super) const PAGES: u8 = 2;
pub(super) const ALL: u8 = 3;

/// The distance of touched bytes: the smallest page of any machine we run on.
const STRIDE: usize = 4096;

const MARK: u8 = 0x5a;

/// Writes into a block of `size` bytes; a realloc passes in `kept` how many of them were written before.
///
/// # Safety
/// `block` must be valid for writing `size` bytes.
#[inline(always)]
pub(super) unsafe fn touch<const HOW: u8>(block: *mut u8, size: usize, kept: usize) {
    if HOW == NONE || size == 0 {
        return;
    }
    if HOW == ALL {
        if size > kept {
            // SAFETY: kept..size lies inside the block.
            unsafe { block.add(kept).write_bytes(MARK, size - kept) };
        }
        return;
    }
    // SAFETY: size > 0, so the first and the last byte lie inside the block.
    unsafe {
        block.write_volatile(MARK);
        block.add(size - 1).write_volatile(MARK);
    }
    if HOW == PAGES && size > STRIDE {
        let mut at = (kept & !(STRIDE - 1)) + STRIDE;
        while at < size {
            // SAFETY: at < size.
            unsafe { block.add(at).write_volatile(MARK) };
            at += STRIDE;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touched<const HOW: u8>(size: usize, kept: usize) -> Vec<usize> {
        let mut block = vec![0u8; size + 8];
        // SAFETY: the vector has more than `size` bytes.
        unsafe { touch::<HOW>(block.as_mut_ptr(), size, kept) };
        (0..block.len()).filter(|&at| block[at] != 0).collect()
    }

    #[test]
    fn touches_what_it_says_and_nothing_beyond() {
        assert!(touched::<NONE>(9000, 0).is_empty());
        assert!(touched::<PAGES>(0, 0).is_empty());
        assert_eq!(touched::<PAGES>(1, 0), [0]);
        assert_eq!(touched::<ENDS>(9000, 0), [0, 8999]);
        assert_eq!(touched::<PAGES>(9000, 0), [0, 4096, 8192, 8999]);
        assert_eq!(touched::<PAGES>(4097, 0), [0, 4096]);
        assert_eq!(touched::<PAGES>(9000, 5000), [0, 8192, 8999]);
        assert_eq!(touched::<ALL>(100, 60), (60..100).collect::<Vec<_>>());
        assert!(touched::<ALL>(60, 100).is_empty());
    }

    #[test]
    fn names_come_back() {
        for touch in [Touch::None, Touch::Ends, Touch::Pages, Touch::All] {
            assert_eq!(touch.to_string().parse(), Ok(touch));
        }
        assert!("some".parse::<Touch>().is_err());
    }
}
