//! Which row of the plan runs which threads of the tape.
//!
//! As recorded, each thread is a row of its own. Folded onto N workers, each worker runs several threads' events, merged in the
//! causal order of the whole tape: since that one order agrees with every worker's, no circle of waits is possible.

use trace_format::{ReadAt, Tape};

/// Which row runs which threads.
#[derive(Debug)]
pub(super) struct Folding {
    /// For each thread its row.
    pub row_of: Vec<u32>,
    /// For each thread its place among the threads of its row.
    pub place_of: Vec<u32>,
    /// For each row its threads.
    pub threads: Vec<Vec<u32>>,
    /// Whether rows are workers that several threads share.
    pub folded: bool,
}

impl Folding {
    /// `workers`: `None` as recorded; else at most so many rows. Threads go, longest first, to the row that has least so far.
    pub fn new<S: ReadAt>(tape: &Tape<S>, workers: Option<u32>) -> Folding {
        let events: Vec<u64> = tape.threads().iter().map(|thread| thread.events).collect();
        let Some(workers) = workers else {
            return Folding {
                row_of: (0..events.len() as u32).collect(),
                place_of: vec![0; events.len()],
                threads: (0..events.len() as u32)
                    .map(|thread| vec![thread])
                    .collect(),
                folded: false,
            };
        };
        let busy = events.iter().filter(|&&count| count > 0).count();
        let rows = (workers as usize).min(busy).max(1);
        let mut longest: Vec<u32> = (0..events.len() as u32).collect();
        longest.sort_by_key(|&thread| std::cmp::Reverse(events[thread as usize]));
        let mut load = vec![0u64; rows];
        let mut threads = vec![Vec::new(); rows];
        let mut row_of = vec![0; events.len()];
        let mut place_of = vec![0; events.len()];
        for thread in longest {
            let row = (0..rows).min_by_key(|&row| load[row]).unwrap_or(0);
            load[row] += events[thread as usize];
            row_of[thread as usize] = row as u32;
            place_of[thread as usize] = threads[row].len() as u32;
            threads[row].push(thread);
        }
        Folding {
            row_of,
            place_of,
            threads,
            folded: true,
        }
    }
}
