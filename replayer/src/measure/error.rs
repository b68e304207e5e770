//! Why nothing could be measured.

use std::path::PathBuf;

use trace_format::TapeError;

use crate::mapping::MapError;
use crate::plan::PlanError;

/// Why nothing could be measured. A single run that fails is no such reason, but a [`Fault`](crate::results::Fault).
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A tape's file could not be opened.
    #[error("{}: {error}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// A tape could not be read.
    #[error("{}: {error}", path.display())]
    Tape {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: TapeError,
    },
    /// No plan could be made of a tape.
    #[error("{}: {error}", path.display())]
    Plan {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: PlanError,
    },
    /// No memory for what the runs share.
    #[error(transparent)]
    Memory(#[from] MapError),
    /// An earlier measurement that this one can't go on with.
    #[error(
        "the earlier results can't be resumed: {0}; measure into another file, or leave --resume out"
    )]
    Resume(String),
}
