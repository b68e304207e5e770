//! One heap at any of its events: forward by replaying, back by way of key frames.
//!
//! ```text
//! invariant: the replay is the state after the first `done` events of the heap
//! invariant: frames are sorted, every frame is the state of this very replay after the first `done` events that it states
//! invariant: if there are frames, the first is the empty heap
//! ```

use crate::error::SessionError;
use crate::log::Log;
use crate::replay::{KeyFrame, MAX_CAPACITY, Policy, Replay};
use crate::timeline::{Series, Timeline};

/// What all key frames of a heap together may take. Bytes.
const FRAMES_BUDGET: u64 = 96 << 20;

/// Key frames that a heap has at most, when they are small: as many stops on the way.
const FRAMES: usize = 128;

/// A heap, and where it stands.
pub struct View {
    heap: u32,
    policy: Policy,
    replay: Replay,
    done: usize,
    frames: Vec<(usize, KeyFrame)>,
    interval: usize,
    surveyed: bool,
    extent: u64,
    series: Series,
}

/// Address space for a heap that holds `peak_live` bytes at most: headers, rounding and fragmentation on top of it. What
/// is not touched costs nothing.
fn capacity_for(peak_live: u64) -> u64 {
    peak_live
        .saturating_mul(3)
        .saturating_add(8 << 20)
        .min(MAX_CAPACITY)
}

impl View {
    /// The heap of thread `heap` before its first event.
    ///
    /// # Errors
    /// There is no such thread, or no memory.
    pub fn new(log: &Log, heap: u32, policy: Policy) -> Result<View, SessionError> {
        let Some(events) = log.heaps().get(heap as usize) else {
            return Err(SessionError::NoSuchHeap {
                heap,
                heaps: log.heaps().len(),
            });
        };
        let replay = Replay::new(heap, capacity_for(events.peak_live_bytes), policy)?;
        let interval = (events.events.len() / FRAMES).max(256);
        let series = Series::default();
        Ok(View {
            heap,
            policy,
            replay,
            done: 0,
            frames: Vec::new(),
            interval,
            surveyed: false,
            extent: 0,
            series,
        })
    }

    /// The thread whose heap this is.
    pub fn heap(&self) -> u32 {
        self.heap
    }

    /// The heap as it stands.
    pub fn replay(&self) -> &Replay {
        &self.replay
    }

    /// How many events of the heap it has seen.
    pub fn done(&self) -> usize {
        self.done
    }

    /// Live bytes and footprint over the events, as far as surveyed.
    pub fn series(&self) -> &Series {
        &self.series
    }

    /// The most address space that the heap ever uses, as far as surveyed. Bytes.
    pub fn extent(&self) -> u64 {
        self.extent
    }

    /// Whether the whole heap was surveyed.
    pub fn surveyed(&self) -> bool {
        self.surveyed
    }

    /// Replays up to `budget` further events of the heap to learn its footprint over time, and leaves key frames on the
    /// way when `keep` says so. Returns the share that is done, 0 to 1.
    ///
    /// # Errors
    /// There is no memory for a heap that has outgrown its address space.
    pub fn survey(
        &mut self,
        log: &Log,
        timeline: &Timeline,
        budget: usize,
        keep: bool,
    ) -> Result<f64, SessionError> {
        if keep && self.done == 0 && self.frames.is_empty() {
            self.keep_frame();
        }
        let events = self.events(log);
        let end = self.done.saturating_add(budget).min(events.len());
        for &event in &events[self.done..end] {
            self.series.reach(timeline.bucket(event), &self.replay);
            self.replay.apply(log, event);
            self.done += 1;
            self.extent = self.extent.max(self.replay.top());
            self.series.note(log, event, &self.replay);
            if keep && self.done.is_multiple_of(self.interval) {
                self.keep_frame();
            }
        }
        if self.replay.is_full() && self.replay.capacity() < MAX_CAPACITY {
            self.start_over(self.replay.capacity().saturating_mul(2))?;
            return Ok(0.0);
        }
        if self.done < events.len() {
            return Ok(self.done as f64 / events.len() as f64);
        }
        if let Some(last) = timeline.buckets().checked_sub(1) {
            self.series.reach(last, &self.replay);
        }
        self.surveyed = true;
        Ok(1.0)
    }

    fn start_over(&mut self, capacity: u64) -> Result<(), SessionError> {
        // The old memory goes back before more is asked for, and the frames, which belong to it.
        self.frames.clear();
        self.extent = 0;
        self.series = Series::default();
        self.done = 0;
        self.replay = Replay::new(self.heap, 0, self.policy)?;
        self.replay = Replay::new(self.heap, capacity, self.policy)?;
        Ok(())
    }

    fn keep_frame(&mut self) {
        self.frames.push((self.done, self.replay.key_frame()));
        let cost = |frames: &[(usize, KeyFrame)]| {
            frames.iter().map(|(_, frame)| frame.cost()).sum::<u64>()
        };
        while cost(&self.frames) > FRAMES_BUDGET && !self.frames.is_empty() {
            // Every second one goes, and from now on they come half as often.
            self.interval = self.interval.saturating_mul(2);
            let interval = self.interval;
            self.frames
                .retain(|(done, _)| done.is_multiple_of(interval));
        }
    }

    fn events<'l>(&self, log: &'l Log) -> &'l [u32] {
        log.heaps()
            .get(self.heap as usize)
            .map_or(&[], |heap| &heap.events)
    }

    /// Goes to the state after all events of the tape below `event`.
    ///
    /// # Errors
    /// There is no memory to start again from the beginning.
    pub fn seek(&mut self, log: &Log, event: u32) -> Result<(), SessionError> {
        let events = self.events(log);
        let target = events.partition_point(|&own| own < event);
        let frame = self
            .frames
            .partition_point(|&(done, _)| done <= target)
            .checked_sub(1)
            .map(|index| &self.frames[index])
            .filter(|(done, _)| target < self.done || *done > self.done);
        if let Some((done, frame)) = frame
            && self.replay.restore(frame).is_ok()
        {
            self.done = *done;
        } else if target < self.done {
            // No frame is before it: from the beginning.
            self.replay = Replay::new(self.heap, self.replay.capacity(), self.policy)?;
            self.done = 0;
        }
        for &event in &events[self.done..target] {
            self.replay.apply(log, event);
        }
        self.done = target;
        Ok(())
    }

    /// Bytes that the key frames take, and how many there are.
    pub fn frames(&self) -> (u64, usize) {
        (
            self.frames.iter().map(|(_, frame)| frame.cost()).sum(),
            self.frames.len(),
        )
    }
}
