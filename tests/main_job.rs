//! The main job from end to end, on small tapes: record the scenarios, replay them under the default allocators, report.

mod common;

use std::collections::BTreeSet;
use std::path::Path;

use common::{Place, arg};
use replayer::results::{Results, SCHEMA};

const SCENARIOS: [&str; 3] = ["basic", "ephemeral", "large"];
const ALLOCATORS: [&str; 5] = ["system", "fancy", "fancy-reclaim", "jemalloc", "mimalloc"];

/// Charts that the report promises, each as PNG and as SVG.
const FEWEST_CHARTS: usize = 4;

#[test]
fn three_scenarios_under_five_allocators_give_a_whole_report() {
    let place = Place::new();
    let tapes = SCENARIOS.map(|scenario| place.record(scenario, &[]));
    let out = place.path("report");
    let mut args = vec!["compare"];
    args.extend(tapes.iter().map(|tape| arg(tape)));
    args.extend(["-n", "1", "-o", arg(&out)]);
    let table = place.succeed(args).out;

    for name in SCENARIOS.iter().chain(&ALLOCATORS) {
        assert!(table.contains(name), "{name} is not in the table:\n{table}");
    }
    assert!(
        table.contains("index.html"),
        "a line says where the report is:\n{table}"
    );

    let text = std::fs::read_to_string(out.join("results.json")).unwrap();
    let results: Results = serde_json::from_str(&text).unwrap();
    every_run_is_whole(&results);
    every_file_is_there(&out);

    // The report can be drawn again from the results alone.
    let again = place.path("again");
    place.succeed(["report", arg(&out.join("results.json")), "-o", arg(&again)]);
    every_file_is_there(&again);
}

fn every_run_is_whole(results: &Results) {
    assert_eq!(results.schema, SCHEMA);
    assert_eq!(results.faults, [], "every run gave a measurement");
    let tapes: Vec<&str> = results
        .tapes
        .iter()
        .map(|tape| tape.name.as_str())
        .collect();
    assert_eq!(tapes, SCENARIOS);
    let allocators: Vec<&str> = results
        .allocators
        .iter()
        .map(|it| it.name.as_str())
        .collect();
    assert_eq!(allocators, ALLOCATORS);

    let mut measured = BTreeSet::new();
    for run in &results.runs {
        let what = format!("{} under {}", run.tape, run.allocator);
        assert!(
            measured.insert((run.tape.as_str(), run.allocator.as_str())),
            "{what} twice with -n 1"
        );
        let tape = results
            .tapes
            .iter()
            .find(|tape| tape.name == run.tape)
            .unwrap();
        assert_eq!(run.failed, 0, "{what}: requests refused");
        assert_eq!(
            run.mallocs, tape.mallocs,
            "{what}: as many mallocs as on the tape"
        );
        assert_eq!(
            run.reallocs, tape.reallocs,
            "{what}: as many reallocs as on the tape"
        );
        // A realloc takes one block and gives one, so that what malloc made is what free ends.
        assert_eq!(
            run.mallocs, run.frees,
            "{what}: every block is freed when the run ends"
        );
        assert_eq!(
            run.frees,
            tape.frees + tape.leaked_blocks.unwrap_or(0),
            "{what}: frees of the tape and of what it leaks"
        );
        assert_eq!(
            run.ops,
            run.mallocs + run.frees + run.reallocs,
            "{what}: operations"
        );
        assert!(run.elapsed_ns > 0, "{what}: took no time");
    }
    assert_eq!(measured.len(), SCENARIOS.len() * ALLOCATORS.len());

    for tape in SCENARIOS {
        for allocator in ALLOCATORS {
            let summary = results
                .summary
                .iter()
                .find(|summary| summary.tape == tape && summary.allocator == allocator)
                .unwrap_or_else(|| panic!("no summary of {tape} under {allocator}"));
            let ratio = summary
                .elapsed_ratio
                .as_ref()
                .unwrap_or_else(|| panic!("{tape}, {allocator}: no ratio"));
            assert!(
                ratio.low <= ratio.median && ratio.median <= ratio.high,
                "{tape}, {allocator}: {ratio:?}"
            );
            if allocator == "system" {
                assert_eq!(ratio.median, 1.0, "system against itself");
            }
        }
    }
}

fn every_file_is_there(dir: &Path) {
    let page = std::fs::read_to_string(dir.join("index.html")).unwrap();
    for name in SCENARIOS.iter().chain(&ALLOCATORS) {
        assert!(page.contains(name), "{name} is not in index.html");
    }
    for other in [
        "src=\"http",
        "href=\"http",
        "src='http",
        "url(http",
        "@import",
    ] {
        assert!(
            !page.contains(other),
            "index.html loads something from elsewhere: {other}"
        );
    }
    let png = charts(dir, "png", |bytes| bytes.starts_with(b"\x89PNG\r\n\x1a\n"));
    let svg = charts(dir, "svg", |bytes| {
        String::from_utf8_lossy(bytes).contains("<svg")
    });
    assert_eq!(png, svg, "each chart is there as PNG and as SVG");
    assert!(png.len() >= FEWEST_CHARTS, "{png:?}");
}

/// The names of the charts with this extension, each of which must be `sound`.
fn charts(dir: &Path, extension: &str, sound: fn(&[u8]) -> bool) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|it| it == extension) {
            assert!(
                sound(&std::fs::read(&path).unwrap()),
                "{} is no {extension}",
                path.display()
            );
            names.insert(path.file_stem().unwrap().to_string_lossy().into_owned());
        }
    }
    names
}
