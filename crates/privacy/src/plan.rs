//! The plan of an erasure or rectification: everything that will be sent, before anything is sent.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use model::{CollectionAddress, RunId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{RaisedLimits, as_text};

pub mod drift;
mod file;
mod headline;
mod limits;
mod mark;
mod not_covered;
mod operation;
mod secret_mask;
mod text;

pub use file::PlanError;
pub use limits::{Exceeded, Limits, Volume};
pub use mark::{ReadMark, RowMark, RowMarker, secrets_fingerprint};
pub use not_covered::NotCovered;
pub(crate) use not_covered::{HELD, NOT_FOUND, NOT_RESOLVED};
pub use operation::{Call, Operation, Reason, Reversibility, UsedRow, UsedValues, Uses, Verification};
pub use secret_mask::SecretMask;
pub use store::{PlanDigest, PlanDigestError};

/// A plan, sealed: its contents and the digest over them.
///
/// Nothing in it can change any more; whoever approves the digest approves exactly this.
#[derive(Clone, PartialEq)]
pub struct Plan {
    contents: PlanContents,
    digest: PlanDigest,
}

/// What a plan holds (architecture §13.4). Holds personal data of the one person it is about.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanContents {
    /// Form of the file.
    pub format: PlanFormat,
    /// The run that made it and will carry it out.
    #[serde(with = "as_text")]
    pub run: RunId,
    /// When it was made.
    #[serde(with = "as_text")]
    pub made_at: Timestamp,
    /// What it is for.
    pub action: PlanAction,
    /// Key of the policy.
    pub policy: String,
    /// Digest of the policy, as it was, and of what the project let it do with each connection.
    pub policy_sha256: String,
    /// Identity kind → the values known of the person.
    pub subject: BTreeMap<String, Vec<Value>>,
    /// What the writes go through.
    pub connections: Vec<PlannedConnection>,
    /// Every write, in order.
    pub operations: Vec<Operation>,
    /// Targeted data that stay, and why.
    pub not_covered: Vec<NotCovered>,
    /// Everything that was read to make it.
    pub reads: Vec<PlannedRead>,
    /// How much it may change.
    pub limits: Limits,
    /// What of the limits was raised for this plan only.
    #[serde(default, skip_serializing_if = "RaisedLimits::is_empty")]
    pub raised: RaisedLimits,
    /// Fields with their right values, as they were given; empty for an erasure.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub corrections: Vec<Correction>,
}

/// One field with its right value.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Correction {
    /// The field, as it was given.
    pub field: String,
    /// Its right value.
    pub value: Value,
}

/// Form of a plan file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum PlanFormat {
    /// The first and only one.
    #[default]
    #[serde(rename = "tutela.plan/1")]
    V1,
}

/// What a plan is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanAction {
    /// Data go.
    #[default]
    Erasure,
    /// Data are corrected.
    Rectification,
}

/// One connection, as it was when the plan was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedConnection {
    /// Its key.
    pub key: String,
    /// Type of the connector, or kind of database.
    pub connector: String,
    /// Version that the connector file states.
    pub version: String,
    /// Digest of connector and dataset file.
    pub sha256: String,
    /// Keyed hash of the secrets ([`secrets_fingerprint`]): says whether they changed, and nothing else.
    pub secrets_fingerprint: String,
}

/// One collection that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedRead {
    /// Its address.
    pub address: CollectionAddress,
    /// Whether it was read to its end.
    pub complete: bool,
    /// Rows found.
    pub rows: u64,
    /// Those that carry only somebody else's address (architecture §13.17).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub foreign: u64,
    /// Rows of the whole table, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table_rows: Option<u64>,
    /// Keyed hash over all rows found, whatever their order ([`ReadMark`]).
    pub keyed_hash: String,
    /// Collections that gave the values it was read with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<CollectionAddress>,
}

impl Plan {
    /// Numbers the operations from 1, in their order, and puts the digest over everything.
    pub fn seal(mut contents: PlanContents) -> Self {
        for (order, operation) in (1..).zip(&mut contents.operations) {
            operation.order = order;
        }
        // SHA-256 over the RFC 8785 form of everything but the digest itself.
        let digest = PlanDigest::of(&crypto::canonical_json(&contents.to_value()));
        Self { contents, digest }
    }

    /// What it holds.
    pub fn contents(&self) -> &PlanContents {
        &self.contents
    }

    /// The digest over everything it holds.
    pub fn digest(&self) -> &PlanDigest {
        &self.digest
    }

    /// The operation with this number.
    pub fn find_operation(&self, order: u64) -> Option<&Operation> {
        self.contents.operations.iter().find(|operation| operation.order == order)
    }
}

impl PlanContents {
    fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("keys are texts, and nothing else can fail")
    }
}

/// Shows the run and counts, no personal data.
impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plan({}, {}, {:?})", self.contents.run, self.digest, self.contents)
    }
}

/// Shows the field only.
impl fmt::Debug for Correction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Correction({})", self.field)
    }
}

/// Shows counts, no personal data.
impl fmt::Debug for PlanContents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (operations, not_covered) = (self.operations.len(), self.not_covered.len());
        write!(f, "PlanContents({operations} operations, {not_covered} not covered)")
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;
