//! The allocators that a replay can run under: one file each, behind one trait.

mod fancy;
mod jemalloc;
mod known;
mod mimalloc;
mod null;
mod preload;
mod rpmalloc;
mod snmalloc;
mod symbols;
mod system;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::engine::Calls;
use crate::plan::Counts;
use crate::results::AllocatorInfo;

pub use system::libc_version;

/// An allocator that the replay reaches.
pub trait Allocator: Sync {
    /// Version, way and settings, asked from the allocator itself where it can tell.
    fn describe(&self) -> AllocatorInfo;

    /// Its functions.
    fn calls(&self) -> Calls;

    /// Makes it ready in a process of its own, before the clock runs. `counts` are those of the plan to come.
    ///
    /// # Errors
    /// Why it can't be used, in a sentence.
    fn prepare(&self, counts: &Counts) -> Result<(), String>;

    /// Its own statistics, as of now; none unless it has some. Names that end in `_bytes` are bytes, others counts.
    fn statistics(&self) -> BTreeMap<String, u64> {
        BTreeMap::new()
    }
}

/// The name of an allocator, as given to `-a`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AllocatorName {
    /// The C library's.
    System,
    /// Ours, without the reclamation thread.
    Fancy,
    /// Ours, with the reclamation thread.
    FancyReclaim,
    /// jemalloc, linked.
    Jemalloc,
    /// mimalloc, linked.
    Mimalloc,
    /// snmalloc, linked.
    Snmalloc,
    /// rpmalloc, linked.
    Rpmalloc,
    /// Does nothing: shows the harness's own cost.
    Null,
    /// The malloc of a shared object, an absolute path.
    Preload(PathBuf),
}

/// A name that stands for no allocator here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// No such name.
    #[error("there is no allocator `{0}`; there are {known} and preload:PATH", known = AllocatorName::list())]
    Unknown(String),
    /// `preload:` with nothing that could be preloaded.
    #[error("{path}: {reason}")]
    Object {
        /// What was given.
        path: String,
        /// Why that is no object.
        reason: String,
    },
}

impl AllocatorName {
    /// All that have a name of their own, in the order of the documents.
    pub const ALL: [AllocatorName; 8] = [
        AllocatorName::System,
        AllocatorName::Fancy,
        AllocatorName::FancyReclaim,
        AllocatorName::Jemalloc,
        AllocatorName::Mimalloc,
        AllocatorName::Snmalloc,
        AllocatorName::Rpmalloc,
        AllocatorName::Null,
    ];

    /// What a comparison measures when nothing else is asked for.
    pub const DEFAULT: [AllocatorName; 5] = [
        AllocatorName::System,
        AllocatorName::Fancy,
        AllocatorName::FancyReclaim,
        AllocatorName::Jemalloc,
        AllocatorName::Mimalloc,
    ];

    /// The allocator of this name.
    pub fn allocator(&self) -> Box<dyn Allocator> {
        match self {
            AllocatorName::System => Box::new(system::System),
            AllocatorName::Fancy => Box::new(fancy::Fancy { reclaim: false }),
            AllocatorName::FancyReclaim => Box::new(fancy::Fancy { reclaim: true }),
            AllocatorName::Jemalloc => Box::new(jemalloc::Jemalloc),
            AllocatorName::Mimalloc => Box::new(mimalloc::Mimalloc),
            AllocatorName::Snmalloc => Box::new(snmalloc::Snmalloc),
            AllocatorName::Rpmalloc => Box::new(rpmalloc::Rpmalloc),
            AllocatorName::Null => Box::new(null::Null),
            AllocatorName::Preload(path) => Box::new(preload::Preload { path: path.clone() }),
        }
    }

    /// The object that a process must be started with to measure this allocator.
    pub fn preload(&self) -> Option<&Path> {
        match self {
            AllocatorName::Preload(path) => Some(path),
            _ => None,
        }
    }

    fn list() -> String {
        AllocatorName::ALL.map(|name| name.to_string()).join(", ")
    }
}

impl FromStr for AllocatorName {
    type Err = NameError;

    fn from_str(name: &str) -> Result<AllocatorName, NameError> {
        if let Some(path) = name.strip_prefix(PRELOAD) {
            return object(path).map(AllocatorName::Preload);
        }
        AllocatorName::ALL
            .into_iter()
            .find(|known| known.to_string() == name)
            .ok_or_else(|| NameError::Unknown(name.to_owned()))
    }
}

const PRELOAD: &str = "preload:";

