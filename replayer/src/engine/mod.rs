//! Plan → run: one thread of the system for each logical thread of the tape, started and ended where the tape has it.
//!
//! Everything that a run touches is mapped and touched by [`Engine::prepare`]; between the first start and the last join nothing of
//! the engine allocates, locks or prints (a test with a counting allocator holds it to that). The engine calls the allocator through
//! [`Calls`] only.

mod beats;
mod board;
mod calls;
mod clock;
mod edge;
mod futex;
mod gate;
mod lane;
mod latency;
mod pace;
mod perform;
mod plain;
mod processors;
mod single;
mod stacks;
mod stopwatch;
mod threads;
mod touch;
mod workers;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize};

use crate::mapping::{MapError, Table};
use crate::plan::PlanView;
use crate::results::{Histograms, Latencies};
use beats::Beats;
use edge::Sleepers;
use gate::Gate;
use lane::{Field, KINDS, Lane, Task};
use latency::BUCKETS;
use stacks::Stacks;
use stopwatch::Stopwatch;
use threads::Threads;
use workers::{FIRST, Workers};

pub use board::Board;
pub use calls::Calls;
pub use clock::{cost_ns, now_ns};
pub use lane::{Tally, Waits};
pub use touch::Touch;

/// How to run.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// What is written into each new block.
    pub touch: Touch,
    /// One operation in so many has its latency taken; 0: none has.
    pub sample_every: u32,
    /// Binds each thread to one processor, in turn.
    pub pin: bool,
}

/// A run that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// No memory for the tables.
    #[error(transparent)]
    Memory(#[from] MapError),
    /// The system gave no thread.
    #[error(
        "thread {thread} could not be started: {error}; raise the limit of processes (ulimit -u) or of memory"
    )]
    Thread {
        /// The logical thread.
        thread: u32,
        /// What the system said.
        error: std::io::Error,
    },
    /// The pool of workers could not be made.
    #[error("the workers could not be started: {0}")]
    Pool(String),
}

/// What a run measured.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// From just before the first start to after the last join.
    pub elapsed_ns: u64,
    /// Counts over all threads.
    pub tally: Tally,
    /// Sampled latencies.
    pub latencies: Latencies,
    /// The same, coarser and whole.
    pub histograms: Histograms,
}

/// Told when a window has been run and before the next one begins, while all threads stand still: what the change of windows did to
/// the process's memory is none of the allocator's doing. And told of the end, before anything is made of what was measured.
pub trait Onlooker {
    /// The old window is done.
    fn before(&mut self) {}
    /// The new window lies in memory.
    fn after(&mut self) {}
    /// The last thread has ended.
    fn ended(&mut self) {}
}

/// Looks at nothing.
impl Onlooker for () {}

/// A run that is ready to go.
pub struct Engine {
    view: Arc<PlanView>,
    board: Arc<Board>,
    touch: Touch,
    tasks: Vec<Task>,
    crew: Crew,
    lanes: Vec<Lane>,
    counts: Table<u32>,
    field: Box<Field>,
    // What only the threads touch, through pointers.
    _shared: Table<AtomicUsize>,
    _slots: Table<*mut u8>,
}

/// Who runs the rows.
enum Crew {
    /// A thread for each row, started and ended where the tape has it.
    AsRecorded {
        handles: Vec<libc::pthread_t>,
        stacks: Stacks,
    },
    /// Workers that are there all the time.
    Folded(Workers),
}

impl Engine {
    /// Maps and touches everything that the run will need.
    pub fn prepare(
        view: Arc<PlanView>,
        board: Arc<Board>,
        calls: Calls,
        options: &Options,
    ) -> Result<Engine, EngineError> {
        let lane_count = view.lane_slots().len();
        if board.cells().len() < lane_count {
            let error = std::io::ErrorKind::InvalidInput.into();
            return Err(MapError {
                what: "board with a cell for each lane",
                bytes: Board::bytes(lane_count),
                error,
            }
            .into());
        }
        let shared = Table::<AtomicUsize>::new(
            "slots of blocks that cross threads",
            view.counts().shared as usize,
        )?;
        let slots = Table::<*mut u8>::new(
            "slots",
            view.lane_slots().iter().map(|&slots| slots as usize).sum(),
        )?;
        let counts = Table::<u32>::new("latency counts", lane_count * KINDS * BUCKETS)?;
        let field = Box::new(Field {
            calls,
            ops: view.ops().as_ptr(),
            fours: view.fours().as_ptr(),
            wide: view.wide().as_ptr(),
            shared: shared.start(),
            sample_every: options.sample_every,
            looks: edge::looks(lane_count),
            sleepers: Sleepers::new(),
            beats: Beats::new(&view, cores()),
            gate: Gate::default(),
            began_ns: AtomicU64::new(0),
        });

        let mut next_slot = slots.start();
        let mut lanes = Vec::with_capacity(lane_count);
        for (number, &slots) in view.lane_slots().iter().enumerate() {
            let first = counts.start().wrapping_add(number * KINDS * BUCKETS);
            lanes.push(Lane {
                slots: next_slot,
                cell: &board.cells()[number],
                counts: [
                    first,
                    first.wrapping_add(BUCKETS),
                    first.wrapping_add(2 * BUCKETS),
                ],
                tally: Tally::default(),
                live: 0,
                random: 0x9e37_79b9_7f4a_7c15 ^ (number as u64 + 1),
                ended_ns: 0,
            });
            next_slot = next_slot.wrapping_add(slots as usize);
        }
        let first_lane = lanes.as_mut_ptr();
        let windows = view.counts().windows as usize;
        let folded = view.counts().folded == 1;
        let due = if view.due().is_empty() {
            std::ptr::null()
        } else {
            view.due().as_ptr()
        };
        let tasks = view
            .threads()
            .iter()
            .zip(view.ends().chunks(windows))
            .map(|(row, ends)| Task {
                field: &*field,
                lane: first_lane.wrapping_add(row.lane as usize),
                ops: view.ops().as_ptr().wrapping_add(row.first_op as usize),
                due: if due.is_null() {
                    due
                } else {
                    due.wrapping_add(row.first_op as usize)
                },
                len: row.ops as usize,
                ends: ends.as_ptr(),
                windows,
                parts: view.parts().as_ptr().wrapping_add(row.first_part as usize),
                part_count: row.parts as usize,
                first_gate: if folded { FIRST } else { 0 },
            })
            .collect();
        let crew = if folded {
            Crew::Folded(Workers::new(lane_count, options.pin)?)
        } else {
            Crew::AsRecorded {
                handles: vec![0; lane_count],
                stacks: Stacks::new(lane_count, options.pin)?,
            }
        };
        view.load_window(0);
        Ok(Engine {
            view,
            board,
            touch: options.touch,
            tasks,
            crew,
            lanes,
            counts,
            field,
            _shared: shared,
            _slots: slots,
        })
    }

