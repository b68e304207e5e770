//! Starts and ends of threads in recorded order, and the lanes that carry them.
//!
//! The coordinator of a replay goes through the timeline: a start creates a thread, an end joins it. It can't block for ever: what a
//! thread waits for was made, on a sound tape, no later than the thread's end, hence by a thread that started no later than that
//! end. At the same stamp starts come before ends.

use super::survey::ThreadSurvey;

/// One entry of the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The thread begins.
    Start(u32),
    /// The thread ends.
    End(u32),
    /// A window ends (not the last): all threads stop there until the next one lies in memory.
    Window(u32),
}

const END: u32 = 1 << 31;
const WINDOW: u32 = 1 << 30;

impl Step {
    pub(super) fn to_raw(self) -> u32 {
        match self {
            Step::Start(thread) => thread,
            Step::End(thread) => thread | END,
            Step::Window(window) => window | WINDOW,
        }
    }

    pub(super) fn from_raw(raw: u32) -> Step {
        if raw & END != 0 {
            Step::End(raw & !END)
        } else if raw & WINDOW != 0 {
            Step::Window(raw & !WINDOW)
        } else {
            Step::Start(raw)
        }
    }
}

/// The timeline of a tape.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    pub steps: Vec<Step>,
    /// For each thread its lane.
    pub lane_of: Vec<u32>,
    /// How many lanes.
    pub lanes: u32,
}

/// The timeline of `rows` workers that are there all the time, through so many windows.
pub(super) fn of_workers(rows: usize, windows: usize) -> Timeline {
    let rows = rows as u32;
    let ends = (0..windows.saturating_sub(1) as u32).map(Step::Window);
    Timeline {
        steps: (0..rows)
            .map(Step::Start)
            .chain(ends)
            .chain((0..rows).map(Step::End))
            .collect(),
        lane_of: (0..rows).collect(),
        lanes: rows,
    }
}

/// A thread without a start or an end on the tape begins with its first event and ends with its last. A thread without events does
/// not run at all. `windows` are the moments at which windows end.
pub(super) fn timeline(threads: &[ThreadSurvey], windows: &[u64]) -> Timeline {
    let mut windows = windows.iter().copied().enumerate().peekable();
    let mut moments = Vec::with_capacity(threads.len() * 2);
    for (number, thread) in threads
        .iter()
        .enumerate()
        .filter(|(_, thread)| !thread.chunks.is_empty())
    {
        moments.push((thread.first_ns, false, number as u32));
        moments.push((thread.last_ns, true, number as u32));
    }
    moments.sort_unstable();
    let mut line = Timeline {
        lane_of: vec![0; threads.len()],
        ..Timeline::default()
    };
    let mut free = Vec::new();
    for (ns, end, thread) in moments {
        while let Some((window, _)) = windows.next_if(|&(_, moment)| moment <= ns) {
            line.steps.push(Step::Window(window as u32));
        }
        if end {
            free.push(line.lane_of[thread as usize]);
            line.steps.push(Step::End(thread));
        } else {
            line.lane_of[thread as usize] = free.pop().unwrap_or_else(|| {
                line.lanes += 1;
                line.lanes - 1
            });
            line.steps.push(Step::Start(thread));
        }
    }
    line.steps
        .extend(windows.map(|(window, _)| Step::Window(window as u32)));
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thread(first_ns: u64, last_ns: u64) -> ThreadSurvey {
        ThreadSurvey {
            chunks: vec![0],
            first_ns,
            last_ns,
            ..ThreadSurvey::default()
        }
    }

    #[test]
    fn starts_come_before_ends_and_lanes_are_used_again() {
        let line = timeline(
            &[
                thread(0, 10),
                thread(2, 5),
                thread(5, 9),
                thread(6, 7),
                ThreadSurvey::default(),
            ],
            &[5, 20],
        );
        use Step::{End, Start, Window};
        assert_eq!(
            line.steps,
            [
                Start(0),
                Start(1),
                Window(0),
                Start(2),
                End(1),
                Start(3),
                End(3),
                End(2),
                End(0),
                Window(1),
            ]
        );
        assert_eq!(line.lane_of, [0, 1, 2, 1, 0]);
        assert_eq!(line.lanes, 3);
    }

    #[test]
    fn steps_come_back_from_their_raw_form() {
        for step in [
            Step::Start(0),
            Step::End(0),
            Step::Start((1 << 20) - 1),
            Step::End((1 << 20) - 1),
            Step::Window(0),
            Step::Window((1 << 20) - 1),
        ] {
            assert_eq!(Step::from_raw(step.to_raw()), step);
        }
    }
}
