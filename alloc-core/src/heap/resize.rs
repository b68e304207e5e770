//! realloc: in place where the block, its free neighbour or its mapping allow, else by a copy.

use core::ptr::NonNull;

use super::Heap;
use super::arenas::chunk_bytes;
use crate::base::class::{self, SMALL_MAX};
use crate::base::error::Misuse;
use crate::chunk::span::Span;
use crate::chunk::tag::{CHUNK_HEADER, Chunk, Use};
use crate::chunk::{block, owner};
use crate::source::MemorySource;

impl<S: MemorySource> Heap<S> {
    /// Gives a block `size` bytes; contents up to the shorter length are kept. `Ok(None)`: memory ended, the block is as
    /// it was.
    ///
    /// # Errors
    /// [`Misuse`] as for [`free`](Self::free).
    ///
    /// # Safety
    /// As for [`free`](Self::free); the old pointer must not be used once a new one is returned.
    pub unsafe fn realloc(
        &mut self,
        old: NonNull<u8>,
        size: usize,
    ) -> Result<Option<NonNull<u8>>, Misuse> {
        // SAFETY: the caller's promise.
        unsafe {
            if let Some(block) = self.resize(old, size)? {
                return Ok(Some(block));
            }
            let Some(new) = self.malloc(size) else {
                return Ok(None);
            };
            let keep = self.usable_size(old).min(size);
            new.copy_from_nonoverlapping(old, keep);
            self.free(old)?;
            Ok(Some(new))
        }
    }

    /// The part of [`realloc`](Self::realloc) that needs no copy. `Ok(None)`: a copy is needed.
    ///
    /// # Errors
    /// As for [`free`](Self::free).
    ///
    /// # Safety
    /// As for [`realloc`](Self::realloc).
    pub unsafe fn resize(
        &mut self,
        old: NonNull<u8>,
        size: usize,
    ) -> Result<Option<NonNull<u8>>, Misuse> {
        let address = old.as_ptr().addr();
        let at = self.space.position(old.as_ptr());
        // SAFETY: the caller promises a block in use, which has a header before it.
        unsafe {
            let word = self.space.owner_before(at);
            if word & owner::HEAP != self.number() {
                let double = word == owner::NONE;
                return Err(if double {
                    Misuse::DoubleFree { address }
                } else {
                    Misuse::NotABlock { address }
                });
            }
            match owner::kind(word) {
                owner::SMALL => {
                    let tag = self.space.tag(at);
                    if tag < block::LIVE {
                        return Err(Misuse::DoubleFree { address });
                    }
                    let same_bin = size <= SMALL_MAX
                        && class::bin_of_tag(class::tag_of(size)) == usize::from(tag >> 4);
                    if same_bin {
                        self.space.set_tag(at, class::tag_of(size) as u16);
                    }
                    Ok(same_bin.then_some(old))
                }
                owner::CHUNK => {
                    let c = Chunk::of_payload(at);
                    if self.space.usage(c) != Use::Block {
                        return Err(Misuse::DoubleFree { address });
                    }
                    let fits = size > SMALL_MAX && size as u64 <= self.policy.span_threshold;
                    Ok((fits && self.resize_chunk(c, size as u64)).then_some(old))
                }
                owner::SPAN if size as u64 > self.policy.span_threshold => {
                    let before = self.space.span_payload(Span(at));
                    let moved =
                        self.spans
                            .resize(self.space, &mut self.source, Span(at), size as u64);
                    if let Some(span) = moved {
                        self.counters.span_bytes =
                            self.counters.span_bytes - before + self.space.span_payload(span);
                        self.counters.note_peak();
                    }
                    Ok(moved.and_then(|span| NonNull::new(self.space.pointer(span.0))))
                }
                owner::SPAN => Ok(None),
                _ => Err(Misuse::NotABlock { address }),
            }
        }
    }

    /// Grows a chunk into the free one after it, or cuts off its tail. `false`: neither is possible.
    ///
    /// # Safety
    /// The chunk is a block of ours in use.
    unsafe fn resize_chunk(&mut self, c: Chunk, size: u64) -> bool {
        let space = self.space;
        let bytes = chunk_bytes(size);
        // SAFETY: the caller's promise; the next chunk of one of ours is ours.
        unsafe {
            let have = space.size(c);
            let mut grown = have;
            if bytes > have {
                let next = space.next(c);
                if space.usage(next) != Use::Free || have + space.size(next) < bytes {
                    return false;
                }
                self.free.remove(space, next);
                grown = have + space.size(next);
                self.counters.coalesces += 1;
                space.set_owner(next, 0, owner::NONE);
                space.set_size(c, grown, Use::Block);
            }
            self.trim(c, bytes);
            let after = space.next(c);
            // Either the end itself or a free tail before it: what lies below was handed out.
            if bytes > have {
                let last = if space.usage(after) == Use::Free {
                    space.next(after)
                } else {
                    after
                };
                if space.is_end(last) {
                    space.raise_frontier(last, after.0);
                }
            }
            let now = space.size(c);
            space.set_owner(c, size as u32, space.owner(c));
            self.counters.chunk_bytes =
                self.counters.chunk_bytes - (have - CHUNK_HEADER) + (now - CHUNK_HEADER);
            self.counters.note_peak();
            debug_assert!(now <= grown);
            true
        }
    }
}
