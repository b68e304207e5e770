//! The opcodes: what kind an event is, one byte an event. Only ever appended: their numbers are on tapes.

pub(crate) const MALLOC: u8 = 0;
pub(crate) const CALLOC: u8 = 1;
pub(crate) const ALIGNED_MALLOC: u8 = 2;
pub(crate) const REALLOC_OWN: u8 = 3;
pub(crate) const REALLOC_REMOTE: u8 = 4;
pub(crate) const REALLOC_UNKNOWN: u8 = 5;
pub(crate) const FREE_OWN: u8 = 6;
pub(crate) const FREE_REMOTE: u8 = 7;
pub(crate) const FREE_UNKNOWN: u8 = 8;
pub(crate) const FAILED: u8 = 9;
pub(crate) const THREAD_START: u8 = 10;
pub(crate) const THREAD_END: u8 = 11;
pub(crate) const FORK: u8 = 12;
pub(crate) const MARK: u8 = 13;
/// How many there are.
pub(crate) const COUNT: usize = 14;
