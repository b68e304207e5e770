//! The page's folder: emptied, filled, listed.

use std::fs;
use std::path::Path;

use crate::error::BuildError;
use crate::files::{PageFile, PageFiles};

/// A folder with this file in it was made here, so it may be emptied here.
const MARKER: &str = ".heaptape-page";

/// Empties `folder` if an earlier build made it, and makes it if it is missing.
pub fn clear(folder: &Path) -> Result<(), BuildError> {
    if folder.join(MARKER).is_file() {
        fs::remove_dir_all(folder).map_err(BuildError::file(folder))?;
    }
    fs::create_dir_all(folder).map_err(BuildError::file(folder))?;
    let marker = folder.join(MARKER);
    fs::write(&marker, b"").map_err(BuildError::file(&marker))
}

/// Copies all files below `from` to the same places below `to`.
pub fn copy_folder(from: &Path, to: &Path) -> Result<(), BuildError> {
    fs::create_dir_all(to).map_err(BuildError::file(to))?;
    for entry in fs::read_dir(from).map_err(BuildError::file(from))? {
        let entry = entry.map_err(BuildError::file(from))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy_folder(&source, &target)?;
        } else {
            fs::copy(&source, &target).map_err(BuildError::file(&source))?;
        }
    }
    Ok(())
}

/// Lists the page that lies in `root`.
pub fn list(root: &Path) -> Result<PageFiles, BuildError> {
    let mut files = Vec::new();
    walk(root, "", &mut files)?;
    files.sort();
    Ok(PageFiles {
        root: root.to_path_buf(),
        files,
    })
}

fn walk(folder: &Path, prefix: &str, files: &mut Vec<PageFile>) -> Result<(), BuildError> {
    for entry in fs::read_dir(folder).map_err(BuildError::file(folder))? {
        let path = entry.map_err(BuildError::file(folder))?.path();
        let Some(name) = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
        else {
            continue;
        };
        if name == MARKER {
            continue;
        }
        if path.is_dir() {
            walk(&path, &format!("{prefix}{name}/"), files)?;
        } else {
            files.push(PageFile {
                name: format!("{prefix}{name}"),
                path,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_folder_is_emptied_and_a_foreign_one_is_not() -> Result<(), Box<dyn std::error::Error>>
    {
        let dir = tempfile::tempdir()?;
        let (source, page) = (dir.path().join("www"), dir.path().join("page"));
        fs::create_dir_all(source.join("sub"))?;
        fs::write(source.join("index.html"), "page")?;
        fs::write(source.join("sub/a.js"), "code")?;
        clear(&page)?;
        copy_folder(&source, &page)?;
        let names: Vec<_> = list(&page)?
            .files
            .into_iter()
            .map(|file| file.name)
            .collect();
        assert_eq!(names, ["index.html", "sub/a.js"]);

        fs::write(page.join("old.js"), "left over")?;
        clear(&page)?;
        assert!(list(&page)?.files.is_empty());

        clear(&source)?;
        assert!(
            source.join("index.html").is_file(),
            "a folder that was not made here keeps its files"
        );
        Ok(())
    }
}
