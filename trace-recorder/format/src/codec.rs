//! How a chunk's payload is packed: plain, or one Zstandard frame (RFC 8878).
//!
//! Zstandard lets a frame's header ask for a window of many gigabytes. So the header is read here first, and a frame
//! that asks for more than a chunk can hold is refused before either decoder sees it.

#[cfg(feature = "native")]
mod pack;
#[cfg(feature = "native")]
mod repeats;

use crate::MAX_FRAME_LEN;
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use std::io::Read;

/// How a payload is packed. Codecs are only ever appended: their numbers are on tapes.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
#[repr(u8)]
pub enum Codec {
    /// As it is.
    Plain = 0,
    /// One Zstandard frame, without dictionary and without checksum.
    Zstd = 1,
}

impl Codec {
    pub(crate) fn from_byte(byte: u8) -> Option<Codec> {
        [Codec::Plain, Codec::Zstd]
            .into_iter()
            .find(|codec| *codec as u8 == byte)
    }
}

/// Packs a payload with the library that the build has. `cuts` are the places where a column ends.
pub(crate) fn pack(payload: &[u8], cuts: &[usize]) -> Option<Vec<u8>> {
    #[cfg(feature = "native")]
    return pack::pack(payload, cuts).ok();
    #[cfg(not(feature = "native"))]
    return pack_rust(payload, cuts);
}

/// Packs with the pure-Rust library, which cuts blocks where it likes.
#[cfg(any(test, not(feature = "native")))]
fn pack_rust(payload: &[u8], _cuts: &[usize]) -> Option<Vec<u8>> {
    Some(ruzstd::encoding::compress_to_vec(
        payload,
        ruzstd::encoding::CompressionLevel::Fastest,
    ))
}

/// The state of a decoder, kept from chunk to chunk.
#[derive(Default)]
pub(crate) struct Unpacker {
    #[cfg(feature = "native")]
    native: Option<zstd::bulk::Decompressor<'static>>,
    /// Buffer of the pure-Rust decoder's blocks.
    rust: Option<FrameDecoder>,
}

const NOT_ZSTD: &str = "the payload is not one sound Zstandard frame";

impl Unpacker {
    /// Unpacks exactly `len` bytes into `out`, with the library that the build has.
    pub fn unpack(
        &mut self,
        packed: &[u8],
        len: u32,
        out: &mut Vec<u8>,
    ) -> Result<(), &'static str> {
        check_zstd_header(packed, len)?;
        #[cfg(feature = "native")]
        return self.unpack_native(packed, len, out);
        #[cfg(not(feature = "native"))]
        return self.unpack_rust(packed, len, out);
    }

    #[cfg(feature = "native")]
    fn unpack_native(
        &mut self,
        packed: &[u8],
        len: u32,
        out: &mut Vec<u8>,
    ) -> Result<(), &'static str> {
        // The library would go on to a second frame behind the first.
        if zstd::zstd_safe::find_frame_compressed_size(packed) != Ok(packed.len()) {
            return Err(NOT_ZSTD);
        }
        let decoder = match &mut self.native {
            Some(decoder) => decoder,
            none => none.insert(
                zstd::bulk::Decompressor::new().map_err(|_| "there is no memory for a decoder")?,
            ),
        };
        out.clear();
        out.reserve_exact(len as usize);
        match decoder.decompress_to_buffer(packed, out) {
            Ok(got) if got == len as usize => Ok(()),
            _ => Err(NOT_ZSTD),
        }
    }

    /// Unpacks with the pure-Rust library.
    #[cfg_attr(all(feature = "native", not(test)), allow(dead_code))]
    fn unpack_rust(
        &mut self,
        mut packed: &[u8],
        len: u32,
        out: &mut Vec<u8>,
    ) -> Result<(), &'static str> {
        let decoder = self.rust.get_or_insert_with(|| {
            let mut decoder = FrameDecoder::new();
            decoder.set_max_window_size(u64::from(MAX_FRAME_LEN));
            decoder
        });
        decoder.reset(&mut packed).map_err(|_| NOT_ZSTD)?;
        out.clear();
        out.resize(len as usize, 0);
        let mut filled = 0;
        // Block by block (128 KiB at most), so that a frame that unpacks to more than it should stops early.
        while !decoder.is_finished() {
            decoder
                .decode_blocks(&mut packed, BlockDecodingStrategy::UptoBlocks(1))
                .map_err(|_| NOT_ZSTD)?;
            filled += decoder.read(&mut out[filled..]).map_err(|_| NOT_ZSTD)?;
            if filled == out.len() && decoder.can_collect() > 0 {
                return Err(NOT_ZSTD);
            }
        }
        if filled == out.len() && packed.is_empty() {
            Ok(())
        } else {
            Err(NOT_ZSTD)
        }
    }
}

