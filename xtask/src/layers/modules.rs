//! The module tree of a package: which source files its targets reach.
//!
//! Starts at the root files that cargo finds (library, programs, tests, benchmarks, examples, build script) and follows
//! every `mod` to its file, so that each file is known by its place in the crate. A file that nothing reaches is in no
//! build and in no test: that is a finding.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};
use syn::{Attribute, Expr, ExprLit, Item, ItemMod, Lit, Meta};
use toml::Value;

use super::Finding;
use super::packages::Manifest;

/// A package's source files.
pub struct Tree {
    /// Every source file of the package with its text.
    pub all_files: Vec<(PathBuf, String)>,
    /// Every file that a target reaches, once for each target that reaches it.
    pub files: Vec<SourceFile>,
    /// What is wrong with the tree itself.
    pub findings: Vec<Finding>,
}

/// A file as a part of one target.
pub struct SourceFile {
    /// Its path, relative to the root.
    pub path: PathBuf,
    /// Which target, as an index that is equal for files of one target.
    pub target: usize,
    /// Whether the target is the package's library or program, and not a test, example, benchmark or build script.
    pub layered: bool,
    /// The file's module path inside the crate; empty for the target's root file.
    pub module: Vec<String>,
    /// The parsed file.
    pub syntax: syn::File,
}

impl Tree {
    /// Reads the package of `manifest` below `root`.
    ///
    /// # Errors
    /// When a folder or a file can't be read.
    pub fn read(root: &Path, manifest: &Manifest) -> Result<Self> {
        let mut paths = Vec::new();
        sources(root, &manifest.dir, true, &mut paths)?;
        paths.sort();
        let mut all_files = Vec::new();
        for path in paths {
            let text = std::fs::read_to_string(root.join(&path))
                .with_context(|| format!("{} cannot be read", path.display()))?;
            all_files.push((path, text));
        }
        let mut walk = Walk {
            sources: &all_files,
            files: Vec::new(),
            findings: Vec::new(),
        };
        for (index, (path, layered)) in targets(manifest, &all_files).into_iter().enumerate() {
            let place = Place {
                target: index,
                layered,
                module: Vec::new(),
            };
            walk.file(&path, true, place);
        }
        let Walk {
            files,
            mut findings,
            ..
        } = walk;
        let reached: BTreeSet<&Path> = files.iter().map(|file| file.path.as_path()).collect();
        for (path, _) in &all_files {
            // A file that does not parse was reported as such, if it was reached at all.
            let reported = findings.iter().any(|finding| &finding.file == path);
            if !reached.contains(path.as_path()) && !reported {
                findings.push(Finding::error(
                    path,
                    0,
                    "no target reaches this file: declare it with `mod`, or remove it",
                ));
            }
        }
        Ok(Tree {
            all_files,
            files,
            findings,
        })
    }
}

