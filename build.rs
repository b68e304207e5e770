//! Builds the page of `heaptape view` and writes a table of its files for `src/server/page.rs` to embed.
//!
//! `HEAPTAPE_PAGE=skip` leaves the page out, for builds that don't need it.

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use web_build::{BuildError, PageFiles, build_page};

/// The page is made of these; a change in one builds it again.
const SOURCES: [&str; 7] = [
    "alloc-core/Cargo.toml",
    "alloc-core/src",
    "trace-recorder/format/Cargo.toml",
    "trace-recorder/format/src",
    "web/Cargo.toml",
    "web/src",
    "web/www",
];

fn main() -> Result<(), Box<dyn Error>> {
    for source in SOURCES {
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
    Ok(())
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