/// Reads the header of a Zstandard frame (RFC 8878, 3.1.1.1) as far as memory depends on it.
fn check_zstd_header(packed: &[u8], len: u32) -> Result<(), &'static str> {
    const BITS: [usize; 4] = [0, 2, 4, 8];
    let [0x28, 0xB5, 0x2F, 0xFD, descriptor, rest @ ..] = packed else {
        return Err(NOT_ZSTD);
    };
    let single_segment = descriptor & 0x20 != 0;
    if descriptor & 0b1111 != 0 {
        return Err("the Zstandard frame wants a dictionary or a checksum, which tapes do not use");
    }
    let mut rest = rest;
    if !single_segment {
        let [window, behind @ ..] = rest else {
            return Err(NOT_ZSTD);
        };
        let base = 1u64 << (10 + (window >> 3));
        if base + base / 8 * u64::from(window & 7) > u64::from(MAX_FRAME_LEN) {
            return Err("the Zstandard frame wants a larger window than a chunk can be");
        }
        rest = behind;
    }
    let size_len = match descriptor >> 6 {
        0 if single_segment => 1,
        code => BITS[usize::from(code)],
    };
    if size_len > 0 {
        let Some(bytes) = rest.get(..size_len) else {
            return Err(NOT_ZSTD);
        };
        let mut word = [0; 8];
        word[..size_len].copy_from_slice(bytes);
        let size = u64::from_le_bytes(word) + if size_len == 2 { 256 } else { 0 };
        if size != u64::from(len) {
            return Err("the Zstandard frame states another length than the chunk");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rust(packed: &[u8], len: u32) -> Result<Vec<u8>, &'static str> {
        let mut out = Vec::new();
        check_zstd_header(packed, len)?;
        Unpacker::default()
            .unpack_rust(packed, len, &mut out)
            .map(|()| out)
    }

    fn built(packed: &[u8], len: u32) -> Result<Vec<u8>, &'static str> {
        let mut out = Vec::new();
        Unpacker::default()
            .unpack(packed, len, &mut out)
            .map(|()| out)
    }

    /// Bytes as columns have them: runs, noise, and small numbers.
    fn payloads() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            prop::collection::vec(any::<u8>(), 0..3000),
            (any::<u8>(), 0usize..20_000).prop_map(|(byte, run)| vec![byte; run]),
            prop::collection::vec(0u8..8, 0..30_000),
        ];
        prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn either_library_reads_what_either_wrote(payload in payloads()) {
            let len = payload.len() as u32;
            let packed = pack_rust(&payload, &[]).unwrap();
            prop_assert_eq!(rust(&packed, len).unwrap(), payload.clone());
            prop_assert_eq!(built(&packed, len).unwrap(), payload.clone());
            let cuts = [payload.len() / 3, payload.len() / 2];
            let packed = pack(&payload, &cuts).unwrap();
            prop_assert_eq!(rust(&packed, len).unwrap(), payload.clone());
            prop_assert_eq!(built(&packed, len).unwrap(), payload);
        }

        #[test]
        fn changed_frames_are_errors_or_of_the_right_length(
            payload in payloads(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        ) {
            let mut packed = pack(&payload, &[]).unwrap();
            for (at, byte) in changes {
                let at = at.index(packed.len());
                packed[at] = byte;
            }
            let len = payload.len() as u32;
            for unpacked in [rust(&packed, len), built(&packed, len)].into_iter().flatten() {
                prop_assert_eq!(unpacked.len(), payload.len());
            }
        }
    }

    #[test]
    fn a_length_that_is_not_the_frame_s_is_refused() {
        let packed = pack(&[7; 1000], &[]).unwrap();
        for len in [0, 1, 999, 1001, MAX_FRAME_LEN] {
            assert!(rust(&packed, len).is_err() && built(&packed, len).is_err());
        }
        let twice = [packed.clone(), packed.clone()].concat();
        assert!(rust(&twice, 1000).is_err() && built(&twice, 1000).is_err());
        assert!(rust(&twice, 2000).is_err() && built(&twice, 2000).is_err());
        for cut in 0..packed.len() {
            assert!(rust(&packed[..cut], 1000).is_err() && built(&packed[..cut], 1000).is_err());
        }
    }

    #[test]
    fn a_window_of_gigabytes_is_refused() {
        // Magic, no single segment, window descriptor 0xFF (over 3 TiB), then an empty last block.
        let hostile = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0xFF, 0x01, 0x00, 0x00];
        assert!(
            check_zstd_header(&hostile, 0)
                .unwrap_err()
                .contains("window")
        );
        // A single segment that states 2^63 bytes.
        let hostile = [
            0x28, 0xB5, 0x2F, 0xFD, 0xE0, 0, 0, 0, 0, 0, 0, 0, 0x80, 1, 0, 0,
        ];
        assert!(check_zstd_header(&hostile, 5).is_err());
        // A dictionary, a checksum.
        for descriptor in [0x21, 0x24] {
            assert!(check_zstd_header(&[0x28, 0xB5, 0x2F, 0xFD, descriptor, 0, 0], 0).is_err());
        }
    }
}
