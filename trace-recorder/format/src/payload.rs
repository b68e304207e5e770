//! bincode, with the one configuration that tapes use.
//!
//! The limit bounds what decoding may allocate: bincode claims a vector's whole size against it before it allocates.

use crate::MAX_FRAME_LEN;
use crate::error::TapeError;
use bincode::Encode;
use bincode::config::{Configuration, Limit, LittleEndian, Varint};

/// Most bytes that decoding one payload may claim. The largest sound chunk claims some 3 MiB.
const LIMIT: usize = 4 << 20;

fn config() -> Configuration<LittleEndian, Varint, Limit<LIMIT>> {
    bincode::config::standard().with_limit::<LIMIT>()
}

/// Encodes the payload `what`, of about `len` bytes, and makes sure that a reader's limits let it in.
pub(crate) fn encode(
    value: &impl Encode,
    len: usize,
    what: &'static str,
) -> Result<Vec<u8>, TapeError> {
    let too_large = |len: usize| TapeError::TooLarge {
        what,
        len: len as u64,
        most: u64::from(MAX_FRAME_LEN),
    };
    let mut payload = Vec::with_capacity(len);
    bincode::encode_into_std_write(value, &mut payload, config())
        .map_err(|_| too_large(usize::MAX))?;
    if payload.len() > MAX_FRAME_LEN as usize {
        Err(too_large(payload.len()))
    } else {
        Ok(payload)
    }
}

/// Decodes a payload, which must be used to its last byte.
pub(crate) fn decode<T: bincode::Decode<()>>(bytes: &[u8]) -> Result<T, &'static str> {
    match bincode::decode_from_slice(bytes, config()) {
        Ok((value, used)) if used == bytes.len() => Ok(value),
        Ok(_) => Err("the payload has bytes behind its end"),
        Err(_) => Err("the payload is not what its kind says"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(value: &impl Encode) -> Vec<u8> {
        encode(value, 0, "a value").unwrap()
    }

    #[test]
    fn nine_bytes_cannot_ask_for_all_memory() {
        // A length of 2^64 - 1 in the varint of nine bytes: without a limit bincode 2.0.1 aborts here.
        let hostile = [253, 255, 255, 255, 255, 255, 255, 255, 255];
        assert!(decode::<Vec<u64>>(&hostile).is_err());
        assert!(decode::<Vec<String>>(&hostile).is_err());
        assert!(decode::<Vec<u8>>(&hostile).is_err());
    }

    #[test]
    fn varints_are_as_the_document_says() {
        assert_eq!(encoded(&250u64), [250]);
        assert_eq!(encoded(&251u64), [251, 251, 0]);
        assert_eq!(encoded(&0x1_0000u64), [252, 0, 0, 1, 0]);
        assert_eq!(encoded(&(1u64 << 32)), [253, 0, 0, 0, 0, 1, 0, 0, 0]);
        assert_eq!(encoded(&"ab".to_string()), [2, b'a', b'b']);
        assert!(decode::<u64>(&[1, 2]).is_err());
    }
}
