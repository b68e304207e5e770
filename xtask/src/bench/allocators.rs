//! Which allocators are measured.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::peers::{self, Peer};
use super::results::{Measured, Role};
use crate::process::Usage;
use crate::workspace::Workspace;

/// An allocator, ready to be measured.
#[derive(Clone, Debug)]
pub struct Allocator {
    /// What the results say of it.
    pub measured: Measured,
    /// The shared object; `None` for the C library's own malloc.
    pub object: Option<PathBuf>,
    /// Variables that it is given.
    pub environment: &'static [(&'static str, &'static str)],
}

/// The C library's own malloc.
const GLIBC: &str = "glibc";

/// One of ours: a name, its environment, and the features its shared object is built with.
struct Own {
    name: &'static str,
    environment: &'static [(&'static str, &'static str)],
    features: &'static [&'static str],
}

/// fancy, and its variants, whose price the table tells.
const OURS: [Own; 3] = [
    Own {
        name: "fancy",
        environment: &[],
        features: &[],
    },
    Own {
        name: "fancy-reclaim",
        // Shorter than the workloads, so that it has something to do.
        environment: &[
            ("FANCY_RECLAIM", "on"),
            ("FANCY_RECLAIM_INTERVAL_MS", "100"),
        ],
        features: &[],
    },
    Own {
        name: "fancy-hardened",
        environment: &[],
        features: &["hardened"],
    },
];

/// Allocators that a machine may have: the name here, how the file's name begins, and whether it is measured without being
/// named. Distributions have older versions of the peers above; those must be named.
const GUESTS: [(&str, &str, bool); 3] = [
    ("tcmalloc", "libtcmalloc_minimal.so", true),
    ("mimalloc-here", "libmimalloc.so", false),
    ("jemalloc-here", "libjemalloc.so", false),
];

/// Builds and finds what `names` say; without a name: fancy, all peers, and with `more` fancy's variants and what the machine
/// has.
///
/// # Errors
/// When a name is not known, a file is not there, or something can't be built.
pub fn choose(
    workspace: &Workspace,
    names: &[String],
    more: bool,
    built: bool,
) -> Result<Vec<Allocator>> {
    let here = guests_in(&loader_s_list(workspace));
    let mut wanted = names.to_vec();
    if wanted.is_empty() {
        let own = OURS.iter().take(if more { OURS.len() } else { 1 });
        wanted.extend(own.map(|own| own.name.to_owned()));
        wanted.push(GLIBC.to_owned());
        wanted.extend(peers::ALL.iter().map(|peer| peer.name.to_owned()));
        let unasked = GUESTS.iter().filter(|(.., unasked)| more && *unasked);
        let found = unasked.filter(|(name, ..)| here.iter().any(|one| one.measured.name == *name));
        wanted.extend(found.map(|(name, ..)| (*name).to_owned()));
    }
    let mut needed = Vec::new();
    let mut chosen: Vec<Allocator> = Vec::new();
    for word in &wanted {
        let allocator = match named(workspace, word)? {
            Some(found) => found,
            None => here
                .iter()
                .find(|guest| &guest.measured.name == word)
                .cloned()
                .with_context(|| Usage(unknown(word, &here)))?,
        };
        if chosen
            .iter()
            .any(|other| other.measured.name == allocator.measured.name)
        {
            return Err(Usage(format!("{} is named twice", allocator.measured.name)).into());
        }
        needed.extend(peers::ALL.iter().filter(|peer| peer.name == word));
        chosen.push(allocator);
    }
    if !built {
        build(workspace, &chosen, &needed)?;
    }
    for allocator in &chosen {
        if let Some(object) = &allocator.object
            && !object.is_file()
        {
            bail!(
                "{}: there is no file {}",
                allocator.measured.name,
                object.display()
            );
        }
    }
    Ok(chosen)
}

fn build(workspace: &Workspace, chosen: &[Allocator], needed: &[&Peer]) -> Result<()> {
    for own in &OURS {
        let object = own.object(workspace);
        let is_own = |allocator: &&Allocator| allocator.measured.name == own.name;
        if let Some(allocator) = chosen.iter().find(is_own)
            && allocator.object.as_ref() == Some(&object)
        {
            let target = own.target(workspace);
            workspace
                .cargo(["build", "--profile", PROFILE, "--lib"])
                .args([
                    "--package",
                    "fancy-preload",
                    "--features",
                    &own.features.join(","),
                ])
                .args(["--target-dir", &target.display().to_string()])
                .run()?;
        }
    }
    peers::build(workspace, needed)
}

/// The profile that users' shared objects are built with.
const PROFILE: &str = "object";

impl Own {
    /// A folder for its build: what is built with other features would take its place.
    fn target(&self, workspace: &Workspace) -> PathBuf {
        let features = self.features.join("-");
        workspace.target().join(format!("bench-objects/{features}"))
    }

    /// The shared object, as users have it.
    fn object(&self, workspace: &Workspace) -> PathBuf {
        self.target(workspace).join(PROFILE).join("libfancy.so")
    }
}

