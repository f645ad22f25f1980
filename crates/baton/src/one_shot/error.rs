use connector::CallError;
use egress::Retry;
use governance::change::{ChangeError, ChangeResult};
use governance::{FileError, SyncError};
use model::IncompleteReason;
use thiserror::Error;
use tonic::Code;

use super::FolderError;
use crate::exit::Exit;

/// Why a job was not done, or not all of it.
#[derive(Debug, Error)]
pub enum OneShotError {
    /// Something that this version does not do.
    #[error("`--{flag}` is not supported by this version: {instead}")]
    Unsupported {
        /// The flag.
        flag: &'static str,
        /// What to do.
        instead: &'static str,
    },
    /// No such kind of resources.
    #[error("field `{field}`: there is no type `{kind}` to be read; there are {known}")]
    UnknownKind {
        /// The flag that names it.
        field: &'static str,
        /// As given.
        kind: String,
        /// Those that may be named.
        known: String,
    },
    /// There is no place for what the job keeps.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The sync could not go on.
    #[error(transparent)]
    Sync(#[from] SyncError),
    /// The file could not be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The application did not take the credentials.
    #[error(transparent)]
    Call(Box<CallError>),
    /// The file that a change takes its ids from cannot be read.
    #[error(transparent)]
    Read(#[from] c1z::ReadError),
    /// What a change is about is not in the file.
    #[error(
        "the file has no {what} with the id `{id}`; take an id from it as it stands there, or sync first"
    )]
    NotInFile {
        /// What was looked for.
        what: &'static str,
        /// As given.
        id: String,
    },
    /// It is on a resource of another connector.
    #[error("the entitlement is on a resource that another connector brought in; grant it there")]
    OfAnother,
    /// Nobody gave it, so that nobody can take it.
    #[error("`{grant}` follows from other grants; take back the one of the group it comes through")]
    Inherited {
        /// The id.
        grant: String,
    },
    /// The file says no way to make accounts.
    #[error("the connector file says no way to make {}", made(kind.as_deref()))]
    NoAccounts {
        /// The type that was asked for.
        kind: Option<String>,
    },
    /// Nothing was changed, or nobody knows yet.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// It was sent and is not as it should be.
    #[error("the change is not confirmed ({}{}{detail}): {note}", result.as_str(), if detail.is_empty() { "" } else { ", " })]
    Unsettled {
        /// How it ended.
        result: ChangeResult,
        /// A fixed word about the end of the last attempt (`http_403`).
        detail: String,
        /// What to do.
        note: String,
    },
    /// A kind without which there is no file is missing.
    #[error("there is no file: {detail}; the same command goes on where this one stopped")]
    Unfinished {
        /// Which one, and why.
        detail: String,
        /// How the process ends.
        exit: Exit,
    },
    /// There is a file, and something is missing in it.
    #[error(
        "the file has no rows of {kinds}, which could not be read to the end; run the same command again"
    )]
    Incomplete {
        /// What is missing.
        kinds: String,
        /// How the process ends.
        exit: Exit,
    },
}

impl OneShotError {
    /// The status with which the process ends (baton C-15).
    pub fn exit(&self) -> Exit {
        match self {
            Self::Unsupported { .. } => Exit::of(Code::Unimplemented),
            Self::UnknownKind { .. } => Exit::of(Code::InvalidArgument),
            Self::Folder(source) => source.exit(),
            Self::Sync(source) | Self::File(FileError::Sync(source)) => of_sync(source),
            Self::File(FileError::Time(_)) => Exit::of(Code::InvalidArgument),
            Self::File(FileError::Write(_)) => Exit::of(Code::Internal),
            Self::File(FileError::Base { source }) => of_reading(source),
            Self::Call(source) => of_call(source),
            Self::Read(source) => of_reading(source),
            Self::NotInFile { .. } => Exit::of(Code::NotFound),
            Self::OfAnother | Self::Inherited { .. } => Exit::of(Code::FailedPrecondition),
            Self::NoAccounts { .. } => Exit::of(Code::Unimplemented),
            Self::Change(source) => of_change(source),
            Self::Unsettled { result, detail, .. } => of_result(*result, detail),
            Self::Unfinished { exit, .. } | Self::Incomplete { exit, .. } => *exit,
        }
    }
}

impl OneShotError {
    /// Whether something may have been sent whose end is not known.
    pub(super) fn leaves_open(&self) -> bool {
        matches!(
            self,
            Self::Unsettled { result: ChangeResult::Unknown, .. }
                | Self::Change(
                    ChangeError::Write(_)
                        | ChangeError::Store(_)
                        | ChangeError::Hold(_)
                        | ChangeError::Busy { .. }
                )
        )
    }
}

fn made(kind: Option<&str>) -> String {
    kind.map_or_else(|| "accounts".to_owned(), |kind| format!("a `{kind}`"))
}

fn of_reading(error: &c1z::ReadError) -> Exit {
    Exit::of(match error {
        c1z::ReadError::NoRun | c1z::ReadError::NoSuchRun { .. } => Code::NotFound,
        _ => Code::FailedPrecondition,
    })
}

