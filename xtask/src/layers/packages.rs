//! Dependencies between the packages of the workspace, as their `Cargo.toml` files state them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use toml::{Table, Value};

use super::Finding;
use super::table::{Package, Rules};

/// A package of the workspace, as its manifest describes it.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The package's name.
    pub name: String,
    /// Its folder, relative to the root; empty for the package at the root.
    pub dir: PathBuf,
    /// The parsed manifest.
    pub table: Table,
    /// What it depends on.
    pub dependencies: Vec<Dependency>,
    text: String,
}

/// One dependency, with what the workspace's own table adds to it.
#[derive(Clone, Debug)]
pub struct Dependency {
    /// The package.
    pub package: String,
    /// In which of the three tables it stands.
    pub kind: Kind,
    /// Whether its default features are on.
    pub default_features: bool,
    /// Features that are asked for.
    pub features: Vec<String>,
}

/// What a dependency is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The package's code.
    Normal,
    /// Its build script.
    Build,
    /// Its tests, benchmarks and examples.
    Dev,
}

impl Manifest {
    /// The manifest's path, relative to the root.
    pub fn path(&self) -> PathBuf {
        self.dir.join("Cargo.toml")
    }

    /// The first line, from 1, that begins with `word`.
    fn line_of(&self, word: &str) -> usize {
        let begins = |line: &str| {
            line.trim_start()
                .strip_prefix(word)
                .is_some_and(|rest| rest.starts_with([' ', '.', '=']))
        };
        self.text
            .lines()
            .position(begins)
            .map_or(0, |index| index + 1)
    }
}

/// Reads the manifests of all members of the workspace at `root`, the root's own package first.
///
/// # Errors
/// When a manifest can't be read or is not TOML.
pub fn read(root: &Path) -> Result<Vec<Manifest>> {
    let (root_table, root_text) = parse(&root.join("Cargo.toml"))?;
    let workspace = root_table.get("workspace").and_then(Value::as_table);
    let shared = workspace
        .and_then(|table| table.get("dependencies"))
        .and_then(Value::as_table)
        .cloned()
        .unwrap_or_default();
    let mut dirs = Vec::new();
    for member in strings(workspace.and_then(|table| table.get("members"))) {
        match member.strip_suffix("/*") {
            Some(parent) => dirs.extend(packages_in(root, Path::new(parent))?),
            None => dirs.push(PathBuf::from(member)),
        }
    }
    let mut manifests = Vec::new();
    if root_table.contains_key("package") {
        manifests.push(manifest(PathBuf::new(), root_table, root_text, &shared));
    }
    for dir in dirs {
        let (table, text) = parse(&root.join(&dir).join("Cargo.toml"))?;
        manifests.push(manifest(dir, table, text, &shared));
    }
    Ok(manifests)
}

fn packages_in(root: &Path, parent: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root.join(parent))
        .with_context(|| format!("{} cannot be read", parent.display()))?
    {
        let name = entry?.file_name();
        if root.join(parent).join(&name).join("Cargo.toml").is_file() {
            found.push(parent.join(name));
        }
    }
    found.sort();
    Ok(found)
}

fn parse(path: &Path) -> Result<(Table, String)> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    let table = text
        .parse()
        .with_context(|| format!("{} is not TOML", path.display()))?;
    Ok((table, text))
}

fn manifest(dir: PathBuf, table: Table, text: String, shared: &Table) -> Manifest {
    let name = table
        .get("package")
        .and_then(|package| package.get("name"))
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let mut dependencies = Vec::new();
    collect(&table, shared, &mut dependencies);
    // Dependencies of one platform only count like all others.
    if let Some(targets) = table.get("target").and_then(Value::as_table) {
        for target in targets.values().filter_map(Value::as_table) {
            collect(target, shared, &mut dependencies);
        }
    }
    Manifest {
        name,
        dir,
        table,
        dependencies,
        text,
    }
}

fn collect(table: &Table, shared: &Table, into: &mut Vec<Dependency>) {
    for (key, kind) in [
        ("dependencies", Kind::Normal),
        ("build-dependencies", Kind::Build),
        ("dev-dependencies", Kind::Dev),
    ] {
        let Some(entries) = table.get(key).and_then(Value::as_table) else {
            continue;
        };
        for (name, entry) in entries {
            let inherited = entry.get("workspace").and_then(Value::as_bool) == Some(true);
            let base = inherited.then(|| shared.get(name)).flatten();
            let either = |key: &str| {
                entry
                    .get(key)
                    .or_else(|| base.and_then(|base| base.get(key)))
            };
            let mut features = strings(entry.get("features"));
            features.extend(strings(base.and_then(|base| base.get("features"))));
            into.push(Dependency {
                package: either("package")
                    .and_then(Value::as_str)
                    .unwrap_or(name)
                    .to_owned(),
                kind,
                default_features: either("default-features")
                    .and_then(Value::as_bool)
                    .unwrap_or(true),
                features,
            });
        }
    }
}

fn strings(value: Option<&Value>) -> Vec<String> {
    value
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

/// Compares the dependencies with the table.
pub fn check(manifests: &[Manifest], rules: &Rules) -> Vec<Finding> {
    let mut findings = Vec::new();
    let ours = |name: &str| manifests.iter().any(|manifest| manifest.name == name);
    for manifest in manifests {
        let Some(package) = rules.package(&manifest.name) else {
            findings.push(Finding::error(
                &manifest.path(),
                0,
                format!(
                    "package `{}` is not in the table: enter it in xtask/src/layers/table.rs",
                    manifest.name
                ),
            ));
            continue;
        };
        for dependency in &manifest.dependencies {
            if ours(&dependency.package)
                && let Some(what) = against(package, dependency)
            {
                let line = manifest.line_of(&dependency.package);
                findings.push(Finding::error(&manifest.path(), line, what));
            }
        }
    }
    for package in rules.packages {
        if !ours(package.name) {
            findings.push(Finding::error(
                Path::new("Cargo.toml"),
                0,
                format!(
                    "the table has package `{}`, the workspace has not: take it out of xtask/src/layers/table.rs",
                    package.name
                ),
            ));
        }
    }
    findings
}

/// Why `package` must not depend on `dependency` as it does.
fn against(package: &Package, dependency: &Dependency) -> Option<String> {
    let name = dependency.package.as_str();
    let import = package.imports.iter().find(|import| import.package == name);
    if dependency.kind == Kind::Dev {
        let allowed = import.is_some() || package.tests_import.contains(&name);
        return (!allowed)
            .then(|| format!("the tests of `{}` must not import `{name}`", package.name));
    }
    let Some(import) = import else {
        return Some(format!(
            "`{}` must not import `{name}`: imports run down only",
            package.name
        ));
    };
    for feature in import.without {
        let on = match *feature {
            "default" => dependency.default_features,
            other => dependency.features.iter().any(|name| name == other),
        };
        if on {
            return Some(format!(
                "`{}` must import `{name}` without the feature `{feature}`",
                package.name
            ));
        }
    }
    None
}
