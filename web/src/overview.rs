//! The whole tape at a glance: how fast events come, from the index alone, and live bytes as far as the tape was read.

use trace_format::{ReadAt, Tape};

/// Most points of a line: more than a chart has pixels.
pub const POINTS: u32 = 2048;

/// Events a second over the events of a tape, from its index: exact for whole chunks, even within one.
pub fn rates<S: ReadAt>(tape: &Tape<S>) -> Vec<(f64, f64)> {
    let end = tape.totals().duration_ns;
    let slot = (end / 512).max(1);
    let mut slots = vec![0f64; (end / slot + 1) as usize];
    for chunk in tape.chunks() {
        let (from, to) = (chunk.start_ns / slot, chunk.end_ns / slot);
        let share = f64::from(chunk.events) / (to - from + 1) as f64;
        let range = from as usize..=(to as usize).min(slots.len() - 1);
        if let Some(slots) = slots.get_mut(range) {
            slots.iter_mut().for_each(|events| *events += share);
        }
    }
    let mut passed = 0.0;
    let mut points = Vec::with_capacity(slots.len() * 2);
    for events in slots.into_iter().filter(|events| *events > 0.0) {
        let rate = events * 1e9 / slot as f64;
        points.push((passed, rate));
        passed += events;
        points.push((passed, rate));
    }
    points
}

/// About which event of the tape comes first at `ns` or later, from the index.
pub fn event_at<S: ReadAt>(tape: &Tape<S>, ns: u64) -> u64 {
    let mut passed = 0.0;
    for chunk in tape.chunks() {
        let length = (chunk.end_ns - chunk.start_ns).max(1) as f64;
        let part = ns.saturating_sub(chunk.start_ns) as f64 / length;
        passed += f64::from(chunk.events) * part.min(1.0);
    }
    passed as u64
}

/// Live bytes of the whole tape and the times of its events, in buckets of equally many events.
#[derive(Clone, Debug, Default)]
pub struct Overview {
    width: u32,
    seen: u32,
    next: u32,
    live: Vec<u64>,
    start_ns: Vec<u64>,
    end_ns: u64,
}

impl Overview {
    /// Of a tape with `events` events, none of which was read.
    pub fn new(events: u64) -> Overview {
        let events = u32::try_from(events).unwrap_or(u32::MAX);
        Overview {
            width: events.div_ceil(POINTS).max(1),
            ..Overview::default()
        }
    }

    /// Notes the live bytes of all heaps after the next event: a bucket keeps the most.
    #[inline]
    pub fn note(&mut self, time_ns: u64, live: u64) {
        if self.seen == self.next {
            self.live.push(live);
            self.start_ns.push(time_ns);
            self.next = self.next.saturating_add(self.width);
        } else if let Some(most) = self.live.last_mut() {
            *most = (*most).max(live);
        }
        self.end_ns = time_ns;
        self.seen = self.seen.saturating_add(1);
    }

    /// Events noted.
    pub fn seen(&self) -> u32 {
        self.seen
    }

    /// Events of a bucket.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// The most live bytes of each bucket.
    pub fn live(&self) -> &[u64] {
        &self.live
    }

    /// Time of the last event.
    pub fn end_ns(&self) -> u64 {
        self.end_ns
    }

    /// Events a second over the events that were read.
    pub fn rates(&self) -> Vec<(f64, f64)> {
        let ends = self.start_ns.iter().skip(1).copied().chain([self.end_ns]);
        let mut points = Vec::with_capacity(self.start_ns.len() * 2);
        for (bucket, (start, end)) in self.start_ns.iter().zip(ends).enumerate() {
            let from = bucket as u32 * self.width;
            let to = from.saturating_add(self.width).min(self.seen);
            let rate = f64::from(to - from) * 1e9 / (end - start).max(1) as f64;
            points.extend([(f64::from(from), rate), (f64::from(to), rate)]);
        }
        points
    }

    /// Live bytes over the events that were read.
    pub fn live_points(&self) -> Vec<(f64, f64)> {
        let middle = f64::from(self.width) / 2.0;
        let at = |bucket: usize| bucket as f64 * f64::from(self.width) + middle;
        (self.live.iter().enumerate())
            .map(|(bucket, &live)| (at(bucket).min(f64::from(self.seen)), live as f64))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_keep_the_most_and_the_rate_is_events_by_time() {
        let mut overview = Overview::new(4096);
        for event in 0..4096u64 {
            overview.note(event * 1000, if event == 999 { 5000 } else { event % 7 });
        }
        assert_eq!((overview.width(), overview.seen()), (2, 4096));
        assert_eq!(overview.live().len(), 2048);
        assert_eq!(overview.live()[499], 5000);
        assert_eq!(overview.rates()[10].1, 1e6);
        assert!(overview.live_points().is_sorted_by(|a, b| a.0 < b.0));
    }
}
