//! Runs in fresh processes: what they measure, and what becomes of those that fail.

mod common;

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use common::{sample, tape_of};
use replayer::results::Results;
use replayer::{AllocatorName, Measurement, ReplayError, Settings, Worker, run_matrix};
use trace_format::Tape;

fn tape_file(dir: &tempfile::TempDir, tape: &Tape<Vec<u8>>) -> PathBuf {
    let path = dir.path().join("made-up.tape");
    std::fs::write(&path, tape.source()).unwrap();
    path
}

fn shell(script: &str) -> Worker {
    Worker {
        program: "/bin/sh".into(),
        arguments: vec!["-c".into(), script.into()],
    }
}

fn results_of(
    worker: &Worker,
    allocators: &[AllocatorName],
    repetitions: u32,
    timeout: Duration,
) -> Results {
    let dir = tempfile::tempdir().unwrap();
    let path = tape_file(&dir, &tape_of(&sample(11, 12, 30_000).threads));
    let settings = Settings {
        timeout,
        repetitions,
        ..Settings::default()
    };
    measured(&[path], allocators, &settings, worker).unwrap()
}

fn measured(
    tapes: &[PathBuf],
    allocators: &[AllocatorName],
    settings: &Settings,
    worker: &Worker,
) -> Result<Results, ReplayError> {
    run_matrix(
        tapes,
        &Measurement {
            allocators,
            settings,
            worker,
            progress: &|_| {},
            save: &|_| {},
            stop: &AtomicBool::new(false),
            earlier: None,
        },
    )
}

fn reason_of(script: &str, timeout: Duration) -> String {
    let results = results_of(&shell(script), &[AllocatorName::System], 1, timeout);
    assert!(results.runs.is_empty());
    // Calibration, warm-up and the one repetition: each is a fault of its own, and the next goes on.
    assert_eq!(
        results
            .faults
            .iter()
            .map(|f| f.repetition)
            .collect::<Vec<_>>(),
        [0, 0, 1]
    );
    assert!(
        results.summary[0]
            .warnings
            .iter()
            .any(|w| w.contains("faults"))
    );
    results.faults[2].reason.clone()
}

#[test]
fn every_allocator_is_measured() {
    let worker = Worker::new(env!("CARGO_BIN_EXE_replay-worker"));
    let results = results_of(&worker, &AllocatorName::ALL, 2, Duration::from_secs(60));
    assert_eq!(results.faults, []);
    assert_eq!(results.runs.len(), 2 * AllocatorName::ALL.len());
    assert_eq!(results.summary.len(), AllocatorName::ALL.len());
    let order: Vec<(u32, &str)> = results
        .runs
        .iter()
        .map(|r| (r.repetition, r.allocator.as_str()))
        .collect();
    let names = AllocatorName::ALL.map(|name| name.to_string());
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let expected: Vec<(u32, &str)> = (1..=2)
        .flat_map(|r| {
            // Each repetition begins with another one.
            let mut turn = names.clone();
            turn.rotate_left(r as usize - 1);
            turn.into_iter().map(move |name| (r, name))
        })
        .collect();
    assert_eq!(order, expected);
    let tape = &results.tapes[0];
    assert_eq!((tape.name.as_str(), tape.sha256.len()), ("made up", 64));
    for run in &results.runs {
        assert_eq!((run.failed, run.mallocs), (0, run.frees), "{run:?}");
        assert_eq!(run.ops, run.mallocs + run.frees + run.reallocs);
        assert_eq!(run.reallocs, tape.reallocs - (run.mallocs - tape.mallocs));
        assert!(
            run.elapsed_ns > 0
                && run.peak_rss_bytes.is_some()
                && run.minor_faults.is_some()
                && run.user_ns.is_some()
        );
        assert!(run.harness_ns_per_op.is_some_and(|ns| ns > 0.0));
        let latencies = run.latency_ns.as_ref().unwrap();
        for p in [latencies.malloc, latencies.free, latencies.realloc]
            .into_iter()
            .flatten()
        {
            assert!(
                p.p50 <= p.p90 && p.p90 <= p.p99 && p.p99 <= p.p999 && p.p999 <= p.max,
                "{p:?}"
            );
        }
        assert!(latencies.malloc.is_some() && latencies.free.is_some());
    }
    // Numbers with a fraction may come back with another last digit, so the texts are not compared.
    let text = serde_json::to_string(&results).unwrap();
    let back: Results = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (back.tapes, back.allocators),
        (results.tapes, results.allocators)
    );
    assert_eq!(back.runs.len(), results.runs.len());
}

#[test]
fn a_crash_is_a_fault() {
    let reason = reason_of("kill -SEGV $$", Duration::from_secs(60));
    assert!(reason.contains("SIGSEGV"), "{reason}");
}

#[test]
fn a_bad_exit_is_a_fault_with_its_last_words() {
    let reason = reason_of(
        "echo first >&2; echo out of luck >&2; exit 3",
        Duration::from_secs(60),
    );
    assert!(
        reason.contains("exit code 3") && reason.ends_with("out of luck"),
        "{reason}"
    );
    let reason = reason_of("echo nonsense", Duration::from_secs(60));
    assert!(reason.contains("without saying"), "{reason}");
}

#[test]
fn a_hang_is_a_fault_after_the_time_allowed() {
    let began = Instant::now();
    let reason = reason_of("exec sleep 600", Duration::from_millis(200));
    assert!(reason.contains("did not end within 0.2 s"), "{reason}");
    assert!(began.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_worker_without_a_job_refuses() {
    let worker = std::process::Command::new(env!("CARGO_BIN_EXE_replay-worker"))
        .args(["__replay-worker", "nonsense"])
        .output()
        .unwrap();
    assert_eq!(worker.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&worker.stdout).contains("refused"));
}

#[test]
fn a_file_that_is_no_tape_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.tape");
    let run = || {
        measured(
            std::slice::from_ref(&path),
            &[],
            &Settings::default(),
            &shell("true"),
        )
        .unwrap_err()
        .to_string()
    };
    assert!(run().contains("x.tape"), "{}", run());
    std::fs::write(&path, "no tape at all").unwrap();
    assert!(
        run().contains("x.tape") && run().contains("not a tape"),
        "{}",
        run()
    );
}
