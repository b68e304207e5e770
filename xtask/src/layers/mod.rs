//! `cargo xtask layers`: imports run down only, and every file is in the build.
//!
//! A package imports only the packages that the table allows it ([`packages`]); inside a package a folder imports only the
//! folders that stand before it in the table ([`imports`]). Every `.rs` file is reached from a target of its package
//! ([`modules`]), is of a length that can be read ([`hygiene`]) and has no unfinished code in it.

pub mod hygiene;
pub mod imports;
pub mod modules;
pub mod packages;
pub mod paths;
pub mod table;

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use self::modules::Tree;
use self::table::Rules;

/// Something that a check found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file, relative to the root folder.
    pub file: PathBuf,
    /// The line, from 1; 0 means the whole file.
    pub line: usize,
    /// Whether it fails the check or is only said.
    pub severity: Severity,
    /// What is wrong and what to do, in a sentence.
    pub what: String,
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The check fails.
    Error,
    /// It is said, and the check passes.
    Warning,
}

impl Finding {
    /// A finding that fails the check.
    pub fn error(file: &Path, line: usize, what: impl Into<String>) -> Self {
        Finding {
            file: file.to_owned(),
            line,
            severity: Severity::Error,
            what: what.into(),
        }
    }

    /// A finding that is only said.
    pub fn warning(file: &Path, line: usize, what: impl Into<String>) -> Self {
        Finding {
            severity: Severity::Warning,
            ..Finding::error(file, line, what)
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{}", self.file.display())?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        write!(f, ": {kind}: {}", self.what)
    }
}

/// What a check of the whole tree gave.
#[derive(Debug, Default)]
pub struct Checked {
    /// Packages that were looked at.
    pub packages: usize,
    /// Source files that were looked at.
    pub files: usize,
    /// What was found, in order of file and line.
    pub findings: Vec<Finding>,
}

/// Checks the tree at `root` against `rules`.
///
/// # Errors
/// When a file can't be read. What is wrong with the sources is a finding, no error.
pub fn check(root: &Path, rules: &Rules) -> Result<Checked> {
    let manifests = packages::read(root)?;
    let mut checked = Checked {
        packages: manifests.len(),
        ..Checked::default()
    };
    checked.findings = packages::check(&manifests, rules);
    for manifest in &manifests {
        let tree = Tree::read(root, manifest)?;
        checked.files += tree.all_files.len();
        checked.findings.extend(tree.findings.iter().cloned());
        checked.findings.extend(hygiene::check(&tree));
        if let Some(package) = rules.package(&manifest.name) {
            checked
                .findings
                .extend(imports::check(&tree, package, rules));
        }
    }
    checked.findings.sort();
    checked.findings.dedup();
    Ok(checked)
}

/// Checks the tree at `root` against the project's own table and prints what was found.
///
/// # Errors
/// When there is a finding that fails the check, or a file can't be read.
pub fn run(root: &Path) -> Result<()> {
    let checked = check(root, &table::RULES)?;
    for finding in &checked.findings {
        println!("{finding}");
    }
    let errors = checked
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .count();
    let warnings = checked.findings.len() - errors;
    println!(
        "layers: {} packages, {} files, {errors} errors, {warnings} warnings",
        checked.packages, checked.files
    );
    if errors > 0 {
        bail!("{errors} errors\n  to repeat it: cargo xtask layers");
    }
    Ok(())
}
