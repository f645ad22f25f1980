use engine::HoldError;
use model::{ConnectionKey, RunId};
use protos::EmptyPart;
use spec::expression::ExpressionError;
use store::StoreError;
use thiserror::Error;

use crate::mapping::MappingError;
use crate::sink::SinkError;

/// Why a sync cannot go on. What the application did wrong is part of the report, not an error.
#[derive(Debug, Error)]
pub enum SyncError {
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
        "who has access cannot be read for `{connection}` with its settings: the connector file says `when: {when}`"
    )]
    NotHere {
        /// The connection.
        connection: ConnectionKey,
        /// The condition.
        when: String,
    },
    /// Another process has it.
    #[error(transparent)]
    Hold(HoldError),
    /// Another process has it by now.
    #[error("{run} was taken over by another process; this one stopped")]
    Lost {
        /// The run.
        run: RunId,
    },
    /// A person stopped it.
    #[error("{run} was stopped; the same command goes on where it stopped")]
    Stopped {
        /// The run.
        run: RunId,
    },
    /// The state database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An entitlement has no result for what was read.
    #[error(transparent)]
    Expression(ExpressionError),
    /// The same, of an item.
    #[error(transparent)]
    Item(MappingError),
    /// A row without an id.
    #[error(transparent)]
    EmptyId(EmptyPart),
    /// Rows were made of a list while it was read, and it was not read to its end.
    #[error("a list that rows were made of was not read to its end")]
    BrokenOff,
    /// What was read cannot be written to where it is wanted.
    #[error(transparent)]
    Sink(#[from] SinkError),
}

impl SyncError {
    /// Whether trying again can help.
    pub fn retry(&self) -> store::Retry {
        match self {
            Self::Hold(source) => source.retry(),
            Self::Lost { .. } | Self::Stopped { .. } | Self::BrokenOff => store::Retry::Yes,
            Self::Store(source) => source.retry(),
            Self::NoGovernance { .. }
            | Self::NotHere { .. }
            | Self::Sink(_)
            | Self::Expression(_)
            | Self::Item(_)
            | Self::EmptyId(_) => store::Retry::No,
        }
    }
}
