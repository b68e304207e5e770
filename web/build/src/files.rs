//! What a page is made of.

use std::path::PathBuf;

/// One file of the page.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct PageFile {
    /// Address of the file below the page's root, with `/` between its parts, such as
    /// `wasm/web_bg.wasm`.
    pub name: String,
    /// Where the file lies on disk.
    pub path: PathBuf,
}

/// The finished page.
#[derive(Clone, Debug)]
pub struct PageFiles {
    /// Folder that holds every file; `index.html` is at its top.
    pub root: PathBuf,
    /// All files, sorted by name.
    pub files: Vec<PageFile>,
}
