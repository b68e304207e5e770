//! The steps of `cargo xtask test`, in their order: what fails fast comes first.
//!
//! Everything is compiled twice at most: in the dev profile, with all debug assertions and overflow checks, for clippy,
//! documentation and tests; and in release, which a user gets, for the main job and the browser.

use anyhow::Result;

use super::{Context, Done, Step, allocator, fuzz, tools};
use crate::{layers, web};

/// All steps.
pub const ALL: [Step; 15] = [
    Step {
        name: "tools",
        about: "what the other steps need is here, or is installed",
        long: false,
        run: |context| tools::install(context).map(whole),
    },
    Step {
        name: "format",
        about: "rustfmt has nothing to change",
        long: false,
        run: |context| format(context).map(whole),
    },
    Step {
        name: "layers",
        about: "imports run down only, every file is in the build",
        long: false,
        run: |context| layers::run(context.workspace.root()).map(whole),
    },
    Step {
        name: "clippy",
        about: "clippy has no warning, natively and for wasm32",
        long: false,
        run: |context| clippy(context).map(whole),
    },
    Step {
        name: "docs",
        about: "the documentation builds without a warning",
        long: false,
        run: |context| docs(context).map(whole),
    },
    Step {
        name: "unit",
        about: "unit, property and integration tests, with debug assertions",
        long: false,
        run: |context| unit(context).map(whole),
    },
    Step {
        name: "loom",
        about: "the protocols of the allocator's threads in every order of their steps",
        long: false,
        run: |context| allocator::loom(context).map(whole),
    },
    Step {
        name: "hardened",
        about: "the allocator's tests with the feature hardened",
        long: false,
        run: |context| allocator::hardened(context).map(whole),
    },
    Step {
        name: "stress",
        about: "many threads at the allocator, under ThreadSanitizer (nightly; says so where it is missing)",
        long: false,
        run: allocator::stress,
    },
    Step {
        name: "miri",
        about: "the allocator's core under Miri (nightly with miri and rust-src; says so where they are missing)",
        long: false,
        run: allocator::miri,
    },
    Step {
        name: "wasm",
        about: "the page is built for any web server",
        long: false,
        run: |context| wasm(context).map(whole),
    },
    Step {
        name: "main-job",
        about: "the released program: scenarios recorded, replayed under five allocators, reported",
        long: false,
        run: |context| main_job(context).map(whole),
    },
    Step {
        name: "browser",
        about: "the page in a real headless Chromium, served by the released program",
        long: false,
        run: |context| browser(context).map(whole),
    },
    Step {
        name: "long",
        about: "all tests in release, property tests with 16 times as many cases, the main job at its full size",
        long: true,
        run: |context| long(context).map(whole),
    },
    Step {
        name: "fuzz",
        about: "every reader of foreign bytes is fuzzed for a minute (nightly and cargo-fuzz; says so where they are missing)",
        long: true,
        run: fuzz::run,
    },
];

/// The packages that run in the browser, for the checks of that target.
const BROWSER_PACKAGES: [&str; 6] = ["-p", "web", "-p", "trace-format", "-p", "alloc-core"];

/// Property tests take this many cases with `--long` (proptest's own default is 256).
const LONG_CASES: &str = "4096";

/// For the steps that have no shorter form.
fn whole((): ()) -> Done {
    Done::Whole
}

fn format(context: &Context) -> Result<()> {
    context.workspace.cargo(["fmt", "--all", "--check"]).run()
}

/// All packages but the browser's tests, and these: what is chosen together gets the features that any of it asks for. In two
/// halves, which all steps of the dev profile take, each dependency (and the C of the measured allocators) is built once; as a whole
/// for some steps and in halves for others, twice.
const HALVES: [&[&str]; 2] = [
    &["--workspace", "--exclude", "web-tests"],
    &["--package", "web-tests"],
];

fn clippy(context: &Context) -> Result<()> {
    let cargo = |args: &[&str]| context.workspace.cargo(args.iter().copied());
    for half in HALVES {
        cargo(&["clippy", "--all-targets"])
            .args(half.iter().copied())
            .args(["--", "-D", "warnings"])
            .run()?;
    }
    cargo(&["clippy", "--no-default-features"])
        .args(BROWSER_PACKAGES)
        .args(["--target", tools::WASM, "--", "-D", "warnings"])
        .run()
}

fn docs(context: &Context) -> Result<()> {
    for half in HALVES {
        context
            .workspace
            .cargo(["doc", "--no-deps"])
            .args(half.iter().copied())
            .env("RUSTDOCFLAGS", "-D warnings")
            .run()?;
    }
    Ok(())
}

fn unit(context: &Context) -> Result<()> {
    context
        .workspace
        .cargo(["test"])
        .args(HALVES[0].iter().copied())
        .run()
}

fn wasm(context: &Context) -> Result<()> {
    web::run(&context.workspace, &context.workspace.target().join("web"))
}

fn main_job(context: &Context) -> Result<()> {
    // Builds the released program too, which the browser's step takes.
    let test = ["test", "--release", "--package", "heaptape"];
    context
        .workspace
        .cargo(test)
        .args(["--test", "main_job"])
        .run()
}

fn browser(context: &Context) -> Result<()> {
    context
        .workspace
        .cargo(["build", "--release", "--package", "heaptape"])
        .run()?;
    let chromium = tools::chromium()?;
    context
        .workspace
        .cargo(["test"])
        .args(HALVES[1].iter().copied())
        .env(
            "HEAPTAPE_BIN",
            context.workspace.release_binary().display().to_string(),
        )
        .env("CHROMIUM", chromium.display().to_string())
        .run()
}

fn long(context: &Context) -> Result<()> {
    let tests = ["test", "--release", "--workspace", "--exclude", "web-tests"];
    context
        .workspace
        .cargo(tests)
        .env("PROPTEST_CASES", LONG_CASES)
        .run()?;
    // What takes minutes is marked as ignored, and named here: real programs under the shared objects, a hundred kills, a hundred
    // million operations.
    let preload = ["test", "--release", "--package", "fancy-preload", "--"];
    context
        .workspace
        .cargo(preload)
        .args(["--include-ignored"])
        .run()?;
    context
        .workspace
        .cargo(["test", "--release", "--package", "heaptape"])
        .args(["--test", "record", "--test", "replay"])
        .args(["--", "--ignored", "kill::", "programs::", "length::"])
        .run()?;
    let out = context.workspace.target().join("main-job");
    context
        .workspace
        .cargo(["run", "--release", "--package", "heaptape", "--", "compare"])
        .args(["-o", &out.display().to_string()])
        .run()
}
