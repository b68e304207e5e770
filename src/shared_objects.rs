//! The shared objects that heaptape carries, unpacked where a program can load them from.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

mod embedded {
    include!(concat!(env!("OUT_DIR"), "/objects.rs"));
}

/// `libfancy.so`: fancy as the malloc of any program.
///
/// # Errors
/// When no folder can hold it.
pub fn fancy() -> Result<PathBuf> {
    unpack("libfancy.so", embedded::FANCY)
}

/// `libheaptape.so`: the recorder of any program.
///
/// # Errors
/// As for [`fancy`].
pub fn recorder() -> Result<PathBuf> {
    unpack("libheaptape.so", embedded::RECORDER)
}

/// Writes `bytes` to a file of this name in a folder of the user's own that is named after the contents, unless it is
/// there already.
fn unpack(name: &str, bytes: &[u8]) -> Result<PathBuf> {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    let folder = format!("{:016x}", hasher.finish());
    let mut reasons = Vec::new();
    for parent in parents() {
        match place(&parent.join(&folder), name, bytes) {
            Ok(path) => return Ok(path),
            Err(error) => reasons.push(format!("{}: {error:#}", parent.display())),
        }
    }
    bail!(
        "{name} can be unpacked nowhere ({}); set XDG_CACHE_HOME to a folder that can be written to, whose path has no \
         spaces or colons",
        reasons.join("; ")
    )
}

/// Where to look for room, in this order. The loader splits LD_PRELOAD at spaces and colons, so paths with those are out.
fn parents() -> Vec<PathBuf> {
    let variable = |name| std::env::var_os(name).map(PathBuf::from);
    let cache = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
    let user = fs::metadata("/proc/self").map_or(0, |own| own.uid());
    cache
        .map(|cache| cache.join("heaptape"))
        .into_iter()
        .chain([
            std::env::temp_dir().join(format!("heaptape-{user}")),
            PathBuf::from(format!("/tmp/heaptape-{user}")),
        ])
        .filter(|path| {
            path.is_absolute()
                && path
                    .to_str()
                    .is_some_and(|text| !text.contains([' ', ':', '\t', '\n']))
        })
        .collect()
}

fn place(folder: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .context("cannot be made")?;
    let own = fs::metadata("/proc/self").map_or(0, |own| own.uid());
    let about = fs::symlink_metadata(folder)?;
    if about.uid() != own || about.mode() & 0o022 != 0 {
        bail!("belongs to somebody else, or others may write to it");
    }
    let path = folder.join(name);
    if fs::read(&path).is_ok_and(|there| there == bytes) {
        return Ok(path);
    }
    // Under another name first: a program that starts at this moment must not load half a file.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.persist(&path)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unpacked_is_what_is_carried() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let folder = dir.path().join("a");
        let path = place(&folder, "lib.so", b"first")?;
        assert_eq!(fs::read(&path)?, b"first");
        // A changed file is written again.
        fs::write(&path, b"other")?;
        place(&folder, "lib.so", b"first")?;
        assert_eq!(fs::read(&path)?, b"first");
        Ok(())
    }
}
