//! Threads as recorded: each is started and joined where the tape has it.

use super::clock::sleep_until;
use super::gate::Gate;
use super::lane::Task;
use super::stacks::Stacks;
use super::stopwatch::Stopwatch;
use super::{EngineError, Onlooker, Routine};
use crate::plan::{PlanView, Step};

/// Threads as recorded, while they run.
pub(super) struct Threads<'a> {
    pub view: &'a PlanView,
    pub tasks: &'a [Task],
    pub handles: &'a mut [libc::pthread_t],
    pub stacks: &'a Stacks,
    pub routine: Routine,
    pub gate: &'a Gate,
}

impl Threads<'_> {
    /// Starts and joins them as the timeline has it, and returns when the last has ended.
    pub fn follow_timeline(
        self,
        clock: &mut Stopwatch<'_>,
        onlooker: &mut dyn Onlooker,
    ) -> Result<(), EngineError> {
        let windows = self.view.counts().windows as usize;
        let paced = !self.view.due().is_empty();
        for step in self.view.timeline() {
            let thread = match step {
                Step::Start(thread) | Step::End(thread) => thread,
                Step::Window(window) => {
                    // Of those that run: a thread that has not started yet has nothing in this window.
                    let ends = self.view.ends().chunks(windows);
                    let (at, lanes) = (window as usize, self.stacks.running());
                    let rows = self.view.threads().iter().zip(ends).enumerate();
                    let more = rows.filter(|(number, (row, ends))| {
                        lanes[row.lane as usize].get() == Some(*number as u32) && ends[at] < row.ops
                    });
                    clock.change_window(self.gate, more.count(), at + 1, 0, self.view, onlooker);
                    continue;
                }
            };
            let row = &self.view.threads()[thread as usize];
            let lane = row.lane as usize;
            let (Some(attributes), Some(handle)) =
                (self.stacks.of(lane), self.handles.get_mut(lane))
            else {
                continue;
            };
            let failed = if matches!(step, Step::Start(_)) {
                if paced {
                    sleep_until(clock.started_ns + row.first_ns);
                }
                self.stacks.running()[lane].set(Some(thread));
                let task: *const Task = &self.tasks[thread as usize];
                spawn(handle, attributes, self.routine, task)
            } else {
                self.stacks.running()[lane].set(None);
                // SAFETY: the view checked that each thread starts once before it ends once, and that its lane is its own between.
                unsafe { libc::pthread_join(*handle, std::ptr::null_mut()) }
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
