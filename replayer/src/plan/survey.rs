//! First pass over the tape: count, and note which blocks cross from row to row. All chunks at once.

use rayon::prelude::*;
use trace_format::{EventKind, ReadAt, Tape, ThreadIndex};

use super::crossing::Key;
use super::error::PlanError;
use super::folding::Folding;
use super::op::WIDE_FROM;
use super::stretches::Stretches;
use super::{Advance, tell};

/// The largest alignment that is passed on: 2^46 bytes, half of a 47-bit address space.
const MOST_ALIGN_LOG2: u8 = 46;

/// What the first pass knows of a thread.
#[derive(Debug, Default, Clone)]
pub(super) struct ThreadSurvey {
    /// Its chunks on the tape, in order.
    pub chunks: Vec<usize>,
    /// Blocks it makes.
    pub allocations: u64,
    /// Blocks of its own row that it releases.
    pub own_releases: u64,
    /// Reallocs of known blocks.
    pub reallocs: u64,
    /// frees of known blocks.
    pub frees: u64,
    /// Makings that need a wide record.
    pub wide: u64,
    /// Time of its first event.
    pub first_ns: u64,
    /// Time of its last event.
    pub last_ns: u64,
    /// Parts of its program: beats in which it has operations.
    pub parts: u64,
    /// The first of those beats, and the last.
    pub beats: Option<(usize, usize)>,
    /// The largest request.
    pub largest: u64,
    /// The largest alignment's logarithm.
    pub align_log2: u8,
}

/// The whole first pass.
#[derive(Debug)]
pub(super) struct Survey {
    pub threads: Vec<ThreadSurvey>,
    /// Every release of a block of another row, in any order.
    pub crossings: Vec<Key>,
}

#[derive(Default)]
struct ChunkSurvey {
    counts: ThreadSurvey,
    crossings: Vec<Key>,
}

/// Reads every chunk once; `advance` is called after each with its number of events.
pub(super) fn survey<S: ReadAt + Sync>(
    tape: &Tape<S>,
    folding: &Folding,
    beats: &Stretches,
    advance: Advance<'_>,
) -> Result<Survey, PlanError> {
    let chunks: Vec<ChunkSurvey> = (0..tape.chunks().len())
        .into_par_iter()
        .map(|chunk| {
            let counted = survey_chunk(tape, folding, beats, chunk)?;
            tell(advance, u64::from(tape.chunks()[chunk].events))?;
            Ok(counted)
        })
        .collect::<Result<_, PlanError>>()?;

    let mut threads = vec![ThreadSurvey::default(); tape.threads().len()];
    let mut events = vec![0u64; threads.len()];
    let mut crossings = Vec::with_capacity(chunks.iter().map(|c| c.crossings.len()).sum());
    for (number, (info, chunk)) in tape.chunks().iter().zip(chunks).enumerate() {
        let at = info.thread as usize;
        let (Some(thread), Some(events)) = (threads.get_mut(at), events.get_mut(at)) else {
            return Err(PlanError::Gap {
                chunk: number,
                thread: info.thread,
            });
        };
        if info.first_event != *events || info.first_allocation != thread.allocations {
            return Err(PlanError::Gap {
                chunk: number,
                thread: info.thread,
            });
        }
        if !thread.chunks.is_empty() && chunk.counts.first_ns < thread.last_ns {
            return Err(PlanError::TimeRunsBack {
                thread: info.thread,
                event: *events,
            });
        }
        *events += u64::from(info.events);
        thread.add(number, &chunk.counts);
        crossings.extend(chunk.crossings);
    }
    Ok(Survey { threads, crossings })
}

impl ThreadSurvey {
    fn add(&mut self, number: usize, chunk: &ThreadSurvey) {
        if self.chunks.is_empty() {
            self.first_ns = chunk.first_ns;
        }
        self.last_ns = chunk.last_ns;
        if let Some((first, last)) = chunk.beats {
            // A beat that began in an earlier chunk is counted there.
            let known = self.beats.is_some_and(|(_, before)| before == first);
            self.parts += chunk.parts - u64::from(known);
            self.beats = Some((self.beats.map_or(first, |(first, _)| first), last));
        }
        self.chunks.push(number);
        self.allocations += chunk.allocations;
        self.own_releases += chunk.own_releases;
        self.reallocs += chunk.reallocs;
        self.frees += chunk.frees;
        self.wide += chunk.wide;
        self.largest = self.largest.max(chunk.largest);
        self.align_log2 = self.align_log2.max(chunk.align_log2);
    }
}

fn survey_chunk<S: ReadAt + Sync>(
    tape: &Tape<S>,
    folding: &Folding,
    beats: &Stretches,
    number: usize,
) -> Result<ChunkSurvey, PlanError> {
    let chunk = tape.decode(number)?;
    let thread: ThreadIndex = chunk.info.thread;
    let row_of = |thread: ThreadIndex| folding.row_of.get(thread as usize);
    let row = row_of(thread);
    let mut survey = ChunkSurvey::default();
    let counts = &mut survey.counts;
    let mut before = 0;
    for (place, event) in chunk.events.iter().enumerate() {
        let at = chunk.info.first_event + place as u64;
        if place == 0 {
            counts.first_ns = event.time_ns;
        } else if event.time_ns < before {
            return Err(PlanError::TimeRunsBack { thread, event: at });
        }
        before = event.time_ns;
        if let Some(block) = event.kind.releases() {
            let maker = row_of(block.thread);
            if maker.is_some() && maker == row {
                counts.own_releases += 1;
            } else {
                let unknown = PlanError::UnknownBlock {
                    thread,
                    event: at,
                    block,
                };
                survey.crossings.push(Key::of(block).ok_or(unknown)?);
            }
        }
        let size = event.kind.size().unwrap_or(0);
        let mut aligned = false;
        match event.kind {
            EventKind::Free { .. } => counts.frees += 1,
            EventKind::Realloc { .. } => counts.reallocs += 1,
            EventKind::AlignedMalloc { align_log2, .. } => {
                if align_log2 > MOST_ALIGN_LOG2 {
                    return Err(PlanError::Alignment {
                        thread,
                        event: at,
                        align_log2,
                    });
                }
                counts.align_log2 = counts.align_log2.max(align_log2);
                aligned = true;
            }
            _ => {}
        }
        if event.kind.makes_block() || event.kind.releases().is_some() {
            let (first, last) = counts.beats.unwrap_or_default();
            if counts.beats.is_none() || beats.ends_before(last, event.time_ns) {
                let beat = beats.at(event.time_ns);
                counts.parts += 1;
                counts.beats = Some((counts.beats.map_or(beat, |_| first), beat));
            }
        }
        if event.kind.makes_block() {
            counts.allocations += 1;
            counts.largest = counts.largest.max(size);
            counts.wide += u64::from(aligned || size >= WIDE_FROM);
        }
    }
    counts.last_ns = before;
    Ok(survey)
}
