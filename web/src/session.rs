//! A tape opened: its events, its timeline, and the heap that is looked at.

use trace_format::ThreadIndex;

use crate::error::SessionError;
use crate::load::{LoadedTape, Loader, Slice};
use crate::log::Log;
use crate::replay::Policy;
use crate::timeline::Timeline;
use crate::view::View;

enum Source {
    Reading(Loader),
    Read(Box<LoadedTape>),
    /// Only while one turns into the other.
    Nothing,
}

/// A tape opened.
///
/// First [`load`](Self::load) until it answers 1; then [`select`](Self::select) a heap and
/// [`survey`](Self::survey) it until it answers 1; then [`seek`](Self::seek).
pub struct Session {
    source: Source,
    log: Log,
    timeline: Timeline,
    marks: Vec<u32>,
    damage: Option<String>,
    view: Option<View>,
    overview: Option<View>,
    position: u32,
}

impl Session {
    /// Opens the tape in `bytes`.
    ///
    /// # Errors
    /// It is no sound tape, or too long.
    pub fn open(bytes: Vec<u8>) -> Result<Session, SessionError> {
        let loader = Loader::open(bytes)?;
        let tape = loader.tape();
        let events = tape.totals().events;
        Ok(Session {
            log: Log::new(tape.threads().len(), events),
            timeline: Timeline::new(u32::try_from(events).unwrap_or(u32::MAX)),
            source: Source::Reading(loader),
            marks: Vec::new(),
            damage: None,
            view: None,
            overview: None,
            position: 0,
        })
    }

    /// Reads up to `budget` further events; returns the share that is read, 0 to 1. Damage on the way ends the reading:
    /// what came before can be looked at, and [`damage`](Self::damage) says what happened.
    pub fn load(&mut self, budget: u32) -> f64 {
        let Source::Reading(loader) = &mut self.source else {
            return 1.0;
        };
        match loader.read(&mut self.log, &mut self.timeline, &mut self.marks, budget) {
            Ok(Slice::More(share)) => return share.min(1.0 - f64::EPSILON),
            Ok(Slice::End) => {}
            Err(error) => {
                self.damage = Some(error.to_string());
                self.timeline.end(self.log.len());
            }
        }
        self.log.close();
        self.source = match std::mem::replace(&mut self.source, Source::Nothing) {
            Source::Reading(loader) => Source::Read(Box::new(loader.into_tape())),
            other => other,
        };
        1.0
    }

    /// The tape.
    pub fn tape(&self) -> Option<&LoadedTape> {
        match &self.source {
            Source::Reading(loader) => Some(loader.tape()),
            Source::Read(tape) => Some(tape),
            Source::Nothing => None,
        }
    }

    /// The events, as far as loaded.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Live bytes and footprint of all heaps.
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// The events that are marks.
    pub fn marks(&self) -> &[u32] {
        &self.marks
    }

    /// What is wrong with the tape, if reading it ended early.
    pub fn damage(&self) -> Option<&str> {
        self.damage.as_deref()
    }

    /// The heap that is looked at.
    ///
    /// # Errors
    /// None was chosen.
    pub fn view(&self) -> Result<&View, SessionError> {
        self.view.as_ref().ok_or(SessionError::NoHeap)
    }

    fn view_mut(&mut self) -> Result<(&mut View, &Log, &Timeline), SessionError> {
        match &mut self.view {
            Some(view) => Ok((view, &self.log, &self.timeline)),
            None => Err(SessionError::NoHeap),
        }
    }

    /// Chooses the heap of a thread to look at; survey it next.
    ///
    /// # Errors
    /// There is no such thread, or no memory for its heap.
    pub fn select(&mut self, heap: ThreadIndex) -> Result<(), SessionError> {
        // The old one's memory goes back first.
        self.view = None;
        self.view = Some(View::new(&self.log, heap, Policy::DEFAULT)?);
        Ok(())
    }

    /// Replays up to `budget` further events of the chosen heap to learn its footprint and to leave key frames; returns
    /// the share that is done, 0 to 1. Seeks come after.
    ///
    /// # Errors
    /// None was chosen, or there is no memory.
    pub fn survey(&mut self, budget: usize) -> Result<f64, SessionError> {
        let (view, log, timeline) = self.view_mut()?;
        if view.surveyed() {
            Ok(1.0)
        } else {
            view.survey(log, timeline, budget, true)
        }
    }

    /// Replays up to `budget` events of the heaps that are not in the timeline's footprint yet, one heap after the other;
    /// returns the share of heaps that are, 0 to 1.
    ///
    /// # Errors
    /// There is no memory for the next heap.
    pub fn survey_all(&mut self, budget: usize) -> Result<f64, SessionError> {
        let heaps = self.log.heaps().len();
        let next = self.timeline.surveyed();
        if next >= heaps {
            return Ok(1.0);
        }
        let mut view = match self.overview.take() {
            Some(view) => view,
            None => View::new(&self.log, next as u32, Policy::DEFAULT)?,
        };
        let share = view.survey(&self.log, &self.timeline, budget, false)?;
        if view.surveyed() {
            self.timeline.add(view.series());
        } else {
            self.overview = Some(view);
        }
        Ok(((next as f64 + share) / heaps as f64).min(1.0))
    }

    /// Goes to the state after the first `events` events of the tape.
    ///
    /// # Errors
    /// No heap was chosen, or there is no memory.
    pub fn seek(&mut self, events: u32) -> Result<(), SessionError> {
        let events = events.min(self.log.len());
        let (view, log, _) = self.view_mut()?;
        view.seek(log, events)?;
        self.position = events;
        Ok(())
    }

    /// How many events of the tape the chosen heap has seen.
    pub fn position(&self) -> u32 {
        self.position
    }

    /// The position `by` events of the chosen heap on (or back) from `from`: right after one of them, the tape's start,
    /// or its end.
    ///
    /// # Errors
    /// No heap was chosen.
    pub fn step(&self, from: u32, by: i64) -> Result<u32, SessionError> {
        let heap = self.view()?.heap();
        let own = self
            .log
            .heaps()
            .get(heap as usize)
            .map_or(&[][..], |heap| &heap.events);
        let done = own.partition_point(|&event| event < from) as i64;
        let target = done.saturating_add(by);
        if target > own.len() as i64 {
            return Ok(self.log.len());
        }
        let last = usize::try_from(target)
            .ok()
            .and_then(|target| target.checked_sub(1));
        Ok(last.map_or(0, |last| own[last] + 1))
    }

    /// A number for the layout of the chosen heap as it stands.
    ///
    /// # Errors
    /// No heap was chosen.
    pub fn digest(&self) -> Result<u64, SessionError> {
        Ok(self.view()?.replay().digest())
    }
}
