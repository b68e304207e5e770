//! The malloc family and the C interface keep their contracts.

use crate::common::{compile, object, run, source, under};

#[test]
fn every_function_keeps_its_contract() {
    let program = compile("cc", "family.c", "family", &[]);
    let ended = run(under(&program, &[]), 120);
    ended.is_done();
    assert!(ended.err.contains("Alloc calls"), "{ended:#?}");
    // And while the reclaimer takes away what is free.
    let mut call = under(&program, &[]);
    call.env("FANCY_RECLAIM", "on")
        .env("FANCY_RECLAIM_INTERVAL_MS", "1");
    run(call, 120).is_done();
}

#[test]
fn memory_may_end_and_come_back() {
    let program = compile("cc", "limits.c", "limits", &[]);
    for size in ["2000", "20000", "300000", "1000000"] {
        run(under(&program, &[size]), 60).is_done();
    }
}

#[test]
fn tables_of_zeros_that_nobody_writes_take_no_memory() {
    let program = compile("cc", "untouched.c", "untouched", &[]);
    // Hardened, blocks lie at either end of what is free, and then nobody knows any more what was never used.
    let parts = if cfg!(feature = "hardened") { "0" } else { "3" };
    for size in ["40000", "70000", "300000", "900000"] {
        run(under(&program, &[size, parts]), 60).is_done();
    }
}

/// The system refuses memory at each question in turn, in one of the ways of `refused.c`. Each way is a test of its own, so that
/// they run at once: they take longer than everything else here.
fn memory_may_be_refused(way: &str) {
    let include = format!("-I{}", source("../../include").display());
    let flags = ["-rdynamic", &include, "-ldl"];
    let program = compile("cc", "refused.c", &format!("refused-{way}"), &flags);
    run(under(&program, &[way]), 400).is_done();
}

#[test]
fn memory_may_be_refused_at_any_question_of_the_system() {
    memory_may_be_refused("once");
}

#[test]
fn memory_may_be_refused_from_any_question_on() {
    memory_may_be_refused("on");
}

#[test]
fn memory_may_not_be_taken_back_at_any_question() {
    memory_may_be_refused("back");
}

#[test]
fn the_c_interface_serves_c_and_cpp() {
    let folder = object().parent().expect("a folder").display().to_string();
    let include = source("../../include");
    let (include, library) = (format!("-I{}", include.display()), format!("-L{folder}"));
    let path = format!("-Wl,-rpath,{folder}");
    let strict = [
        "-Wall", "-Wextra", "-Werror", &include, &library, "-lfancy", &path,
    ];
    let c = compile("cc", "api.c", "api", &strict);
    let cpp = [&["-x", "c++"][..], &[]].concat();
    let cpp = compile("g++", "api.c", "api-cpp", &[&strict[..], &cpp].concat());
    for program in [c, cpp] {
        let ended = run(std::process::Command::new(&program), 60);
        ended.is_done();
        assert!(ended.err.contains("blocks are not freed"), "{ended:#?}");
        assert!(ended.err.contains("Peak usage: "), "{ended:#?}");
    }
}
