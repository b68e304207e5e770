//! What is known of a recording as a whole, and the first bytes of every tape.

use crate::error::TapeError;
use bincode::{Decode, Encode};

/// The first eight bytes of a tape. As in PNG, a byte above 127 and a line end that a text transfer would change.
pub const MAGIC: [u8; 8] = *b"\x89HTAPE\r\n";

/// The version that this crate writes, and the only one it reads.
pub const FORMAT_VERSION: u32 = 1;

/// Length in bytes of the prelude: magic, version, CRC-32C.
pub const PRELUDE_LEN: usize = 16;

/// What is known of a recording.
#[derive(Clone, Eq, PartialEq, Debug, Encode, Decode)]
pub struct Header {
    /// Who made the tape, for example `heaptape 0.1.0`.
    pub recorder: String,
    /// The scenario or the program.
    pub name: String,
    /// The command line that was recorded; empty when there was none.
    pub command: Vec<String>,
    /// Process number of what was recorded; 0 when it is not known.
    pub pid: u64,
    /// Wall clock at the tape's start: nanoseconds since 1970-01-01 UTC; 0 when it is not known.
    pub started_unix_ns: u64,
    /// What the events' times are made of.
    pub clock: Clock,
    /// Bytes in a page of memory on the recorded machine; 0 when it is not known.
    pub page_size: u32,
    /// Bits in a pointer of the recorded program; 0 when it is not known.
    pub pointer_width: u8,
    /// Sentences for the reader, for example what an imported trace could not tell.
    pub notes: Vec<String>,
}

/// What the times on a tape are made of. Variants are only ever appended: their numbers are on tapes.
#[derive(Copy, Clone, Eq, PartialEq, Debug, Encode, Decode)]
pub enum Clock {
    /// The source did not say.
    Unknown,
    /// The system's monotonic clock.
    Monotonic,
    /// A cycle counter, calibrated against the monotonic clock.
    CycleCounter,
    /// No clock: only the order is known, one nanosecond an event.
    Order,
}

/// The prelude of a tape of this version.
pub(crate) fn prelude() -> [u8; PRELUDE_LEN] {
    let mut bytes = [0; PRELUDE_LEN];
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..12].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
    let crc = crc32c::crc32c(&bytes[..12]);
    bytes[12..].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// Compares the first bytes of a file with the prelude.
pub(crate) fn check_prelude(bytes: &[u8; PRELUDE_LEN]) -> Result<(), TapeError> {
    if bytes[..8] != MAGIC {
        return Err(TapeError::NotATape);
    }
    if *bytes == prelude() {
        return Ok(());
    }
    let crc = u32::from_le_bytes([bytes[12], bytes[13], bytes[14], bytes[15]]);
    if crc == crc32c::crc32c(&bytes[..12]) {
        let found = u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]);
        return Err(TapeError::Version { found });
    }
    Err(TapeError::damaged(
        8,
        "checksum of the version does not match",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_version_is_not_called_damage() {
        let mut bytes = prelude();
        check_prelude(&bytes).unwrap();
        bytes[8] = 9;
        assert!(matches!(
            check_prelude(&bytes),
            Err(TapeError::Damaged { .. })
        ));
        let crc = crc32c::crc32c(&bytes[..12]);
        bytes[12..].copy_from_slice(&crc.to_le_bytes());
        assert!(matches!(
            check_prelude(&bytes),
            Err(TapeError::Version { found: 9 })
        ));
        bytes[0] = b'X';
        assert!(matches!(check_prelude(&bytes), Err(TapeError::NotATape)));
    }
}
