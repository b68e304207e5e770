//! What the feature `hardened` adds, seen from outside.

use crate::misuse::{ABORTED, FAULT, commit, is_told};

#[test]
fn a_write_to_freed_memory_is_told_when_its_link_is_followed() {
    for size in ["24", "100", "1000", "5000"] {
        let ended = commit(size, "write-after", "own");
        assert_eq!(is_told(&ended), Ok(()), "{size}");
        assert!(ended.err.contains("was written to"), "{size}: {ended:#?}");
    }
    let ended = commit("60000", "write-free-chunk", "own");
    assert_eq!(ended.signal(), Some(ABORTED), "{ended:#?}");
    assert!(ended.err.contains("was written to"), "{ended:#?}");
}

#[test]
fn freed_memory_does_not_keep_what_it_held() {
    for size in ["100", "1000", "5000"] {
        commit(size, "read-after", "own").is_done();
    }
}

#[test]
fn a_large_block_lies_between_guards() {
    for mistake in ["beyond", "before", "touch-after"] {
        let ended = commit("1000003", mistake, "own");
        assert_eq!(ended.signal(), Some(FAULT), "{mistake}: {ended:#?}");
    }
}

#[test]
fn a_header_changed_from_behind_is_told() {
    for size in ["24", "100", "1000"] {
        let ended = commit(size, "underflow", "own");
        assert_eq!(is_told(&ended), Ok(()), "{size}");
    }
}

#[test]
fn no_two_runs_place_blocks_alike() {
    for size in ["100", "5000", "700000"] {
        let places: Vec<String> = (0..3).map(|_| commit(size, "places", "own").out).collect();
        assert!(places[0].ends_with("done\n"));
        assert!(
            places[0] != places[1] && places[1] != places[2] && places[0] != places[2],
            "{size}: {places:#?}"
        );
    }
}
