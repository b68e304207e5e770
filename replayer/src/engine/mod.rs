//! Plan → run: one thread of the system for each logical thread of the tape, started and ended where the tape has it.
//!
//! Everything that a run touches is mapped and touched by [`Engine::prepare`]; between the first start and the last join nothing of
//! the engine allocates, locks or prints (a test with a counting allocator holds it to that). The engine calls the allocator through
//! [`Calls`] only.

mod board;
mod calls;
mod clock;
mod edge;
mod lane;
mod latency;
mod perform;
mod stacks;
mod touch;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use crate::mapping::{MapError, Table};
use crate::plan::{PlanView, Step};
use crate::results::Latencies;
use lane::{Field, KINDS, Lane, Task};
use latency::BUCKETS;
use stacks::Stacks;

pub use board::Board;
pub use calls::Calls;
pub use clock::{cost_ns, now_ns};
pub use lane::Tally;
pub use touch::Touch;

/// How to run.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// What is written into each new block.
    pub touch: Touch,
    /// One operation in so many has its latency taken; 0: none has.
    pub sample_every: u32,
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
}

/// A run that is ready to go.
pub struct Engine {
    view: Arc<PlanView>,
    board: Arc<Board>,
    touch: Touch,
    tasks: Vec<Task>,
    handles: Vec<libc::pthread_t>,
    stacks: Stacks,
    lanes: Vec<Lane>,
    counts: Table<u32>,
    // What only the threads touch, through pointers.
    _field: Box<Field>,
    _shared: Table<AtomicUsize>,
    _slots: Table<*mut u8>,
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
            wide: view.wide().as_ptr(),
            shared: shared.start(),
            sample_every: options.sample_every,
            looks: edge::looks(lane_count),
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
            });
            next_slot = next_slot.wrapping_add(slots as usize);
        }
        let first_lane = lanes.as_mut_ptr();
        let tasks = view
            .threads()
            .iter()
            .map(|row| Task {
                field: &*field,
                lane: first_lane.wrapping_add(row.lane as usize),
                ops: view.ops().as_ptr().wrapping_add(row.first_op as usize),
                len: row.ops as usize,
            })
            .collect();
        let handles = vec![0; lane_count];
        let stacks = Stacks::new(lane_count)?;
        Ok(Engine {
            view,
            board,
            touch: options.touch,
            tasks,
            handles,
            stacks,
            lanes,
            counts,
            _field: field,
            _shared: shared,
            _slots: slots,
        })
    }

    /// Goes through the timeline, and returns when the last thread has ended.
    ///
    /// # Errors
    /// [`EngineError::Thread`] if the system refuses a thread. Threads that run by then may wait for ever; the process should end.
    pub fn run(mut self) -> Result<Outcome, EngineError> {
        let started = now_ns();
        self.board.begin(started);
        if let Err(error) = self.follow_timeline() {
            // Threads still use the tables, so they must stay.
            std::mem::forget(self);
            return Err(error);
        }
        let ended = now_ns();
        self.board.end(ended);

        let mut tally = Tally::default();
        self.lanes.iter().for_each(|lane| tally.add(&lane.tally));
        let percentiles = |kind: usize| {
            let of_kind = self
                .counts
                .as_slice()
                .chunks(BUCKETS)
                .skip(kind)
                .step_by(KINDS);
            latency::percentiles(of_kind, tally.longest_ns[kind])
        };
        let latencies = Latencies {
            malloc: percentiles(lane::MALLOC),
            free: percentiles(lane::FREE),
            realloc: percentiles(lane::REALLOC),
        };
        Ok(Outcome {
            elapsed_ns: ended - started,
            tally,
            latencies,
        })
    }

    fn follow_timeline(&mut self) -> Result<(), EngineError> {
        let routine: Routine = match self.touch {
            Touch::None => perform::thread::<{ touch::NONE }>,
            Touch::Ends => perform::thread::<{ touch::ENDS }>,
            Touch::Pages => perform::thread::<{ touch::PAGES }>,
            Touch::All => perform::thread::<{ touch::ALL }>,
        };
        for step in self.view.timeline() {
            let (Step::Start(thread) | Step::End(thread)) = step;
            let lane = self.view.threads()[thread as usize].lane as usize;
            let (Some(attributes), Some(handle)) =
                (self.stacks.of(lane), self.handles.get_mut(lane))
            else {
                continue;
            };
            let failed = match step {
                Step::Start(thread) => {
                    let task: *const Task = &self.tasks[thread as usize];
                    spawn(handle, attributes, routine, task)
                }
                // SAFETY: the view checked that each thread starts once before it ends once, and that its lane is its own between.
                Step::End(_) => unsafe { libc::pthread_join(*handle, std::ptr::null_mut()) },
            };
            if failed != 0 {
                return Err(EngineError::Thread {
                    thread,
                    error: std::io::Error::from_raw_os_error(failed),
                });
            }
        }
        Ok(())
    }
}

type Routine = extern "C" fn(*mut std::ffi::c_void) -> *mut std::ffi::c_void;

fn spawn(
    handle: &mut libc::pthread_t,
    attributes: &libc::pthread_attr_t,
    routine: Routine,
    task: *const Task,
) -> i32 {
    // SAFETY: the task, its lane, its field and the plan live in the Engine until every thread is joined (or for ever, see `run`);
    // the lane's stack is free, because the timeline has the lane's last thread joined before.
    unsafe { libc::pthread_create(handle, attributes, routine, task.cast_mut().cast()) }
}