/// The absolute path of a file that the loader can be told to preload.
fn object(path: &str) -> Result<PathBuf, NameError> {
    let refuse = |reason: &str| NameError::Object {
        path: path.to_owned(),
        reason: reason.to_owned(),
    };
    if path.is_empty() {
        return Err(refuse("preload: wants the path of a shared object"));
    }
    let absolute = std::path::absolute(path).map_err(|error| refuse(&error.to_string()))?;
    let about = std::fs::metadata(&absolute).map_err(|error| refuse(&error.to_string()))?;
    if !about.is_file() {
        return Err(refuse(
            "is no file; preload: wants the path of a shared object",
        ));
    }
    // ld.so(8): LD_PRELOAD is split at spaces and colons, and `$` begins a name that the loader replaces.
    if absolute
        .to_str()
        .is_none_or(|text| text.contains([' ', ':', '$', '\n', '\t']))
    {
        return Err(refuse(
            "the loader preloads no path with spaces, colons, `$` or bytes that are no UTF-8; make a link to it elsewhere",
        ));
    }
    Ok(absolute)
}

impl std::fmt::Display for AllocatorName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            AllocatorName::System => "system",
            AllocatorName::Fancy => "fancy",
            AllocatorName::FancyReclaim => "fancy-reclaim",
            AllocatorName::Jemalloc => "jemalloc",
            AllocatorName::Mimalloc => "mimalloc",
            AllocatorName::Snmalloc => "snmalloc",
            AllocatorName::Rpmalloc => "rpmalloc",
            AllocatorName::Null => "null",
            AllocatorName::Preload(path) => {
                return write!(f, "{PRELOAD}{}", path.display());
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_and_others_are_refused_with_a_list() {
        for name in AllocatorName::ALL {
            assert_eq!(name.to_string().parse(), Ok(name.clone()));
            assert_eq!(name.allocator().describe().name, name.to_string());
        }
        let refused = |name: &str| name.parse::<AllocatorName>().unwrap_err().to_string();
        assert!(refused("snmaloc").contains("snmalloc, rpmalloc"));
        assert!(refused("preload:").contains("wants the path"));
        assert!(refused("preload:/nowhere/x.so").starts_with("/nowhere/x.so: No such file"));
        assert!(refused("preload:/").contains("is no file"));
        let dir = tempfile::tempdir().unwrap();
        let odd = dir.path().join("with space.so");
        std::fs::write(&odd, "").unwrap();
        assert!(refused(&format!("preload:{}", odd.display())).contains("make a link"));
        let plain = dir.path().join("plain.so");
        std::fs::write(&plain, "").unwrap();
        let name = AllocatorName::Preload(plain);
        assert_eq!(name.to_string().parse(), Ok(name));
    }

    /// Every allocator serves, aligns, keeps contents through a realloc, and zeroes.
    #[test]
    fn every_allocator_does_its_duty() {
        for name in AllocatorName::ALL {
            let allocator = name.allocator();
            let counts = Counts {
                largest: 100_000,
                align_log2: 12,
                ..Counts::default()
            };
            allocator.prepare(&counts).unwrap();
            let calls = allocator.calls();
            if let Some(begin) = calls.begin {
                // SAFETY: this thread's beginning, as far as this allocator is concerned.
                unsafe { begin() };
            }
            // SAFETY: plain use of an allocator: each block is used within its size and freed once.
            unsafe {
                let block: *mut u8 = (calls.malloc)(100).cast();
                assert!(!block.is_null(), "{name}");
                block.write_bytes(7, 100);
                let block: *mut u8 = (calls.realloc)(block.cast(), 100_000).cast();
                assert!(!block.is_null(), "{name}");
                if name != AllocatorName::Null {
                    assert!(
                        std::slice::from_raw_parts(block, 100)
                            .iter()
                            .all(|&b| b == 7),
                        "{name}"
                    );
                }
                block.add(99_999).write(1);
                (calls.free)(block.cast());
                for align in [1usize, 8, 64, 4096] {
                    let block: *mut u8 = (calls.aligned)(align, 40).cast();
                    assert!(
                        !block.is_null() && (block as usize).is_multiple_of(align),
                        "{name} {align}"
                    );
                    block.write_bytes(1, 40);
                    (calls.free)(block.cast());
                }
                let block: *mut u8 = (calls.calloc)(10, 30).cast();
                assert!(!block.is_null(), "{name}");
                if name != AllocatorName::Null {
                    assert!(
                        std::slice::from_raw_parts(block, 300)
                            .iter()
                            .all(|&b| b == 0),
                        "{name}"
                    );
                }
                (calls.free)(block.cast());
            }
        }
    }
}
