//! `cargo xtask web`: the static page, ready for any web server.

use std::path::Path;

use anyhow::{Context, Result};

use crate::workspace::Workspace;

/// Builds the page into `out` and says what is in it.
///
/// # Errors
/// When the page can't be built; the error says which step failed and what to do.
pub fn run(workspace: &Workspace, out: &Path) -> Result<()> {
    // The same folder for the nested cargo as build.rs takes, so that the page is compiled once.
    let nested = workspace.target().join("web-build");
    let page = web_build::build_page(workspace.root(), &nested, out)
        .context("the page cannot be built\n  to repeat it: cargo xtask web")?;
    for file in &page.files {
        let size = std::fs::metadata(&file.path)
            .with_context(|| format!("{} cannot be read", file.path.display()))?
            .len();
        println!("{size:>10} B  {}", file.name);
    }
    println!(
        "{} files in {}: serve that folder with any web server",
        page.files.len(),
        page.root.display()
    );
    Ok(())
}
