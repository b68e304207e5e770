//! Blocks with memory of their own: made, listed, resized, given back.

use core::ptr::NonNull;

use crate::base::align::{self, ALIGN, PAGE};
use crate::base::error::Broken;
use crate::chunk::Space;
use crate::chunk::owner;
use crate::chunk::span::{NO_SPAN, SPAN_HEADER, Span};
use crate::source::{Acquired, MemorySource};

/// The spans of one heap, in a list.
///
/// ```text
/// invariant: bytes = sum of span_bytes over the list;  count = its length
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Spans {
    first: u64,
    /// How many there are.
    pub count: u64,
    /// What they take from the source. Bytes.
    pub bytes: u64,
}

impl Default for Spans {
    fn default() -> Self {
        Spans::new()
    }
}

/// Each function that is unsafe is so for the reason of [`Space`]: the span must be one of this list.
#[allow(clippy::missing_safety_doc, reason = "the reason stands once, above")]
impl Spans {
    /// No spans.
    pub const fn new() -> Self {
        Spans {
            first: NO_SPAN,
            count: 0,
            bytes: 0,
        }
    }

    /// The memory that a request needs: its length and where in it the payload lies, in bytes.
    pub fn need(asked: u64, align: u64) -> Option<(u64, u64)> {
        let lead = align.max(SPAN_HEADER);
        Some((align::up(asked.checked_add(lead)?, PAGE)?, lead))
    }

    /// A span whose payload has `asked` bytes at a multiple of `align` (a power of two). `word` goes before the payload.
    /// The second value tells whether the payload is all zero.
    pub fn make(
        &mut self,
        space: Space,
        source: &mut impl MemorySource,
        asked: u64,
        align: u64,
        word: u32,
    ) -> Option<(Span, bool)> {
        let (bytes, lead) = Spans::need(asked, align)?;
        let got = source.acquire(bytes, align.max(PAGE))?;
        // SAFETY: the memory is fresh from the source and longer than header and payload.
        Some(unsafe { (self.adopt(space, got, lead, asked, word), got.zeroed) })
    }

    /// Makes a span of memory that was acquired, with the payload `lead` bytes into it.
    pub unsafe fn adopt(
        &mut self,
        space: Space,
        got: Acquired,
        lead: u64,
        asked: u64,
        word: u32,
    ) -> Span {
        let from = space.position(got.start.as_ptr());
        let span = Span(from.wrapping_add(lead));
        // SAFETY: `lead` is at least the header's length, the memory is ours.
        unsafe {
            space.begin_span(span, from, got.bytes, asked, word);
            self.link(space, span);
        }
        span
    }

    unsafe fn link(&mut self, space: Space, span: Span) {
        // SAFETY: spans in the list are alive.
        unsafe {
            space.set_span_next(span, self.first);
            space.set_span_prev(span, NO_SPAN);
            if self.first != NO_SPAN {
                space.set_span_prev(Span(self.first), span.0);
            }
            self.first = span.0;
            self.count += 1;
            self.bytes += space.span_bytes(span);
        }
    }

    /// Takes a span out of the list; returns its memory, which the caller gives back to the source.
    pub unsafe fn unlink(&mut self, space: Space, span: Span) -> (NonNull<u8>, u64) {
        // SAFETY: the span is in the list.
        unsafe {
            let (next, prev) = (space.span_next(span), space.span_prev(span));
            if next != NO_SPAN {
                space.set_span_prev(Span(next), prev);
            }
            if prev != NO_SPAN {
                space.set_span_next(Span(prev), next);
            } else {
                self.first = next;
            }
            space.end_span(span);
            let bytes = space.span_bytes(span);
            self.count -= 1;
            self.bytes -= bytes;
            (
                NonNull::new_unchecked(space.pointer(space.span_from(span))),
                bytes,
            )
        }
    }

    /// Gives the span's payload `asked` bytes, in place or by moving the mapping; `None`: copy instead.
    pub unsafe fn resize(
        &mut self,
        space: Space,
        source: &mut impl MemorySource,
        span: Span,
        asked: u64,
    ) -> Option<Span> {
        // SAFETY: the span is in the list, hence alive.
        unsafe {
            let (from, bytes) = (space.span_from(span), space.span_bytes(span));
            let lead = span.0.wrapping_sub(from);
            let need = align::up(asked.checked_add(lead)?, PAGE)?;
            if need <= bytes && need >= bytes / 2 {
                space.set_span_asked(span, asked);
                return Some(span);
            }
            if lead > PAGE {
                return None; // its alignment would be lost
            }
            let word = space.owner_before(span.0);
            let (start, _) = self.unlink(space, span);
            match source.resize(start, bytes, need) {
                Some(got) => Some(self.adopt(space, got, lead, asked, word)),
                None => {
                    let got = Acquired {
                        start,
                        bytes,
                        zeroed: false,
                    };
                    let old = space.span_asked(span);
                    self.adopt(space, got, lead, old, word);
                    None
                }
            }
        }
    }

    /// Tests the invariant: every header is one, and they add up.
    ///
    /// # Errors
    /// [`Broken`] names the first that is not, by the position of its payload.
    pub fn check(&self, space: Space) -> Result<(), Broken> {
        let broken = |what, position| Err(Broken { what, position });
        let (mut count, mut bytes, mut at) = (0, 0, self.first);
        while at != NO_SPAN && count < self.count {
            let span = Span(at);
            // SAFETY: the list holds spans; the link of one whose header was overwritten is not followed.
            unsafe {
                if owner::kind(space.owner_before(at)) != owner::SPAN || !space.is_span(span) {
                    return broken("a large block's header was overwritten", at);
                }
                bytes += space.span_bytes(span);
                at = space.span_next(span);
            }
            count += 1;
        }
        if at != NO_SPAN || (count, bytes) != (self.count, self.bytes) {
            return broken("the list of large blocks does not add up", at);
        }
        Ok(())
    }

    /// The spans, newest first.
    pub fn iter(&self, space: Space) -> impl Iterator<Item = Span> {
        let mut at = self.first;
        core::iter::from_fn(move || {
            (at != NO_SPAN).then(|| {
                let span = Span(at);
                // SAFETY: the list holds live spans only.
                at = unsafe { space.span_next(span) };
                span
            })
        })
    }
}

/// Whether a request for this alignment (bytes) needs more than every block has.
pub const fn is_special(align: u64) -> bool {
    align > ALIGN
}
