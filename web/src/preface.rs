//! One heap's way from the tape's start to the first event that the log keeps, without keeping what comes before.

use std::collections::HashMap;
use std::rc::Rc;

use self_cell::self_cell;
use trace_format::{EventKind, Merged, MergedEvent};

use crate::error::SessionError;
use crate::log::Kind;
use crate::replay::{Ask, Replay};
use crate::source::{OpenTape, Source};

type Events<'t> = Merged<'t, Source>;

self_cell!(
    struct Reading {
        owner: Rc<OpenTape>,
        #[not_covariant]
        dependent: Events,
    }
);

/// A heap on its way to the log.
pub struct Preface {
    reading: Reading,
    heap: u32,
    next: u32,
    first: u32,
    /// The live blocks of the heap, by index: the event that made each, and the bytes asked for.
    live: HashMap<u64, (u32, u64)>,
}

impl Preface {
    /// Of the heap of thread `heap`, up to event `first`.
    pub fn new(tape: &Rc<OpenTape>, heap: u32, first: u32) -> Preface {
        Preface {
            reading: Reading::new(Rc::clone(tape), |tape| tape.merged()),
            heap,
            next: 0,
            first,
            live: HashMap::new(),
        }
    }

    /// Replays up to `budget` further events of the tape; the share that is done, 0 to 1.
    ///
    /// # Errors
    /// The tape can't be read at this place.
    pub fn run(&mut self, replay: &mut Replay, budget: usize) -> Result<f64, SessionError> {
        let (heap, first) = (self.heap, self.first);
        let (next, live) = (&mut self.next, &mut self.live);
        self.reading.with_dependent_mut(|_, events| {
            let most = budget.min(first.saturating_sub(*next) as usize);
            let seen = events.visit(most, |merged| -> Result<(), SessionError> {
                if let Some(ask) = ask(&merged, heap, *next, live) {
                    replay.ask(&ask);
                }
                *next += 1;
                Ok(())
            })?;
            if seen < most || *next >= first {
                return Ok(1.0);
            }
            Ok((f64::from(*next) / f64::from(first.max(1))).min(1.0 - f64::EPSILON))
        })
    }
}

/// What an event asks of a heap, if anything.
fn ask(
    merged: &MergedEvent,
    heap: u32,
    event: u32,
    live: &mut HashMap<u64, (u32, u64)>,
) -> Option<Ask> {
    let released = merged.event.kind.releases();
    let old = released
        .filter(|block| block.thread == heap)
        .and_then(|block| live.remove(&block.index));
    let own = merged.thread == heap;
    let (kind, size, align) = match merged.event.kind {
        EventKind::Malloc { size } => (Kind::Malloc, size, 0),
        EventKind::Calloc { size } => (Kind::Calloc, size, 0),
        EventKind::AlignedMalloc { size, align_log2 } => {
            (Kind::Aligned, size, 1 << (align_log2 & 63))
        }
        EventKind::Realloc { size, .. } | EventKind::ReallocUnknown { size } => {
            (Kind::Realloc, size, 0)
        }
        EventKind::Free { .. } => (Kind::Free, 0, 0),
        EventKind::ThreadEnd => (Kind::ThreadEnd, 0, 0),
        _ => return None,
    };
    if let (true, Some(made)) = (own, merged.made) {
        live.insert(made.index, (event, size));
    }
    (own || old.is_some()).then_some(Ask {
        kind,
        own,
        event,
        size,
        align,
        old,
    })
}
