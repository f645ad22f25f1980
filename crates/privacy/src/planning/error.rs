use datastore::DatabaseError;
use engine::{RowsError, RunError};
use graph::{ErasureError, MaskerError, StrategyError, TraversalError};
use store::StoreError;
use thiserror::Error;

use crate::plan::Exceeded;

/// Why there is no plan.
#[derive(Debug, Error)]
pub enum PlanningError {
    /// No such policy.
    #[error("there is no policy `{key}`; there are: {}", .known.join(", "))]
    UnknownPolicy {
        /// What was asked for.
        key: String,
        /// What there is.
        known: Vec<String>,
    },
    /// The policy has no rule for what was asked.
    #[error("policy `{key}` has no rule with `action_type: {action}`; add one, or name another policy")]
    NoRule {
        /// The policy.
        key: String,
        /// What was asked for.
        action: &'static str,
    },
    /// The policy cannot be used.
    #[error("policy `{key}`: {source}")]
    Strategy {
        /// The policy.
        key: String,
        /// What is wrong.
        #[source]
        source: StrategyError,
    },
    /// A field to correct that no collection has.
    #[error(
        "nothing is called `{field}`; write `collection.field=value` (with `dataset:` in front if several have the \
         collection), the name of a field, or a data category"
    )]
    UnknownField {
        /// What was asked for.
        field: String,
    },
    /// A field to correct that the policy does not target.
    #[error(
        "policy `{policy}` does not allow to correct `{field}`; add its data category to a rule with `action_type: rectification`"
    )]
    FieldNotTargeted {
        /// The policy.
        policy: String,
        /// What was asked for.
        field: String,
    },
    /// The graph does not fit the identities or the policy.
    #[error(transparent)]
    Traversal(#[from] TraversalError),
    /// A condition of a connector file has no result.
    #[error(transparent)]
    Condition(#[from] ErasureError),
    /// A strategy of a dataset cannot be used.
    #[error(transparent)]
    Masker(#[from] MaskerError),
    /// The reading gave nothing at all.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Rows that were read cannot be read back.
    #[error(transparent)]
    Rows(#[from] RowsError),
    /// A database did not say what is needed to write its statements.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The state cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The rows of a request cannot be made of those that were read.
    #[error("the rows for {place} cannot be made: {source}")]
    Expansion {
        /// The request's place in the connector file.
        place: String,
        /// What is wrong.
        #[source]
        source: Box<connector::ReadError>,
    },
    /// Nothing could be read, so nothing can be planned.
    #[error("nothing could be read: {reason}")]
    NothingRead {
        /// The first failure.
        reason: String,
    },
    /// A person stopped it.
    #[error("stopped before there was a plan; nothing was changed")]
    Cancelled,
    /// The plan would do more than it may.
    #[error("the plan is refused: {}", listed(.exceeded))]
    Refused {
        /// Every limit that stands in its way.
        exceeded: Vec<Exceeded>,
    },
}

impl PlanningError {
    /// Whether limits or foreign rows stand in the way, rather than a failure.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }

    /// Whether something that was given is wrong: policy, field, files.
    pub fn is_bad_input(&self) -> bool {
        match self {
            Self::UnknownPolicy { .. }
            | Self::NoRule { .. }
            | Self::Strategy { .. }
            | Self::UnknownField { .. }
            | Self::FieldNotTargeted { .. }
            | Self::Traversal(_)
            | Self::Condition(_)
            | Self::Masker(_) => true,
            Self::Run(_)
            | Self::Rows(_)
            | Self::Database(_)
            | Self::Store(_)
            | Self::Expansion { .. }
            | Self::NothingRead { .. }
            | Self::Cancelled
            | Self::Refused { .. } => false,
        }
    }
}

fn listed(exceeded: &[Exceeded]) -> String {
    let texts: Vec<String> = exceeded.iter().map(ToString::to_string).collect();
    texts.join("; ")
}
