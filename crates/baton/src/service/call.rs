use std::error::Error;
use std::time::Duration;

use egress::SendError;
use thiserror::Error;
use tonic::{Code, Status};

use crate::token::{BearerToken, TokenError};

/// Longest text of a control plane that is repeated, in bytes.
const LONGEST: usize = 300;

/// Why a call to the control plane brought nothing. Shows no token and nothing that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CallError {
    /// There is no access token.
    #[error(transparent)]
    Token(TokenError),
    /// It took too long.
    #[error("`{host}` did not answer `{call}` within {} s", within.as_secs())]
    Late {
        /// Where.
        host: String,
        /// What was asked.
        call: &'static str,
        /// How long was waited.
        within: Duration,
    },
    /// It was refused.
    #[error("`{host}` answered `{call}` with {code:?}: {message}")]
    Answered {
        /// Where.
        host: String,
        /// What was asked.
        call: &'static str,
        /// With which code.
        code: Code,
        /// And which words.
        message: String,
    },
    /// Nobody answered.
    #[error("no answer to `{call}`: {source}")]
    NoAnswer {
        /// What was asked.
        call: &'static str,
        /// Why.
        #[source]
        source: SendError,
    },
    /// The answer broke off.
    #[error("`{host}` broke off its answer to `{call}`")]
    Broken {
        /// Where.
        host: String,
        /// What was asked.
        call: &'static str,
    },
    /// A file that is uploaded cannot be read.
    #[error("the file to upload cannot be read: {kind}; is there room for temporary files?")]
    File {
        /// What kind of error.
        kind: std::io::ErrorKind,
    },
}

impl CallError {
    /// From what the client says.
    pub(super) fn of(status: &Status, call: &'static str, (host, token): (&str, &BearerToken)) -> Self {
        let host = host.to_owned();
        if let Some(source) = sent(status) {
            return Self::NoAnswer { call, source };
        }
        // The client puts errors of its own into a status, with their source; an answer has none.
        if status.source().is_some() {
            return Self::Broken { host, call };
        }
        Self::Answered { host, call, code: status.code(), message: repeatable(status.message(), token) }
    }

    /// Its code.
    pub fn code(&self) -> Code {
        match self {
            Self::Token(error) => error.code(),
            Self::Late { .. } => Code::DeadlineExceeded,
            Self::Answered { code, .. } => *code,
            Self::NoAnswer { source, .. } => TokenError::NoAnswer(source.clone()).code(),
            Self::Broken { .. } => Code::Unavailable,
            Self::File { .. } => Code::Internal,
        }
    }

    /// Whether waiting does not mend it: a setting has to change (baton P-11).
    pub(super) fn is_final(&self) -> bool {
        matches!(
            self.code(),
            Code::Unauthenticated
                | Code::PermissionDenied
                | Code::InvalidArgument
                | Code::Unimplemented
                | Code::FailedPrecondition
                | Code::NotFound
        )
    }
}

/// The error of the way out along the sources of a status.
fn sent(status: &Status) -> Option<SendError> {
    let mut source = status.source();
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<SendError>() {
            return Some(error.clone());
        }
        source = error.source();
    }
    None
}

/// A foreign text in one line and of some length. One that repeats our token is not repeated.
fn repeatable(text: &str, token: &BearerToken) -> String {
    if token.is_in(text) {
        return "(the answer repeats the access token)".to_owned();
    }
    let mut text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.truncate(text.floor_char_boundary(LONGEST));
    text
}
