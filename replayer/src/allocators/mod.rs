//! The allocators that a replay can run under: one file each, behind one trait.

mod fancy;
mod jemalloc;
mod mimalloc;
mod null;
mod system;

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
}

/// The name of an allocator that this version measures, as given to `-a`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
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
    /// Does nothing: shows the harness's own cost.
    Null,
}

/// A name that stands for no allocator here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// A name of the command line that this version does not serve yet.
    #[error("`{0}` is not in this version; there are {known}", known = AllocatorName::list())]
    NotYet(String),
    /// No name at all.
    #[error("there is no allocator `{0}`; there are {known}", known = AllocatorName::list())]
    Unknown(String),
}

impl AllocatorName {
    /// All of them, in the order of the documents.
    pub const ALL: [AllocatorName; 6] = [
        AllocatorName::System,
        AllocatorName::Fancy,
        AllocatorName::FancyReclaim,
        AllocatorName::Jemalloc,
        AllocatorName::Mimalloc,
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

    /// The name.
    pub fn name(self) -> &'static str {
        match self {
            AllocatorName::System => "system",
            AllocatorName::Fancy => "fancy",
            AllocatorName::FancyReclaim => "fancy-reclaim",
            AllocatorName::Jemalloc => "jemalloc",
            AllocatorName::Mimalloc => "mimalloc",
            AllocatorName::Null => "null",
        }
    }

    /// The allocator of this name.
    pub fn allocator(self) -> &'static dyn Allocator {
        match self {
            AllocatorName::System => &system::System,
            AllocatorName::Fancy => &fancy::Fancy { reclaim: false },
            AllocatorName::FancyReclaim => &fancy::Fancy { reclaim: true },
            AllocatorName::Jemalloc => &jemalloc::Jemalloc,
            AllocatorName::Mimalloc => &mimalloc::Mimalloc,
            AllocatorName::Null => &null::Null,
        }
    }

    fn list() -> String {
        AllocatorName::ALL.map(AllocatorName::name).join(", ")
    }
}

impl FromStr for AllocatorName {
    type Err = NameError;

    fn from_str(name: &str) -> Result<AllocatorName, NameError> {
        if let Some(found) = AllocatorName::ALL
            .into_iter()
            .find(|known| known.name() == name)
        {
            return Ok(found);
        }
        if matches!(name, "snmalloc" | "rpmalloc") || name.starts_with("preload:") {
            return Err(NameError::NotYet(name.to_owned()));
        }
        Err(NameError::Unknown(name.to_owned()))
    }
}

impl std::fmt::Display for AllocatorName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_and_others_are_refused_with_a_list() {
        for name in AllocatorName::ALL {
            assert_eq!(name.to_string().parse(), Ok(name));
            assert_eq!(name.allocator().describe().name, name.name());
        }
        let error = "preload:/lib/x.so"
            .parse::<AllocatorName>()
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("not in this version") && error.contains("mimalloc"),
            "{error}"
        );
        assert!(matches!(
            "snmaloc".parse::<AllocatorName>(),
            Err(NameError::Unknown(_))
        ));
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
