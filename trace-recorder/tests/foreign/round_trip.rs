//! In, out and in again: the second tape has the events of the first, time by time.

use super::support::{block, events, options, recorded, taken, tape, written};
use proptest::prelude::*;
use trace_format::{Clock, Event, EventKind, Tape};
use trace_recorder::foreign::{ExportFormat, ForeignError, ImportFormat};

/// Formats that can be taken in and written.
const TWO_WAY: [(ImportFormat, ExportFormat); 5] = [
    (ImportFormat::Logalloc, ExportFormat::Logalloc),
    (ImportFormat::Logalloc, ExportFormat::LogallocMunged),
    (ImportFormat::Android, ExportFormat::Android),
    (ImportFormat::Mtrace, ExportFormat::Mtrace),
    (ImportFormat::Ops, ExportFormat::Ops),
];

fn comes_back(first: &Tape<Vec<u8>>, import: ImportFormat, export: ExportFormat) {
    let (text, exported) = written(first, export);
    assert!(
        exported.left_out.is_empty(),
        "{export}: {:?}",
        exported.left_out
    );
    if text.is_empty() {
        return assert!(events(first).is_empty() && is_empty(import));
    }
    let second = tape(import, &text);
    assert_eq!(
        events(first),
        events(&second),
        "{export}:\n{}",
        String::from_utf8_lossy(&text)
    );
    assert_eq!(first.totals(), second.totals());
    assert_eq!(first.marks(), second.marks());
    assert_eq!(first.threads().len(), second.threads().len());
    if export == ExportFormat::Android || first.threads().iter().all(|thread| thread.os_tid != 0) {
        let numbers = |tape: &Tape<Vec<u8>>| {
            tape.threads()
                .iter()
                .map(|it| it.os_tid)
                .collect::<Vec<_>>()
        };
        if import != ImportFormat::Mtrace && import != ImportFormat::Ops {
            assert_eq!(numbers(first), numbers(&second));
        }
    }
}

/// Nothing at all is no trace.
fn is_empty(format: ImportFormat) -> bool {
    matches!(taken(b"", &options(format)), Err(ForeignError::Empty))
}

/// What one step of a made-up program does; addresses collide often.
#[derive(Clone, Debug)]
struct Step {
    thread: u8,
    what: u8,
    address: u8,
    other: u8,
    size: u64,
    wait: u16,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let size = prop_oneof![4 => 0u64..600, 2 => 0u64..300_000, 1 => any::<u64>()];
    let step = (
        any::<u8>(),
        any::<u8>(),
        any::<u8>(),
        any::<u8>(),
        size,
        any::<u16>(),
    )
        .prop_map(|(thread, what, address, other, size, wait)| Step {
            thread,
            what,
            address,
            other,
            size,
            wait,
        });
    prop::collection::vec(step, 1..120)
}

fn logalloc(steps: &[Step], with_thread: bool) -> String {
    let pointer = |n: u8| {
        if n.is_multiple_of(16) {
            "(nil)".to_owned()
        } else {
            format!("{:#x}", u64::from(n % 24) * 16)
        }
    };
    calls(steps, with_thread, pointer)
}

/// A munged log has no null.
fn munged(steps: &[Step]) -> String {
    calls(steps, true, |n| format!("#{}", n % 24 + 1))
}

fn calls(steps: &[Step], with_thread: bool, pointer: impl Fn(u8) -> String) -> String {
    let mut text = String::new();
    for step in steps {
        let (to, from, size) = (pointer(step.address), pointer(step.other), step.size);
        let call = match step.what % 10 {
            0..=2 => format!("malloc({size})={to}"),
            3 => format!("calloc({},{})={to}", step.other % 5, size / 5),
            4 => format!("memalign({},{size})={to}", 1u64 << (step.other % 64)),
            5 => format!("realloc({from},{size})={to}"),
            6 => format!("realloc({from},0)=#0"),
            7 if step.other.is_multiple_of(8) => "jemalloc_stats()".to_owned(),
            _ => format!("free({from})"),
        };
        let tid = if with_thread {
            format!("{} ", 10 + step.thread % 4)
        } else {
            String::new()
        };
        text.push_str(&format!("77 {tid}{call}\n"));
    }
    text
}