/// A guard that refuses is 9 (issue 6, "Decided here").
fn of_change(error: &ChangeError) -> Exit {
    Exit::of(match error {
        ChangeError::Guarded { .. } => return Exit::REFUSED,
        ChangeError::Denied { status, .. } => return Exit::of_http(*status),
        ChangeError::Read(source) => {
            return source.status().map_or_else(|| exit_of_reason(source.reason()), Exit::of_http);
        }
        ChangeError::UnknownEntitlement { .. } | ChangeError::NoPrincipal { .. } => Code::NotFound,
        ChangeError::UnknownKind { .. }
        | ChangeError::Ambiguous { .. }
        | ChangeError::OnlyHeld { .. }
        | ChangeError::WrongHolder { .. }
        | ChangeError::Params { .. } => Code::InvalidArgument,
        ChangeError::NoGovernance { .. } | ChangeError::NoWay { .. } | ChangeError::NotAllowed { .. } => {
            Code::Unimplemented
        }
        ChangeError::NotHere { .. }
        | ChangeError::ReadOnly { .. }
        | ChangeError::Fixed { .. }
        | ChangeError::File(_) => Code::FailedPrecondition,
        ChangeError::Drift => Code::Aborted,
        ChangeError::Incomplete { .. }
        | ChangeError::Source(_)
        | ChangeError::Busy { .. }
        | ChangeError::Hold(_) => Code::Unavailable,
        ChangeError::Write(_) => Code::Unknown,
        ChangeError::Mapping(_)
        | ChangeError::Expression { .. }
        | ChangeError::EmptyId(_)
        | ChangeError::Unwritten(_)
        | ChangeError::Store(_) => Code::Internal,
    })
}

fn of_result(result: ChangeResult, detail: &str) -> Exit {
    let answered = detail.strip_prefix("http_").and_then(|status| status.parse().ok());
    match (result, answered) {
        (ChangeResult::Already | ChangeResult::Confirmed | ChangeResult::StillReachable, _) => Exit::SUCCESS,
        // The same command again finds it, or sends it anew.
        (ChangeResult::DoneButNotVisible, _) => Exit::of(Code::Unavailable),
        (ChangeResult::Failed, Some(status @ 400..)) => Exit::of_http(status),
        (ChangeResult::Failed, _) => Exit::of(Code::Unavailable),
        (ChangeResult::Unknown, _) => Exit::of(Code::Unknown),
    }
}

fn of_sync(error: &SyncError) -> Exit {
    Exit::of(match error {
        SyncError::NoGovernance { .. } => Code::Unimplemented,
        SyncError::NotHere { .. } => Code::FailedPrecondition,
        SyncError::Stopped { .. } => Code::Cancelled,
        SyncError::Hold(_) | SyncError::Lost { .. } => Code::Unavailable,
        SyncError::Store(_)
        | SyncError::Sink(_)
        | SyncError::Expression(_)
        | SyncError::Item(_)
        | SyncError::BrokenOff
        | SyncError::EmptyId(_) => Code::Internal,
    })
}

/// As the application answered (baton ER-1).
fn of_call(error: &CallError) -> Exit {
    match (error.status(), error) {
        (Some(status), _) => Exit::of_http(status),
        (None, CallError::Authentication { .. }) => Exit::of(Code::Unauthenticated),
        (None, other) if other.retry() == Retry::Yes => Exit::of(Code::Unavailable),
        (None, _) => Exit::of(Code::InvalidArgument),
    }
}

/// The code that says why something was not read.
pub(super) fn exit_of_reason(reason: IncompleteReason) -> Exit {
    Exit::of(match reason {
        IncompleteReason::Http4xx => Code::PermissionDenied,
        IncompleteReason::Http429 | IncompleteReason::Http5xx | IncompleteReason::Connection => {
            Code::Unavailable
        }
        IncompleteReason::Cancelled => Code::Cancelled,
        IncompleteReason::PageLoop | IncompleteReason::Malformed => Code::Internal,
        IncompleteReason::Truncated | IncompleteReason::Upstream | IncompleteReason::IgnoredError => {
            Code::DataLoss
        }
        IncompleteReason::PageCap => Code::ResourceExhausted,
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    // rule: baton C-15, ER-1
    #[rstest]
    #[case(ChangeResult::Confirmed, "http_200", Code::Ok)]
    #[case(ChangeResult::Failed, "http_403", Code::PermissionDenied)]
    #[case(ChangeResult::Failed, "http_422", Code::InvalidArgument)]
    #[case(ChangeResult::Failed, "connection", Code::Unavailable)]
    #[case(ChangeResult::DoneButNotVisible, "http_200", Code::Unavailable)]
    #[case(ChangeResult::Unknown, "http_200", Code::Unknown)]
    fn what_became_of_a_change_has_a_code(
        #[case] result: ChangeResult,
        #[case] detail: &str,
        #[case] code: Code,
    ) {
        assert_eq!(of_result(result, detail).code(), code);
    }

    // rule: baton C-15; issue 6, "Decided here"
    #[test]
    fn what_may_have_been_sent_leaves_its_folder_and_a_guard_is_nine() {
        let unsettled =
            |result| OneShotError::Unsettled { result, detail: String::new(), note: "look again".to_owned() };
        let guarded =
            ChangeError::Guarded { guard: "last_owner".to_owned(), message: "one stays".to_owned() };

        assert!(unsettled(ChangeResult::Unknown).leaves_open());
        assert!(!unsettled(ChangeResult::Failed).leaves_open());
        let guarded = OneShotError::from(guarded);
        assert!(!guarded.leaves_open());
        assert_eq!(guarded.exit().number(), 9);
    }
}