    /// Goes through the timeline, and returns when the last thread has ended. Between windows the clock stands still.
    ///
    /// # Errors
    /// [`EngineError::Thread`] if the system refuses a thread. Threads that run by then may wait for ever; the process should end.
    pub fn run(mut self, onlooker: &mut dyn Onlooker) -> Result<Outcome, EngineError> {
        let routine = self.routine();
        let outcome = match &mut self.crew {
            Crew::AsRecorded { handles, stacks } => {
                let mut clock = Stopwatch::start(&self.field, &self.board);
                let threads = Threads {
                    view: &self.view,
                    tasks: &self.tasks,
                    handles,
                    stacks,
                    routine,
                    gate: &self.field.gate,
                };
                let followed = threads.follow_timeline(&mut clock, onlooker);
                followed.map(|()| clock.stop(now_ns()))
            }
            Crew::Folded(workers) => {
                let (field, view, board) = (&*self.field, &*self.view, &*self.board);
                let mut clock = None;
                workers.run(&self.tasks, routine, &field.gate, || {
                    let clock = clock.insert(Stopwatch::start(field, board));
                    field.gate.open(FIRST);
                    let rows = view.ends().chunks(view.counts().windows as usize);
                    for window in 1..view.counts().windows as usize {
                        let more = rows.clone().filter(|e| e[window - 1] < e[e.len() - 1]);
                        clock.change_window(
                            &field.gate,
                            more.count(),
                            window,
                            FIRST,
                            view,
                            onlooker,
                        );
                    }
                });
                let ended = self.lanes.iter().map(|lane| lane.ended_ns).max();
                Ok(clock.map_or(0, |clock| clock.stop(ended.unwrap_or(0))))
            }
        };
        match outcome {
            Ok(elapsed_ns) => {
                onlooker.ended();
                Ok(self.outcome(elapsed_ns))
            }
            Err(error) => {
                // Threads still use the tables, so they must stay.
                std::mem::forget(self);
                Err(error)
            }
        }
    }

    fn outcome(&self, elapsed_ns: u64) -> Outcome {
        let mut tally = Tally::default();
        self.lanes.iter().for_each(|lane| tally.add(&lane.tally));
        let of_kind = |kind: usize| {
            self.counts
                .as_slice()
                .chunks(BUCKETS)
                .skip(kind)
                .step_by(KINDS)
        };
        let percentiles = |kind: usize| latency::percentiles(of_kind(kind), tally.longest_ns[kind]);
        Outcome {
            elapsed_ns,
            latencies: Latencies {
                malloc: percentiles(lane::MALLOC),
                free: percentiles(lane::FREE),
                realloc: percentiles(lane::REALLOC),
            },
            histograms: Histograms {
                malloc: latency::histogram(of_kind(lane::MALLOC)),
                free: latency::histogram(of_kind(lane::FREE)),
                realloc: latency::histogram(of_kind(lane::REALLOC)),
            },
            tally,
        }
    }

    fn routine(&self) -> Routine {
        match self.touch {
            Touch::None => perform::thread::<{ touch::NONE }>,
            Touch::Ends => perform::thread::<{ touch::ENDS }>,
            Touch::Pages => perform::thread::<{ touch::PAGES }>,
            Touch::All => perform::thread::<{ touch::ALL }>,
        }
    }
}

/// Processors that this process may use.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

type Routine = extern "C" fn(*mut std::ffi::c_void) -> *mut std::ffi::c_void;
