//! What the allocator's tests can't see in a plain build: orders of steps, races, what the language forbids, the hardened form.
//!
//! Each has a bounded form, which every run takes, and a longer one for `--long`. Builds with other flags have folders of
//! their own, so that nothing else is built anew for them.

use anyhow::Result;

use super::{Context, Done, nightly};
use crate::process::Call;

/// The models of the threads' protocols: every order of their steps with at most three preemptions, or six with `--long`.
///
/// # Errors
/// When there is an order in which a protocol breaks.
pub fn loom(context: &Context) -> Result<()> {
    let call = |args: &[&str]| {
        in_folder(context, context.workspace.cargo(["test"]), "loom")
            .args(["--package", "alloc-core", "--test", "loom"])
            .args(args.iter().copied())
            .env("RUSTFLAGS", "--cfg loom")
    };
    if context.long {
        call(&["--release"]).env("LOOM_MAX_PREEMPTIONS", "6").run()
    } else {
        call(&[]).env("LOOM_MAX_PREEMPTIONS", "3").run()
    }
}

/// The tests of the allocator and of libfancy.so with the feature `hardened`: all but those that take long, unless those are
/// asked for.
///
/// # Errors
/// When one fails.
pub fn hardened(context: &Context) -> Result<()> {
    let test = |package: &str, args: &[&str]| {
        let cargo = context.workspace.cargo(["test"]);
        in_folder(context, cargo, "hardened")
            .args(["--package", package, "--features", "hardened"])
            .args(args.iter().copied())
            .run()
    };
    if context.long {
        test("alloc-core", &["--release"])?;
        return test("fancy-preload", &["--release", "--", "--include-ignored"]);
    }
    test("alloc-core", &[])?;
    // What tells the two forms apart; the rest is the same code.
    let names = ["family::", "hardened::", "misuse::"];
    test(
        "fancy-preload",
        &[&["--test", "object", "--"], &names[..]].concat(),
    )
}

/// Many threads at the allocator, under ThreadSanitizer where a nightly compiler brings its runtime; with `--long` for
/// minutes, and in release, plain and hardened.
///
/// # Errors
/// When contents, counts or invariants are wrong, or there is a race.
pub fn stress(context: &Context) -> Result<Done> {
    let stress = |call: Call, folder: &str, seconds: &str| {
        in_folder(context, call, folder)
            .args(["--package", "alloc-core", "--test", "stress"])
            .env("FANCY_STRESS_SECONDS", seconds)
    };
    let cargo = || context.workspace.cargo(["test"]);
    if context.long {
        let plain = cargo().args(["--release"]);
        stress(plain, "", "150").run()?;
        let hardened = cargo().args(["--release", "--features", "hardened"]);
        stress(hardened, "hardened", "60").run()?;
    }
    let seconds = if context.long { "150" } else { "15" };
    let Some(target) = nightly::target_with_runtime(context, "tsan") else {
        println!("*** NO THREADSANITIZER: this needs a nightly compiler:");
        println!("***   rustup toolchain install nightly");
        println!("*** Instead the threads run without it, which finds fewer races.");
        stress(cargo(), "", seconds).run()?;
        return Ok(Done::Without("ThreadSanitizer"));
    };
    let call = nightly::cargo(context).args(["test", "--target", &target]);
    stress(call, "sanitizer", seconds)
        // The standard library is not instrumented, and need not be: the test has no lock of it.
        .env(
            "RUSTFLAGS",
            "-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer",
        )
        .env("TSAN_OPTIONS", "halt_on_error=1 die_after_fork=0")
        .run()?;
    Ok(Done::Whole)
}

/// The single-threaded core under Miri: what the language forbids though a machine does it. A few short programs, by the rules
/// of stacked borrows; with `--long` more of them, and by those of tree borrows as well.
///
/// # Errors
/// When the core does what the language forbids.
pub fn miri(context: &Context) -> Result<Done> {
    if !nightly::has(context, "miri") || !nightly::has_sources(context) {
        println!(
            "*** NOT RUN UNDER MIRI: this needs a nightly compiler with two of its components:"
        );
        println!("***   rustup toolchain install nightly --component miri,rust-src");
        return Ok(Done::Without("all of it: there is no Miri"));
    }
    // Positions are numbers that become pointers again, which strict provenance does not know. The programs' lengths come
    // from the environment.
    const FLAGS: &str = "-Zmiri-permissive-provenance -Zmiri-disable-isolation";
    let run = |flags: &str, cases: &str, length: &str, args: &[&str]| {
        let call = nightly::cargo(context).args(["miri", "test"]);
        in_folder(context, call, "miri")
            .args(["--package", "alloc-core"])
            .args(args.iter().copied())
            .env("MIRIFLAGS", flags)
            .env("PROPTEST_CASES", cases)
            .env("HEAP_TEST_LENGTH", length)
            .run()
    };
    if !context.long {
        run(FLAGS, "1", "24", &["--test", "misuse"])?;
        let one = ["--test", "model", "a_heap_keeps_its_promises"];
        run(FLAGS, "1", "24", &one)?;
        return Ok(Done::Whole);
    }
    let all = ["--test", "misuse", "--test", "model", "--test", "sandbox"];
    run(FLAGS, "4", "60", &all)?;
    run(&format!("{FLAGS} -Zmiri-tree-borrows"), "4", "60", &all)?;
    Ok(Done::Whole)
}

/// `call` with a folder of its own for what it builds, under the usual one.
fn in_folder(context: &Context, call: Call, name: &str) -> Call {
    if name.is_empty() {
        return call;
    }
    let folder = context.workspace.target().join(name);
    call.args(["--target-dir", &folder.display().to_string()])
}
