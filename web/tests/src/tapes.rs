//! Tapes made of a seed: the same one each time.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use trace_format::{
    BlockId, Clock, Ending, Event, EventKind, Header, LiveTotals, LiveTracker, MAX_CHUNK_EVENTS,
    MergedEvent, TapeWriter,
};

use crate::server;

/// A small generator of numbers (xorshift64*, Vigna 2016): enough to mix sizes.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// At least `from`, less than `to`.
    fn within(&mut self, from: u64, to: u64) -> u64 {
        from + self.next() % (to - from)
    }

    /// Small sizes mostly, some of a few KiB, few large ones.
    fn size(&mut self) -> u64 {
        match self.within(0, 100) {
            0..60 => self.within(1, 257),
            60..90 => self.within(512, 2049),
            90..99 => self.within(4096, 32769),
            _ => self.within(65536, 1 << 20),
        }
    }
}

/// One thread's events while a tape is made.
#[derive(Default)]
struct Thread {
    events: Vec<Event>,
    made: u64,
}

/// A tape of `events` events on `threads` threads, of all kinds of requests; with more than one thread, some blocks are
/// freed by another than the one that made them. What is live at the end stays so.
///
/// # Errors
/// The writer refuses the events, which would be a defect here.
pub fn mixed(events: u64, threads: u32, seed: u64) -> Result<Vec<u8>> {
    mixed_until(events, threads, seed, u64::MAX)
}

/// As [`mixed`] on two threads, but the second one ends at event `end`; then the first frees every block of its, and goes on.
///
/// # Errors
/// As there.
pub fn ending(events: u64, seed: u64, end: u64) -> Result<Vec<u8>> {
    mixed_until(events, 2, seed, end)
}

fn mixed_until(events: u64, threads: u32, seed: u64, end: u64) -> Result<Vec<u8>> {
    let mut random = Random(seed | 1);
    let mut all: Vec<Thread> = (0..threads).map(|_| Thread::default()).collect();
    let mut live: Vec<BlockId> = Vec::new();
    let mut tracker = LiveTracker::new();
    for number in 0..events {
        let mut thread = random.within(0, u64::from(threads)) as u32;
        // What a thread that has ended left comes first.
        let mut left = None;
        if number > end {
            thread = 0;
            left = live.iter().position(|block| block.thread == 1);
        }
        let grow = live.len() < 40 || (live.len() < 3000 && random.within(0, 100) < 52);
        let kind = if number == end {
            thread = 1;
            EventKind::ThreadEnd
        } else if let Some(left) = left {
            EventKind::Free {
                block: live.swap_remove(left),
            }
        } else if grow {
            match random.within(0, 20) {
                0 => EventKind::Calloc {
                    size: random.size(),
                },
                1 => EventKind::AlignedMalloc {
                    size: random.size(),
                    align_log2: random.within(5, 13) as u8,
                },
                _ => EventKind::Malloc {
                    size: random.size(),
                },
            }
        } else {
            let block = live.swap_remove(random.within(0, live.len() as u64) as usize);
            if random.within(0, 10) > 0 {
                thread = block.thread;
            }
            match random.within(0, 12) {
                0 => EventKind::Realloc {
                    old: block,
                    size: random.size(),
                },
                _ => EventKind::Free { block },
            }
        };
        let maker = &mut all[thread as usize];
        let made = kind.makes_block().then_some(BlockId {
            thread,
            index: maker.made,
        });
        live.extend(made);
        maker.made += u64::from(made.is_some());
        let event = Event {
            time_ns: number * 100 + random.within(0, 100),
            kind,
        };
        tracker.apply(&MergedEvent {
            thread,
            event,
            made,
        })?;
        maker.events.push(event);
    }
    write(&all, &tracker)
}

