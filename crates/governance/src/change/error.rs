use connector::ReadError;
use connector::writes::UnwrittenReason;
use engine::{HoldError, WriteError};
use model::{ConnectionKey, RunId};
use protos::EmptyPart;
use spec::expression::ExpressionError;
use store::StoreError;
use thiserror::Error;

use crate::mapping::MappingError;
use crate::source::{SourceError, SourceErrorKind};

/// Why access was not changed. Names kinds and places, never people.
#[derive(Debug, Error)]
pub enum ChangeError {
    /// The file says nothing about access.
    #[error(
        "the connector file of `{connection}` has no section `governance`; add one, or choose a connector that has one"
    )]
    NoGovernance {
        /// The connection.
        connection: ConnectionKey,
    },
    /// The file says that it does not hold for a connection with these settings.
    #[error(
        "access cannot be changed for `{connection}` with its settings: the connector file says `when: {when}`"
    )]
    NotHere {
        /// The connection.
        connection: ConnectionKey,
        /// The condition.
        when: String,
    },
    /// No such kind of resources.
    #[error("the connector file has no kind `{kind}`; it has {known}")]
    UnknownKind {
        /// As given.
        kind: String,
        /// Those that it has.
        known: String,
    },
    /// Nothing has this id.
    #[error(
        "no entitlement has the id `{id}`; take an id from a sync as it stands there, and check that its resource is still there"
    )]
    UnknownEntitlement {
        /// As given.
        id: String,
    },
    /// Several things have it.
    #[error("the id `{id}` fits several entitlements, so nothing is changed; change it in the application")]
    Ambiguous {
        /// As given.
        id: String,
    },
    /// It is there only where somebody holds it.
    #[error(
        "`{id}` exists only where somebody holds it, as a role narrowed by labels does, and cannot be granted; grant \
         it in the application, or grant the whole role"
    )]
    OnlyHeld {
        /// As given.
        id: String,
    },
    /// Somebody of another kind is wanted.
    #[error("`{id}` cannot be held by a `{given}`, only by: {allowed}")]
    WrongHolder {
        /// The entitlement.
        id: String,
        /// The kind given.
        given: String,
        /// Those that can.
        allowed: String,
    },
    /// The file has no such request.
    #[error("the connector file says no way to {action} `{what}`")]
    NoWay {
        /// `grant`, `revoke`, `delete` or `create`.
        action: &'static str,
        /// The entitlement, or the kind.
        what: String,
    },
    /// Who shall hold it is not there.
    #[error("there is no such `{kind}` in the application, or the credentials do not see it{}", needs(requires.as_deref()))]
    NoPrincipal {
        /// The kind.
        kind: String,
        /// What the credentials must be allowed to do.
        requires: Option<String>,
    },
    /// What is to be made lacks something, or has too much.
    #[error("a new `{kind}` {problem}")]
    Params {
        /// The kind.
        kind: String,
        /// What is wrong; names params only.
        problem: String,
    },
    /// The credentials may not look.
    #[error("{place} answered {status}: it needs {requires}")]
    Denied {
        /// The request in the file.
        place: String,
        /// The status.
        status: u16,
        /// What is needed, in the application's words.
        requires: String,
    },
    /// What has to be known before a change could not be read.
    #[error("what is held now could not be read, so nothing was sent: {0}")]
    Read(#[source] Box<ReadError>),
    /// The same: a list broke off.
    #[error("what is held now could not be read to its end, so nothing was sent: {detail}")]
    Incomplete {
        /// Why.
        detail: String,
    },
    /// The same: an answer is not understood.
    #[error("what is held now is not understood, so nothing was sent: {0}")]
    Mapping(#[from] MappingError),
    /// An expression of the change has no result.
    #[error("`{key}` of a change of `{kind}`: {source}")]
    Expression {
        /// The kind.
        kind: String,
        /// The key of the file.
        key: String,
        /// What is wrong.
        #[source]
        source: ExpressionError,
    },
    /// A part of an id is empty.
    #[error(transparent)]
    EmptyId(#[from] EmptyPart),
    /// The call cannot be made of what is known.
    #[error("the change cannot be written down: {0}")]
    Unwritten(#[source] Box<UnwrittenReason>),
    /// What tells about the application did not.
    #[error("what is held now could not be read, or the change not be begun, so nothing was sent: {0}")]
    Source(#[source] SourceError),
    /// What it left cannot be read.
    #[error("what is held now could not be read, so nothing was sent: {0}")]
    File(#[source] Box<c1z::ReadError>),
    /// Nothing is changed through the connection.
    #[error("access is not changed through `{connection}`: {why}")]
    ReadOnly {
        /// The connection.
        connection: ConnectionKey,
        /// Why, and what to do.
        why: String,
    },
    /// No job does this, or none that somebody allowed.
    #[error("`{connection}` may not {action} a `{kind}`; {help}")]
    NotAllowed {
        /// The connection.
        connection: ConnectionKey,
        /// `delete` or `create`.
        action: &'static str,
        /// The kind.
        kind: String,
        /// What to do.
        help: &'static str,
    },
    /// Its connector says that it cannot be changed.
    #[error(
        "the connector says that nobody can {action} `{what}`: it is fixed, or follows from something else; change that in the application"
    )]
    Fixed {
        /// `grant` or `revoke`.
        action: &'static str,
        /// The entitlement or the grant.
        what: String,
    },
    /// It would take away what must stay.
    #[error("refused by the guard `{guard}`: {message}; nothing was sent")]
    Guarded {
        /// Id of the guard.
        guard: String,
        /// Why.
        message: String,
    },
    /// It is no longer what was approved.
    #[error("what is held has changed since the plan was made, so nothing was sent; look at the new plan")]
    Drift,
    /// Another process changes the same.
    #[error("somebody else is changing the same access right now; run this again later")]
    Busy {
        /// The run that was to do it.
        run: RunId,
    },
    /// The task of the change.
    #[error(transparent)]
    Hold(HoldError),
    /// The write could not be settled.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The state database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What kind of error it is, for whoever has to react.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeErrorKind {
    /// What was asked for cannot be.
    BadInput,
    /// It could be, and must not.
    Refused,
    /// It did not work.
    Failed,
}

impl ChangeError {
    /// What kind of error it is.
    pub fn kind(&self) -> ChangeErrorKind {
        match self {
            Self::NoGovernance { .. }
            | Self::NotHere { .. }
            | Self::UnknownKind { .. }
            | Self::UnknownEntitlement { .. }
            | Self::Ambiguous { .. }
            | Self::OnlyHeld { .. }
            | Self::WrongHolder { .. }
            | Self::NoWay { .. }
            | Self::NoPrincipal { .. }
            | Self::ReadOnly { .. }
            | Self::NotAllowed { .. }
            | Self::Fixed { .. }
            | Self::Params { .. } => ChangeErrorKind::BadInput,
            Self::Source(source) => match source.kind {
                SourceErrorKind::BadInput => ChangeErrorKind::BadInput,
                SourceErrorKind::Refused => ChangeErrorKind::Refused,
                SourceErrorKind::Failed | SourceErrorKind::Stopped => ChangeErrorKind::Failed,
            },
            Self::Guarded { .. } | Self::Drift => ChangeErrorKind::Refused,
            Self::Denied { .. }
            | Self::Read(_)
            | Self::File(_)
            | Self::Incomplete { .. }
            | Self::Mapping(_)
            | Self::Expression { .. }
            | Self::EmptyId(_)
            | Self::Unwritten(_)
            | Self::Busy { .. }
            | Self::Hold(_)
            | Self::Write(_)
            | Self::Store(_) => ChangeErrorKind::Failed,
        }
    }

    /// Whether trying again can help.
    pub fn retry(&self) -> store::Retry {
        match self {
            Self::Read(source) if source.retry() == egress::Retry::Yes => store::Retry::Yes,
            Self::Incomplete { .. } | Self::Busy { .. } | Self::Drift => store::Retry::Yes,
            Self::Hold(source) => source.retry(),
            Self::Write(source) => source.retry(),
            Self::Store(source) => source.retry(),
            Self::Source(source) => source.retry(),
            Self::NoGovernance { .. }
            | Self::NotHere { .. }
            | Self::UnknownKind { .. }
            | Self::UnknownEntitlement { .. }
            | Self::Ambiguous { .. }
            | Self::OnlyHeld { .. }
            | Self::WrongHolder { .. }
            | Self::NoWay { .. }
            | Self::NoPrincipal { .. }
            | Self::Params { .. }
            | Self::Denied { .. }
            | Self::Read(_)
            | Self::File(_)
            | Self::ReadOnly { .. }
            | Self::NotAllowed { .. }
            | Self::Fixed { .. }
            | Self::Mapping(_)
            | Self::Expression { .. }
            | Self::EmptyId(_)
            | Self::Unwritten(_)
            | Self::Guarded { .. } => store::Retry::No,
        }
    }
}

impl From<UnwrittenReason> for ChangeError {
    fn from(source: UnwrittenReason) -> Self {
        Self::Unwritten(Box::new(source))
    }
}

fn needs(requires: Option<&str>) -> String {
    requires.map(|requires| format!("; they have to be {requires}")).unwrap_or_default()
}
