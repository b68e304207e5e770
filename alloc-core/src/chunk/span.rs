//! Spans: blocks too large for an arena, each with memory of its own from the source.
//!
//! ```text
//! … │ from 64 │ bytes 64 │ asked 64 │ next 64 │ previous 64 │ seal 64 │ 0 64 │ owner 32 │ 0 32 │ payload
//!     `from` is where the memory starts: at the header, or before it when the payload is aligned to more than 64
//! invariant: from + bytes is the end of the memory;  payload + asked <= from + bytes
//! invariant: seal follows from `from`, bytes and the position: an overflow of what lies before the span breaks it
//! ```

use super::Space;

/// Bytes before the payload of a span.
pub const SPAN_HEADER: u64 = 64;

/// The end of a list of spans; 0 is a position that memory can have.
pub const NO_SPAN: u64 = u64::MAX;

/// No secret, just a word that memory does not have by chance.
fn seal(span: Span, from: u64, bytes: u64) -> u64 {
    const ODD: u64 = 0x9E37_79B9_7F4A_7C15;
    (span.0 ^ from.rotate_left(20) ^ bytes.rotate_left(40)).wrapping_mul(ODD) ^ ODD
}

/// A span, by the position of its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub u64);

/// Reads and writes of span headers. Each is unsafe for the reason of [`Space`].
#[allow(clippy::missing_safety_doc, reason = "the reason stands once, above")]
impl Space {
    /// Writes a header: memory `bytes` long from position `from`, a request of `asked` bytes, and the owner word.
    pub unsafe fn begin_span(self, span: Span, from: u64, bytes: u64, asked: u64, word: u32) {
        // SAFETY: the 64 bytes before the payload are the header, within the span's memory.
        unsafe {
            self.store64(span.0 - 64, from);
            self.store64(span.0 - 56, bytes);
            self.store64(span.0 - 48, asked);
            self.store64(span.0 - 40, NO_SPAN);
            self.store64(span.0 - 32, NO_SPAN);
            self.store64(span.0 - 24, seal(span, from, bytes));
            self.store64(span.0 - 16, 0);
            self.store32(span.0 - 8, word);
            self.store32(span.0 - 4, 0);
        }
    }

    /// Whether the header is as [`begin_span`](Self::begin_span) wrote it, but for what was asked and the links.
    pub unsafe fn is_span(self, span: Span) -> bool {
        // SAFETY: as above.
        unsafe {
            self.load64(span.0 - 24) == seal(span, self.span_from(span), self.span_bytes(span))
        }
    }

    /// Makes the header that of no block, before the memory goes back.
    pub unsafe fn end_span(self, span: Span) {
        // SAFETY: as above.
        unsafe { self.store32(span.0 - 8, super::owner::NONE) }
    }

    /// Where the span's memory starts.
    pub unsafe fn span_from(self, span: Span) -> u64 {
        // SAFETY: as above.
        unsafe { self.load64(span.0 - 64) }
    }

    /// Bytes of the span's memory.
    pub unsafe fn span_bytes(self, span: Span) -> u64 {
        // SAFETY: as above.
        unsafe { self.load64(span.0 - 56) }
    }

    /// What the program asked for. Bytes.
    pub unsafe fn span_asked(self, span: Span) -> u64 {
        // SAFETY: as above.
        unsafe { self.load64(span.0 - 48) }
    }

    /// Writes what the program asked for.
    pub unsafe fn set_span_asked(self, span: Span, asked: u64) {
        // SAFETY: as above.
        unsafe { self.store64(span.0 - 48, asked) }
    }

    /// Bytes that the program may use.
    pub unsafe fn span_payload(self, span: Span) -> u64 {
        // SAFETY: as above.
        unsafe { self.span_from(span) + self.span_bytes(span) - span.0 }
    }

    /// The next span of the heap, or [`NO_SPAN`].
    pub unsafe fn span_next(self, span: Span) -> u64 {
        // SAFETY: as above.
        unsafe { self.load64(span.0 - 40) }
    }

    /// Writes the next span.
    pub unsafe fn set_span_next(self, span: Span, position: u64) {
        // SAFETY: as above.
        unsafe { self.store64(span.0 - 40, position) }
    }

    /// The previous span of the heap, or [`NO_SPAN`].
    pub unsafe fn span_prev(self, span: Span) -> u64 {
        // SAFETY: as above.
        unsafe { self.load64(span.0 - 32) }
    }

    /// Writes the previous span.
    pub unsafe fn set_span_prev(self, span: Span, position: u64) {
        // SAFETY: as above.
        unsafe { self.store64(span.0 - 32, position) }
    }
}
