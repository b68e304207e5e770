//! fork, dlopen, the ends of threads and programs, signals.

use std::process::Command;

use crate::common::{compile, object, run, under};

/// The settings under which each program runs: with and without the reclaimer.
const SETTINGS: [&[(&str, &str)]; 2] = [
    &[],
    &[("FANCY_RECLAIM", "on"), ("FANCY_RECLAIM_INTERVAL_MS", "5")],
];

fn in_all_settings(program: &std::path::Path, args: &[&str]) {
    for settings in SETTINGS {
        let mut call = under(program, args);
        call.envs(settings.iter().copied());
        run(call, 200).is_done();
    }
}

#[test]
fn children_of_a_threaded_program_have_a_sound_heap() {
    let program = compile("cc", "fork.c", "fork", &[]);
    in_all_settings(&program, &["60"]);
}

#[test]
#[ignore = "long: cargo xtask test --long"]
fn many_children_of_a_threaded_program_have_a_sound_heap() {
    let program = compile("cc", "fork.c", "fork-long", &[]);
    in_all_settings(&program, &["1500"]);
}

#[test]
fn children_of_a_program_that_has_just_begun_have_a_sound_heap() {
    let program = compile("cc", "starts.c", "starts", &["-ldl"]);
    let itself = object().display().to_string();
    let mut call = Command::new(&program);
    call.args([&itself, "40"]);
    run(call, 200).is_done();
}

#[test]
fn objects_that_allocate_come_and_go() {
    let plugin = compile("cc", "plugin.c", "plugin", &["-shared", "-fPIC"]);
    let program = compile("cc", "loading.c", "loading", &["-ldl"]);
    let plugin = plugin.display().to_string();
    in_all_settings(&program, &["plugin", &plugin]);
}

#[test]
fn the_object_itself_may_be_loaded_late() {
    let program = compile("cc", "loading.c", "loading-late", &["-ldl"]);
    let itself = object().display().to_string();
    for settings in SETTINGS {
        let mut call = Command::new(&program);
        call.args(["itself", &itself])
            .envs(settings.iter().copied());
        run(call, 60).is_done();
    }
}

#[test]
fn threads_and_programs_may_free_at_their_end() {
    let program = compile("g++", "ends.cpp", "ends", &[]);
    in_all_settings(&program, &["threads"]);
    for settings in SETTINGS {
        for way in ["exit", "pthread_exit"] {
            let mut call = under(&program, &[way]);
            call.envs(settings.iter().copied());
            let ended = run(call, 60);
            assert!(ended.status.success(), "{way}: {ended:#?}");
            assert!(ended.err.is_empty(), "{way}: {ended:#?}");
        }
    }
}

#[test]
fn signals_come_and_none_is_lost_to_another_thread() {
    let program = compile("g++", "ends.cpp", "ends-signals", &[]);
    in_all_settings(&program, &["signals"]);
    in_all_settings(&program, &["blocked"]);
}
