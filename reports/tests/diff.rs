//! Measurements side by side: what is called a change, on which basis, and what makes a job fail.

mod sample;

use replayer::results::{Fault, Results};
use reports::study::{Basis, Diff, Turn};
use reports::{diff_pictures, write_diff};

fn base() -> Results {
    sample::results(2, &sample::named(&sample::ALLOCATORS[..4]), 5)
}

/// The same with the times of one allocator multiplied.
fn slowed(by: f64, allocator: &str) -> Results {
    let mut new = base();
    for run in new.runs.iter_mut().filter(|r| r.allocator == allocator) {
        run.elapsed_ns = (run.elapsed_ns as f64 * by) as u64;
    }
    new
}

#[test]
fn a_measurement_against_itself_changes_nothing() {
    let old = base();
    let diff = Diff::new(("a", &old), &[("b", &old)]);
    assert_eq!(diff.after[0].basis, Basis::Absolute);
    assert!(diff.after[0].differences.is_empty());
    assert!(
        diff.headline()
            .starts_with("Nothing changed beyond noise in 8"),
        "{}",
        diff.headline()
    );
    assert!(diff.regressions(0.0).is_empty());
}

#[test]
fn a_slower_allocator_is_named_and_fails_the_job() {
    let (old, new) = (base(), slowed(1.3, "fancy"));
    let diff = Diff::new(("old", &old), &[("new", &new)]);
    let found = diff.regressions(0.05);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0].starts_with("new: fancy on basic is 30\u{a0}% slower ("),
        "{found:?}"
    );
    assert!(diff.regressions(0.5).is_empty(), "30 % is within 50 %");
    assert!(
        diff.headline()
            .contains(": 2 slower (most: fancy on ephemeral, by 30\u{a0}%)."),
        "{}",
        diff.headline()
    );
    let faster = Diff::new(("new", &new), &[("old", &old)]);
    assert!(faster.regressions(0.05).is_empty());
    assert!(
        faster.headline().contains("2 faster (most: fancy on "),
        "{}",
        faster.headline()
    );
}

#[test]
fn the_only_one_that_grew_is_named_and_of_several_files_the_one_too() {
    let (old, mut new) = (base(), base());
    let grown = |r: &&mut replayer::results::Run| r.allocator == "jemalloc" && r.tape == "basic";
    for run in new.runs.iter_mut().filter(grown) {
        run.peak_rss_bytes = run.peak_rss_bytes.map(|bytes| bytes * 3 / 2);
    }
    let diff = Diff::new(("old", &old), &[("new", &new)]);
    let said = "Beyond noise, of 8\u{a0}comparisons: 1 larger (jemalloc on basic, by 50\u{a0}%).";
    assert_eq!(diff.headline(), said);
    let three = Diff::new(("old", &old), &[("same", &old), ("new", &new)]);
    let said = "1 larger (jemalloc on basic in new, by 50\u{a0}%).";
    assert!(three.headline().ends_with(said), "{}", three.headline());
}

#[test]
fn another_machine_is_compared_by_the_ratio_to_system() {
    let old = base();
    // Twice as slow a machine, with fancy as far ahead of system as before, and jemalloc behind.
    let mut new = slowed(1.25, "jemalloc");
    for run in &mut new.runs {
        run.elapsed_ns *= 2;
    }
    new.machine.cpu = Some("another".into());
    let diff = Diff::new(("old", &old), &[("new", &new)]);
    assert_eq!(diff.after[0].basis, Basis::ToSystem);
    let of = |name: &str| diff.after[0].changes.iter().find(|c| c.allocator == name);
    assert!(
        of("system").is_none(),
        "system against itself is no comparison"
    );
    assert_eq!(of("fancy").unwrap().time.unwrap().turn(), Turn::Same);
    assert_eq!(of("jemalloc").unwrap().time.unwrap().turn(), Turn::Worse);
    assert_eq!(diff.regressions(0.05).len(), 2);
    assert!(
        diff.after[0]
            .differences
            .iter()
            .any(|d| d.what == "processor")
    );
}

#[test]
fn what_is_gone_fails_the_job_and_what_is_new_does_not() {
    let old = base();
    let mut new = base();
    new.faults.push(Fault {
        tape: "basic".into(),
        allocator: "fancy".into(),
        repetition: 2,
        reason: "killed by SIGSEGV".into(),
        ..Fault::default()
    });
    let diff = Diff::new(("old", &old), &[("new", &new)]);
    let found = diff.regressions(0.05);
    assert_eq!(found.len(), 1);
    assert!(
        found[0].contains("fancy on basic gave no figures to compare: 1\u{a0}faulty run"),
        "{found:?}"
    );
    assert!(
        Diff::new(("new", &new), &[("old", &old)])
            .regressions(0.05)
            .is_empty()
    );
}

#[test]
fn another_recording_under_the_same_name_is_told() {
    let old = base();
    let mut new = base();
    new.tapes[0].sha256 = "other".into();
    let diff = Diff::new(("old", &old), &[("new", &new)]);
    assert!(
        diff.notes()
            .iter()
            .any(|n| n.contains("tape basic is not the same recording"))
    );
}

#[test]
fn any_two_measurements_make_a_page() {
    let all = sample::awkward();
    for (name, new) in &all {
        let (_, full) = &all[0];
        let named = [("one", full), (*name, new), ("third", full)];
        let diff = Diff::new((*name, new), &named);
        let pictures = diff_pictures(&diff).unwrap();
        let page = reports::page::diff_page(&diff, &pictures, &sample::unpainted(&pictures));
        assert!(
            page.html.contains("id=\"differences\"") && !page.html.contains("<script"),
            "{name}"
        );
        assert!(
            page.summary.starts_with("## ") && !page.summary.contains("NaN"),
            "{name}"
        );
        for picture in &pictures {
            for scene in [&picture.alone, &picture.wide, &picture.narrow] {
                sample::boxes::check(&format!("{name}, {}", picture.meta.id), scene);
            }
        }
    }
}

#[test]
fn a_comparison_has_its_files() {
    let dir = tempfile::tempdir().unwrap();
    let (old, new) = (base(), slowed(1.3, "fancy"));
    let diff = Diff::new(("old", &old), &[("new", &new)]);
    let written = write_diff(&diff, dir.path()).unwrap();
    let names = [
        "index.html",
        "summary.md",
        "change-time.png",
        "change-time.svg",
        "change-memory.png",
        "change-memory.svg",
    ];
    for name in names {
        assert!(
            dir.path().join(name).metadata().unwrap().len() > 500,
            "{name}"
        );
    }
    let summary = std::fs::read_to_string(&written.summary).unwrap();
    assert!(
        summary.contains("| basic | fancy | 1.30\u{a0}× ("),
        "{summary}"
    );
    assert!(summary.contains("30\u{a0}% slower"), "{summary}");
}
