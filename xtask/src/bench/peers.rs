//! The peers, as shared objects that LD_PRELOAD takes.
//!
//! Each comes from the package registry as a crate that compiles the allocator's own sources to an archive of objects. From
//! the archive the C compiler links a shared object as the allocator's own build does: the C library's names lead straight
//! to the allocator's functions, without a shim between them that would cost it instructions.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::workspace::Workspace;

/// One peer.
pub struct Peer {
    /// Its name.
    pub name: &'static str,
    /// The crate it comes from.
    pub source: &'static str,
    /// What the allocator's functions have before the C library's names.
    prefix: &'static str,
    /// What the compiler needs beside the archive.
    libraries: &'static [&'static str],
}

/// The peers that every run has, beside the C library's own malloc.
pub const ALL: [Peer; 3] = [
    Peer {
        name: "jemalloc",
        source: "tikv-jemalloc-sys",
        prefix: "",
        libraries: &["-lpthread", "-ldl", "-lm"],
    },
    Peer {
        name: "mimalloc",
        source: "libmimalloc-sys",
        prefix: "",
        libraries: &["-lpthread"],
    },
    Peer {
        name: "snmalloc",
        source: "snmalloc-sys",
        // Its crate always puts this before the names of the C library.
        prefix: "sn_",
        libraries: &["-lpthread"],
    },
];

/// The functions that a program finds.
const FAMILY: [&str; 11] = [
    "malloc",
    "free",
    "calloc",
    "realloc",
    "reallocarray",
    "memalign",
    "posix_memalign",
    "aligned_alloc",
    "valloc",
    "pvalloc",
    "malloc_usable_size",
];

/// As the allocators' own builds: nothing but the interface can be replaced by another object, so the compiler may inline.
const C_FLAGS: &str = "-fvisibility=hidden";

/// The same; snmalloc's crate does not say that assertions are off, and leaves its interface hidden.
const CXX_FLAGS: &str =
    "-fvisibility=hidden -DNDEBUG -DSNMALLOC_EXPORT=__attribute__((visibility(\"default\")))";

impl Peer {
    /// The shared object, once it was built.
    pub fn object(&self, workspace: &Workspace) -> PathBuf {
        folder(workspace).join(format!("lib{}.so", self.name))
    }

    /// Its version: that of the crate, which for jemalloc names the allocator's own behind a plus.
    pub fn version(&self, workspace: &Workspace) -> String {
        let locked = workspace.locked(self.source).unwrap_or_default();
        // The commit behind a version tells a reader nothing more.
        let short = |version: &String| version.split("-0-g").next().unwrap_or_default().to_owned();
        let version = locked.first().map(short).unwrap_or_default();
        format!("{} {version}", self.source)
    }

    fn archive(&self, workspace: &Workspace) -> PathBuf {
        folder(workspace).join(format!("release/libpeer_{}.a", self.name))
    }

    /// The command that links the shared object `into`, as arguments of the compiler.
    fn link(&self, archive: &Path, into: &Path) -> Vec<String> {
        let mut words = vec![
            "-shared".to_owned(),
            "-o".to_owned(),
            into.display().to_string(),
        ];
        // Nothing refers to the allocator yet: this name takes its objects out of the archive.
        words.push(format!("-Wl,--undefined={}malloc", self.prefix));
        if !self.prefix.is_empty() {
            let named = |name: &&str| format!("-Wl,--defsym={name}={}{name}", self.prefix);
            words.extend(FAMILY.iter().map(named));
        }
        words.push(archive.display().to_string());
        words.extend(self.libraries.iter().map(|&library| library.to_owned()));
        words
    }
}

/// Build results of the peers: apart from the others, because their crates are compiled with other features and flags.
fn folder(workspace: &Workspace) -> PathBuf {
    workspace.target().join("bench-peers")
}

/// Builds `peers`.
///
/// # Errors
/// When one can't be built; the error says how to go without it.
pub fn build(workspace: &Workspace, peers: &[&Peer]) -> Result<()> {
    if peers.is_empty() {
        return Ok(());
    }
    let mut packages = vec!["build".to_owned(), "--release".to_owned()];
    for peer in peers {
        packages.extend(["--package".to_owned(), format!("peer-{}", peer.name)]);
        packages.extend([
            "--features".to_owned(),
            format!("peer-{}/shared", peer.name),
        ]);
    }
    workspace
        .cargo(packages)
        .env("CARGO_TARGET_DIR", folder(workspace).display().to_string())
        .env("CFLAGS", C_FLAGS)
        .env("CXXFLAGS", CXX_FLAGS)
        .run()
        .context("a peer could not be built: it needs a C and a C++ compiler and make; -a measures without it")?;
    for peer in peers {
        let (archive, object) = (peer.archive(workspace), peer.object(workspace));
        if !newer(&object, &archive) {
            workspace
                .call("cc")
                .args(peer.link(&archive, &object))
                .run()
                .with_context(|| format!("{} could not be linked", peer.name))?;
        }
    }
    Ok(())
}

/// Whether `file` is there and was written after `source`.
fn newer(file: &Path, source: &Path) -> bool {
    let time = |path: &Path| fs::metadata(path).and_then(|data| data.modified()).ok();
    matches!((time(file), time(source)), (Some(file), Some(source)) if file > source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_taken_off() {
        let words = ALL[2].link(Path::new("a.a"), Path::new("b.so"));
        assert!(
            words.contains(&"-Wl,--defsym=free=sn_free".to_owned()),
            "{words:?}"
        );
        assert!(
            words.contains(&"-Wl,--undefined=sn_malloc".to_owned()),
            "{words:?}"
        );
        let words = ALL[1].link(Path::new("a.a"), Path::new("b.so"));
        assert!(
            !words.iter().any(|word| word.contains("defsym")),
            "{words:?}"
        );
    }

    #[test]
    fn every_peer_is_a_package_with_its_crate() {
        let workspace = Workspace::find().unwrap();
        for peer in &ALL {
            let manifest = workspace
                .root()
                .join(format!("alloc-core/bench/peers/{}/Cargo.toml", peer.name));
            let text = fs::read_to_string(manifest).unwrap();
            assert!(text.contains(peer.source), "{}", peer.name);
            assert_eq!(
                workspace.locked(peer.source).unwrap().len(),
                1,
                "{}",
                peer.name
            );
        }
    }
}
