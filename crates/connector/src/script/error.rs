use egress::Retry;
use model::IncompleteReason;
use spec::script::{ScriptError, ScriptPageError, ScriptWriteError};
use thiserror::Error;

use crate::build::BuildError;
use crate::send::CallError;

/// Why a function of a script did not do its work. Names places, never values.
#[derive(Debug, Error)]
pub enum HookError {
    /// The function stopped.
    #[error(transparent)]
    Script(#[from] ScriptError),
    /// A read that it asked for brought nothing.
    #[error("{place}: `fetch` in function `{function}`: {source}")]
    Fetch {
        /// File, line and column.
        place: String,
        /// The function.
        function: String,
        /// What became of the read.
        #[source]
        source: Box<CallError>,
    },
    /// Its result is no page of rows.
    #[error("script `{hook}`: {source}")]
    Page {
        /// File and function.
        hook: String,
        /// What is wrong with it.
        #[source]
        source: ScriptPageError,
    },
    /// Its result is no list of writes.
    #[error("script `{hook}`: {source}")]
    Writes {
        /// File and function.
        hook: String,
        /// What is wrong with it.
        #[source]
        source: ScriptWriteError,
    },
    /// A write that cannot be built.
    #[error("script `{hook}`, entry {index} of its writes: {source}")]
    Write {
        /// File and function.
        hook: String,
        /// Position of the write, from 0.
        index: usize,
        /// What is wrong with it.
        #[source]
        source: Box<BuildError>,
    },
    /// A write for rows that there are not.
    #[error("script `{hook}`, entry {index} of its writes: `rows` names a row that it did not get")]
    UnknownRow {
        /// File and function.
        hook: String,
        /// Position of the write, from 0.
        index: usize,
    },
    /// A write for no row, or twice for one.
    #[error(
        "script `{hook}`, entry {index} of its writes: `rows` must name each row that it stands for, once; leave \
         `rows` out for all of them"
    )]
    Rows {
        /// File and function.
        hook: String,
        /// Position of the write, from 0.
        index: usize,
    },
    /// A header that the sender says, or that names another method.
    #[error("script `{hook}` returned header `{name}`, which is not a signature's to set")]
    Header {
        /// File and function.
        hook: String,
        /// The header.
        name: &'static str,
    },
    /// A secret in the open.
    #[error(
        "script `{hook}`, entry {index} of its writes holds the value of secret `{secret}`, which would then stand \
         in the plan; write `ctx[\"secrets\"][\"{secret}\"]` in its place"
    )]
    SecretInWrite {
        /// File and function.
        hook: String,
        /// Position of the write, from 0.
        index: usize,
        /// Name of the secret.
        secret: String,
    },
    /// A value that looks like the name of a secret.
    #[error("a value for {place} holds text that stands for a secret; the script was not given it")]
    SecretMark {
        /// The request's place in the file.
        place: String,
    },
    /// Its result is something else.
    #[error("script `{hook}` must return {expected}")]
    Result {
        /// File and function.
        hook: String,
        /// What was expected.
        expected: &'static str,
    },
    /// The function says that the connection does not work.
    #[error("script `{hook}` found that the connection does not work")]
    TestFailed {
        /// File and function.
        hook: String,
    },
    /// The thread that ran it is gone.
    #[error("the script was broken off; try again")]
    Ended,
}

impl HookError {
    /// How a reading that ends with this error is incomplete.
    pub fn reason(&self) -> IncompleteReason {
        self.meaning().0
    }

    /// Whether the same call may succeed later, with nothing changed by a person.
    pub fn retry(&self) -> Retry {
        self.meaning().1
    }

    fn meaning(&self) -> (IncompleteReason, Retry) {
        match self {
            Self::Fetch { source, .. } => (source.reason(), source.retry()),
            Self::Ended => (IncompleteReason::Cancelled, Retry::Yes),
            Self::Script(_)
            | Self::Page { .. }
            | Self::Writes { .. }
            | Self::Write { .. }
            | Self::UnknownRow { .. }
            | Self::Rows { .. }
            | Self::Header { .. }
            | Self::SecretInWrite { .. }
            | Self::SecretMark { .. }
            | Self::Result { .. }
            | Self::TestFailed { .. } => (IncompleteReason::Malformed, Retry::No),
        }
    }
}
