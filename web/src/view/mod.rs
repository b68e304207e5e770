//! One heap at any of its events: forward by replaying, back by way of key frames.
//!
//! ```text
//! invariant: the replay is the state after the first `done` events of the heap that the log keeps
//! invariant: frames are sorted, every frame is the state of this very replay after the first `done` events that it states
//! invariant: if there are frames, the first is of 0 events
//! invariant: checks[i] are the steps after the first (i + 1) * CHECK events
//! ```

mod find;
mod look;

use std::cell::RefCell;
use std::rc::Rc;

use crate::error::SessionError;
use crate::glance::Glance;
use crate::log::{HeapEvents, Kind, Log};
use crate::preface::Preface;
use crate::replay::{KeyFrame, LOOKED_AT, MAX_CAPACITY, Policy, Replay};
use crate::source::OpenTape;
use crate::timeline::{Buckets, Series};

/// What all key frames of all heaps that are looked at may take together. Bytes.
pub const FRAMES_BUDGET: u64 = 128 << 20;

/// Key frames that a heap has at most, when they are small: as many stops on the way.
const FRAMES: u64 = 128;

/// About what a key frame takes of its own, and for each block. Bytes.
const FRAME_COST: (u64, u64) = (80_000, 7);

/// Events of the heap between two notes of its steps.
const CHECK: usize = 4096;

/// A heap, and where it stands.
pub struct View {
    heap: u32,
    policy: Policy,
    replay: Replay,
    preface: Option<Preface>,
    done: usize,
    frames: Vec<(usize, KeyFrame)>,
    frames_cost: u64,
    budget: u64,
    interval: usize,
    checks: Vec<[u64; 4]>,
    surveyed: bool,
    extent: u64,
    series: Series,
    /// The same over the heap's own life, where that is a small part of the events that are kept.
    life: Option<(Buckets, Series)>,
    /// Of the state as it is now, once somebody has looked; and of the last state that somebody looked at.
    glance: RefCell<Option<Rc<Glance>>>,
    last_glance: RefCell<Option<Rc<Glance>>>,
}

/// Address space for a heap that holds `peak_live` bytes at most: headers, rounding and fragmentation on top of it. What
/// is not touched costs nothing.
fn capacity_for(peak_live: u64) -> u64 {
    peak_live
        .saturating_mul(3)
        .saturating_add(8 << 20)
        .min(MAX_CAPACITY)
}

/// How many events of a heap lie between two key frames, so that all of them stay within the budget.
fn interval(heap: &HeapEvents, budget: u64) -> usize {
    let (own, block) = FRAME_COST;
    let frame = own.saturating_add(heap.peak_live_blocks.saturating_mul(block));
    let frames = (budget / frame).clamp(1, FRAMES) as usize;
    // A frame takes about as long as to replay so many events: more of them would not be worth their time.
    let worth = heap.peak_live_blocks as usize / 8;
    (heap.events.len() / frames).max(worth).max(256)
}

/// The part of the log from the first to the last request of a heap's thread, if it is less than half of the log. What others
/// free of it later does not count, nor does the thread's end: a few blocks handed to others may live as long as the program, and
/// many programs let threads that have nothing more to do wait for the program's own end.
fn life(heap: u32, events: &[u32], log: &Log) -> Option<(Buckets, Series)> {
    let asks = |event: &&u32| {
        log.get(**event)
            .is_some_and(|entry| entry.thread == heap && entry.kind != Kind::ThreadEnd)
    };
    let first = *events.iter().find(asks)?;
    let last = *events.iter().rev().find(asks)?;
    let half = (log.end() - log.first()) / 2;
    // Some room on both sides, so that beginning and end can be seen.
    let room = ((last - first) / 40).max(2);
    let from = first.saturating_sub(room).max(log.first());
    let to = last.saturating_add(room).min(log.end());
    (to - from < half).then(|| (Buckets::new(from, to), Series::default()))
}

impl View {
    /// The heap of thread `heap` before its first event; its key frames may take so many bytes.
    ///
    /// # Errors
    /// There is no such thread, or no memory.
    pub fn new(
        log: &Log,
        tape: &Rc<OpenTape>,
        heap: u32,
        policy: Policy,
        budget: u64,
    ) -> Result<View, SessionError> {
        let Some(events) = log.heaps().get(heap as usize) else {
            return Err(SessionError::NoSuchHeap {
                heap,
                heaps: log.heaps().len(),
            });
        };
        let replay = Replay::new(heap, capacity_for(events.peak_live_bytes), policy)?;
        let mut view = View {
            heap,
            policy,
            replay,
            preface: None,
            done: 0,
            frames: Vec::new(),
            frames_cost: 0,
            budget,
            interval: interval(events, budget),
            checks: Vec::new(),
            surveyed: false,
            extent: 0,
            series: Series::default(),
            life: life(heap, &events.events, log),
            glance: RefCell::new(None),
            last_glance: RefCell::new(None),
        };
        view.begin(log, tape);
        Ok(view)
    }

    fn begin(&mut self, log: &Log, tape: &Rc<OpenTape>) {
        self.preface = (log.first() > 0).then(|| Preface::new(tape, self.heap, log.first()));
    }

