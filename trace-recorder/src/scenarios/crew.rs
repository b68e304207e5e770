//! The threads of a scenario: started together, watched, joined.

use super::blocks::Memory;
use crate::RecordError;
use crate::recording::RecordingAlloc;
use std::alloc::System;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Stack of a scenario's thread: they hardly use any.
const STACK_BYTES: usize = 256 << 10;

/// How often progress is told.
const TICK: Duration = Duration::from_millis(10);

/// All threads of a scenario, and the allocator that they ask.
#[derive(Debug)]
pub(super) struct Crew {
    allocator: RecordingAlloc<System>,
    threads: u32,
    done: AtomicU64,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    open: bool,
    failure: Option<RecordError>,
    failed: bool,
    handles: Vec<JoinHandle<()>>,
    /// Threads that have come to the last meeting point.
    met: u32,
}

impl Crew {
    /// For `threads` threads at a time.
    pub fn new(allocator: RecordingAlloc<System>, threads: u32) -> Crew {
        Crew {
            allocator,
            threads,
            done: AtomicU64::new(0),
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// What is recorded.
    pub fn allocator(&self) -> &RecordingAlloc<System> {
        &self.allocator
    }

    /// Where blocks come from.
    pub fn memory(&self) -> Memory<'_> {
        Memory::new(&self.allocator)
    }

    /// Counts operations.
    #[inline]
    pub fn count(&self, operations: u64) {
        self.done.fetch_add(operations, Ordering::Relaxed);
    }

    /// Starts thread `number`, which waits until all of the first threads are there. `body` runs in it.
    pub fn spawn(
        self: &Arc<Crew>,
        number: u32,
        name: String,
        body: impl FnOnce(&Arc<Crew>) + Send + 'static,
    ) -> Result<(), RecordError> {
        let crew = Arc::clone(self);
        let thread_name = name.clone();
        let run = move || {
            crew.allocator.thread_starts();
            if crew.wait_open() {
                let unwound =
                    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| body(&crew)));
                if unwound.is_err() {
                    crew.fail(RecordError::Panicked { name });
                }
            }
        };
        match std::thread::Builder::new()
            .name(thread_name)
            .stack_size(STACK_BYTES)
            .spawn(run)
        {
            Ok(handle) => {
                self.keep(handle);
                Ok(())
            }
            Err(source) => Err(RecordError::Spawn {
                number,
                threads: self.threads,
                source,
            }),
        }
    }

    /// Keeps a thread to be joined. At most two threads of each worker run, the next one being started by the last: where more
    /// handles are kept, some have ended and only hold mappings, of which a process may have so many.
    fn keep(&self, handle: JoinHandle<()>) {
        let over = {
            let mut state = self.state();
            state.handles.push(handle);
            if state.handles.len() <= 3 * self.threads as usize {
                return;
            }
            take_ended(&mut state.handles)
        };
        for handle in over {
            let _ = handle.join();
        }
    }

    /// Something went wrong: nobody waits any more, and the run ends with the first such error.
    pub fn fail(&self, error: RecordError) {
        let mut state = self.state();
        state.failed = true;
        state.failure.get_or_insert(error);
        drop(state);
        self.changed.notify_all();
    }

    /// Waits until all threads that run at a time have come here. False if one of them failed and never will.
    pub fn meet(&self) -> bool {
        let mut state = self.state();
        state.met += 1;
        if state.met == self.threads {
            self.changed.notify_all();
        }
        let state = self.wait(state, |state| state.met < self.threads && !state.failed);
        !state.failed
    }

    /// Lets the threads go, tells the operations done now and then, and comes back when the last thread has ended.
    pub fn run(&self, progress: &dyn Fn(u64)) -> Result<(), RecordError> {
        self.state().open = true;
        self.changed.notify_all();
        loop {
            // Threads are started by threads, before those end: as long as one runs, more may come.
            let (over, running) = {
                let mut state = self.state();
                let over = take_ended(&mut state.handles);
                (over, !state.handles.is_empty())
            };
            for handle in over {
                // Joined, and not only finished: a thread's end is on the tape when the system has ended it. What panicked is told by `fail`.
                let _ = handle.join();
            }
            progress(self.done.load(Ordering::Relaxed));
            if !running {
                break;
            }
            std::thread::sleep(TICK);
        }
        match self.state().failure.take() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// If not all threads could be started, sends those home that wait for the others.
    pub fn abandon_unless_started(&self) {
        if !self.state().open {
            self.state().failed = true;
            self.changed.notify_all();
            let handles = std::mem::take(&mut self.state().handles);
            for handle in handles {
                let _ = handle.join();
            }
        }
    }

    /// As [`run`](Crew::run), and tells nobody: whoever looks on takes a processor from the threads now and then, and that changes
    /// how many of them are under way.
    pub fn run_alone(&self) -> Result<(), RecordError> {
        self.state().open = true;
        self.changed.notify_all();
        loop {
            // A thread that starts another one does so before it ends.
            let handles = std::mem::take(&mut self.state().handles);
            if handles.is_empty() {
                break;
            }
            for handle in handles {
                // What panicked is told by `fail`.
                let _ = handle.join();
            }
        }
        match self.state().failure.take() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    fn wait_open(&self) -> bool {
        let state = self.wait(self.state(), |state| !state.open && !state.failed);
        state.open && !state.failed
    }

    fn wait<'s>(
        &self,
        mut state: MutexGuard<'s, State>,
        until_not: impl Fn(&State) -> bool,
    ) -> MutexGuard<'s, State> {
        while until_not(&state) {
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes the threads out that have ended.
fn take_ended(handles: &mut Vec<JoinHandle<()>>) -> Vec<JoinHandle<()>> {
    handles
        .extract_if(.., |handle| handle.is_finished())
        .collect()
}