/// What `word` means, if it is a file or an allocator that needs no search.
fn named(workspace: &Workspace, word: &str) -> Result<Option<Allocator>> {
    if let Some((name, file)) = word.split_once('=') {
        if name.is_empty() || file.is_empty() {
            return Err(Usage(format!("`{word}`: NAME=FILE is expected")).into());
        }
        // LD_PRELOAD searches for what has no slash, and the program runs in another folder.
        let file = std::path::absolute(file).with_context(|| format!("`{word}` names no file"))?;
        let role = if name.starts_with("fancy") {
            Role::Ours
        } else {
            Role::Guest
        };
        return Ok(Some(Allocator::new(
            name,
            role,
            file.display().to_string(),
            Some(file),
            &[],
        )));
    }
    if word == GLIBC {
        let version = workspace
            .call("getconf")
            .args(["GNU_LIBC_VERSION"])
            .answer();
        let version = version.unwrap_or_else(|| "the C library's".to_owned());
        return Ok(Some(Allocator::new(GLIBC, Role::Peer, version, None, &[])));
    }
    if let Some(own) = OURS.iter().find(|own| own.name == word) {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let object = Some(own.object(workspace));
        return Ok(Some(Allocator::new(
            own.name,
            Role::Ours,
            version,
            object,
            own.environment,
        )));
    }
    let peer = peers::ALL.iter().find(|peer| peer.name == word);
    Ok(peer.map(|peer| {
        let object = Some(peer.object(workspace));
        Allocator::new(peer.name, Role::Peer, peer.version(workspace), object, &[])
    }))
}

fn unknown(word: &str, guests: &[Allocator]) -> String {
    let mut known: Vec<&str> = OURS.iter().map(|own| own.name).collect();
    known.push(GLIBC);
    known.extend(peers::ALL.iter().map(|peer| peer.name));
    known.extend(guests.iter().map(|guest| guest.measured.name.as_str()));
    format!(
        "there is no allocator `{word}`: there are {}, and NAME=FILE for any other",
        known.join(", ")
    )
}

impl Allocator {
    fn new(
        name: &str,
        role: Role,
        version: String,
        object: Option<PathBuf>,
        environment: &'static [(&'static str, &'static str)],
    ) -> Self {
        Allocator {
            measured: Measured {
                name: name.to_owned(),
                role,
                version,
            },
            object,
            environment,
        }
    }

    /// Checks that the process's malloc was this allocator's, given the file that it came from. A shared object that can't be
    /// loaded is skipped by the dynamic linker with a warning, and the run measures the C library.
    ///
    /// # Errors
    /// A sentence, when it was another's.
    pub fn answered(&self, file: &str) -> Result<(), String> {
        let name = |path: &Path| {
            path.file_name()
                .map(|name| name.to_string_lossy().into_owned())
        };
        let right = match &self.object {
            Some(object) => Path::new(file) == object || name(Path::new(file)) == name(object),
            None => name(Path::new(file)).is_some_and(|name| name.starts_with("libc.")),
        };
        match right {
            true => Ok(()),
            false => Err(format!("its malloc was not used, but that of {file}")),
        }
    }
}

/// What the dynamic linker knows: its cache as text.
fn loader_s_list(workspace: &Workspace) -> String {
    let list = |program: &str| workspace.call(program).args(["-p"]).answer();
    list("ldconfig")
        .or_else(|| list("/sbin/ldconfig"))
        .unwrap_or_default()
}

/// The allocators of `GUESTS` in the dynamic linker's list.
fn guests_in(list: &str) -> Vec<Allocator> {
    let mut found = Vec::new();
    for (name, begins, _) in GUESTS {
        let line = list.lines().find(|line| {
            let rest = line.trim_start().strip_prefix(begins);
            rest.is_some_and(|rest| rest.starts_with([' ', '.']))
        });
        let Some((_, path)) = line.and_then(|line| line.rsplit_once(" => ")) else {
            continue;
        };
        // The link's end carries the version in its name.
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.into());
        let version = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        found.push(Allocator::new(
            name,
            Role::Guest,
            version.unwrap_or_default(),
            Some(path),
            &[],
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "2 libs found in cache `/etc/ld.so.cache'
\tlibtcmalloc_minimal_debug.so.4 (libc6,x86-64) => /lib/libtcmalloc_minimal_debug.so.4
\tlibtcmalloc_minimal.so.4 (libc6,x86-64) => /nowhere/libtcmalloc_minimal.so.4
";

    #[test]
    fn guests_are_found_in_the_loader_s_list() {
        let found = guests_in(LIST);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].measured.name, "tcmalloc");
        assert_eq!(
            found[0].object.as_deref(),
            Some(Path::new("/nowhere/libtcmalloc_minimal.so.4"))
        );
        assert!(guests_in("").is_empty());
    }

    #[test]
    fn names_are_understood_or_refused() {
        let workspace = Workspace::find().unwrap();
        let one = |word: &str| named(&workspace, word).unwrap();
        assert_eq!(one("fancy").unwrap().measured.role, Role::Ours);
        assert_eq!(one("fancy-old=/a/b.so").unwrap().measured.role, Role::Ours);
        assert_eq!(one("other=/a/b.so").unwrap().measured.role, Role::Guest);
        assert_eq!(one("glibc").unwrap().object, None);
        assert_eq!(one("snmalloc").unwrap().measured.role, Role::Peer);
        assert!(one("nothing").is_none());
        assert!(named(&workspace, "=x").is_err());
        let error = choose(&workspace, &["nothing".to_owned()], true, true)
            .unwrap_err()
            .to_string();
        assert!(error.contains("fancy-hardened, glibc, jemalloc"), "{error}");
        let error = choose(&workspace, &["x=/no/such.so".to_owned()], true, true)
            .unwrap_err()
            .to_string();
        assert!(error.contains("/no/such.so"), "{error}");
    }

    #[test]
    fn another_malloc_is_noticed() {
        let workspace = Workspace::find().unwrap();
        let allocator = named(&workspace, "x=/a/libx.so").unwrap().unwrap();
        assert!(allocator.answered("/a/libx.so").is_ok());
        assert!(allocator.answered("/lib/libc.so.6").is_err());
        let glibc = named(&workspace, "glibc").unwrap().unwrap();
        assert!(glibc.answered("/lib/libc.so.6").is_ok());
        assert!(glibc.answered("/a/libx.so").is_err());
    }
}