fn android(steps: &[Step], timed: bool) -> String {
    let pointer = |n: u8| {
        if n.is_multiple_of(16) {
            "0x0".to_owned()
        } else {
            format!("{:#x}", u64::from(n % 24) * 16)
        }
    };
    let (mut text, mut now) = (String::new(), 5_000_000u64);
    for step in steps {
        let (to, from, size) = (pointer(step.address), pointer(step.other), step.size);
        // Times run back now and then.
        now = (now + u64::from(step.wait % 1000)).saturating_sub(if step.wait > 60_000 {
            3000
        } else {
            0
        });
        let stamps = if timed {
            format!(" {now} {}", now + u64::from(step.wait % 300))
        } else {
            String::new()
        };
        let call = match step.what % 10 {
            0..=2 => format!("malloc {to} {size}{stamps}"),
            3 => format!("calloc {to} {} {}{stamps}", step.other % 5, size / 5),
            4 => format!("memalign {to} {} {size}{stamps}", 1u64 << (step.other % 64)),
            5 => format!("realloc {to} {from} {size}{stamps}"),
            6 if step.other.is_multiple_of(4) => "thread_done 0x0".to_owned(),
            _ => format!("free {from}{stamps}"),
        };
        text.push_str(&format!("{}: {call}\n", 10 + step.thread % 4));
    }
    text
}

fn mtrace(steps: &[Step]) -> String {
    let pointer = |n: u8| {
        if n.is_multiple_of(16) {
            "(nil)".to_owned()
        } else {
            format!("{:#x}", u64::from(n % 24) * 16)
        }
    };
    let mut text = "= Start\n".to_owned();
    for step in steps {
        let (to, from, size) = (pointer(step.address), pointer(step.other), step.size);
        text.push_str(&match step.what % 8 {
            0..=2 => format!("@ ./prog:(main+0x1d)[0x4005d2] + {to} {size:#x}\n"),
            3 => format!("@ [0x1] < {from}\n@ [0x1] > {to} {size:#x}\n"),
            4 => format!("! {from} {size:#x}\n"),
            _ => format!("- {from}\n"),
        });
    }
    text
}

