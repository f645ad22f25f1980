use std::io;
use std::path::PathBuf;

use governance::source::{SourceError, SourceErrorKind};
use thiserror::Error;

use crate::import::ImportError;
use crate::program::ProgramError;

/// Why a Baton connector of somebody else did not do what it was asked.
#[derive(Debug, Error)]
pub enum ForeignError {
    /// Its program.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// What it left is not believed.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// There is none.
    #[error("{} is no file; correct `file` of `baton`", path.display())]
    NoFile {
        /// As configured.
        path: PathBuf,
    },
    /// It is a file, which does nothing.
    #[error("a file changes nothing; change it in the application")]
    NoProgram,
    /// There is no place for what is believed.
    #[error("there is no private folder for what is read: {source}; look at its room and rights")]
    Folder {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Reading it broke off.
    #[error("reading the file broke off; the log says more")]
    Broken,
}

impl ForeignError {
    fn kind(&self) -> SourceErrorKind {
        match self {
            Self::Program(ProgramError::Digest { .. }) => SourceErrorKind::Refused,
            Self::Program(
                ProgramError::Unreadable { .. } | ProgramError::Setting(_) | ProgramError::User(_),
            )
            | Self::NoFile { .. }
            | Self::NoProgram => SourceErrorKind::BadInput,
            Self::Program(ProgramError::Cancelled) => SourceErrorKind::Stopped,
            Self::Program(_) | Self::Import(_) | Self::Folder { .. } | Self::Broken => {
                SourceErrorKind::Failed
            }
        }
    }
}

impl From<ForeignError> for SourceError {
    fn from(error: ForeignError) -> Self {
        SourceError::new(error.kind(), error)
    }
}
