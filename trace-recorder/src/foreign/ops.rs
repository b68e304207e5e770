//! WebKit MallocBench's operations (`.ops`): records of 24 bytes without a header, in the byte order of the machine that
//! wrote them, which is little-endian for all that write them.
//!
//! | bytes | field |
//! | --- | --- |
//! | 0–3 | operation: 0 malloc, 1 free, 2 realloc, 3 aligned malloc |
//! | 4–5 | thread; 0 is the main thread |
//! | 6–7 | base-2 logarithm of the alignment; `FFFF` where it was no power of two |
//! | 8–15 | slot: the block's name, used again after its release |
//! | 16–23 | bytes requested |
//!
//! Source: `Interpreter.h` in WebKit's `PerformanceTests/MallocBench`.

use super::request::{Asked, Parsed, Request, Said};

/// Bytes of a record.
pub(super) const RECORD: usize = 24;

/// Operations.
pub(super) const MALLOC: u32 = 0;
pub(super) const FREE: u32 = 1;
pub(super) const REALLOC: u32 = 2;
pub(super) const ALIGNED: u32 = 3;

/// Largest slot that can be named; so that slots are not null, they are taken as addresses plus one.
const SLOTS: u64 = u64::MAX;

pub(super) fn parse(record: &[u8]) -> Parsed {
    let Ok(bytes) = <[u8; RECORD]>::try_from(record) else {
        return Err("the file ends within it");
    };
    let [a, b, c, d, e, f, g, h, rest @ ..] = bytes;
    let operation = u32::from_le_bytes([a, b, c, d]);
    let thread = u16::from_le_bytes([e, f]);
    let align = u16::from_le_bytes([g, h]);
    let [
        s0,
        s1,
        s2,
        s3,
        s4,
        s5,
        s6,
        s7,
        z0,
        z1,
        z2,
        z3,
        z4,
        z5,
        z6,
        z7,
    ] = rest;
    let slot = u64::from_le_bytes([s0, s1, s2, s3, s4, s5, s6, s7]);
    let size = u64::from_le_bytes([z0, z1, z2, z3, z4, z5, z6, z7]);
    if slot == SLOTS {
        return Err("its slot is out of range");
    }
    let address = slot + 1;
    let asked = match operation {
        MALLOC => Asked::Malloc { size, address },
        FREE => Asked::Free { address },
        // A slot that is given a new block and keeps its name; a size of 0 leaves a block too.
        REALLOC => Asked::Realloc {
            old: address,
            size,
            address,
        },
        ALIGNED => {
            let align_log2 = match align {
                0..=63 => align as u8,
                // It was no power of two; which one is not known.
                u16::MAX => 0,
                _ => return Err("its alignment is above 2^63"),
            };
            Asked::Aligned {
                size,
                align_log2,
                address,
            }
        }
        _ => return Err("its operation is none of 0 to 3"),
    };
    Ok(Said::Request(Request {
        process: 0,
        thread: Some(u64::from(thread)),
        stamps: None,
        asked,
    }))
}

/// The record of an operation.
pub(super) fn record(
    operation: u32,
    thread: u16,
    align_log2: u8,
    slot: u64,
    size: u64,
) -> [u8; RECORD] {
    let mut bytes = [0; RECORD];
    bytes[0..4].copy_from_slice(&operation.to_le_bytes());
    bytes[4..6].copy_from_slice(&thread.to_le_bytes());
    bytes[6..8].copy_from_slice(&u16::from(align_log2).to_le_bytes());
    bytes[8..16].copy_from_slice(&slot.to_le_bytes());
    bytes[16..24].copy_from_slice(&size.to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back() {
        for (operation, asked) in [
            (
                MALLOC,
                Asked::Malloc {
                    size: 9,
                    address: 8,
                },
            ),
            (FREE, Asked::Free { address: 8 }),
            (
                REALLOC,
                Asked::Realloc {
                    old: 8,
                    size: 9,
                    address: 8,
                },
            ),
            (
                ALIGNED,
                Asked::Aligned {
                    size: 9,
                    align_log2: 6,
                    address: 8,
                },
            ),
        ] {
            let Ok(Said::Request(request)) = parse(&record(operation, 3, 6, 7, 9)) else {
                panic!("a request");
            };
            assert_eq!((request.thread, request.asked), (Some(3), asked));
        }
        assert!(parse(&record(4, 0, 0, 0, 0)).is_err());
        assert!(parse(&record(MALLOC, 0, 0, u64::MAX, 0)).is_err());
        assert!(parse(&[0; 23]).is_err());
    }
}
