//! What can go wrong, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

/// The target that browsers run.
pub const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// Why the page could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Rust's standard library for WebAssembly is missing and could not be installed.
    #[error(
        "the Rust target {WASM_TARGET} is missing and could not be installed ({reason}); \
         run: rustup target add {WASM_TARGET}"
    )]
    TargetMissing {
        /// What was tried, and how it failed.
        reason: String,
    },
    /// A program could not be started.
    #[error("could not run {program}: {source}")]
    Spawn {
        /// The program's name.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// The compiler refused the package `web`.
    #[error("package web did not compile for {WASM_TARGET}:\n{stderr}")]
    Compile {
        /// What cargo printed.
        stderr: String,
    },
    /// The bindings could not be generated.
    #[error("wasm-bindgen could not make bindings of {}: {reason}", .wasm.display())]
    Bindings {
        /// The compiled module.
        wasm: PathBuf,
        /// What the generator said.
        reason: String,
    },
    /// A file could not be read or written.
    #[error("{}: {source}", .path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl BuildError {
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> BuildError + '_ {
        move |source| BuildError::File {
            path: path.to_path_buf(),
            source,
        }
    }
}