/// A tape of two threads, `events` events long: the second one makes `blocks` blocks and frees them, waits while the first one goes
/// on, and ends with the last event.
///
/// # Errors
/// As there.
pub fn waiting(events: u64, blocks: u64) -> Result<Vec<u8>> {
    let mut all = [Thread::default(), Thread::default()];
    let mut tracker = LiveTracker::new();
    for number in 0..events {
        let (thread, index) = match number {
            _ if number < 2 * blocks => (1, number),
            _ => (0, number - 2 * blocks),
        };
        let one = BlockId {
            thread,
            index: index / 2,
        };
        let (thread, kind) = match () {
            () if number + 1 == events => (1, EventKind::ThreadEnd),
            () if index % 2 == 0 => (thread, EventKind::Malloc { size: 16 + index }),
            () => (thread, EventKind::Free { block: one }),
        };
        let event = Event {
            time_ns: number * 100,
            kind,
        };
        tracker.apply(&MergedEvent {
            thread,
            event,
            made: kind.makes_block().then_some(one),
        })?;
        all[thread as usize].events.push(event);
    }
    write(&all, &tracker)
}

/// The names of the marks on the tape that [`told`] makes, and the event that is each.
pub const MARKS: [(&str, u64); 2] = [("warming up", 1000), ("Steady state", 3000)];

/// The request that is refused on that tape.
pub const FAILED: u64 = 2500;

/// A tape of one thread, 6000 events long, with marks, a refused request, and blocks of all sizes of which every fifth stays.
///
/// # Errors
/// The writer refuses the events, which would be a defect here.
pub fn told() -> Result<Vec<u8>> {
    let mut writer = TapeWriter::new(Vec::new(), &header("told"))?;
    let (mut tracker, mut random) = (LiveTracker::new(), Random(23));
    let (mut events, mut live, mut made) = (Vec::new(), Vec::new(), 0);
    for number in 0..6000 {
        let mark = MARKS.iter().find(|(_, event)| *event == number);
        let kind = if let Some((name, _)) = mark {
            EventKind::Mark {
                name: writer.mark(name),
            }
        } else if number == FAILED {
            EventKind::Failed { size: 1 << 40 }
        } else if number % 5 > 2 && !live.is_empty() {
            let index = live.swap_remove(random.within(0, live.len() as u64) as usize);
            let block = BlockId { thread: 0, index };
            EventKind::Free { block }
        } else {
            EventKind::Malloc {
                size: random.size(),
            }
        };
        let block = BlockId {
            thread: 0,
            index: made,
        };
        let made_one = kind.makes_block().then_some(block);
        live.extend(made_one.map(|block| block.index));
        made += u64::from(made_one.is_some());
        let event = Event {
            time_ns: number * 1000,
            kind,
        };
        tracker.apply(&MergedEvent {
            thread: 0,
            event,
            made: made_one,
        })?;
        events.push(event);
    }
    writer.write_chunk(0, &events)?;
    Ok(writer.finish(Ending::Complete, tracker.totals())?)
}

/// A tape of one thread with `events` events, made quickly: random sizes, blocks that live for up to some thousand events,
/// chunks as large as they may be.
///
/// # Errors
/// The writer refuses the events, which would be a defect here.
pub fn long(events: u64) -> Result<Vec<u8>> {
    const LIVE: usize = 4096;
    let mut random = Random(7);
    let mut writer = TapeWriter::new(Vec::new(), &header("long"))?;
    let mut live: Vec<(u64, u64)> = Vec::with_capacity(LIVE);
    let (mut made, mut bytes) = (0u64, 0u64);
    let mut totals = LiveTotals::default();
    let mut chunk = Vec::with_capacity(MAX_CHUNK_EVENTS as usize);
    for number in 0..events {
        let time_ns = number * 40;
        // Grows and shrinks in waves, so that there is a peak to find.
        let wave = (number / 40_000 % 50).abs_diff(25) as usize * (LIVE / 25);
        let kind = if live.len() < 64
            || (live.len() < LIVE && random.next() % 1000 < 480 + wave as u64 / 40)
        {
            let size = random.size() % 40_000;
            live.push((made, size));
            made += 1;
            bytes += size;
            if bytes > totals.peak_live_bytes {
                (totals.peak_live_bytes, totals.peak_live_ns) = (bytes, time_ns);
            }
            EventKind::Malloc { size }
        } else {
            let (index, size) = live.swap_remove(random.next() as usize % live.len());
            bytes -= size;
            EventKind::Free {
                block: BlockId { thread: 0, index },
            }
        };
        chunk.push(Event { time_ns, kind });
        if chunk.len() == MAX_CHUNK_EVENTS as usize {
            writer.write_chunk(0, &chunk)?;
            chunk.clear();
        }
    }
    if !chunk.is_empty() {
        writer.write_chunk(0, &chunk)?;
    }
    (totals.live_bytes_at_end, totals.live_blocks_at_end) = (bytes, live.len() as u64);
    Ok(writer.finish(Ending::Complete, totals)?)
}

