//! The nested cargo that compiles the package `web` for WebAssembly.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::error::{BuildError, WASM_TARGET};

/// Settings of an outer build that must not reach the nested one: flags meant for the host,
/// another target folder, and the wrappers that turn a compiler into a checker.
const NOT_INHERITED: [&str; 12] = [
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_BUILD_TARGET_DIR",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_TARGET_DIR",
    "CARGO_UNSTABLE_TARGET_APPLIES_TO_HOST",
    "CLIPPY_ARGS",
    "RUSTC",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTFLAGS",
    "__CARGO_DEFAULT_LIB_METADATA",
];

/// The release profile of the page: the replay's speed counts first, then the size of the file
/// that is loaded; nobody debugs it by its symbols.
const PROFILE: [&str; 5] = [
    "profile.release.opt-level=3",
    "profile.release.lto=\"fat\"",
    "profile.release.codegen-units=1",
    "profile.release.panic=\"abort\"",
    "profile.release.debug=false",
];

/// Makes sure that the standard library for [`WASM_TARGET`] is there; installs it with rustup if
/// it is not.
pub fn ensure_target(workspace_root: &Path) -> Result<(), BuildError> {
    if target_installed(workspace_root)? {
        return Ok(());
    }
    let mut rustup = Command::new("rustup");
    rustup
        .current_dir(workspace_root)
        .args(["target", "add", WASM_TARGET]);
    let reason = match rustup.output() {
        Ok(output) if output.status.success() => {
            if target_installed(workspace_root)? {
                return Ok(());
            }
            "rustup installed it for another toolchain".to_string()
        }
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_string(),
        Err(error) => format!("rustup: {error}"),
    };
    Err(BuildError::TargetMissing { reason })
}

fn target_installed(workspace_root: &Path) -> Result<bool, BuildError> {
    let mut rustc = Command::new("rustc");
    rustc
        .current_dir(workspace_root)
        .args(["--print", "target-libdir", "--target", WASM_TARGET]);
    let output = run(rustc, "rustc")?;
    let folder = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim().to_string());
    Ok(output.status.success() && folder.is_dir())
}

/// A cargo to be run inside another cargo's build: in `workspace_root`, without what the outer build's settings and its
/// description of the outer package would change. Give it a `--target-dir` of its own, or both wait for ever.
pub fn nested_cargo(workspace_root: &Path) -> Command {
    // A build script knows the cargo that runs it; by hand it is the one on the path.
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    command.current_dir(workspace_root);
    for name in NOT_INHERITED {
        command.env_remove(name);
    }
    // What cargo tells a build script about the outer package would mislead the inner ones.
    for (name, _) in env::vars_os() {
        let Some(text) = name.to_str() else { continue };
        if ["CARGO_CFG_", "CARGO_FEATURE_", "CARGO_PKG_", "DEP_"]
            .iter()
            .any(|p| text.starts_with(p))
        {
            command.env_remove(&name);
        }
    }
    command
}

/// Compiles the package `web` and returns the module's path.
pub fn compile(workspace_root: &Path, target_dir: &Path) -> Result<PathBuf, BuildError> {
    let mut command = nested_cargo(workspace_root);
    command.args(["build", "--release", "--package", "web", "--lib"]);
    command.args(["--target", WASM_TARGET, "--color", "never"]);
    for setting in PROFILE {
        command.args(["--config", setting]);
    }
    command.arg("--target-dir").arg(target_dir);
    let output = run(command, "cargo")?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(BuildError::Compile { stderr });
    }
    Ok(target_dir.join(WASM_TARGET).join("release/web.wasm"))
}

fn run(mut command: Command, program: &str) -> Result<Output, BuildError> {
    command.output().map_err(|source| BuildError::Spawn {
        program: program.to_string(),
        source,
    })
}
