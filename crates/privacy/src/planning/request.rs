use std::fmt;

use model::Identities;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::Actor;

use crate::plan::Limits;

/// What to plan, for whom.
#[derive(Clone)]
pub struct PlanRequest {
    /// Key of the policy.
    pub policy: String,
    /// What is known of the person.
    pub identities: Identities,
    /// Fields with their right values; empty = an erasure.
    pub rectify: Vec<(String, Value)>,
    /// Limits that a person raised for this plan.
    pub raised: RaisedLimits,
    /// Who asks.
    pub actor: Actor,
}

/// Limits that a person raised for one plan; stands in it, so that approving it approves them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RaisedLimits {
    /// Most writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_writes: Option<u64>,
    /// Most people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_subjects: Option<u64>,
    /// Largest share of a table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_share_of_table: Option<f64>,
    /// Rows that the share never refuses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_rows: Option<u64>,
}

impl RaisedLimits {
    /// `limits` with what was raised in their place.
    pub fn over(self, limits: Limits) -> Limits {
        Limits {
            max_writes: self.max_writes.unwrap_or(limits.max_writes),
            max_subjects: self.max_subjects.unwrap_or(limits.max_subjects),
            max_share_of_table: self.max_share_of_table.unwrap_or(limits.max_share_of_table),
            min_rows: self.min_rows.unwrap_or(limits.min_rows),
        }
    }

    /// Whether nothing was raised.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Kinds and names, no values.
impl fmt::Debug for PlanRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields: Vec<&str> = self.rectify.iter().map(|(field, _)| field.as_str()).collect();
        f.debug_struct("PlanRequest")
            .field("policy", &self.policy)
            .field("identities", &self.identities)
            .field("rectify", &fields)
            .field("raised", &self.raised)
            .finish_non_exhaustive()
    }
}
