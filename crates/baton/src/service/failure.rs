use prost_types::Any;
use protos::annotations;
use protos::google::rpc::ErrorInfo;
use thiserror::Error;
use tonic::Code;

/// Longest text that is sent about a failure, in bytes.
const LONGEST: usize = 4096;

/// Why a task failed. The text goes to the control plane: no secret and no person's data belongs in it.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("{message}")]
pub struct TaskFailure {
    code: Code,
    message: String,
    details: Vec<Any>,
    again: Again,
}

/// Whether the same task could succeed later, as far as the failure tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// The kind of the task decides (baton §13.5).
    ByKind,
    /// It would fail again.
    Never,
}

impl TaskFailure {
    /// A failure of which the kind of the task says whether it may be tried again.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        let mut message = message.into();
        message.truncate(message.floor_char_boundary(LONGEST));
        Self { code, message, details: Vec::new(), again: Again::ByKind }
    }

    /// A failure that would come again: a check of the result that did not hold (baton S-20).
    pub fn for_good(code: Code, message: impl Into<String>) -> Self {
        Self { again: Again::Never, ..Self::new(code, message) }
    }

    /// A change that the connector declines on purpose: the control plane cancels in place of failing it
    /// (baton MSG-11). `domain` is the runtime's own.
    pub fn declined(domain: &str, message: impl Into<String>) -> Self {
        let info = ErrorInfo {
            reason: "grant_cancelled".to_owned(),
            domain: domain.to_owned(),
            ..ErrorInfo::default()
        };
        Self::new(Code::FailedPrecondition, message).with_detail(annotations::pack(&info))
    }

    /// The same with something for programs to read.
    pub fn with_detail(mut self, detail: Any) -> Self {
        self.details.push(detail);
        self
    }

    /// Its code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// Its text.
    pub fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn details(&self) -> &[Any] {
        &self.details
    }

    pub(super) fn again(&self) -> Again {
        self.again
    }
}
