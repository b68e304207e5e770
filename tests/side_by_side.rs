//! `heaptape report` on results that are already there: drawn again, set side by side, refused.

mod common;

use common::Place;
use serde_json::{Value, json};

/// Results of one tape under system and fancy, with these times in milliseconds for fancy.
fn results(fancy_ms: &[u64]) -> Value {
    let run = |allocator: &str, repetition: usize, ms: u64| {
        json!({
            "tape": "t", "allocator": allocator, "repetition": repetition, "elapsed_ns": ms * 1_000_000,
            "ops": 2000, "mallocs": 1000, "frees": 1000, "reallocs": 0, "failed": 0,
            "peak_rss_bytes": 4_000_000 + ms, "peak_live_bytes": 3_000_000
        })
    };
    let system = (1..=fancy_ms.len()).map(|i| run("system", i, 100 + i as u64));
    let fancy = fancy_ms
        .iter()
        .enumerate()
        .map(|(i, ms)| run("fancy", i + 1, *ms));
    let allocator = |name: &str| json!({ "name": name, "reached_by": "linked" });
    json!({
        "schema": 1,
        "machine": { "cores": 2, "cpu": "a processor" },
        "tapes": [{
            "name": "t", "sha256": "00", "threads": 1, "events": 2000, "mallocs": 1000, "frees": 1000, "reallocs": 0,
            "peak_live_bytes": 3_000_000, "duration_ns": 1_000_000
        }],
        "allocators": [allocator("system"), allocator("fancy")],
        "runs": system.chain(fancy).collect::<Vec<Value>>(),
        "summary": []
    })
}

const FAST: [u64; 5] = [50, 51, 49, 52, 50];
const SLOW: [u64; 5] = [60, 61, 59, 62, 60];

/// Writes both, and gives the place.
fn place() -> Place {
    let place = Place::new();
    for (folder, ms) in [("old", &FAST), ("new", &SLOW)] {
        std::fs::create_dir(place.path(folder)).unwrap();
        place.write(
            &format!("{folder}/results.json"),
            results(ms).to_string().as_bytes(),
        );
    }
    place
}

#[test]
fn slower_than_allowed_ends_with_1_and_names_who() {
    let place = place();
    let report = |limit: &str| {
        place.run([
            "report",
            "old/results.json",
            "new/results.json",
            "-o",
            "diff",
            "--fail-if-slower",
            limit,
        ])
    };
    let failed = report("5%");
    assert_eq!(failed.code, 1, "{}", failed.err);
    let out = failed.out.replace('\u{a0}', " ");
    assert!(
        out.contains("slower: new: fancy on t is 20 % slower (50 ms → 60 ms)"),
        "{out}"
    );
    let page = std::fs::read_to_string(place.path("diff/index.html")).unwrap();
    assert!(page.contains("20\u{a0}% slower") && !page.contains("<script"));
    assert!(
        place.path("diff/summary.md").is_file() && place.path("diff/change-time.svg").is_file()
    );
    assert_eq!(report("25").code, 0);
    let back = place.run([
        "report",
        "new/results.json",
        "old/results.json",
        "-o",
        "diff",
        "--fail-if-slower",
        "5%",
    ]);
    assert_eq!(back.code, 0, "{}", back.err);
    assert!(back.out.contains("1 faster"), "{}", back.out);
}

#[test]
fn without_a_limit_a_comparison_ends_with_0() {
    let place = place();
    let ended = place.run([
        "report",
        "old/results.json",
        "new/results.json",
        "-o",
        "diff",
    ]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(ended.out.contains("1 slower"), "{}", ended.out);
}

#[test]
fn wrong_usage_ends_with_2() {
    let place = place();
    for args in [
        vec![
            "report",
            "old/results.json",
            "-o",
            "d",
            "--fail-if-slower",
            "5%",
        ],
        vec![
            "report",
            "old/results.json",
            "new/results.json",
            "-o",
            "d",
            "--fail-if-slower",
            "much",
        ],
        vec!["report", "-", "-", "-o", "d"],
    ] {
        let ended = place.run(&args);
        assert_eq!(ended.code, 2, "{args:?}: {}", ended.err);
        assert!(!ended.err.is_empty());
    }
}

#[test]
fn malformed_and_future_results_are_refused_by_the_name_of_the_field() {
    let place = place();
    let mut broken = results(&FAST);
    broken["runs"][3]["elapsed_ns"] = json!("soon");
    place.write("broken.json", broken.to_string().as_bytes());
    let mut later = results(&FAST);
    later["schema"] = json!(2);
    place.write("later.json", later.to_string().as_bytes());
    let refused = |file: &str, told: &[&str]| {
        for args in [
            vec!["report", file, "-o", "d"],
            vec!["report", "old/results.json", file, "-o", "d"],
        ] {
            let ended = place.run(&args);
            assert_eq!(ended.code, 1, "{args:?}");
            for text in told {
                assert!(ended.err.contains(text), "{args:?}: {}", ended.err);
            }
        }
    };
    refused(
        "broken.json",
        &["broken.json", "field `runs[3].elapsed_ns`"],
    );
    refused(
        "later.json",
        &["later.json", "field `schema` is 2", "newer heaptape"],
    );
}

#[test]
fn a_report_is_drawn_again_with_its_summary() {
    let place = place();
    let ended = place.run(["report", "old/results.json", "-o", "again"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    for file in [
        "index.html",
        "summary.md",
        "results.json",
        "elapsed-ratio.png",
        "time-spent.svg",
        "blocks-t.svg",
    ] {
        assert!(place.path(&format!("again/{file}")).is_file(), "{file}");
    }
}
