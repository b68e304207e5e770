//! Where the repository is, and commands that run in it.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::process::Call;

/// The repository that the tasks work on.
#[derive(Clone, Debug)]
pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// Takes `root` as the repository's root folder.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Workspace { root: root.into() }
    }

    /// Finds the repository: the nearest folder with a `Cargo.toml` that has a `[workspace]`, from the package that cargo
    /// runs (`CARGO_MANIFEST_DIR`) or else from the current folder upwards.
    ///
    /// # Errors
    /// When there is no such folder.
    pub fn find() -> Result<Self> {
        let start = match env::var_os("CARGO_MANIFEST_DIR") {
            Some(dir) => PathBuf::from(dir),
            None => env::current_dir().context("the current folder cannot be read")?,
        };
        for dir in start.ancestors() {
            let manifest = dir.join("Cargo.toml");
            if let Ok(text) = std::fs::read_to_string(&manifest)
                && text.lines().any(|line| line.trim() == "[workspace]")
            {
                return Ok(Workspace::at(dir));
            }
        }
        bail!(
            "no workspace at or above {}: run `cargo xtask` inside the repository",
            start.display()
        )
    }

    /// The root folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of build results: `CARGO_TARGET_DIR`, or `target` in the root.
    pub fn target(&self) -> PathBuf {
        match env::var_os("CARGO_TARGET_DIR") {
            Some(dir) => self.root.join(dir),
            None => self.root.join("target"),
        }
    }

    /// The released program of the user, once `cargo build --release` has made it.
    pub fn release_binary(&self) -> PathBuf {
        self.released("heaptape")
    }

    /// The program `name`, once `cargo build --release` has made it.
    pub fn released(&self, name: &str) -> PathBuf {
        self.target()
            .join("release")
            .join(format!("{name}{}", env::consts::EXE_SUFFIX))
    }

    /// A call of the cargo that runs this task, in the root folder.
    pub fn cargo<I, S>(&self, args: I) -> Call
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        let program = env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        Call::new(program, &self.root).shown_as("cargo").args(args)
    }

    /// A call of another program, in the root folder.
    pub fn call(&self, program: impl Into<String>) -> Call {
        Call::new(program, &self.root)
    }

    /// The versions of package `name` that Cargo.lock pins, usually one.
    ///
    /// # Errors
    /// When Cargo.lock is missing or is not what cargo writes.
    pub fn locked(&self, name: &str) -> Result<Vec<String>> {
        let path = self.root.join("Cargo.lock");
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        let lock: toml::Table = text
            .parse()
            .with_context(|| format!("{} is not TOML", path.display()))?;
        let packages = lock.get("package").and_then(toml::Value::as_array);
        let versions = packages
            .into_iter()
            .flatten()
            .filter(|package| package.get("name").and_then(toml::Value::as_str) == Some(name))
            .filter_map(|package| package.get("version").and_then(toml::Value::as_str))
            .map(str::to_owned)
            .collect();
        Ok(versions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_is_found_from_a_package() {
        let workspace = Workspace::find().unwrap();
        assert!(workspace.root().join("xtask/Cargo.toml").is_file());
    }

    #[test]
    fn locked_versions_are_read() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(
            dir.path().join("Cargo.lock"),
            "version = 4\n[[package]]\nname = \"a\"\nversion = \"1.2.3\"\n[[package]]\nname = \"b\"\nversion = \"0.1.0\"\n",
        )
        .unwrap();
        let workspace = Workspace::at(dir.path());
        assert_eq!(workspace.locked("a").unwrap(), ["1.2.3"]);
        assert!(workspace.locked("c").unwrap().is_empty());
    }
}
