//! A tape from the sound chunks of a damaged or unfinished file.

use crate::audit::Audit;
use crate::decode::Scratch;
use crate::error::{Damage, TapeError};
use crate::event::ThreadIndex;
use crate::header::{Clock, Header};
use crate::index::{Ending, ThreadInfo};
use crate::layout::{List, read_lists};
use crate::live::totals_of;
use crate::sentence::counted;
use crate::source::ReadAt;
use crate::tape::{Parts, Tape};

impl<S: ReadAt> Tape<S> {
    /// Reads whatever is sound of a file, with or without a footer, and says what is not.
    ///
    /// The index and all totals are made anew from the chunks that decode; the live figures leave out releases whose
    /// block is lost. Where the file's own lists are sound, threads and marks keep their names. The tape's ending is
    /// [`Ending::Salvaged`], unless nothing is damaged.
    ///
    /// Takes memory in proportion to the chunks and to the blocks that live at once.
    ///
    /// # Errors
    /// [`TapeError::NotATape`], [`TapeError::Version`], [`TapeError::Read`]; damage is no error here.
    pub fn scan(source: S) -> Result<(Tape<S>, Vec<Damage>), TapeError> {
        let mut audit = Audit::new(&source, true);
        let ends = audit.run()?;
        let Audit {
            report,
            threads: states,
            counts,
            duration_ns,
            seen,
            kept,
            ..
        } = audit;
        let mut damages = report.damages;
        let (mut threads, mut marks) = (Vec::new(), Vec::new());
        if let Some(end) = &ends.end {
            let named = read_lists(&source, end, &mut Scratch::default(), |list| {
                match list {
                    List::Threads(mut list) => threads.append(&mut list),
                    List::Marks(mut list) => marks.append(&mut list),
                    List::Index(_) => {}
                }
                Ok(())
            });
            damages.extend(
                named
                    .err()
                    .map(|error| error.into_damage(end.trailer.sections)),
            );
        }
        threads.resize(
            threads.len().max(seen.threads as usize),
            ThreadInfo::default(),
        );
        for (thread, info) in threads.iter_mut().enumerate() {
            let state = states.get(thread as ThreadIndex);
            (info.events, info.allocations) = (0, state.allocations);
            (info.start_ns, info.end_ns) = (state.start_ns, state.end_ns);
            (info.started, info.ended) = (state.started, state.ended);
        }
        let chunks = kept.unwrap_or_default();
        for chunk in &chunks {
            // A gap's events are not counted: what is there is.
            if let Some(info) = threads.get_mut(chunk.thread as usize) {
                info.events += u64::from(chunk.events);
            }
        }
        for number in marks.len()..seen.marks as usize {
            marks.push(format!("mark {number} (its name is lost)"));
        }
        if report.damages_left_out > 0 {
            damages.push(Damage {
                offset: 0,
                chunk: None,
                span: None,
                what: format!(
                    "damage in {}",
                    counted(report.damages_left_out, "more place")
                ),
            });
        }
        let ending = match (damages.first(), ends.end) {
            (None, Some(end)) => end.footer.ending,
            (first, _) => Ending::Salvaged {
                reason: first
                    .map_or_else(|| "there was no footer".to_string(), ToString::to_string),
            },
        };
        let whole = damages.is_empty();
        let totals = counts.totals(report.events_readable, duration_ns);
        let header = ends.header.unwrap_or_else(lost_header);
        let parts = Parts {
            header,
            ending,
            totals,
            threads,
            marks,
            chunks,
            whole,
        };
        let mut tape = Tape::of(source, parts);
        let totals = match totals_of(&tape, |_, _| {}) {
            Err(error @ TapeError::NotCausal { .. }) => {
                damages.push(error.into_damage(0));
                tape.set_gaps();
                totals_of(&tape, |_, _| {})?
            }
            other => other?,
        };
        tape.set_totals(totals);
        Ok((tape, damages))
    }
}

/// What stands for a header that cannot be read.
fn lost_header() -> Header {
    Header {
        recorder: String::new(),
        name: String::new(),
        command: Vec::new(),
        pid: 0,
        started_unix_ns: 0,
        clock: Clock::Unknown,
        page_size: 0,
        pointer_width: 0,
        notes: vec!["The tape's header could not be read.".to_string()],
    }
}
