//! What no correct program does is told in a line that names the address, and ends the program.

use std::path::Path;
use std::sync::OnceLock;

use crate::common::{Ended, compile, run, under};

pub const ABORTED: i32 = 6;
pub const FAULT: i32 = 11;

fn program() -> &'static Path {
    static PROGRAM: OnceLock<std::path::PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| compile("cc", "misuse.c", "misuse", &[]))
}

pub fn commit(size: &str, mistake: &str, who: &str) -> Ended {
    run(under(program(), &[size, mistake, who]), 30)
}

/// Whether the breach was told: a line with the address, and SIGABRT.
pub fn is_told(ended: &Ended) -> Result<(), String> {
    let address = ended.out.lines().next().unwrap_or("no address");
    let lines: Vec<&str> = ended.err.lines().collect();
    let one = lines.len() == 1 && lines[0].starts_with("fancy: ");
    // As a word: an address that begins like another is not it.
    let named = ended
        .err
        .split(|c: char| !c.is_ascii_alphanumeric())
        .any(|word| word == address);
    if ended.signal() == Some(ABORTED) && one && named {
        return Ok(());
    }
    Err(format!("{address}: {:?} {:?}", ended.status, ended.err))
}

fn all_are_told(sizes: &[&str], mistakes: &[&str], whos: &[&str]) {
    let mut missed = Vec::new();
    for size in sizes {
        for mistake in mistakes {
            for who in whos {
                if let Err(reason) = is_told(&commit(size, mistake, who)) {
                    missed.push(format!("{mistake} of {size} bytes, {who}: {reason}"));
                }
            }
        }
    }
    assert!(missed.is_empty(), "not told:\n{}", missed.join("\n"));
}

/// Small, medium that is kept, chunks that are not, large.
const SIZES: [&str; 8] = [
    "1", "100", "1016", "1017", "5000", "32000", "300000", "1048576",
];
const WHOS: [&str; 4] = ["own", "other", "ended", "bare"];

#[test]
fn what_is_right_is_not_told() {
    for size in SIZES {
        for who in WHOS {
            let ended = commit(size, "none", who);
            ended.is_done();
            assert_eq!(ended.err, "");
        }
    }
}

#[test]
fn a_double_free_is_told() {
    all_are_told(&SIZES, &["double", "realloc"], &WHOS);
    all_are_told(
        &["24", "500", "1000", "1048576"],
        &["double-late"],
        &["own", "other"],
    );
    // The message says what it is; hardened, the memory of a large block is gone at once.
    let large = if cfg!(feature = "hardened") { 1 } else { 0 };
    for size in &SIZES[..SIZES.len() - large] {
        let ended = commit(size, "double", "own");
        assert!(ended.err.contains("double free of 0x"), "{ended:#?}");
    }
}

#[test]
fn what_is_no_block_is_told() {
    all_are_told(&["100"], &["stack", "global", "mapped"], &["own", "bare"]);
    all_are_told(
        &["100", "1016", "5000", "32000", "300000", "1048576"],
        &[
            "interior",
            "interior-zero",
            "interior-realloc",
            "unaligned",
            "unaligned-realloc",
        ],
        &["own", "other", "bare"],
    );
}

#[test]
fn a_header_that_was_overwritten_is_told() {
    let mistakes = [
        "overflow-1-41",
        "overflow-1-ff",
        "overflow-1-42",
        "overflow-2-41",
        "overflow-8-00",
        "overflow-8-41",
        "overflow-8-ff",
        "overflow-8-01",
        "overflow-16-00",
        "overflow-16-01",
        "overflow-16-ff",
        "overflow-64-00",
        "overflow-64-01",
        "overflow-64-41",
        "overflow-64-ff",
    ];
    all_are_told(
        &["24", "100", "1016", "5000", "32000", "300000", "1048576"],
        &mistakes,
        &["own", "other"],
    );
}

/// A medium block that was in use before has the header of a small one: what reaches its second half is told at its free. Less
/// is told when the block goes home, but for the hardened form.
#[test]
fn a_block_that_is_used_again_is_guarded_too() {
    let sizes = ["1017", "5000", "20000"];
    let mistakes = [
        "again-double",
        "again-realloc",
        "again-interior",
        "again-overflow-16-00",
        "again-overflow-16-01",
        "again-overflow-16-ff",
        "again-overflow-64-41",
    ];
    all_are_told(&sizes, &mistakes, &["own", "other", "ended"]);
    for size in sizes {
        commit(size, "again-none", "own").is_done();
    }
    if cfg!(feature = "hardened") {
        // Where the byte differs from what stands there.
        all_are_told(&sizes[1..], &["again-overflow-1-41"], &["own", "other"]);
    }
}

/// An address where nothing is mapped can't be looked at. Hardened, it is told by the map of the allocator's own pages;
/// otherwise the program ends at the look.
#[test]
fn an_address_without_memory_ends_the_program() {
    for mistake in ["unmapped", "wild"] {
        let ended = commit("100", mistake, "own");
        if cfg!(feature = "hardened") {
            assert_eq!(is_told(&ended), Ok(()), "{mistake}");
        } else {
            assert_eq!(ended.signal(), Some(FAULT), "{ended:#?}");
        }
    }
}