fn ops(steps: &[Step]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for step in steps {
        bytes.extend(u32::from(step.what % 4).to_le_bytes());
        bytes.extend(u16::from(step.thread % 4).to_le_bytes());
        bytes.extend(u16::from(step.other % 64).to_le_bytes());
        bytes.extend(u64::from(step.address % 24).to_le_bytes());
        bytes.extend(step.size.to_le_bytes());
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn logalloc_comes_back(steps in steps(), with_thread in any::<bool>()) {
        let first = tape(ImportFormat::Logalloc, logalloc(&steps, with_thread));
        comes_back(&first, ImportFormat::Logalloc, ExportFormat::Logalloc);
    }

    #[test]
    fn munged_logalloc_comes_back(steps in steps()) {
        let first = tape(ImportFormat::Logalloc, munged(&steps));
        comes_back(&first, ImportFormat::Logalloc, ExportFormat::LogallocMunged);
    }

    #[test]
    fn android_comes_back(steps in steps(), timed in any::<bool>()) {
        let first = tape(ImportFormat::Android, android(&steps, timed));
        comes_back(&first, ImportFormat::Android, ExportFormat::Android);
    }

    #[test]
    fn mtrace_comes_back(steps in steps()) {
        let first = tape(ImportFormat::Mtrace, mtrace(&steps));
        comes_back(&first, ImportFormat::Mtrace, ExportFormat::Mtrace);
    }

    #[test]
    fn ops_come_back(steps in steps()) {
        let first = tape(ImportFormat::Ops, ops(&steps));
        comes_back(&first, ImportFormat::Ops, ExportFormat::Ops);
    }

    /// A tape that was recorded says more than any of these formats can; what they can say comes back.
    #[test]
    fn what_a_format_can_hold_of_any_tape_comes_back(steps in steps()) {
        let first = recorded(&program(&steps), Clock::Monotonic);
        for (import, export) in TWO_WAY {
            let (text, _) = written(&first, export);
            if text.is_empty() {
                prop_assert!(requests(&first).into_iter().all(|kind| held(kind, export).is_none()));
                continue;
            }
            let second = tape(import, &text);
            let wanted: Vec<EventKind> = requests(&first).into_iter().filter_map(|kind| held(kind, export)).collect();
            prop_assert_eq!(&wanted, &requests(&second), "{}", export);
            let (again, exported) = written(&second, export);
            prop_assert!(exported.left_out.is_empty());
            prop_assert_eq!(events(&tape(import, &again)), events(&second));
        }
    }
}

/// The requests in order, with blocks named by their place among all blocks, so that threads do not matter.
fn requests(tape: &Tape<Vec<u8>>) -> Vec<EventKind> {
    let mut names = std::collections::HashMap::new();
    let mut kinds = Vec::new();
    for merged in tape.merged() {
        let merged = merged.unwrap();
        let kind = match merged.event.kind {
            EventKind::Free { block: it } => EventKind::Free { block: names[&it] },
            EventKind::Realloc { old, size } => EventKind::Realloc {
                old: names[&old],
                size,
            },
            other => other,
        };
        if let Some(made) = merged.made {
            let next = names.len() as u64;
            names.insert(made, block(0, next));
        }
        kinds.push(kind);
    }
    kinds
}

/// What a format makes of an event of a recorded tape.
fn held(kind: EventKind, format: ExportFormat) -> Option<EventKind> {
    use EventKind::*;
    let plain = format == ExportFormat::Mtrace;
    match kind {
        ThreadStart | Fork { .. } | Mark { .. } => None,
        ThreadEnd => (format == ExportFormat::Android).then_some(kind),
        Failed { .. } if matches!(format, ExportFormat::LogallocMunged | ExportFormat::Ops) => None,
        Calloc { size } if plain || format == ExportFormat::Ops => Some(Malloc { size }),
        AlignedMalloc { size, .. } if plain => Some(Malloc { size }),
        other => Some(other),
    }
}

/// Runs the steps; the events of each of three threads.
fn program(steps: &[Step]) -> Vec<Vec<Event>> {
    let mut threads = vec![Vec::new(); 3];
    let mut made = [0u64; 3];
    let mut live = Vec::new();
    let mut time_ns = 7;
    for step in steps {
        time_ns += u64::from(step.wait % 500) + 1;
        let thread = usize::from(step.thread % 3);
        let size = step.size;
        let mut kind = match step.what % 20 {
            0..=4 => EventKind::Malloc { size },
            5 => EventKind::Calloc { size },
            6 => EventKind::AlignedMalloc {
                size,
                align_log2: step.other % 64,
            },
            7 => EventKind::ReallocUnknown { size },
            8 => EventKind::FreeUnknown,
            9 => EventKind::Failed { size },
            10 => EventKind::ThreadStart,
            11 => EventKind::ThreadEnd,
            12 => EventKind::Fork { child_pid: size },
            13 => EventKind::Mark {
                name: u32::from(step.other % 3),
            },
            _ => EventKind::Malloc { size: 16 },
        };
        if step.what % 20 > 13 && !live.is_empty() {
            let old = live.swap_remove(usize::from(step.other) % live.len());
            kind = if step.what.is_multiple_of(2) {
                EventKind::Free { block: old }
            } else {
                EventKind::Realloc { old, size }
            };
        }
        if kind.makes_block() {
            live.push(block(thread as u32, made[thread]));
            made[thread] += 1;
        }
        threads[thread].push(Event { time_ns, kind });
    }
    threads
}
