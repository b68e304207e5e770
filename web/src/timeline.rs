//! Live bytes and footprint over the events, in so many buckets that a chart can draw them all.

use crate::log::Log;
use crate::replay::Replay;

/// Most buckets of a timeline: more than a chart has pixels.
const BUCKETS: u32 = 2048;

/// How the events of a tape are put into buckets, and the live bytes of all heaps in each.
#[derive(Clone, Debug)]
pub struct Timeline {
    width: u32,
    buckets: usize,
    live: Vec<u64>,
    /// What all heaps have from their sources, of those that were surveyed; same length as `live` once there is any.
    footprint: Vec<u64>,
    surveyed: usize,
}

impl Timeline {
    /// A timeline over `events` events.
    pub fn new(events: u32) -> Timeline {
        let width = events.div_ceil(BUCKETS).max(1);
        let buckets = events.div_ceil(width) as usize;
        Timeline {
            width,
            buckets,
            live: Vec::with_capacity(buckets),
            footprint: vec![0; buckets],
            surveyed: 0,
        }
    }

    /// The bucket of an event.
    pub fn bucket(&self, event: u32) -> usize {
        (event / self.width) as usize
    }

    /// How many buckets there are.
    pub fn buckets(&self) -> usize {
        self.buckets
    }

    /// How many events a bucket holds; the last may hold fewer.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Notes the live bytes of all heaps after `event`: a bucket keeps the most.
    pub fn note_live(&mut self, event: u32, live: u64) {
        let bucket = self.bucket(event);
        match self.live.get_mut(bucket) {
            Some(most) => *most = (*most).max(live),
            None => self.live.push(live),
        }
    }

    /// Ends the timeline after `events` events, fewer than were expected.
    pub fn end(&mut self, events: u32) {
        self.buckets = events.div_ceil(self.width) as usize;
        self.footprint.truncate(self.buckets);
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
}

/// One heap over time: the most in each bucket.
#[derive(Clone, Debug, Default)]
pub struct Series {
    live: Vec<u64>,
    footprint: Vec<u64>,
    now: u64,
}

impl Series {
    /// Fills the buckets before `bucket`, in which nothing happened to this heap, with what it has now.
    pub fn reach(&mut self, bucket: usize, replay: &Replay) {
        if self.live.len() <= bucket {
            let footprint = replay.stats().footprint_bytes;
            self.live.resize(bucket, self.now);
            self.footprint.resize(bucket, footprint);
            // The bucket itself starts with what was there before.
            self.live.push(self.now);
            self.footprint.push(footprint);
        }
    }

    /// Notes what the heap has after `event`.
    pub fn note(&mut self, log: &Log, event: u32, replay: &Replay) {
        let Some(entry) = log.get(event) else { return };
        let heap = replay.number();
        let released = entry
            .made_by
            .and_then(|maker| log.get(maker))
            .filter(|made| made.thread == heap);
        if let Some(made) = released {
            self.now = self.now.saturating_sub(made.value);
        }
        if entry.thread == heap && entry.makes_block() {
            self.now = self.now.saturating_add(entry.value);
        }
        if let Some(most) = self.live.last_mut() {
            *most = (*most).max(self.now);
        }
        if let Some(most) = self.footprint.last_mut() {
            *most = (*most).max(replay.footprint());
        }
    }

    /// Bytes requested and not released, the most in each bucket.
    pub fn live(&self) -> &[u64] {
        &self.live
    }

    /// Bytes that the heap has from its source, the most in each bucket.
    pub fn footprint(&self) -> &[u64] {
        &self.footprint
    }
}
