//! What one walk over a heap tells: what its bytes are used for, and its arenas and spans.

use serde::Serialize;

use crate::replay::{Part, Replay, State};

/// One arena or span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Region {
    /// Its number.
    pub number: u32,
    /// Where it begins.
    pub position: u64,
    /// Its bytes.
    pub bytes: u64,
    /// Whether it is an arena; else a span.
    pub arena: bool,
    /// Bytes of it in blocks of the program, headers included.
    pub used: u64,
}

/// What the bytes of a heap are used for, beside what its own counters say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Glance {
    /// Arenas and spans, by their place.
    pub regions: Vec<Region>,
    /// Bytes of headers, and of what alignment leaves over.
    pub header_bytes: u64,
    /// Bytes of free chunks that were used before.
    pub free_bytes: u64,
    /// Free chunks, used before or not.
    pub free_chunks: u64,
    /// Bytes of the largest of them.
    pub largest_free: u64,
    /// Bytes that were never handed out.
    pub fresh_bytes: u64,
    /// Bytes of small blocks that wait in their runs.
    pub home_bytes: u64,
}

impl Glance {
    /// Looks at every part of the heap, and shows it to `visit` as well.
    pub fn of(replay: &Replay, visit: &mut impl FnMut(&Part)) -> Glance {
        let arenas = replay.arenas();
        let mut glance = Glance::default();
        // A free chunk and the part of it that was never handed out are one.
        let mut free = (0, 0);
        replay.walk_within(0, u64::MAX, &mut |part: Part| {
            glance.add(&part, arenas, &mut free);
            visit(&part);
        });
        (glance.regions).sort_unstable_by_key(|region| region.position);
        glance
    }

    fn add(&mut self, part: &Part, arenas: u64, free: &mut (u64, u64)) {
        let header = part.payload.saturating_sub(part.position);
        match part.state {
            State::InUse | State::Cached => self.header_bytes += header,
            State::Header => self.header_bytes += part.bytes,
            State::Home => {
                self.header_bytes += header;
                self.home_bytes += part.bytes - header;
            }
            State::Free | State::Fresh => {
                let joined = free.1 == part.position;
                let bytes = if joined { free.0 } else { 0 } + part.bytes;
                *free = (bytes, part.position + part.bytes);
                self.largest_free = self.largest_free.max(bytes);
                // One that was never used at all is a free chunk of its own.
                self.free_chunks += u64::from(part.state == State::Free || !joined);
                match part.state {
                    State::Free => self.free_bytes += part.bytes,
                    _ => self.fresh_bytes += part.bytes,
                }
            }
        }
        match self.regions.last_mut() {
            Some(last) if last.number == part.region => last.bytes += part.bytes,
            _ => self.regions.push(Region {
                number: part.region,
                position: part.region_position,
                bytes: part.bytes,
                arena: u64::from(part.region) < arenas,
                used: 0,
            }),
        }
        if let (State::InUse, Some(last)) = (part.state, self.regions.last_mut()) {
            last.used += part.bytes;
        }
    }
}
