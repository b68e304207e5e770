//! Folded: the rows of a plan on the workers of a rayon pool.

use rayon::ThreadPool;

use super::gate::Gate;
use super::lane::Task;
use super::{EngineError, Routine, processors};

/// A pool whose workers each run one row.
pub(super) struct Workers {
    pool: ThreadPool,
}

/// Tasks, for the workers to take theirs. They hold pointers into what the engine owns.
struct Tasks<'a>(&'a [Task]);

// SAFETY: worker n takes task n and nobody else does; what tasks share is made for many threads (see Field).
unsafe impl Sync for Tasks<'_> {}

impl Workers {
    /// A pool of so many threads, all started; bound to processors in turn if `pin`.
    pub fn new(count: usize, pin: bool) -> Result<Workers, EngineError> {
        let processors = if pin {
            processors::allowed()
        } else {
            Vec::new()
        };
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(count)
            .start_handler(move |worker| {
                if !processors.is_empty() {
                    processors::bind_here(processors[worker % processors.len()]);
                }
            })
            .build()
            .map_err(|error| EngineError::Pool(error.to_string()))?;
        Ok(Workers { pool })
    }

    /// Runs all tasks, each on a worker of its own. `begin` is called when all workers stand ready and nothing remains to be
    /// allocated; it opens the gate and sees to the windows.
    pub fn run(&self, tasks: &[Task], routine: Routine, gate: &Gate, begin: impl FnOnce()) {
        let tasks = &Tasks(tasks);
        self.pool.in_place_scope(|scope| {
            scope.spawn_broadcast(move |_, context| {
                gate.pass(FIRST);
                if let Some(task) = tasks.0.get(context.index()) {
                    let task: *const Task = task;
                    routine(task.cast_mut().cast());
                }
            });
            gate.wait_for(self.pool.current_num_threads() as u32);
            begin();
        });
    }
}

/// The gate opens at 1 for workers, so that they stand before it until the clock runs.
pub(super) const FIRST: u32 = 1;
