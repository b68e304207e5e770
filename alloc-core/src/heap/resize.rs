//! realloc: in place where the block, its free neighbour or its mapping allow, else by a copy.

use core::ptr::NonNull;

use super::Heap;
use super::arenas::{Arenas, check_block, chunk_bytes};
use crate::base::class::{self, SMALL_MAX};
use crate::base::error::Misuse;
use crate::chunk::span::Span;
use crate::chunk::tag::{CHUNK_HEADER, Chunk, Use};
use crate::chunk::{Space, owner};
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
            if let Some(block) = self.arenas.resize(old, size)? {
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
}

impl<S: MemorySource> Arenas<S> {
    /// The part of a realloc that needs no copy. `Ok(None)`: a copy is needed.
    ///
    /// # Errors
    /// [`Misuse`] when the header before `old` is not that of a block of this heap in use.
    ///
    /// # Safety
    /// `old` came from this heap; it must not be used once another block is returned.
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
            let of_ours = owner::heap(word) == self.number;
            match owner::kind(word) {
                owner::NONE if owner::is_free(word) => Err(Misuse::DoubleFree { address }),
                _ if !of_ours => Err(Misuse::NotABlock { address }),
                owner::SMALL => Ok(resize_small(self.space, at, size).then_some(old)),
                owner::CHUNK => {
                    let c = Chunk::of_payload(at);
                    check_block(self.space, c)?;
                    let fits = size as u64 > self.policy.small_max
                        && size as u64 <= self.policy.span_threshold;
                    Ok((fits && self.resize_chunk(c, size as u64)).then_some(old))
                }
                owner::NONE => Err(Misuse::NotABlock { address }),
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
                _ => Ok(None),
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
            space.set_owner(c, size as u32, space.block_word(c, self.number));
            self.counters.chunk_bytes =
                self.counters.chunk_bytes - (have - CHUNK_HEADER) + (now - CHUNK_HEADER);
            self.counters.note_peak();
            debug_assert!(now <= grown);
            true
        }
    }
}

/// Notes another size in a small block's header, if the block stays in its bin; else `false`. Needs no heap: the block is the
/// program's, and so is its header.
///
/// # Safety
/// `at` is a small block in use.
pub unsafe fn resize_small(space: Space, at: u64, size: usize) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        let bin = space.bin(at);
        let stays = size <= SMALL_MAX && class::bin_of(size) == bin;
        if stays {
            space.set_low(at, size as u8);
        }
        stays
    }
}
