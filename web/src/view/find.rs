//! The next event in which something happens, or the last one before.

use super::{CHECK, View};
use crate::log::Log;
use crate::replay::Step;

impl View {
    /// The position after the next event (or the last one before this) in which `step` happens; `None` if there is none.
    /// The view then stands there, or where it stood.
    pub fn find(&mut self, log: &Log, step: Step, forward: bool) -> Option<u32> {
        self.glance.take();
        let from = self.done;
        let found = if forward {
            self.find_next(log, step, from)
        } else {
            self.find_last(log, step, from)
        };
        self.go_to(log, found.unwrap_or(from));
        let last = found?.checked_sub(1)?;
        self.events(log).get(last).map(|event| event + 1)
    }

    fn find_next(&mut self, log: &Log, step: Step, from: usize) -> Option<usize> {
        let events = self.events(log);
        let now = self.replay.steps()[step as usize];
        // The first note with more of it; what comes before need not be looked at.
        let note = self
            .checks
            .partition_point(|steps| steps[step as usize] <= now);
        self.go_to(log, (note * CHECK).clamp(from, events.len()));
        let now = self.replay.steps()[step as usize];
        for &event in &events[self.done..] {
            self.replay.apply(log, event);
            self.done += 1;
            if self.replay.steps()[step as usize] > now {
                return Some(self.done);
            }
        }
        None
    }

    fn find_last(&mut self, log: &Log, step: Step, from: usize) -> Option<usize> {
        let events = self.events(log);
        let mut before = from.checked_sub(1)?;
        // Block by block of events, from the last to the first one in which it happens at all.
        loop {
            let block = before.checked_sub(1)? / CHECK;
            self.go_to(log, block * CHECK);
            let (mut found, mut now) = (None, self.replay.steps()[step as usize]);
            for &event in &events[self.done..before] {
                self.replay.apply(log, event);
                self.done += 1;
                let steps = self.replay.steps()[step as usize];
                if steps > now {
                    (found, now) = (Some(self.done), steps);
                }
            }
            if found.is_some() {
                return found;
            }
            // A note equal to the one before it: nothing between them.
            let start = block.checked_sub(1)?;
            let least = self
                .checks
                .get(start)
                .map_or(0, |steps| steps[step as usize]);
            let earlier = self
                .checks
                .partition_point(|steps| steps[step as usize] < least);
            before = (earlier + 1) * CHECK;
            if least == 0 {
                return None;
            }
        }
    }
}
