//! What the steps need beyond cargo: installed where it can be, named where it can't.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::Context;
use crate::workspace::Workspace;

/// The target of the page.
pub const WASM: &str = "wasm32-unknown-unknown";

/// Names under which distributions install the browser.
const BROWSERS: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

const CHROMIUM_BY_HAND: &str = "sudo apt-get update && sudo apt-get install -y chromium";

/// Where distributions install tcmalloc, which a test measures as a user would.
const TCMALLOC: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu/libtcmalloc_minimal.so.4",
    "/usr/lib/aarch64-linux-gnu/libtcmalloc_minimal.so.4",
    "/usr/lib64/libtcmalloc_minimal.so.4",
    "/usr/lib/libtcmalloc_minimal.so.4",
];

const TCMALLOC_BY_HAND: &str =
    "sudo apt-get update && sudo apt-get install -y libtcmalloc-minimal4";

/// Brings in what is missing and says what is there.
///
/// # Errors
/// When something is missing and can't be installed; the error says the command that does.
pub fn install(context: &Context) -> Result<()> {
    let workspace = &context.workspace;
    component(workspace, "rustfmt", "fmt")?;
    component(workspace, "clippy", "clippy")?;
    wasm_target(workspace)?;
    compiler(workspace)?;
    bindings(workspace)?;
    tcmalloc(workspace)?;
    browser(workspace)
}

/// A part of the toolchain that adds the subcommand `subcommand` to cargo.
fn component(workspace: &Workspace, name: &str, subcommand: &str) -> Result<()> {
    let version = workspace.cargo([subcommand, "--version"]);
    if version.answer().is_none() {
        by_rustup(workspace, &["component", "add", name])?;
    }
    match version.answer() {
        Some(found) => println!("{found}"),
        None => bail!("`cargo {subcommand}` does not run: rustup component add {name}"),
    }
    Ok(())
}

/// The standard library for the browser's target.
fn wasm_target(workspace: &Workspace) -> Result<()> {
    if !has_wasm(workspace) {
        by_rustup(workspace, &["target", "add", WASM])?;
    }
    if !has_wasm(workspace) {
        bail!("the target {WASM} is missing: rustup target add {WASM}");
    }
    println!("target {WASM}");
    Ok(())
}

fn has_wasm(workspace: &Workspace) -> bool {
    workspace
        .call("rustc")
        .args(["--print", "target-libdir", "--target", WASM])
        .answer()
        .is_some_and(|folder| PathBuf::from(folder).is_dir())
}

fn by_rustup(workspace: &Workspace, args: &[&str]) -> Result<()> {
    let call = workspace.call("rustup").args(args.iter().copied());
    call.run().with_context(|| {
        format!(
            "something is missing and rustup does not bring it: {}",
            call.line()
        )
    })
}

/// A C compiler, which the measured allocators are built with.
fn compiler(workspace: &Workspace) -> Result<()> {
    let named = env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let answer = workspace.call(&named).args(["--version"]).answer();
    match answer.as_deref().and_then(|text| text.lines().next()) {
        Some(version) => println!("{version}"),
        None => bail!(
            "there is no C compiler `{named}`: sudo apt-get update && sudo apt-get install -y build-essential"
        ),
    }
    Ok(())
}

/// The generator of the page's bindings is a library that the build links; both halves must be of one version, or the
/// page fails when it is loaded.
fn bindings(workspace: &Workspace) -> Result<()> {
    let macros = workspace.locked("wasm-bindgen")?;
    let generator = workspace.locked("wasm-bindgen-cli-support")?;
    match (macros.as_slice(), generator.as_slice()) {
        ([one], [other]) if one == other => println!("wasm-bindgen {one} and its generator"),
        _ => bail!(
            "Cargo.lock has wasm-bindgen {macros:?} and wasm-bindgen-cli-support {generator:?}: \
             both must be there once and equal; pin both to one version in Cargo.toml and web/build/Cargo.toml"
        ),
    }
    Ok(())
}

fn tcmalloc(workspace: &Workspace) -> Result<()> {
    let find = || TCMALLOC.into_iter().find(|path| Path::new(path).is_file());
    if find().is_none() {
        by_apt(workspace, "libtcmalloc-minimal4")
            .with_context(|| format!("there is no tcmalloc: {TCMALLOC_BY_HAND}"))?;
    }
    match find() {
        Some(path) => println!("{path}"),
        None => bail!("there is no tcmalloc at {}", TCMALLOC.join(", ")),
    }
    Ok(())
}

/// Installs a package of Debian or one of its kin, where this may be done.
fn by_apt(workspace: &Workspace, package: &str) -> Result<()> {
    if !is_root(workspace) {
        bail!("only root can install it");
    }
    workspace.call("apt-get").args(["update"]).run()?;
    workspace
        .call("apt-get")
        .args(["install", "-y", package])
        .env("DEBIAN_FRONTEND", "noninteractive")
        .run()
}

fn browser(workspace: &Workspace) -> Result<()> {
    if find_browser().is_none() {
        by_apt(workspace, "chromium")
            .with_context(|| format!("there is no Chromium: {CHROMIUM_BY_HAND}"))?;
    }
    let path = chromium()?;
    let program = path.display().to_string();
    match workspace.call(&program).args(["--version"]).answer() {
        Some(version) => println!("{version} ({program})"),
        None => bail!("`{program} --version` fails: install Chromium anew: {CHROMIUM_BY_HAND}"),
    }
    Ok(())
}

fn is_root(workspace: &Workspace) -> bool {
    workspace.call("id").args(["-u"]).answer().as_deref() == Some("0")
}

/// The browser's path: `CHROMIUM` where that is set, else the first of the known names on the `PATH`.
///
/// # Errors
/// When there is none; the error says the command that installs it.
pub fn chromium() -> Result<PathBuf> {
    find_browser().with_context(|| format!("there is no Chromium: {CHROMIUM_BY_HAND}"))
}

fn find_browser() -> Option<PathBuf> {
    if let Some(named) = env::var_os("CHROMIUM").filter(|named| !named.is_empty()) {
        return Some(PathBuf::from(named));
    }
    let folders: Vec<PathBuf> = env::split_paths(&env::var_os("PATH")?).collect();
    BROWSERS
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_lock(packages: &[(&str, &str)]) -> Result<()> {
        let dir = tempfile::tempdir()?;
        let mut lock = String::from("version = 4\n");
        for (name, version) in packages {
            lock.push_str(&format!(
                "[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n"
            ));
        }
        std::fs::write(dir.path().join("Cargo.lock"), lock)?;
        bindings(&Workspace::at(dir.path()))
    }

    #[test]
    fn both_halves_of_the_bindings_have_one_version() {
        let macros = ("wasm-bindgen", "0.2.130");
        with_lock(&[macros, ("wasm-bindgen-cli-support", "0.2.130")]).unwrap();
        let error = with_lock(&[macros, ("wasm-bindgen-cli-support", "0.2.131")]).unwrap_err();
        assert!(error.to_string().contains("0.2.131"), "{error}");
        assert!(with_lock(&[macros]).is_err());
    }
}
