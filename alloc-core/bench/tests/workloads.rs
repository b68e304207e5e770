//! Every workload at its smallest, under the C library's malloc, and the command line around it.

use std::process::{Command, Output};

fn bench(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_alloc-bench"))
        .args(words)
        .env_remove("LD_PRELOAD")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// The whole number behind `"name":` in `json`.
fn number(json: &str, name: &str) -> u64 {
    let (_, rest) = json
        .split_once(&format!("\"{name}\":"))
        .unwrap_or_else(|| panic!("no {name} in {json}"));
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}

/// Names and kinds of all workloads.
fn workloads() -> Vec<(String, String)> {
    let list = bench(&["list"]);
    text(&list.stdout)
        .lines()
        .map(|line| {
            let mut words = line.split('\t').map(str::to_owned);
            (words.next().unwrap(), words.next().unwrap())
        })
        .collect()
}

#[test]
fn every_workload_frees_what_it_allocates() {
    let all = workloads();
    assert_eq!(all.iter().filter(|(_, kind)| kind == "loop").count(), 4);
    assert!(all.len() >= 14, "{all:?}");
    for (name, kind) in all {
        let run = bench(&["run", &name, "--scale", "0.0001"]);
        let said = text(&run.stdout);
        assert!(run.status.success(), "{name}: {said} {}", text(&run.stderr));
        assert!(number(said, "allocated") > 0, "{said}");
        assert_eq!(number(said, "allocated"), number(said, "freed"), "{said}");
        assert_eq!(
            number(said, "refused") + number(said, "damaged"),
            0,
            "{said}"
        );
        assert_eq!(number(said, "loop_pairs") > 0, kind == "loop", "{said}");
        assert_eq!(
            number(said, "loop_nanoseconds") > 0,
            kind == "loop",
            "{said}"
        );
    }
}

#[test]
fn the_same_work_twice() {
    // All but those whose threads race for blocks ask for exactly the same.
    for name in [
        "random",
        "glibc-thread",
        "ephemeral-512",
        "grow",
        "large",
        "churn",
        "producer",
        "queue",
    ] {
        let [first, second] = [(); 2].map(|()| bench(&["run", name, "--scale", "0.0001"]));
        for count in ["allocated", "resized", "bytes"] {
            let numbers = [&first, &second].map(|run| number(text(&run.stdout), count));
            assert_eq!(numbers[0], numbers[1], "{name} {count}");
        }
    }
}

#[test]
fn pairs_can_be_set() {
    let run = bench(&["run", "pair", "--pairs", "12345"]);
    assert_eq!(number(text(&run.stdout), "loop_pairs"), 12345);
}

#[test]
fn a_process_is_measured_from_outside() {
    // 20 blocks of 5 to 25 MB are nearly all in use at the end: far above what the process has without them.
    let small = bench(&["measure", "pair", "--pairs", "1000"]);
    let large = bench(&["measure", "large", "--scale", "0.05"]);
    let [small, large] = [&small, &large].map(|run| text(&run.stdout));
    assert!(number(small, "peak_rss_kib") < 32 * 1024, "{small}");
    assert!(number(large, "peak_rss_kib") > 64 * 1024, "{large}");
    assert!(
        number(small, "wall_nanoseconds") > number(small, "loop_nanoseconds"),
        "{small}"
    );
    assert!(large.contains("\"workload\":\"large\""), "{large}");
}

#[test]
fn a_process_that_hangs_or_can_not_be_is_reported() {
    let hangs = bench(&[
        "measure",
        "pair",
        "--pairs",
        "1000000000000",
        "--seconds",
        "1",
    ]);
    assert_eq!(hangs.status.code(), Some(1));
    assert!(
        text(&hangs.stderr).contains("signal 14"),
        "{}",
        text(&hangs.stderr)
    );
}

#[test]
fn wrong_usage_is_told() {
    for (words, part) in [
        (&["run", "nothing"][..], "no workload `nothing`"),
        (&["run", "pair", "--scale", "0"], "--scale takes a number"),
        (&["run", "pair", "--speed", "1"], "`--speed` is no option"),
        (&["measure"], "no workload is named"),
        (&["walk"], "`walk` is no command"),
    ] {
        let run = bench(words);
        assert_eq!(run.status.code(), Some(2), "{words:?}");
        assert!(
            text(&run.stderr).contains(part),
            "{words:?}: {}",
            text(&run.stderr)
        );
    }
    assert!(bench(&["--help"]).status.success());
}
