//! Verifying: every byte of a file, in little memory, without ever giving up half way.

use crate::audit::Audit;
use crate::decode::Scratch;
use crate::error::{Damage, TapeError};
use crate::index::ThreadInfo;
use crate::layout::{End, List, read_lists};
use crate::report::VerifyReport;
use crate::source::ReadAt;

/// Checks every byte of a file: checksums, strict values, that each chunk decodes, that each thread's chunks follow one
/// another without a gap, that index, threads and totals are what the chunks say, and that nothing is left over.
///
/// Not checked, because it would take memory in proportion to the living blocks: that the events are causal, and the
/// four live figures among the totals. [`totals_of`](crate::totals_of) does both.
///
/// Never panics, and takes less than 64 MiB whatever the bytes say: it goes over the file with buffers that the
/// format's limits bound.
pub fn verify<S: ReadAt + ?Sized>(source: &S) -> VerifyReport {
    let mut audit = Audit::new(source, false);
    match audit.run() {
        Err(error) => audit.report.add(error.into_damage(0)),
        Ok(ends) => {
            if let Some(end) = &ends.end {
                let threads = check_threads(source, end, &audit);
                let totals = check_totals(end, &audit);
                threads
                    .into_iter()
                    .chain(totals)
                    .for_each(|damage| audit.report.add(damage));
            }
            audit.report.sound =
                ends.header.is_some() && ends.end.is_some() && audit.report.damages.is_empty();
        }
    }
    audit.report
}

/// Compares the list of threads with what the chunks said, for threads whose chunks could all be read.
fn check_threads<S: ReadAt + ?Sized>(source: &S, end: &End, audit: &Audit<S>) -> Option<Damage> {
    if audit.report.chunks_readable != end.footer.chunks {
        return None;
    }
    let mut number = 0;
    let agrees = |number: u32, info: &ThreadInfo| {
        let state = audit.threads.get(number);
        (
            state.events,
            state.allocations,
            state.start_ns,
            state.end_ns,
            state.started,
            state.ended,
        ) == (
            info.events,
            info.allocations,
            info.start_ns,
            info.end_ns,
            info.started,
            info.ended,
        )
    };
    let outcome = read_lists(source, end, &mut Scratch::default(), |list| {
        let List::Threads(infos) = list else {
            return Ok(());
        };
        for info in infos {
            if !agrees(number, &info) {
                let what = format!(
                    "the list of threads says of thread {number} what its chunks do not say"
                );
                return Err(TapeError::damaged(end.trailer.sections, what));
            }
            number += 1;
        }
        Ok(())
    });
    outcome
        .err()
        .map(|error| error.into_damage(end.trailer.sections))
}

/// Compares the totals that chunks add up to, when all of them could be read.
fn check_totals<S: ReadAt + ?Sized>(end: &End, audit: &Audit<S>) -> Option<Damage> {
    if audit.report.chunks_readable != end.footer.chunks {
        return None;
    }
    let stated = end.footer.totals;
    let counted = audit
        .counts
        .totals(audit.report.events_readable, audit.duration_ns)
        .with_live(stated.live());
    if counted == stated {
        return None;
    }
    let what = "the footer's totals are not what the chunks add up to".to_string();
    Some(Damage {
        offset: end.trailer.footer,
        chunk: None,
        span: None,
        what,
    })
}