    /// The thread whose heap this is.
    pub fn heap(&self) -> u32 {
        self.heap
    }

    /// The heap's settings.
    pub fn policy(&self) -> Policy {
        self.policy
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

    /// The same from the first to the last request of the heap's thread, and which events those are, where they are less than half of all.
    pub fn life(&self) -> Option<&(Buckets, Series)> {
        self.life.as_ref()
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
        tape: &Rc<OpenTape>,
        buckets: &Buckets,
        budget: usize,
        keep: bool,
    ) -> Result<f64, SessionError> {
        self.glance.take();
        let events = self.events(log);
        // The way to the log counts as much as the log.
        let both = if log.first() > 0 { 0.5 } else { 0.0 };
        if let Some(preface) = &mut self.preface {
            let share = preface.run(&mut self.replay, budget)?;
            if share < 1.0 && !self.replay.is_full() {
                return Ok(share * both);
            }
            self.preface = None;
        } else {
            self.survey_log(log, events, buckets, budget, keep);
        }
        if self.replay.is_full() && self.replay.capacity() < MAX_CAPACITY {
            self.start_over(log, tape)?;
            return Ok(0.0);
        }
        if self.done < events.len() {
            let share = self.done as f64 / events.len() as f64;
            return Ok(both + share * (1.0 - both));
        }
        if keep && self.frames.is_empty() {
            self.keep_frame();
        }
        self.series.end(buckets, &self.replay);
        if let Some((buckets, series)) = &mut self.life {
            series.end(buckets, &self.replay);
        }
        self.surveyed = true;
        Ok(1.0)
    }

    fn survey_log(
        &mut self,
        log: &Log,
        events: &[u32],
        buckets: &Buckets,
        budget: usize,
        keep: bool,
    ) {
        if keep && self.done == 0 && self.frames.is_empty() {
            self.keep_frame();
        }
        self.extent = self.extent.max(self.replay.top());
        let end = self.done.saturating_add(budget).min(events.len());
        let last_frame = self.frames.last().map_or(self.done, |&(done, _)| done);
        let mut next_frame = last_frame + self.interval;
        for (number, &event) in (self.done..end).zip(&events[self.done..end]) {
            if number.is_multiple_of(LOOKED_AT) {
                let ahead = (number + LOOKED_AT).min(end);
                self.replay.look_at(log, &events[number..ahead]);
            }
            self.series.reach(buckets, event, &self.replay);
            if let Some((buckets, series)) = &mut self.life {
                match event < buckets.span().1 {
                    true => series.reach(buckets, event, &self.replay),
                    false => series.end(buckets, &self.replay),
                }
            }
            self.replay.apply(log, event);
            self.done += 1;
            self.extent = self.extent.max(self.replay.top());
            self.series.note(&self.replay);
            if let Some((_, series)) = &mut self.life {
                series.note(&self.replay);
            }
            if self.done.is_multiple_of(CHECK) {
                self.checks.push(self.replay.steps());
            }
            if keep && self.done >= next_frame {
                self.keep_frame();
                next_frame = self.done + self.interval;
            }
        }
    }

    fn start_over(&mut self, log: &Log, tape: &Rc<OpenTape>) -> Result<(), SessionError> {
        let capacity = self.replay.capacity().saturating_mul(2);
        // The old memory goes back before more is asked for, and the frames, which belong to it.
        self.frames.clear();
        self.frames_cost = 0;
        self.checks.clear();
        self.extent = 0;
        self.series = Series::default();
        self.life = life(self.heap, self.events(log), log);
        self.done = 0;
        self.replay = Replay::new(self.heap, 0, self.policy)?;
        self.replay = Replay::new(self.heap, capacity, self.policy)?;
        self.begin(log, tape);
        Ok(())
    }

    fn keep_frame(&mut self) {
        let frame = self.replay.key_frame();
        self.frames_cost += frame.cost();
        self.frames.push((self.done, frame));
        while self.frames_cost > self.budget && self.frames.len() > 2 {
            // The one goes whose neighbours are the closest together, and from now on they come less often.
            let closest = (1..self.frames.len() - 1)
                .min_by_key(|&at| self.frames[at + 1].0 - self.frames[at - 1].0)
                .unwrap_or(1);
            self.frames_cost -= self.frames.remove(closest).1.cost();
            self.interval += self.interval / 8;
        }
    }

    fn events<'l>(&self, log: &'l Log) -> &'l [u32] {
        log.heaps()
            .get(self.heap as usize)
            .map_or(&[], |heap| &heap.events)
    }

    /// Goes to the state after all events of the tape below `event`.
    pub fn seek(&mut self, log: &Log, event: u32) {
        let target = self.events(log).partition_point(|&own| own < event);
        self.go_to(log, target);
    }

    /// Goes to the state after the first `target` events of the heap.
    fn go_to(&mut self, log: &Log, target: usize) {
        if target == self.done {
            return;
        }
        self.glance.take();
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
        }
        let events = self.events(log);
        if target >= self.done {
            let target = target.min(events.len());
            self.replay.apply_all(log, &events[self.done..target]);
            self.done = target;
        }
    }

    /// Bytes that the key frames take, and how many there are.
    pub fn frames(&self) -> (u64, usize) {
        (self.frames_cost, self.frames.len())
    }
}
