//! Live bytes, footprint and splits over the kept events, in so many buckets that a chart can draw them all.

use crate::overview::POINTS;
use crate::replay::Replay;

/// Events from one to another, in so many groups of equally many that a chart can draw them all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buckets {
    first: u32,
    end: u32,
    width: u32,
}

impl Buckets {
    /// Of the events `first..end`.
    pub fn new(first: u32, end: u32) -> Buckets {
        let end = end.max(first);
        Buckets {
            first,
            end,
            width: (end - first).div_ceil(POINTS).max(1),
        }
    }

    /// The bucket of an event; events outside belong to the first or the last one.
    pub fn of(&self, event: u32) -> usize {
        let event = event.clamp(self.first, self.end.saturating_sub(1).max(self.first));
        ((event - self.first) / self.width) as usize
    }

    /// The first event behind a bucket.
    pub fn end_of(&self, bucket: usize) -> u32 {
        let events = (bucket as u32).saturating_add(1).saturating_mul(self.width);
        self.first.saturating_add(events)
    }

    /// How many buckets there are.
    pub fn count(&self) -> usize {
        (self.end - self.first).div_ceil(self.width) as usize
    }

    /// How many events a bucket holds; the last may hold fewer.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// The first event, and behind the last.
    pub fn span(&self) -> (u32, u32) {
        (self.first, self.end)
    }

    /// The values of the buckets as points, each in the middle of its bucket.
    pub fn points(&self, values: &[u64]) -> Vec<(f64, f64)> {
        let end = f64::from(self.end);
        let at =
            |bucket: usize| f64::from(self.first) + (bucket as f64 + 0.5) * f64::from(self.width);
        (values.iter().enumerate())
            .map(|(bucket, &value)| (at(bucket).min(end), value as f64))
            .collect()
    }
}

/// The live bytes and the footprint of all heaps over the kept events.
#[derive(Clone, Debug)]
pub struct Timeline {
    buckets: Buckets,
    noted: u32,
    live: Vec<u64>,
    /// What all heaps have from their sources, of those that were surveyed.
    footprint: Vec<u64>,
    surveyed: usize,
}

impl Timeline {
    /// A timeline over `events` events from `first` on.
    pub fn new(first: u32, events: u32) -> Timeline {
        let buckets = Buckets::new(first, first.saturating_add(events));
        Timeline {
            buckets,
            noted: 0,
            live: Vec::with_capacity(buckets.count()),
            footprint: vec![0; buckets.count()],
            surveyed: 0,
        }
    }

    /// How the events are put into buckets.
    pub fn buckets(&self) -> &Buckets {
        &self.buckets
    }

    /// Notes the live bytes of all heaps after the next event: a bucket keeps the most.
    #[inline]
    pub fn note_live(&mut self, live: u64) {
        if self.noted.is_multiple_of(self.buckets.width) {
            self.live.push(live);
        } else if let Some(most) = self.live.last_mut() {
            *most = (*most).max(live);
        }
        self.noted += 1;
    }

    /// Ends the timeline with the events noted, fewer than were expected.
    pub fn end(&mut self) {
        self.buckets.end = self.buckets.first.saturating_add(self.noted);
        self.footprint.truncate(self.buckets.count());
    }

    /// Adds a heap that was surveyed to the sum of all.
    pub fn add(&mut self, series: &Series) {
        for (sum, bytes) in self.footprint.iter_mut().zip(&series.footprint) {
            *sum = sum.saturating_add(*bytes);
        }
        self.surveyed += 1;
    }

    /// How many heaps are in the sum.
    pub fn surveyed(&self) -> usize {
        self.surveyed
    }

    /// Live bytes of all heaps, the most in each bucket.
    pub fn live(&self) -> &[u64] {
        &self.live
    }

    /// Footprint of all heaps that were surveyed, the most of each in each bucket.
    pub fn footprint(&self) -> &[u64] {
        &self.footprint
    }

    /// The values of the buckets as points, each in the middle of its bucket.
    pub fn points(&self, values: &[u64]) -> Vec<(f64, f64)> {
        self.buckets.points(values)
    }
}

/// One heap over time, a value for each bucket.
#[derive(Clone, Debug, Default)]
pub struct Series {
    live: Vec<u64>,
    footprint: Vec<u64>,
    splits: Vec<u64>,
    arenas: Vec<u16>,
    /// Behind the last event of the bucket that is being filled.
    until: u32,
    /// Whether all are filled: what comes now is not in them.
    ended: bool,
}

impl Series {
    /// Notes what the heap has before `event`: fills the buckets before that one, in which nothing happened to it.
    #[inline]
    pub fn reach(&mut self, buckets: &Buckets, event: u32, replay: &Replay) {
        if event >= self.until {
            self.fill(buckets, buckets.of(event), replay);
        }
    }

    fn fill(&mut self, buckets: &Buckets, bucket: usize, replay: &Replay) {
        let stats = replay.stats();
        let arenas = u16::try_from(stats.arenas).unwrap_or(u16::MAX);
        // The bucket that was filled ends as the heap is now.
        if let (Some(splits), Some(last)) = (self.splits.last_mut(), self.arenas.last_mut()) {
            (*splits, *last) = (stats.splits, arenas);
        }
        let to = bucket + 1;
        if self.live.len() < to {
            // The bucket itself starts with what was there before.
            self.live.resize(to, replay.requested());
            self.footprint.resize(to, replay.footprint());
            self.splits.resize(to, stats.splits);
            self.arenas.resize(to, arenas);
        }
        self.until = buckets.end_of(bucket);
    }

    /// Notes what the heap has after the event that was reached.
    #[inline]
    pub fn note(&mut self, replay: &Replay) {
        if self.ended {
            return;
        }
        if let Some(most) = self.live.last_mut() {
            *most = (*most).max(replay.requested());
        }
        if let Some(most) = self.footprint.last_mut() {
            *most = (*most).max(replay.footprint());
        }
    }

    /// Fills all buckets that are left, as the heap is now. What happens later is not noted.
    pub fn end(&mut self, buckets: &Buckets, replay: &Replay) {
        if !std::mem::replace(&mut self.ended, true)
            && let Some(last) = buckets.count().checked_sub(1)
        {
            self.fill(buckets, last, replay);
        }
    }

    /// Bytes requested, served and not released, the most in each bucket.
    pub fn live(&self) -> &[u64] {
        &self.live
    }

    /// Bytes that the heap has from its source, the most in each bucket.
    pub fn footprint(&self) -> &[u64] {
        &self.footprint
    }

    /// Chunks cut in two up to the end of each bucket.
    pub fn splits(&self) -> &[u64] {
        &self.splits
    }

    /// Arenas at the end of each bucket.
    pub fn arenas(&self) -> &[u16] {
        &self.arenas
    }
}
