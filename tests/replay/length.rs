//! Long tapes: what a plan takes an operation, and tapes that are longer than memory.

use crate::common::{Place, arg};
use crate::started::results;

/// The most bytes of plan an operation.
const MOST_BYTES: u64 = 24;

/// Records and replays a tape of at least so many operations; the plan keeps to its bytes, and nothing is refused or left.
fn replay(operations: u64, record: &[&str], replay: &[&str]) -> Option<u64> {
    let place = Place::new();
    let tape = place.record("ephemeral", record);
    let args = ["replay", arg(&tape), "-a", "system", "-n", "1"];
    place.succeed([&args[..], replay, &["--json", "r.json"]].concat());
    let results = results(&place.path("r.json"));
    let (tape, run) = (&results.tapes[0], &results.runs[0]);
    let ops = tape.plan_ops.expect("how many operations the plan has");
    assert!(ops >= operations, "{ops} operations");
    let bytes = tape.plan_bytes.expect("how long the plan is");
    assert!(
        bytes <= MOST_BYTES * ops,
        "{bytes} bytes for {ops} operations"
    );
    assert_eq!((run.mallocs, run.failed), (tape.mallocs, 0));
    assert_eq!(run.frees, tape.frees + tape.leaked_blocks.unwrap_or(0));
    assert_eq!(run.mallocs, run.frees);
    tape.plan_windows
}

#[test]
fn a_plan_takes_few_bytes_an_operation() {
    let windows = replay(500_000, &["--threads", "4", "--ops", "75000"], &[]);
    assert_eq!(windows, None);
}

#[test]
fn a_tape_longer_than_memory_is_run_in_windows() {
    let record = ["--threads", "4", "--ops", "75000"];
    for more in [&[][..], &["--threads", "2"], &["--order", "total"]] {
        let limit = ["--plan-memory", "512K"];
        let windows = replay(500_000, &record, &[&limit[..], more].concat());
        assert!(windows.is_some_and(|windows| windows >= 8), "{windows:?}");
    }
}

/// Takes minutes, 2 GB of disk and 4 GB of memory: `cargo xtask test --long` runs it.
#[test]
#[ignore = "takes minutes; cargo xtask test --long runs it"]
fn a_hundred_million_operations() {
    let windows = replay(100_000_000, &["--threads", "8", "--ops", "6300000"], &[]);
    assert_eq!(windows, None);
}
