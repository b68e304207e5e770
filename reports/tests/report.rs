//! The whole report in a folder: what is written, and that the page fetches nothing.

mod sample;

use reports::read_results;

/// The page without the contents of its downloads.
fn without_data(html: &str) -> String {
    let mut out = String::new();
    for (i, part) in html.split("href=\"data:").enumerate() {
        let part = if i == 0 {
            part
        } else {
            part.split_once('"').unwrap().1
        };
        out.push_str(part);
    }
    out
}

#[test]
fn the_page_fetches_nothing_and_runs_nothing() {
    for (name, results) in sample::awkward() {
        let study = reports::study::Study::new(&results);
        let pictures = reports::pictures(&study).unwrap();
        let files = sample::unpainted(&pictures);
        let html = without_data(&reports::page::page(&study, &pictures, &files).html);
        for forbidden in [
            "http://", "https://", "<script", "<link", "<img", "<iframe", "url(", "@import",
            " src=", " onload", "NaN", "<text",
        ] {
            assert!(!html.contains(forbidden), "{name}: {forbidden}");
        }
        for anchor in [
            "summary",
            "charts",
            "method",
            "machine",
            "versions",
            "raw",
            "elapsed-ratio",
        ] {
            assert!(
                html.contains(&format!("id=\"{anchor}\"")),
                "{name}: {anchor}"
            );
        }
        let ids: Vec<&str> = html
            .split(" id=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .collect();
        let mut unique = ids.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), ids.len(), "{name}: an id stands twice");
        for link in html
            .split("href=\"#")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
        {
            assert!(ids.contains(&link), "{name}: a link to nothing: {link}");
        }
    }
}

#[test]
fn what_comes_from_the_results_is_escaped() {
    let mut results = sample::full();
    let evil = "</style><script>alert(1)</script>\"'&";
    results.machine.cpu = Some(evil.into());
    results.tapes[0].command = Some(evil.into());
    results.allocators[1].version = Some(evil.into());
    results.summary[1].warnings.push(evil.into());
    for tape in results
        .runs
        .iter_mut()
        .map(|r| &mut r.tape)
        .chain(results.summary.iter_mut().map(|s| &mut s.tape))
    {
        if tape == "basic" {
            *tape = evil.into();
        }
    }
    results.tapes[0].name = evil.into();
    let study = reports::study::Study::new(&results);
    let pictures = reports::pictures(&study).unwrap();
    let files = sample::unpainted(&pictures);
    let html = reports::page::page(&study, &pictures, &files).html;
    assert!(!html.contains("<script") && !html.contains("alert(1)</script>"));
    assert_eq!(html.matches("</style>").count(), 1);
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    for picture in &pictures {
        assert!(!picture.file().contains("<script"));
        assert!(
            picture
                .meta
                .id
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-'),
            "{} is a file name",
            picture.meta.id
        );
    }
}

#[test]
fn results_read_back_as_they_were_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("results.json");
    let results = sample::full();
    std::fs::write(&path, serde_json::to_vec(&results).unwrap()).unwrap();
    let read = read_results(&path).unwrap();
    assert!(
        read.runs == results.runs
            && read.tapes == results.tapes
            && read.allocators == results.allocators
            && read.machine == results.machine
    );
    // JSON's figures may lose the last bit of a ratio.
    let median =
        |s: &replayer::results::Summary| s.elapsed_ratio.map(|r| r.median).unwrap_or_default();
    assert!(
        read.summary
            .iter()
            .zip(&results.summary)
            .all(|(a, b)| a.allocator == b.allocator && (median(a) - median(b)).abs() < 1e-12)
    );
    let missing = read_results(&dir.path().join("none.json"))
        .unwrap_err()
        .to_string();
    assert!(missing.contains("none.json: cannot be read"), "{missing}");
}

#[test]
fn the_headline_answers_the_question() {
    let headline = |name: &str| {
        let all = sample::awkward();
        let results = &all.iter().find(|(n, _)| *n == name).unwrap().1;
        reports::study::advice(&reports::study::Study::new(results))
            .headline
            .replace('\u{a0}', " ")
    };
    assert!(
        headline("full").starts_with("For these 3 tapes, take fancy: it needs 0."),
        "{}",
        headline("full")
    );
    assert!(headline("intervals around 1").contains("stay with system"));
    assert!(
        headline("refusing").contains("take mimalloc"),
        "{}",
        headline("refusing")
    );
    assert!(headline("single repetition").contains("one repetition says nothing of the noise"));
    assert!(headline("without system").contains("system was not measured"));
    assert!(headline("one").contains("only system was measured"));
    assert_eq!(
        headline("no successes"),
        "Nothing was measured: no run finished."
    );
}

#[test]
fn the_page_shows_all_that_can_be_told() {
    let results = sample::told();
    let study = reports::study::Study::new(&results);
    let pictures = reports::pictures(&study).unwrap();
    let page = reports::page::page(&study, &pictures, &sample::unpainted(&pictures));
    let html = page.html.replace('\u{a0}', " ");
    for told in [
        "interrupted after 97 of 120 runs",
        "other programs used 14 % of the processors",
        "id=\"live\"",
        "./server",
        "schedutil",
        "3,212 MHz",
        "id=\"settings\"",
        "mapped_bytes <span class=\"nb\">123 MiB</span>",
        "compare processor time",
        "download=\"footprint-basic.csv\"",
    ] {
        assert!(html.contains(told), "{told}");
    }
    for picture in &pictures {
        let (rows, head) = (&picture.data.rows, picture.data.head.len());
        assert!(!rows.is_empty(), "{} has no figures", picture.meta.id);
        assert!(rows.iter().all(|r| r.len() == head), "{}", picture.meta.id);
    }
    let line = |text: &str| page.summary.lines().any(|l| l.contains(text));
    assert!(
        line("| fancy | ") && line("> ⚠ interrupted"),
        "{}",
        page.summary
    );
}
