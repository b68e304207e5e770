//! What a nightly compiler adds, where there is one: fuzzers, Miri, sanitizers.

use std::path::PathBuf;

use super::Context;
use crate::process::Call;

/// A call of the nightly toolchain's cargo.
pub fn cargo(context: &Context) -> Call {
    context
        .workspace
        .call("rustup")
        .args(["run", "nightly", "cargo"])
}

/// Whether the nightly cargo has this subcommand.
pub fn has(context: &Context, subcommand: &str) -> bool {
    cargo(context)
        .args([subcommand, "--version"])
        .answer()
        .is_some()
}

/// What the nightly compiler says of itself; `None`: there is none.
fn rustc(context: &Context, args: &[&str]) -> Option<String> {
    let call = context.workspace.call("rustup");
    call.args(["run", "nightly", "rustc"])
        .args(args.iter().copied())
        .answer()
}

/// Whether the standard library's sources are there, of which Miri makes its own.
pub fn has_sources(context: &Context) -> bool {
    rustc(context, &["--print", "sysroot"]).is_some_and(|root| {
        let library = PathBuf::from(root).join("lib/rustlib/src/rust/library");
        library.join("Cargo.toml").is_file()
    })
}

/// The target on which a sanitizer's runtime is there, by its name in the compiler's folder; `None`: nowhere.
pub fn target_with_runtime(context: &Context, sanitizer: &str) -> Option<String> {
    let version = rustc(context, &["--version", "--verbose"])?;
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))?;
    let folder = rustc(context, &["--print", "target-libdir", "--target", host])?;
    let runtime = PathBuf::from(folder).join(format!("librustc-nightly_rt.{sanitizer}.a"));
    runtime.is_file().then(|| host.to_owned())
}
