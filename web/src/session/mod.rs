//! A tape opened: its events, its timeline, and the heap that is looked at, under one policy or two.

mod course;
mod reading;

use std::rc::Rc;
use std::sync::Arc;

use trace_format::ThreadIndex;

use crate::error::SessionError;
use crate::load::{self, Loader, Read};
use crate::log::{Log, NONE};
use crate::overview::Overview;
use crate::replay::{Policy, Step};
use crate::source::{OpenTape, Source};
use crate::timeline::Timeline;
use crate::view::{FRAMES_BUDGET, View};
use reading::nothing;

pub use course::Course;

/// Events before a range that are read at most for the sum of all heaps, once for each heap.
const MOST_BEFORE: u64 = 200_000_000;

/// A tape opened.
///
/// First [`choose`](Self::choose) a range and [`load`](Self::load) it until that answers 1; then [`select`](Self::select) a
/// heap and [`survey`](Self::survey) it until it answers 1; then [`seek`](Self::seek).
pub struct Session {
    tape: Rc<OpenTape>,
    source: Source,
    damage: Vec<String>,
    /// Whether releases of blocks that do not live are passed over.
    lenient: bool,
    range: (u32, u32),
    read: Read,
    loader: Option<Loader>,
    panes: Vec<View>,
    background: Option<View>,
    /// Of each heap that was surveyed for the sum of all: arenas and footprint over time.
    courses: Vec<Course>,
    position: u32,
}

impl Session {
    /// Opens the tape in `source`; reads no events yet, unless the tape is damaged.
    ///
    /// # Errors
    /// It is no tape, or nothing of it is sound.
    pub fn open(source: Source) -> Result<Session, SessionError> {
        let (tape, damage) = load::open(Arc::clone(&source))?;
        Ok(Session {
            read: nothing(&tape, (0, 0), false),
            tape,
            source,
            damage,
            lenient: false,
            range: (0, 0),
            loader: None,
            panes: Vec::new(),
            background: None,
            courses: Vec::new(),
            position: 0,
        })
    }

    /// Events on the tape, as far as they have numbers.
    pub fn events(&self) -> u32 {
        u32::try_from(self.tape.totals().events).unwrap_or(NONE)
    }

    /// The events that are kept: from the first to behind the last.
    pub fn range(&self) -> (u32, u32) {
        self.range
    }

    /// The tape.
    pub fn tape(&self) -> &OpenTape {
        &self.tape
    }

    /// The events, as far as loaded.
    pub fn log(&self) -> &Log {
        &self.read.log
    }

    /// Live bytes and footprint of all heaps.
    pub fn timeline(&self) -> &Timeline {
        &self.read.timeline
    }

    /// Live bytes and the rate of events over the whole tape, as far as read.
    pub fn overview(&self) -> &Overview {
        &self.read.overview
    }

    /// The kept events that are marks.
    pub fn marks(&self) -> &[u32] {
        &self.read.marks
    }

    /// What is wrong with the tape.
    pub fn damage(&self) -> &[String] {
        &self.damage
    }

    /// The chosen heap under the first policy.
    ///
    /// # Errors
    /// None was chosen.
    pub fn view(&self) -> Result<&View, SessionError> {
        self.panes.first().ok_or(SessionError::NoHeap)
    }

    /// The chosen heap under every policy that is looked at.
    pub fn panes(&self) -> &[View] {
        &self.panes
    }

    /// Chooses the heap of a thread to look at, under these policies; survey it next.
    ///
    /// # Errors
    /// There is no such thread, or no memory for its heap.
    pub fn select(&mut self, heap: ThreadIndex, policies: &[Policy]) -> Result<(), SessionError> {
        // What stays the same keeps its key frames; the memory of the rest goes back first.
        let mut kept: Vec<View> = std::mem::take(&mut self.panes);
        kept.retain(|view| view.heap() == heap && policies.contains(&view.policy()));
        let budget = FRAMES_BUDGET / policies.len().max(1) as u64;
        for &policy in policies {
            let view = match kept.iter().position(|view| view.policy() == policy) {
                Some(at) => kept.swap_remove(at),
                None => View::new(&self.read.log, &self.tape, heap, policy, budget)?,
            };
            self.panes.push(view);
        }
        Ok(())
    }

    /// Replays up to `budget` further events of the chosen heap to learn its footprint and to leave key frames; returns
    /// the share that is done, 0 to 1. Seeks come after.
    ///
    /// # Errors
    /// None was chosen, or there is no memory.
    pub fn survey(&mut self, budget: usize) -> Result<f64, SessionError> {
        let Read { log, timeline, .. } = &self.read;
        let of = self.panes.len();
        if of == 0 {
            return Err(SessionError::NoHeap);
        }
        for (number, view) in self.panes.iter_mut().enumerate() {
            if !view.surveyed() {
                let share = view.survey(log, &self.tape, timeline.buckets(), budget, true)?;
                if !view.surveyed() {
                    return Ok((number as f64 + share) / of as f64);
                }
            }
        }
        Ok(1.0)
    }

