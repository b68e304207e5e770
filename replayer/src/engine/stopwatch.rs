//! The time of a run, which stands still while windows change.

use std::sync::atomic::Ordering;

use super::Onlooker;
use super::board::Board;
use super::clock::now_ns;
use super::gate::Gate;
use super::lane::Field;
use crate::plan::PlanView;

/// The time of a run, without the changes of windows.
pub(super) struct Stopwatch<'a> {
    board: &'a Board,
    /// When the run began, monotonic clock.
    pub started_ns: u64,
    /// Time that did not count.
    stood_ns: u64,
}

impl<'a> Stopwatch<'a> {
    pub fn start(field: &Field, board: &'a Board) -> Stopwatch<'a> {
        let started_ns = now_ns();
        field.began_ns.store(started_ns, Ordering::Relaxed);
        board.begin(started_ns);
        Stopwatch {
            board,
            started_ns,
            stood_ns: 0,
        }
    }

    pub fn stop(self, ended_ns: u64) -> u64 {
        self.board.end(ended_ns);
        ended_ns.saturating_sub(self.started_ns + self.stood_ns)
    }

    /// Waits until the threads that have more to do stand at the gate, and lets them into the next window.
    pub fn change_window(
        &mut self,
        gate: &Gate,
        threads: usize,
        window: usize,
        first: u32,
        view: &PlanView,
        onlooker: &mut dyn Onlooker,
    ) {
        gate.wait_for(threads as u32);
        let stopped = now_ns();
        onlooker.before();
        view.load_window(window);
        onlooker.after();
        self.stood_ns += now_ns() - stopped;
        gate.open(first + window as u32);
    }
}
