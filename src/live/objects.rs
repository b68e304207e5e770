//! The shared object that stands for an allocator in a live run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result, anyhow, bail};
use replayer::AllocatorName;
use replayer::measure::{Worker, describe};
use replayer::results::AllocatorInfo;

use crate::shared_objects;

/// An allocator as a live run reaches it.
#[derive(Debug, Clone)]
pub struct LiveAllocator {
    /// The name given to `-a`.
    pub name: AllocatorName,
    /// What is preloaded; nothing for `system`.
    pub object: Option<PathBuf>,
    /// Variables that set it.
    pub variables: BTreeMap<String, String>,
    /// What is known of it, for results.
    pub info: AllocatorInfo,
}

/// How often the reclamation thread looks, as in a replay.
const RECLAIM_MS: &str = "100";

/// Finds the object that stands for the allocator, and asks it for its version.
///
/// # Errors
/// There is none, or the loader does not take it: a sentence that says where it was looked for, and what to install.
pub fn find(name: &AllocatorName, worker: &Worker, stop: &AtomicBool) -> Result<LiveAllocator> {
    let linked = name.allocator().describe();
    let mut variables = BTreeMap::new();
    let object = match name {
        AllocatorName::System => {
            return Ok(LiveAllocator {
                name: name.clone(),
                object: None,
                variables,
                info: linked,
            });
        }
        AllocatorName::Null => {
            bail!(
                "null serves no program: it gives the same memory again and again; it can only be replayed"
            )
        }
        AllocatorName::Fancy => {
            variables.insert("FANCY_RECLAIM".to_owned(), "off".to_owned());
            shared_objects::fancy()?
        }
        AllocatorName::FancyReclaim => {
            variables.insert("FANCY_RECLAIM".to_owned(), "on".to_owned());
            variables.insert(
                "FANCY_RECLAIM_INTERVAL_MS".to_owned(),
                RECLAIM_MS.to_owned(),
            );
            shared_objects::fancy()?
        }
        AllocatorName::Preload(path) => path.clone(),
        AllocatorName::Jemalloc => search(
            name,
            &["libjemalloc.so.2", "libjemalloc.so"],
            "libjemalloc2",
        )?,
        AllocatorName::Mimalloc => search(
            name,
            &[
                "libmimalloc.so.3",
                "libmimalloc.so.2",
                "libmimalloc.so.2.0",
                "libmimalloc.so",
            ],
            "libmimalloc2.0",
        )?,
        AllocatorName::Snmalloc => search(name, &["libsnmallocshim.so"], "")?,
        AllocatorName::Rpmalloc => search(name, &["librpmallocwrap.so", "librpmalloc.so"], "")?,
    };
    let preloaded = format!("preload:{}", object.display())
        .parse::<AllocatorName>()
        .with_context(|| format!("{name}: its object can't be preloaded"))?;
    let told = describe(worker, &preloaded, stop).map_err(|reason| anyhow!("{name}: {reason}"))?;
    let mut notes = Vec::new();
    let number = |version: &str| version.rsplit(' ').next().map(str::to_owned);
    let versions = (
        linked.version.as_deref().and_then(number),
        told.version.as_deref().and_then(number),
    );
    match versions {
        _ if name.preload().is_some() => {}
        (Some(linked), Some(live)) if linked != live => notes.push(format!(
            "live runs use version {live} from {}, replays the linked version {linked}",
            object.display()
        )),
        (Some(linked), None) => notes.push(format!(
            "live runs use {}, which does not tell its version; replays use the linked version {linked}",
            object.display()
        )),
        _ => {}
    }
    Ok(LiveAllocator {
        name: name.clone(),
        info: AllocatorInfo {
            name: name.to_string(),
            version: told.version,
            reached_by: format!("preload:{}", object.display()),
            settings: if variables.is_empty() {
                told.settings
            } else {
                linked.settings
            },
            notes,
        },
        object: Some(object),
        variables,
    })
}

/// The first of the files that the loader would find.
fn search(name: &AllocatorName, files: &[&str], package: &str) -> Result<PathBuf> {
    let places = places();
    for file in files {
        for place in &places {
            let path = place.join(file);
            if path.is_file() {
                return Ok(path);
            }
        }
    }
    let install = if package.is_empty() {
        String::new()
    } else {
        format!("install it (Debian: apt install {package}), or ")
    };
    bail!(
        "{name}: no shared object ({}) where the loader looks; {install}say where it is: -a preload:PATH",
        files.join(", ")
    )
}

/// Where the loader looks: `LD_LIBRARY_PATH`, the folders of its cache, and the usual ones.
fn places() -> Vec<PathBuf> {
    let mut places: Vec<PathBuf> = std::env::var_os("LD_LIBRARY_PATH")
        .map(|paths| std::env::split_paths(&paths).collect())
        .unwrap_or_default();
    for ldconfig in ["/sbin/ldconfig", "/usr/sbin/ldconfig"] {
        let Ok(output) = Command::new(ldconfig).arg("-p").output() else {
            continue;
        };
        // Lines of the form `\tlibz.so.1 (libc6,x86-64) => /lib/x86_64-linux-gnu/libz.so.1`.
        let text = String::from_utf8_lossy(&output.stdout);
        let folders = text
            .lines()
            .filter_map(|line| line.split_once("=> "))
            .filter_map(|(_, path)| Path::new(path.trim()).parent());
        for folder in folders {
            if !places.iter().any(|place| place == folder) {
                places.push(folder.to_owned());
            }
        }
        break;
    }
    places
        .extend(["/usr/local/lib", "/usr/lib64", "/usr/lib", "/lib64", "/lib"].map(PathBuf::from));
    places
}
