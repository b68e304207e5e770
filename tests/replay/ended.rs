//! Ways in which a measurement ends before its time: what was measured is kept, and no process stays behind.

use crate::common::{Place, arg};
use crate::started::{Started, results, until};

/// More repetitions than any test waits for.
const ENDLESS: &str = "100000";

#[test]
fn ctrl_c_keeps_what_compare_measured_and_draws_it() {
    let place = Place::new();
    let tape = place.record("basic", &["--threads", "2", "--ops", "20000"]);
    let args = ["compare", arg(&tape), "-a", "system,fancy", "-n", ENDLESS];
    let started = Started::new(&place, &args);
    let file = place.path("report/results.json");
    until("results", || file.is_file());
    started.signal("INT");
    let (status, out, err) = started.end();
    assert_eq!(status.code(), Some(1), "{out}{err}");
    assert!(out.contains("Not all was measured: interrupted"), "{out}");
    let results = results(&file);
    assert!(!results.runs.is_empty() && results.partial.is_some());
    assert_eq!(results.faults, []);
    assert!(place.path("report/index.html").is_file());
}

#[test]
fn a_polite_end_keeps_what_replay_measured() {
    let place = Place::new();
    let tape = place.record("basic", &["--threads", "2", "--ops", "20000"]);
    for signal in ["TERM", "HUP"] {
        let args = ["replay", arg(&tape), "-a", "system", "-n", ENDLESS];
        let started = Started::new(&place, &[&args[..], &["--json", "r.json"]].concat());
        let file = place.path("r.json");
        until("results", || file.is_file());
        started.signal(signal);
        let (status, out, err) = started.end();
        assert_eq!(status.code(), Some(1), "{out}{err}");
        let results = results(&file);
        assert!(!results.runs.is_empty() && results.partial.is_some());
        std::fs::remove_file(file).expect("the results");
    }
}

#[test]
fn live_runs_end_with_the_command() {
    let place = Place::new();
    let args = ["run", "-a", "system", "-n", ENDLESS, "--", "sleep", "0.2"];
    let started = Started::new(&place, &args);
    started.until_there_is("sleep");
    started.signal("INT");
    let (status, out, err) = started.end();
    assert_eq!(status.code(), Some(1), "{out}{err}");
    assert!(out.contains("interrupted after"), "{out}");

    // The second run is the one that would last for an hour.
    let script = "test -e once && sleep 3600; touch once";
    let args = ["run", "-a", "system", "--", "sh", "-c", script];
    let started = Started::new(&place, &args);
    started.until_there_is("3600");
    started.signal("TERM");
    assert_eq!(started.end().0.code(), Some(1));
}

#[test]
fn validate_ends_wherever_it_is() {
    let place = Place::new();
    let validate = ["validate", "-a", "system", "-n", ENDLESS];
    let scenario = ["--scenario", "basic", "--scale", "small"];
    let all = [&validate[..], &["--json", "v.json"], &scenario[..]].concat();
    // While it records, while it runs live, and while it replays.
    for argument in ["record", "__live-worker", "__replay-worker"] {
        let mut all = all.clone();
        // What the step before left.
        let _ = std::fs::remove_file(place.path("v.json"));
        if argument == "__replay-worker" {
            all[4] = "20";
        }
        let started = Started::new(&place, &all);
        started.until_there_is(argument);
        if argument == "__replay-worker" {
            // The first workers tell of the allocator, or of the harness.
            until("results", || place.path("v.json").is_file());
        }
        started.signal("INT");
        let (status, out, err) = started.end();
        assert_eq!(status.code(), Some(1), "{argument}: {out}{err}");
        if argument == "__replay-worker" {
            let results = results(&place.path("v.json"));
            assert_eq!(results.live.len(), 20, "the live runs are kept");
            assert!(!results.runs.is_empty() && results.partial.is_some());
        }
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let place = Place::new();
    let tape = place.record("basic", &["--threads", "2", "--ops", "2000"]);
    let tape = arg(&tape);
    let once = ["-a", "system", "-n", "1"];
    for (command, rest) in [
        ("compare", vec![tape]),
        ("replay", vec![tape, "--json", "-"]),
        ("replay", vec![tape]),
        ("run", vec!["--", "true"]),
        ("validate", vec!["--", "ls", "/"]),
        ("allocators", vec![]),
    ] {
        let more: &[&str] = if command == "allocators" { &[] } else { &once };
        let mut started = Started::new(&place, &[&[command], more, &rest].concat());
        started.close_output();
        let (status, ..) = started.end();
        assert_eq!(status.code(), Some(0), "{command} {rest:?}");
    }
    // The report is made although nobody reads the table.
    assert!(place.path("report/index.html").is_file());
}

#[test]
fn a_killed_measurement_is_resumed() {
    let place = Place::new();
    let tape = place.record("basic", &["--threads", "2", "--ops", "20000"]);
    let replay = ["replay", arg(&tape), "-a", "system,fancy"];
    let file = ["--json", "r.json"];
    let started = Started::new(&place, &[&replay[..], &file, &["-n", ENDLESS]].concat());
    let path = place.path("r.json");
    until("some runs", || {
        std::fs::read_to_string(&path).is_ok_and(|text| text.matches("\"repetition\"").count() >= 3)
    });
    started.signal("KILL");
    started.end();

    let before = results(&path);
    let made = before.runs.len();
    assert!(before.partial.is_some() && made >= 3, "{made}");
    let more = before.runs[made - 1].repetition + 2;
    let more = ["--resume", "-n", &more.to_string()];
    let ended = place.succeed([&replay[..], &file, &more].concat());
    assert!(!ended.out.contains("Not all"), "{}", ended.out);
    let after = results(&path);
    assert_eq!(after.partial, None);
    let repetitions = before.runs[made - 1].repetition as usize + 2;
    assert_eq!(after.runs.len(), 2 * repetitions);
    for run in &before.runs {
        assert!(after.runs.contains(run), "{run:?}");
    }
    // Other settings make other runs.
    let other = place.run([&replay[..], &file, &more, &["--touch", "none"]].concat());
    assert_eq!(other.code, 1);
    assert!(other.err.contains("can't be resumed"), "{}", other.err);
}
