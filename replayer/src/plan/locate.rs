//! Finds the event behind a complaint. Only errors come here, so it simply reads the tape again.

use trace_format::{BlockId, ReadAt, Tape, ThreadIndex};

use super::error::PlanError;

/// Thread and event number of the release of `block` that comes after `before` others of it, in the order of threads.
pub(super) fn release<S: ReadAt>(
    tape: &Tape<S>,
    block: BlockId,
    before: usize,
) -> Result<(ThreadIndex, u64), PlanError> {
    let mut left = before;
    for thread in 0..tape.threads().len() as ThreadIndex {
        for &chunk in tape.chunks_of(thread) {
            let chunk = tape.decode(chunk)?;
            for (at, event) in chunk.events.iter().enumerate() {
                if event.kind.releases() == Some(block) {
                    if left == 0 {
                        return Ok((thread, chunk.info.first_event + at as u64));
                    }
                    left -= 1;
                }
            }
        }
    }
    // Only a tape that changed since the first pass ends here.
    Err(PlanError::Gap {
        chunk: tape.chunks().len(),
        thread: block.thread,
    })
}

/// Event number of the last release of `block` by this thread.
pub(super) fn last_release_by<S: ReadAt>(
    tape: &Tape<S>,
    thread: ThreadIndex,
    block: BlockId,
) -> Result<u64, PlanError> {
    let mut last = None;
    for &chunk in tape.chunks_of(thread) {
        let chunk = tape.decode(chunk)?;
        let found = chunk
            .events
            .iter()
            .rposition(|event| event.kind.releases() == Some(block));
        last = found.map(|at| chunk.info.first_event + at as u64).or(last);
    }
    last.ok_or(PlanError::Gap {
        chunk: tape.chunks().len(),
        thread,
    })
}
