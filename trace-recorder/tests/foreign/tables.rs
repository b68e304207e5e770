//! CSV and Parquet say what is on the tape, cell by cell.

use super::support::{block, events, recorded, written};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use trace_format::{Clock, Event, EventKind, LiveTracker, Tape};
use trace_recorder::foreign::ExportFormat;

const COLUMNS: [&str; 11] = [
    "time_ns",
    "thread",
    "event",
    "block_thread",
    "block_index",
    "old_thread",
    "old_index",
    "size",
    "alignment",
    "live_bytes",
    "detail",
];

/// One event of each kind, on two threads.
fn every_kind() -> Tape<Vec<u8>> {
    let at = |time_ns, kind| Event { time_ns, kind };
    let first = vec![
        at(1, EventKind::ThreadStart),
        at(2, EventKind::Malloc { size: 100 }),
        at(3, EventKind::Calloc { size: 50 }),
        at(
            4,
            EventKind::AlignedMalloc {
                size: 7,
                align_log2: 6,
            },
        ),
        at(
            9,
            EventKind::Realloc {
                old: block(0, 1),
                size: 60,
            },
        ),
        at(10, EventKind::ReallocUnknown { size: 5 }),
        at(11, EventKind::Mark { name: 1 }),
        at(12, EventKind::ThreadEnd),
    ];
    let second = vec![
        at(6, EventKind::Free { block: block(0, 0) }),
        at(7, EventKind::FreeUnknown),
        at(8, EventKind::Failed { size: u64::MAX }),
        at(20, EventKind::Fork { child_pid: 4712 }),
    ];
    recorded(&[first, second], Clock::Monotonic)
}

/// The rows that the tape's events are.
fn rows(tape: &Tape<Vec<u8>>, most: u64) -> Vec<Vec<String>> {
    let mut live = LiveTracker::new();
    let mut rows = Vec::new();
    for merged in tape.merged() {
        let merged = merged.unwrap();
        live.apply(&merged).unwrap();
        let (mut old, mut align, mut detail, mut of) = (None, None, String::new(), merged.made);
        let event = match merged.event.kind {
            EventKind::Malloc { .. } => "malloc",
            EventKind::Calloc { .. } => "calloc",
            EventKind::AlignedMalloc { align_log2, .. } => {
                align = Some(1u64 << align_log2);
                "aligned_malloc"
            }
            EventKind::Realloc { old: it, .. } => {
                old = Some(it);
                "realloc"
            }
            EventKind::ReallocUnknown { .. } => "realloc_unknown",
            EventKind::Free { block } => {
                of = Some(block);
                "free"
            }
            EventKind::FreeUnknown => "free_unknown",
            EventKind::Failed { .. } => "failed",
            EventKind::ThreadStart => "thread_start",
            EventKind::ThreadEnd => "thread_end",
            EventKind::Fork { child_pid } => {
                detail = child_pid.to_string();
                "fork"
            }
            EventKind::Mark { name } => {
                detail.clone_from(&tape.marks()[name as usize]);
                "mark"
            }
        };
        let cell = |number: Option<u64>| {
            number.map_or(String::new(), |number| number.min(most).to_string())
        };
        rows.push(vec![
            cell(Some(merged.event.time_ns)),
            cell(Some(merged.thread.into())),
            event.to_owned(),
            cell(of.map(|it| it.thread.into())),
            cell(of.map(|it| it.index)),
            cell(old.map(|it| it.thread.into())),
            cell(old.map(|it| it.index)),
            cell(merged.event.kind.size()),
            cell(align),
            cell(Some(live.live_bytes())),
            detail,
        ]);
    }
    rows
}

#[test]
fn csv_has_every_cell() {
    let tape = every_kind();
    let (text, exported) = written(&tape, ExportFormat::Csv);
    assert!(exported.left_out.is_empty());
    let mut reader = csv::Reader::from_reader(&text[..]);
    assert_eq!(
        reader.headers().unwrap().iter().collect::<Vec<_>>(),
        COLUMNS
    );
    let read: Vec<Vec<String>> = reader
        .records()
        .map(|record| record.unwrap().iter().map(str::to_owned).collect())
        .collect();
    assert_eq!(read, rows(&tape, u64::MAX));
    assert_eq!(read.len(), events(&tape).len());
    assert!(
        read.iter().any(|row| row[10] == "\"middle\", and so on"),
        "a mark with a quote and a comma"
    );
}

/// The rows of a Parquet file, nulls as empty cells.
fn read_parquet(bytes: Vec<u8>) -> Vec<Vec<String>> {
    let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap();
    let names: Vec<_> = reader
        .metadata()
        .file_metadata()
        .schema_descr()
        .columns()
        .iter()
        .map(|c| c.name().to_owned())
        .collect();
    assert_eq!(names, COLUMNS);
    reader
        .get_row_iter(None)
        .unwrap()
        .map(|row| {
            let row = row.unwrap();
            row.get_column_iter()
                .map(|(_, field)| match field {
                    Field::Null => String::new(),
                    Field::Int(it) => it.to_string(),
                    Field::Long(it) => it.to_string(),
                    Field::Str(it) => it.clone(),
                    other => panic!("{other:?}"),
                })
                .collect()
        })
        .collect()
}

#[test]
fn parquet_has_every_cell() {
    let tape = every_kind();
    let (bytes, exported) = written(&tape, ExportFormat::Parquet);
    assert!(exported.left_out.is_empty());
    assert_eq!(read_parquet(bytes), rows(&tape, i64::MAX as u64));
}

#[test]
fn parquet_of_several_row_groups_and_of_none() {
    let events: Vec<Event> = (0..600_000u64)
        .map(|time_ns| Event {
            time_ns,
            kind: if time_ns % 3 == 2 {
                EventKind::Free {
                    block: block(0, time_ns / 3 * 2),
                }
            } else {
                EventKind::Malloc {
                    size: time_ns % 777,
                }
            },
        })
        .collect();
    let tape = recorded(&[events], Clock::Monotonic);
    let (bytes, _) = written(&tape, ExportFormat::Parquet);
    let reader = SerializedFileReader::new(bytes::Bytes::from(bytes.clone())).unwrap();
    assert_eq!(reader.num_row_groups(), 2);
    assert_eq!(read_parquet(bytes), rows(&tape, u64::MAX));
    let empty = recorded(&[vec![]], Clock::Monotonic);
    assert!(read_parquet(written(&empty, ExportFormat::Parquet).0).is_empty());
}
