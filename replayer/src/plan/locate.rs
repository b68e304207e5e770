//! Finds the event behind a complaint. Only errors come here, so it simply reads the thread again.

use trace_format::{ReadAt, Tape, ThreadIndex};

use super::error::PlanError;
use super::survey::ThreadSurvey;

/// Thread and event number of the remote release that is `place`-th over all threads.
pub(super) fn remote<S: ReadAt>(
    tape: &Tape<S>,
    threads: &[ThreadSurvey],
    place: u64,
) -> Result<(ThreadIndex, u64), PlanError> {
    let mut left = place;
    for (number, thread) in threads.iter().enumerate() {
        if left >= thread.remote_releases {
            left -= thread.remote_releases;
            continue;
        }
        let number = number as ThreadIndex;
        for &chunk in &thread.chunks {
            let chunk = tape.decode(chunk)?;
            for (at, event) in chunk.events.iter().enumerate() {
                if event
                    .kind
                    .releases()
                    .is_some_and(|block| block.thread != number)
                {
                    if left == 0 {
                        return Ok((number, chunk.info.first_event + at as u64));
                    }
                    left -= 1;
                }
            }
        }
    }
    // Only a tape that changed since the first pass ends here.
    Err(PlanError::Gap {
        chunk: tape.chunks().len(),
        thread: 0,
    })
}
