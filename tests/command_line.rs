//! The rules that every command keeps: exit codes, examples in the help, plain output, errors that name their cause.

mod common;

use common::{Ended, Place, arg};

/// Commands that must be there, whatever others are.
const PROMISED: [&str; 7] = [
    "record", "info", "verify", "replay", "compare", "report", "view",
];

/// The commands that `heaptape --help` names.
fn commands(place: &Place) -> Vec<String> {
    let help = place.succeed(["--help"]).out;
    let section = help
        .split("Commands:")
        .nth(1)
        .expect("a section of commands");
    section
        .lines()
        .skip(1)
        .take_while(|line| !line.trim().is_empty())
        // The name stands at the same indent in every line; a long description goes on further right.
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .map(|name| name.trim_end_matches(',').to_owned())
        .filter(|name| name != "help")
        .collect()
}

fn wrong_usage(ended: &Ended) {
    assert_eq!(ended.code, 2, "{}", ended.err);
    assert!(ended.out.is_empty(), "an error is no result: {}", ended.out);
}

#[test]
fn every_promised_command_is_there() {
    let place = Place::new();
    let commands = commands(&place);
    for name in PROMISED {
        assert!(
            commands.iter().any(|known| known == name),
            "{name} is not among {commands:?}"
        );
    }
}

#[test]
fn the_help_of_every_command_has_an_example() {
    let place = Place::new();
    for name in commands(&place) {
        let help = place.succeed([name.as_str(), "--help"]).out;
        assert!(help.contains("Example"), "{name}: {help}");
        assert!(help.contains(&format!("heaptape {name}")), "{name}: {help}");
    }
}

#[test]
fn the_version_is_the_packages() {
    let said = Place::new().succeed(["--version"]).out;
    assert_eq!(
        said.trim(),
        format!("heaptape {}", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn wrong_usage_ends_with_2_and_leaves_standard_output_empty() {
    let place = Place::new();
    for args in [
        &["no-such-command"][..],
        &["info"],
        &["info", "--no-such-flag", "a.tape"],
        &["verify"],
        &["record", "--scenario", "basic"],
        &["record", "-o", "a.tape", "--scenario", "no-such-scenario"],
        &[
            "record",
            "-o",
            "a.tape",
            "--scenario",
            "basic",
            "--threads",
            "many",
        ],
        &["replay"],
    ] {
        let ended = place.run(args);
        wrong_usage(&ended);
        assert!(!ended.err.is_empty(), "{args:?} says nothing");
    }
}

#[test]
fn an_unknown_allocator_is_named_with_those_that_exist() {
    let place = Place::new();
    let tape = place.record("basic", &["--threads", "2", "--ops", "200"]);
    let ended = place.run(["replay", arg(&tape), "-a", "system,no-such-allocator"]);
    wrong_usage(&ended);
    assert!(ended.err.contains("no-such-allocator"), "{}", ended.err);
    assert!(ended.err.contains("mimalloc"), "the way out: {}", ended.err);
}

#[test]
fn a_file_that_is_not_there_is_named_and_ends_with_1() {
    let place = Place::new();
    for command in ["info", "verify"] {
        let ended = place.run([command, "nowhere.tape"]);
        assert_eq!(ended.code, 1, "{command}: {}", ended.err);
        assert!(
            format!("{}{}", ended.out, ended.err).contains("nowhere.tape"),
            "{command}: {}",
            ended.err
        );
    }
    let ended = place.run(["compare", "nowhere.tape", "-n", "1", "-o", "report"]);
    assert_eq!(ended.code, 1, "{}", ended.err);
    assert!(ended.err.contains("nowhere.tape"), "{}", ended.err);
}

#[test]
fn a_file_that_is_no_tape_is_an_error_of_every_command() {
    let place = Place::new();
    for (name, bytes) in [
        ("empty.tape", &b""[..]),
        ("text.tape", b"malloc 16\nfree 0\n"),
        ("zeros.tape", &[0; 4096]),
    ] {
        let path = place.write(name, bytes);
        for args in [
            &["info", arg(&path)][..],
            &["verify", arg(&path)],
            &["replay", arg(&path), "-a", "system"],
        ] {
            let ended = place.run(args);
            assert_eq!(ended.code, 1, "{args:?}: {}{}", ended.out, ended.err);
            let said = format!("{}{}", ended.out, ended.err);
            assert!(said.contains(name), "{args:?} names the file: {said}");
            assert!(!said.contains("panicked"), "{args:?}: {said}");
        }
    }
}

#[test]
fn output_that_is_not_a_terminal_is_plain_text() {
    let place = Place::new();
    let tape = place.record("basic", &["--threads", "2", "--ops", "200"]);
    for args in [
        &["info", arg(&tape)][..],
        &["verify", arg(&tape)],
        &["--help"],
    ] {
        let ended = place.succeed(args);
        for text in [&ended.out, &ended.err] {
            assert!(
                !text.contains('\u{1b}'),
                "{args:?}: an escape sequence in {text:?}"
            );
        }
    }
}
