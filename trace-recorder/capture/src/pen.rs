//! The writing of events.

use crate::clock;
use crate::code::{self, MOST_WORDS};
use crate::place::Local;
use crate::raw::{Op, Raw};
use crate::store::Store;
use crate::sys::NoSignals;
use std::sync::atomic::{Ordering, compiler_fence};

impl Store {
    /// Writes an event of a block, of the calling thread, whose place is `local` and where nobody
    /// [is writing](Local::is_writing). The thread joins the recording if it has not.
    #[inline(always)]
    pub fn record(&self, local: &Local, raw: Raw) {
        let outer = begin(local);
        self.write(local, raw);
        end(local, outer);
    }

    /// Writes two events of blocks, with nothing of a signal handler between them.
    #[inline]
    pub fn record_both(&self, local: &Local, first: Raw, second: Raw) {
        let outer = begin(local);
        self.write(local, first);
        self.write(local, second);
        end(local, outer);
    }

    #[inline(always)]
    fn write(&self, local: &Local, raw: Raw) {
        if self.is_open_for(local)
            && local.has_room()
            && let Some(word) = code::short(local.base(), raw)
        {
            local.stamp.set(raw.stamp);
            local.push(word);
        } else {
            self.write_slowly(local, raw);
        }
    }

    /// Writes any event.
    #[cold]
    #[inline(never)]
    fn write_slowly(&self, local: &Local, raw: Raw) {
        let ready = self.is_open_for(local) && local.room() >= MOST_WORDS;
        if ready || self.prepare(local) {
            let mut base = local.base();
            let (words, len) = code::long(&mut base, raw);
            local.stamp.set(base.stamp);
            local.address.set(base.address);
            words.iter().take(len).for_each(|&word| local.push(word));
        }
    }

    /// Writes an event that is of no block, stamped now.
    pub fn note(&self, local: &Local, op: Op, number: u64) {
        let outer = begin(local);
        self.write_slowly(
            local,
            Raw {
                op,
                align_log2: 0,
                size: number,
                address: 0,
                stamp: clock::before(),
            },
        );
        end(local, outer);
    }

    /// Records that a phase begins. Of a name above 1,024 bytes the start is kept.
    pub fn mark(&self, local: &Local, name: &[u8]) {
        let name = name.get(..1024).unwrap_or(name);
        // Nothing of a signal handler may come between the pieces.
        let _quiet = NoSignals::hold();
        let outer = begin(local);
        self.note(local, Op::Mark, name.len() as u64);
        for piece in name.chunks(7) {
            let mut full = [0; 8];
            full.iter_mut()
                .zip(piece)
                .for_each(|(to, from)| *to = *from);
            self.write_slowly(
                local,
                Raw {
                    op: Op::Text,
                    align_log2: 0,
                    size: 0,
                    address: u64::from_le_bytes(full),
                    stamp: 0,
                },
            );
        }
        end(local, outer);
    }
}

/// From here to [`end`] a signal handler finds that the thread is writing. The compiler keeps what is between in between.
#[inline(always)]
fn begin(local: &Local) -> bool {
    let outer = local.writing.replace(true);
    compiler_fence(Ordering::SeqCst);
    outer
}

#[inline(always)]
fn end(local: &Local, outer: bool) {
    compiler_fence(Ordering::SeqCst);
    local.writing.set(outer);
}
