//! Builds what the binary carries: the page of `heaptape view`, a table of whose files `src/server/page.rs` embeds, and the
//! shared objects that are preloaded into other programs, for `src/shared_objects.rs`.
//!
//! `HEAPTAPE_PAGE=skip` leaves the page out, for builds that don't need it.

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use web_build::{BuildError, PageFiles, build_page, nested_cargo};

/// The page is made of these; a change in one builds it again.
const SOURCES: [&str; 12] = [
    "alloc-core/Cargo.toml",
    "alloc-core/src",
    "replayer/Cargo.toml",
    "replayer/src/results",
    "replayer/src/results.rs",
    "reports/Cargo.toml",
    "reports/src",
    "trace-recorder/format/Cargo.toml",
    "trace-recorder/format/src",
    "web/Cargo.toml",
    "web/src",
    "web/www",
];

/// The shared objects: package, folder, file, and the name of the embedded bytes.
const OBJECTS: [(&str, &str, &str, &str); 2] = [
    (
        "fancy-preload",
        "alloc-core/preload",
        "libfancy.so",
        "FANCY",
    ),
    (
        "heaptape-preload",
        "trace-recorder/preload",
        "libheaptape.so",
        "RECORDER",
    ),
];

/// What they are made of beyond [`SOURCES`].
const OBJECT_SOURCES: [&str; 3] = [
    "alloc-core/preload",
    "trace-recorder/preload",
    "trace-recorder/capture",
];

/// How they are built: see `Cargo.toml`.
const OBJECT_PROFILE: &str = "object";

fn main() -> Result<(), Box<dyn Error>> {
    for source in SOURCES.iter().chain(&OBJECT_SOURCES) {
        println!("cargo:rerun-if-changed={source}");
    }
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=HEAPTAPE_PAGE");
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let table = if env::var("HEAPTAPE_PAGE").is_ok_and(|value| value == "skip") {
        missing("it was left out by HEAPTAPE_PAGE=skip; build again without it")
    } else {
        match build_page(&root, &nested_target(&out), &out.join("page")) {
            Ok(page) => embedded(&page)?,
            Err(error @ BuildError::TargetMissing { .. }) => {
                println!(
                    "cargo:warning=heaptape is built without the page of `heaptape view`: {error}"
                );
                missing(&format!("{error}, then build again"))
            }
            Err(error) => return Err(error.into()),
        }
    };
    fs::write(out.join("page.rs"), table)?;
    fs::write(
        out.join("objects.rs"),
        objects(&root, &nested_target(&out))?,
    )?;
    Ok(())
}

/// Builds the shared objects and returns the source that embeds them.
fn objects(root: &Path, target: &Path) -> Result<String, Box<dyn Error>> {
    let mut source = String::new();
    for (package, folder, file, name) in OBJECTS {
        if !root.join(folder).is_dir() {
            writeln!(source, "pub static {name}: &[u8] = &[];")?;
            continue;
        }
        let mut cargo = nested_cargo(root);
        cargo.args(["build", "--profile", OBJECT_PROFILE, "--lib"]);
        cargo.args(["--package", package, "--color", "never"]);
        let built = cargo.arg("--target-dir").arg(target).output()?;
        if !built.status.success() {
            let reason = String::from_utf8_lossy(&built.stderr).into_owned();
            return Err(format!("{file} could not be built:\n{reason}").into());
        }
        let path = target.join(OBJECT_PROFILE).join(file);
        writeln!(
            source,
            "pub static {name}: &[u8] = include_bytes!({path:?});"
        )?;
    }
    Ok(source)
}

/// A target folder for the nested cargo: beside the outer one's profiles, so that debug, release and checks share it,
/// and not the outer one itself, whose lock is held while this runs.
fn nested_target(out: &Path) -> PathBuf {
    // Cargo marks the top of its target folder with this file.
    let top = out
        .ancestors()
        .filter(|folder| folder.join("CACHEDIR.TAG").is_file())
        .last();
    top.unwrap_or(out).join("web-build")
}

/// The source of a table of all files, each embedded.
fn embedded(page: &PageFiles) -> Result<String, Box<dyn Error>> {
    let mut table =
        String::from("static MISSING: Option<&str> = None;\nstatic FILES: &[(&str, &[u8])] = &[\n");
    for file in &page.files {
        writeln!(
            table,
            "    ({:?}, include_bytes!({:?})),",
            file.name, file.path
        )?;
    }
    table.push_str("];\n");
    Ok(table)
}

/// The source of an empty table, with the reason.
fn missing(reason: &str) -> String {
    format!(
        "static MISSING: Option<&str> = Some({reason:?});\nstatic FILES: &[(&str, &[u8])] = &[];\n"
    )
}
