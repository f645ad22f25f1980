use std::error::Error;

use store::Retry;
use thiserror::Error;

/// Why a source did not do what it was asked. Names places and settings, never values.
#[derive(Debug, Error)]
#[error("{source}")]
pub struct SourceError {
    /// What kind of error it is.
    pub kind: SourceErrorKind,
    /// What happened.
    #[source]
    source: Box<dyn Error + Send + Sync>,
}

/// What kind of error it is, for whoever has to react.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceErrorKind {
    /// It is configured wrongly.
    BadInput,
    /// It could be asked, and must not: it is not what was trusted.
    Refused,
    /// It did not work.
    Failed,
    /// Somebody asked it to stop.
    Stopped,
}

impl SourceError {
    /// Of the error of whatever is asked.
    pub fn new(kind: SourceErrorKind, source: impl Error + Send + Sync + 'static) -> Self {
        Self { kind, source: Box::new(source) }
    }

    /// Whether trying again can help.
    pub fn retry(&self) -> Retry {
        match self.kind {
            SourceErrorKind::Failed | SourceErrorKind::Stopped => Retry::Yes,
            SourceErrorKind::BadInput | SourceErrorKind::Refused => Retry::No,
        }
    }
}