/// All `.rs` files below `dir` that belong to this package: not those of a package inside it, nor build results.
fn sources(root: &Path, dir: &Path, top: bool, into: &mut Vec<PathBuf>) -> Result<()> {
    let here = root.join(dir);
    if !top && here.join("Cargo.toml").is_file() {
        return Ok(());
    }
    let entries =
        std::fs::read_dir(&here).with_context(|| format!("{} cannot be read", here.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("{} cannot be read", here.display()))?;
        let name = entry.file_name();
        let path = dir.join(&name);
        let kind = entry.file_type()?;
        let hidden = name.to_string_lossy().starts_with('.');
        if kind.is_dir() {
            if !hidden && name != "target" && name != "node_modules" {
                sources(root, &path, false, into)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
    Ok(())
}

/// The root files of the package's targets; `true` stands for the library and the programs.
fn targets(manifest: &Manifest, all_files: &[(PathBuf, String)]) -> Vec<(PathBuf, bool)> {
    let mut found = BTreeSet::new();
    for (path, _) in all_files {
        let Ok(inner) = path.strip_prefix(&manifest.dir) else {
            continue;
        };
        let parts: Vec<_> = inner.iter().map(|part| part.to_string_lossy()).collect();
        let parts: Vec<&str> = parts.iter().map(|part| &**part).collect();
        let layered = match parts.as_slice() {
            ["src", "lib.rs" | "main.rs"] | ["src", "bin", _] | ["src", "bin", _, "main.rs"] => {
                Some(true)
            }
            ["build.rs"]
            | ["tests" | "benches" | "examples", _]
            | ["tests" | "benches" | "examples", _, "main.rs"] => Some(false),
            _ => None,
        };
        if let Some(layered) = layered {
            found.insert((path.clone(), layered));
        }
    }
    let mut named = |value: Option<&Value>, layered: bool| {
        if let Some(path) = value.and_then(Value::as_str) {
            found.insert((manifest.dir.join(path), layered));
        }
    };
    let table = &manifest.table;
    named(table.get("lib").and_then(|lib| lib.get("path")), true);
    named(
        table
            .get("package")
            .and_then(|package| package.get("build")),
        false,
    );
    for (key, layered) in [
        ("bin", true),
        ("test", false),
        ("bench", false),
        ("example", false),
    ] {
        for target in table
            .get(key)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            named(target.get("path"), layered);
        }
    }
    found.into_iter().collect()
}

#[derive(Clone)]
struct Place {
    target: usize,
    layered: bool,
    module: Vec<String>,
}

struct Walk<'a> {
    sources: &'a [(PathBuf, String)],
    files: Vec<SourceFile>,
    findings: Vec<Finding>,
}

impl Walk<'_> {
    fn has(&self, path: &Path) -> bool {
        self.sources.iter().any(|(known, _)| known == path)
    }

    /// Takes in a file and all that it declares. `owns_folder` is true for a root file and for `mod.rs`: its modules lie
    /// beside it; those of `x.rs` lie in `x/`.
    fn file(&mut self, path: &Path, owns_folder: bool, place: Place) {
        let Some((_, text)) = self.sources.iter().find(|(known, _)| known == path) else {
            self.findings.push(Finding::error(
                path,
                0,
                "a target names this file, but it is not there",
            ));
            return;
        };
        let syntax = match syn::parse_file(text) {
            Ok(syntax) => syntax,
            Err(error) => {
                let line = error.span().start().line;
                self.findings
                    .push(Finding::error(path, line, format!("is not Rust: {error}")));
                return;
            }
        };
        let beside = path.parent().unwrap_or(Path::new("")).to_owned();
        let below = match path.file_stem() {
            Some(stem) if !owns_folder => beside.join(stem),
            _ => beside.clone(),
        };
        self.items(&syntax.items, path, &beside, &below, &place);
        self.files.push(SourceFile {
            path: path.to_owned(),
            target: place.target,
            layered: place.layered,
            module: place.module,
            syntax,
        });
    }

    fn items(&mut self, items: &[Item], file: &Path, beside: &Path, below: &Path, place: &Place) {
        for item in items {
            if let Item::Mod(module) = item {
                self.module(module, file, beside, below, place);
            }
        }
    }

    fn module(
        &mut self,
        module: &ItemMod,
        file: &Path,
        beside: &Path,
        below: &Path,
        place: &Place,
    ) {
        let name = module.ident.to_string();
        let name = name.strip_prefix("r#").unwrap_or(&name);
        let line = module.ident.span().start().line;
        if module.attrs.iter().any(never_built) {
            self.findings.push(Finding::error(
                file,
                line,
                format!("`mod {name}` is left out of every build by its `cfg`"),
            ));
        }
        let mut inner = place.clone();
        inner.module.push(name.to_owned());
        if let Some((_, items)) = &module.content {
            let below = below.join(name);
            self.items(items, file, &below, &below, &inner);
            return;
        }
        let candidates = match module.attrs.iter().find_map(path_attribute) {
            Some(path) => vec![(normal(&beside.join(path)), true)],
            None => vec![
                (below.join(format!("{name}.rs")), false),
                (below.join(name).join("mod.rs"), true),
            ],
        };
        let found = candidates
            .iter()
            .find(|(candidate, _)| self.has(candidate))
            .cloned();
        match found {
            Some((path, owns_folder)) => self.file(&path, owns_folder, inner),
            None => self.findings.push(Finding::error(
                file,
                line,
                format!("`mod {name};` has no file"),
            )),
        }
    }
}

/// The path with its `..` resolved, as the list of sources has it.
fn normal(path: &Path) -> PathBuf {
    let mut whole = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                whole.pop();
            }
            Component::CurDir => {}
            other => whole.push(other),
        }
    }
    whole
}

/// `#[path = "…"]`.
fn path_attribute(attribute: &Attribute) -> Option<String> {
    match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
            Expr::Lit(ExprLit {
                lit: Lit::Str(text),
                ..
            }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

/// `#[cfg(any())]`, `#[cfg(false)]`: never true, so that the code is compiled by nobody.
fn never_built(attribute: &Attribute) -> bool {
    match &attribute.meta {
        Meta::List(list) if list.path.is_ident("cfg") => {
            let condition: String = list.tokens.to_string().split_whitespace().collect();
            matches!(
                condition.as_str(),
                "any()" | "false" | "FALSE" | "not(all())"
            )
        }
        _ => false,
    }
}
