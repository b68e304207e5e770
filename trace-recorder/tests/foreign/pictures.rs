//! The trace for Perfetto keeps to the document "Trace Event Format", and shows every peak.

use super::support::{block, recorded, written};
use serde_json::Value;
use trace_format::{Clock, Event, EventKind, Tape};
use trace_recorder::foreign::ExportFormat;

/// Checks what the document asks of each kind of event, and gives the events.
fn checked(text: &[u8]) -> Vec<Value> {
    let trace: Value = serde_json::from_slice(text).unwrap();
    assert!(matches!(
        trace["displayTimeUnit"].as_str(),
        Some("ms" | "ns")
    ));
    let events = trace["traceEvents"].as_array().unwrap().clone();
    for event in &events {
        let phase = event["ph"].as_str().unwrap();
        assert!(
            event["name"].is_string() && event["pid"].is_u64(),
            "{event}"
        );
        match phase {
            "M" => {
                let args = match event["name"].as_str().unwrap() {
                    "process_name" | "thread_name" => event["args"]["name"].is_string(),
                    "thread_sort_index" => event["args"]["sort_index"].is_i64(),
                    _ => false,
                };
                assert!(args, "{event}");
            }
            "X" => assert!(
                event["ts"].is_number() && event["dur"].as_f64().unwrap() >= 0.0,
                "{event}"
            ),
            "C" => {
                let series = event["args"].as_object().unwrap();
                assert!(
                    !series.is_empty() && series.values().all(Value::is_number),
                    "{event}"
                );
                assert!(event["ts"].is_number(), "{event}");
            }
            "i" => {
                assert!(
                    matches!(event["s"].as_str(), Some("g" | "p" | "t")),
                    "{event}"
                );
                assert!(event["ts"].is_number() && event["tid"].is_u64(), "{event}");
            }
            _ => panic!("{event}"),
        }
    }
    events
}

fn counter(events: &[Value], name: &str, series: &str) -> Vec<(f64, f64)> {
    let of = events
        .iter()
        .filter(|event| event["ph"] == "C" && event["name"] == name);
    of.map(|event| {
        (
            event["ts"].as_f64().unwrap(),
            event["args"][series].as_f64().unwrap(),
        )
    })
    .collect()
}

/// Many small blocks, a spike of one event, and a mark.
fn spiky() -> Tape<Vec<u8>> {
    let mut events = vec![Event {
        time_ns: 0,
        kind: EventKind::ThreadStart,
    }];
    for step in 0..60_000u64 {
        let time_ns = step * 1000 + 5;
        let size = if step == 30_123 { 1 << 30 } else { 64 };
        events.push(Event {
            time_ns,
            kind: EventKind::Malloc { size },
        });
        events.push(Event {
            time_ns: time_ns + 7,
            kind: EventKind::Free {
                block: block(0, step),
            },
        });
    }
    events.push(Event {
        time_ns: 60_000_000,
        kind: EventKind::Mark { name: 1 },
    });
    recorded(
        &[
            events,
            vec![Event {
                time_ns: 90,
                kind: EventKind::Failed { size: 3 },
            }],
        ],
        Clock::Monotonic,
    )
}

#[test]
fn a_spike_of_one_event_is_seen_in_a_trace_that_opens() {
    let tape = spiky();
    let (text, exported) = written(&tape, ExportFormat::Perfetto);
    assert!(exported.left_out.is_empty());
    let events = checked(&text);
    let bytes = counter(&events, "live bytes", "bytes");
    let peak = bytes
        .iter()
        .copied()
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .unwrap();
    assert_eq!(peak, (30_123.005, f64::from(1 << 30)));
    assert!(bytes.is_sorted_by_key(|sample| sample.0));
    assert!(
        bytes.len() <= 40_002 && bytes.len() > 19_000,
        "{}",
        bytes.len()
    );
    assert_eq!(bytes.last().unwrap().1, 0.0);
    let threads = counter(&events, "threads", "threads");
    assert_eq!(
        threads.iter().map(|it| it.1).collect::<Vec<_>>(),
        [1.0, 2.0, 1.0, 0.0]
    );
    let slices: Vec<_> = events.iter().filter(|event| event["ph"] == "X").collect();
    assert_eq!(slices.len(), 2);
    assert_eq!(
        (slices[0]["name"].as_str(), slices[0]["dur"].as_f64()),
        (Some("worker 0"), Some(60_000.0))
    );
    let instants: Vec<_> = events
        .iter()
        .filter(|event| event["ph"] == "i")
        .map(|event| event["name"].as_str().unwrap())
        .collect();
    assert_eq!(instants, ["refused request", "\"middle\", and so on"]);
}

#[test]
fn a_tape_without_events_is_a_trace_too() {
    let tape = recorded(&[vec![]], Clock::Order);
    checked(&written(&tape, ExportFormat::Perfetto).0);
}
