//! Tapes for tests: random sound ones, and what each of their threads must be seen to do.
#![allow(dead_code, reason = "each test uses its own part")]

use std::ops::ControlFlow;
use std::sync::Arc;

use proptest::prelude::ProptestConfig;
use replayer::engine::{Board, Calls, Engine, Options, Outcome, Touch};
use replayer::mapping::MemoryFile;
use replayer::plan::{Plan, PlanOptions, PlanView};
use trace_format::{
    BlockId, Clock, Ending, Event, EventKind, Header, LiveTotals, Tape, TapeWriter,
};

/// So many cases of a property, or as many as `PROPTEST_CASES` asks for.
pub fn cases(usually: u32) -> ProptestConfig {
    let default = ProptestConfig::default();
    let asked = std::env::var_os("PROPTEST_CASES").map(|_| default.cases);
    ProptestConfig {
        cases: asked.unwrap_or(usually),
        failure_persistence: None,
        ..default
    }
}

/// A generator of numbers (splitmix64).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

/// What a thread asks of the allocator, blocks named by their sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Request {
    Malloc(usize),
    Calloc(usize),
    Aligned(usize),
    Realloc(usize, usize),
    Free(usize),
}

pub fn tape_of(threads: &[Vec<Event>]) -> Tape<Vec<u8>> {
    let header = Header {
        recorder: "test".into(),
        name: "made up".into(),
        command: vec![],
        pid: 0,
        started_unix_ns: 0,
        clock: Clock::Monotonic,
        page_size: 4096,
        pointer_width: 64,
        notes: vec![],
    };
    let mut writer = TapeWriter::new(Vec::new(), &header).unwrap();
    for (thread, events) in threads.iter().enumerate() {
        // Small chunks, so that blocks cross them.
        for chunk in events.chunks(97) {
            writer.write_chunk(thread as u32, chunk).unwrap();
        }
    }
    Tape::open(
        writer
            .finish(Ending::Complete, LiveTotals::default())
            .unwrap(),
    )
    .unwrap()
}

/// A random program: threads that come and go, blocks freed and changed by others, every block with a size of its own.
pub struct Sample {
    pub threads: Vec<Vec<Event>>,
    /// What each thread must be seen to ask.
    pub requests: Vec<Vec<Request>>,
}

pub fn sample(seed: u64, thread_count: usize, steps: usize) -> Sample {
    let mut random = Random(seed);
    let mut threads: Vec<Vec<Event>> = vec![Vec::new(); thread_count];
    let mut requests: Vec<Vec<Request>> = vec![Vec::new(); thread_count];
    let mut made = vec![0u64; thread_count];
    let mut live: Vec<(BlockId, usize)> = Vec::new();
    let (mut ns, mut size) = (0, 0);
    // Each thread is there for a part of the time only.
    let spans: Vec<(usize, usize)> = (0..thread_count)
        .map(|t| {
            let (a, b) = (random.below(steps), random.below(steps));
            if t == 0 {
                (0, steps)
            } else {
                (a.min(b), a.max(b) + 1)
            }
        })
        .collect();
    for step in 0..steps {
        let there: Vec<usize> = (0..thread_count)
            .filter(|&t| spans[t].0 <= step && step < spans[t].1)
            .collect();
        let thread = there[random.below(there.len())];
        // Several events may have the same stamp, as a coarse clock gives; one thread's making and another's release may not.
        ns += 1 + random.next() % 3;
        let mut say = |kind| threads[thread].push(Event { time_ns: ns, kind });
        let asked = &mut requests[thread];
        size += 1 + random.below(3);
        let mut make = || {
            let block = BlockId {
                thread: thread as u32,
                index: made[thread],
            };
            made[thread] += 1;
            block
        };
        match random.below(12) {
            0..=3 => {
                say(EventKind::Malloc { size: size as u64 });
                asked.push(Request::Malloc(size));
                live.push((make(), size));
            }
            4 => {
                say(EventKind::Calloc { size: size as u64 });
                asked.push(Request::Calloc(size));
                live.push((make(), size));
            }
            5 => {
                say(EventKind::AlignedMalloc {
                    size: size as u64,
                    align_log2: random.below(13) as u8,
                });
                asked.push(Request::Aligned(size));
                live.push((make(), size));
            }
            6 if !live.is_empty() => {
                let (old, old_size) = live.swap_remove(random.below(live.len()));
                say(EventKind::Realloc {
                    old,
                    size: size as u64,
                });
                asked.push(Request::Realloc(old_size, size));
                live.push((make(), size));
            }
            7..=10 if !live.is_empty() => {
                let (block, size) = live.swap_remove(random.below(live.len()));
                say(EventKind::Free { block });
                asked.push(Request::Free(size));
            }
            11 => say([EventKind::FreeUnknown, EventKind::Failed { size: 9 }][random.below(2)]),
            _ => {
                say(EventKind::ReallocUnknown { size: size as u64 });
                asked.push(Request::Malloc(size));
                live.push((make(), size));
            }
        }
    }
    live.sort_unstable();
    for (block, size) in live {
        requests[block.thread as usize].push(Request::Free(size));
    }
    // A tape numbers threads in order of appearance, and has none without events.
    Sample { threads, requests }.without_idle_threads()
}

impl Sample {
    fn without_idle_threads(self) -> Sample {
        let mut number = vec![0; self.threads.len()];
        let mut next = 0;
        for (thread, events) in self.threads.iter().enumerate() {
            number[thread] = next;
            next += u32::from(!events.is_empty());
        }
        let rename = |block: BlockId| BlockId {
            thread: number[block.thread as usize],
            index: block.index,
        };
        let mut threads = self.threads;
        for event in threads.iter_mut().flatten() {
            match &mut event.kind {
                EventKind::Free { block } => *block = rename(*block),
                EventKind::Realloc { old, .. } => *old = rename(*old),
                _ => {}
            }
        }
        threads.retain(|events| !events.is_empty());
        Sample {
            threads,
            requests: self.requests,
        }
    }
}

pub fn plan_of(threads: &[Vec<Event>]) -> Plan {
    plan_with(threads, &PlanOptions::default())
}

pub fn plan_with(threads: &[Vec<Event>], options: &PlanOptions) -> Plan {
    replayer::plan(&tape_of(threads), options, &|_| ControlFlow::Continue(())).unwrap()
}

/// Maps the plan and makes a run of it ready, in this process.
pub fn ready(plan: &Plan, calls: Calls, touch: Touch) -> (Engine, Arc<Board>) {
    let view = Arc::new(PlanView::open(plan.file()).unwrap());
    let lanes = view.lane_slots().len();
    let file = MemoryFile::new(c"test-board", Board::bytes(lanes)).unwrap();
    let board = Arc::new(Board::open(file.file(), lanes).unwrap());
    let options = Options {
        touch,
        sample_every: 7,
        pin: false,
    };
    (
        Engine::prepare(view, Arc::clone(&board), calls, &options).unwrap(),
        board,
    )
}

pub fn run(plan: &Plan, calls: Calls, touch: Touch) -> (Outcome, Arc<Board>) {
    let (engine, board) = ready(plan, calls, touch);
    (engine.run(&mut ()).unwrap(), board)
}
