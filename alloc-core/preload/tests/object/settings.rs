//! The `FANCY_*` variables: what is meant happens, what means nothing is told and ignored.

use std::path::PathBuf;
use std::sync::OnceLock;

use crate::common::{Ended, compile, run, under};

fn with(variables: &[(&str, &str)]) -> Ended {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| compile("cc", "misuse.c", "settings", &[]));
    let mut call = under(program, &["100", "none", "own"]);
    call.envs(variables.iter().copied());
    let ended = run(call, 30);
    ended.is_done();
    ended
}

#[test]
fn nothing_is_said_where_all_is_well() {
    for variables in [
        &[][..],
        &[("FANCY_RECLAIM", "off"), ("FANCY_STATS", "0")],
        &[
            ("FANCY_RECLAIM", "1"),
            ("FANCY_RECLAIM_INTERVAL_MS", "50"),
            ("FANCY_RECLAIM_THRESHOLD", "1048576"),
            ("FANCY_DECAY", "3"),
        ],
    ] {
        let ended = with(variables);
        assert_eq!(ended.err, "", "{variables:?}");
    }
}

#[test]
fn statistics_are_printed_at_the_end() {
    let ended = with(&[("FANCY_STATS", "1")]);
    assert!(ended.err.contains("fancy: Alloc calls: "), "{ended:#?}");
}

#[test]
fn what_means_nothing_is_told_and_ignored() {
    for (name, value) in [
        ("FANCY_RECLAIM", "perhaps"),
        ("FANCY_STATS", "2"),
        ("FANCY_RECLAIM_INTERVAL_MS", "soon"),
        ("FANCY_RECLAIM_INTERVAL_MS", "0"),
        ("FANCY_RECLAIM_INTERVAL_MS", "-5"),
        ("FANCY_RECLAIM_THRESHOLD", "1M"),
        ("FANCY_RECLAIM_THRESHOLD", ""),
        ("FANCY_DECAY", "0"),
        ("FANCY_DECAY", "99999999999"),
        ("FANCY_DECAY", "99999999999999999999999999"),
    ] {
        let ended = with(&[(name, value)]);
        let lines: Vec<&str> = ended.err.lines().collect();
        let named = |line: &&str| line.contains(name) && line.contains("ignored");
        assert!(
            lines.len() == 1 && lines.iter().all(named),
            "{name}={value}: {ended:#?}"
        );
    }
}