/// A tape of one thread that makes `blocks` small blocks, and then `swaps` times frees one of them and makes another.
///
/// # Errors
/// The writer refuses the events, which would be a defect here.
pub fn crowded(blocks: u64, swaps: u64) -> Result<Vec<u8>> {
    let mut random = Random(11);
    let mut writer = TapeWriter::new(Vec::new(), &header("crowded"))?;
    let mut live: Vec<(u64, u64)> = Vec::with_capacity(blocks as usize);
    let (mut made, mut totals) = (0, LiveTotals::default());
    let mut events = Vec::with_capacity((blocks + 2 * swaps) as usize);
    for number in 0..blocks + 2 * swaps {
        let time_ns = number * 40;
        let frees = number >= blocks && (number - blocks).is_multiple_of(2);
        let kind = if frees {
            let at = random.within(0, live.len() as u64) as usize;
            let (index, size) = live.swap_remove(at);
            totals.live_bytes_at_end -= size;
            EventKind::Free {
                block: BlockId { thread: 0, index },
            }
        } else {
            let size = random.within(8, 64);
            live.push((made, size));
            made += 1;
            totals.live_bytes_at_end += size;
            EventKind::Malloc { size }
        };
        if totals.live_bytes_at_end > totals.peak_live_bytes {
            (totals.peak_live_bytes, totals.peak_live_ns) = (totals.live_bytes_at_end, time_ns);
        }
        events.push(Event { time_ns, kind });
    }
    for chunk in events.chunks(MAX_CHUNK_EVENTS as usize) {
        writer.write_chunk(0, chunk)?;
    }
    totals.live_blocks_at_end = live.len() as u64;
    Ok(writer.finish(Ending::Complete, totals)?)
}

fn header(name: &str) -> Header {
    Header {
        recorder: "web-tests".to_string(),
        name: name.to_string(),
        command: Vec::new(),
        pid: 0,
        started_unix_ns: 0,
        clock: Clock::Order,
        page_size: 4096,
        pointer_width: 64,
        notes: Vec::new(),
    }
}

fn write(threads: &[Thread], tracker: &LiveTracker) -> Result<Vec<u8>> {
    let mut writer = TapeWriter::new(Vec::new(), &header("mixed"))?;
    for (index, thread) in threads.iter().enumerate() {
        for events in thread.events.chunks(5000) {
            writer.write_chunk(index as u32, events)?;
        }
    }
    Ok(writer.finish(Ending::Complete, tracker.totals())?)
}

/// The scenarios that the binary records, with options that keep each small.
pub const SCENARIOS: [&str; 4] = ["basic", "ephemeral", "ephemeral-visits", "large"];

/// So many numbers below `end`, the same each time.
pub fn random(end: u64, count: usize) -> impl Iterator<Item = u64> {
    let mut random = Random(end | 1);
    std::iter::repeat_with(move || random.next() % end.max(1)).take(count)
}

/// A tape that the binary itself records.
///
/// # Errors
/// It can't be started, or fails.
pub fn recorded(scenario: &str, folder: &Path) -> Result<PathBuf> {
    recorded_with(scenario, folder, &["--threads", "4", "--ops", "20000"])
}

/// The same with options of one's own.
///
/// # Errors
/// As there.
pub fn recorded_with(scenario: &str, folder: &Path, options: &[&str]) -> Result<PathBuf> {
    let tape = folder.join(format!("{scenario}.tape"));
    let mut command = Command::new(server::binary()?);
    command
        .args(["record", "--scenario", scenario, "--scale", "small"])
        .args(options)
        .arg("-o")
        .arg(&tape);
    let output = command
        .stdin(Stdio::null())
        .output()
        .context("heaptape could not be started")?;
    if !output.status.success() {
        bail!(
            "heaptape record failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(tape)
}
