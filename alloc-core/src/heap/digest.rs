//! A digest of a heap's layout: equal digests mean equal headers, links and lists, byte for byte.

use super::Heap;
use super::walk::State;
use crate::base::class::{BINS, CLASSES};
use crate::source::MemorySource;

/// FNV-1a (Fowler, Noll, Vo) over 64-bit words: simple, and the same everywhere.
#[derive(Clone, Copy, Debug)]
pub struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Digest(0xCBF2_9CE4_8422_2325)
    }
}

impl Digest {
    /// Takes in one word.
    pub fn add(&mut self, word: u64) {
        for byte in word.to_le_bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
    }

    /// The digest of all words taken in.
    pub fn value(self) -> u64 {
        self.0
    }
}

impl<S: MemorySource> Heap<S> {
    /// The digest of everything that the heap keeps in its memory: every header as the bytes are, the links of free
    /// blocks and chunks, and the heads of all lists. What programs wrote into their blocks is not part of it.
    pub fn digest(&self) -> u64 {
        let mut digest = Digest::default();
        let space = self.arenas.space;
        self.walk(&mut |piece| {
            digest.add(piece.position);
            digest.add(piece.bytes);
            digest.add(piece.state as u64);
            // Which bytes of the piece are the heap's own: all of a header, the header of a block, header and links of
            // what is free. Fresh memory holds nothing, nor does what is left over at the end of a run.
            let own = match piece.state {
                State::Fresh => 0,
                State::Header if piece.payload != piece.position => 0,
                State::Header => piece.bytes.min(64),
                State::InUse => piece.payload - piece.position,
                State::Cached | State::Home => 16,
                State::Free => 32.min(piece.bytes),
            };
            let skip_page_of_span = piece.state == State::Header && piece.bytes > 64;
            let start = if skip_page_of_span {
                piece.position + piece.bytes - 64
            } else {
                piece.position
            };
            for word in 0..own / 8 {
                // SAFETY: the bytes are the heap's own, as said above, and pieces start at multiples of 8.
                digest.add(unsafe { space.load64(start + word * 8) });
            }
        });
        for bin in 1..BINS {
            let runs = &self.arenas.runs[bin];
            for head in self.cache.heads(bin) {
                digest.add(head);
            }
            digest.add(self.cache.held(bin));
            digest.add(runs.first);
            digest.add(u64::from(runs.out));
        }
        for class in 0..CLASSES {
            digest.add(self.arenas.free.head(class));
        }
        digest.value()
    }
}