    /// Whether the heaps of all threads are replayed for their sum: not where a range begins so late, on a tape of so many
    /// threads, that the way there, which each heap has to go, would take minutes.
    pub fn sums_all(&self) -> bool {
        let heaps = self.read.log.heaps().len() as u64;
        u64::from(self.range.0).saturating_mul(heaps) <= MOST_BEFORE
    }

    /// Replays up to `budget` events of the heaps that are not in the timeline's footprint yet, one heap after the other;
    /// returns the share of heaps that are, 0 to 1.
    ///
    /// # Errors
    /// There is no memory for the next heap.
    pub fn survey_all(&mut self, budget: usize) -> Result<f64, SessionError> {
        if !self.sums_all() {
            return Ok(1.0);
        }
        let Read { log, timeline, .. } = &mut self.read;
        let heaps = log.heaps().len();
        let next = timeline.surveyed();
        if next >= heaps {
            return Ok(1.0);
        }
        // The chosen heap was surveyed already.
        let known = (self.panes.iter()).find(|view| {
            view.heap() as usize == next && view.surveyed() && view.policy() == Policy::DEFAULT
        });
        if let Some(view) = known {
            timeline.add(view.series());
            self.courses.push(Course::of(view.series()));
            return Ok(((next + 1) as f64 / heaps as f64).min(1.0));
        }
        let mut view = match self.background.take() {
            Some(view) => view,
            None => View::new(log, &self.tape, next as u32, Policy::DEFAULT, 0)?,
        };
        let share = view.survey(log, &self.tape, timeline.buckets(), budget, false)?;
        if view.surveyed() {
            timeline.add(view.series());
            self.courses.push(Course::of(view.series()));
        } else {
            self.background = Some(view);
        }
        Ok(((next as f64 + share) / heaps as f64).min(1.0))
    }

    /// Arenas and footprint of the heaps that are in the sum of all, by thread.
    pub fn courses(&self) -> &[Course] {
        &self.courses
    }

    /// Goes to the state after the tape's events up to `events`.
    ///
    /// # Errors
    /// No heap was chosen.
    pub fn seek(&mut self, events: u32) -> Result<(), SessionError> {
        let events = events.clamp(self.range.0, self.range.1);
        self.view()?;
        for view in &mut self.panes {
            view.seek(&self.read.log, events);
        }
        self.position = events;
        Ok(())
    }

    /// How many events of the tape the chosen heap has seen.
    pub fn position(&self) -> u32 {
        self.position
    }

    /// The position `by` events of the chosen heap on (or back) from `from`: right after one of them, the range's start,
    /// or its end.
    ///
    /// # Errors
    /// No heap was chosen.
    pub fn step(&self, from: u32, by: i64) -> Result<u32, SessionError> {
        let heap = self.view()?.heap();
        let own = self
            .log()
            .heaps()
            .get(heap as usize)
            .map_or(&[][..], |heap| &heap.events);
        let done = own.partition_point(|&event| event < from) as i64;
        let target = done.saturating_add(by);
        if target > own.len() as i64 {
            return Ok(self.range.1);
        }
        let last = usize::try_from(target)
            .ok()
            .and_then(|target| target.checked_sub(1));
        Ok(last.map_or(self.range.0, |last| own[last] + 1))
    }

    /// The position right after the next (or last) event of the chosen heap from `from` in which `step` happens.
    ///
    /// # Errors
    /// No heap was chosen.
    pub fn find(
        &mut self,
        from: u32,
        step: Step,
        forward: bool,
    ) -> Result<Option<u32>, SessionError> {
        self.seek(from)?;
        let log = &self.read.log;
        let found = self
            .panes
            .first_mut()
            .map(|view| view.find(log, step, forward));
        Ok(found.flatten())
    }

    /// The position right after the range's first request that was refused, in life or by the chosen heap. If there is none, the
    /// heap stands where it stood: who asks next asks of what is shown.
    ///
    /// # Errors
    /// No heap was chosen.
    pub fn first_failure(&mut self) -> Result<Option<u32>, SessionError> {
        let stood = self.position();
        let refused = self.find(self.range.0, Step::Refusal, true)?;
        let failed = self.log().failures().first().map(|event| event + 1);
        let first = [refused, failed].into_iter().flatten().min();
        if first.is_none() {
            self.seek(stood)?;
        }
        Ok(first)
    }

    /// A number for the layout of the chosen heap as it stands, under the policy of that pane.
    ///
    /// # Errors
    /// No heap was chosen.
    pub fn digest(&self, pane: usize) -> Result<u64, SessionError> {
        let view = self.panes.get(pane).ok_or(SessionError::NoHeap)?;
        Ok(view.replay().digest())
    }
}
