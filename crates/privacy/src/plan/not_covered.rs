use std::collections::BTreeMap;

use graph::{Left, LeftReason, NotErased};
use model::{CollectionAddress, Outcome};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Targeted data that stay, and why. Holds no personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotCovered {
    /// Where.
    pub collection: CollectionAddress,
    /// Declared paths of the fields, with dots; empty = all of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// Rows in which something stays.
    pub rows: u64,
    /// What it means for the person.
    pub outcome: Outcome,
    /// A stable name of the reason.
    pub reason: String,
    /// The reason in words: what to do.
    pub explanation: String,
}

/// The name of the reason that is `masking_strict`.
pub(super) const MASKING_STRICT: &str = "masking_strict";

/// The name of the reason that a complete reading has nothing of the person.
pub(crate) const NOT_FOUND: &str = "not_found";
/// The name of the reason that a law asks to keep it.
pub(crate) const HELD: &str = "hold";
/// The name of the reason that nothing names the person there: what would was read to its end, too.
pub(crate) const NOT_RESOLVED: &str = "not_resolved";

impl NotCovered {
    /// Whether nothing stays at all: what should go was looked for to the end and is not there.
    /// Something that was not reached was not looked for.
    pub(crate) fn was_not_found(&self) -> bool {
        self.outcome == Outcome::NotFound
            && self.rows == 0
            && [NOT_FOUND, NOT_RESOLVED].contains(&self.reason.as_str())
    }

    /// A collection that is not erased, with `rows` rows found in it; `None` if the policy does not
    /// target it.
    pub fn collection(not_erased: &NotErased, rows: u64) -> Option<Self> {
        Some(Self {
            collection: not_erased.collection.clone(),
            fields: Vec::new(),
            rows,
            outcome: not_erased.reason.outcome()?,
            reason: name(&not_erased.reason),
            explanation: not_erased.reason.to_string(),
        })
    }

    /// What masking left in the rows of a collection, one entry for each reason; `left` holds one
    /// list for each row.
    pub fn fields<'a>(
        collection: &CollectionAddress,
        left: impl IntoIterator<Item = &'a [Left]>,
    ) -> Vec<Self> {
        let mut by_reason = BTreeMap::new();
        for row in left {
            let mut seen = Vec::new();
            for one in row {
                let entry: &mut (u64, Vec<String>) = by_reason.entry(one.reason).or_default();
                if !entry.1.contains(&one.field) {
                    entry.1.push(one.field.clone());
                }
                if !seen.contains(&one.reason) {
                    entry.0 += 1;
                    seen.push(one.reason);
                }
            }
        }
        let entry = |(reason, (rows, mut fields)): (LeftReason, (u64, Vec<String>))| {
            fields.sort();
            Self {
                collection: collection.clone(),
                fields,
                rows,
                outcome: reason.outcome(),
                reason: name(&reason),
                explanation: reason.explanation().to_owned(),
            }
        };
        by_reason.into_iter().map(entry).collect()
    }

    /// A collection that is targeted as a whole: masking goes by fields, and what has no category
    /// of its own stays.
    pub fn whole_collection(collection: CollectionAddress, rows: u64) -> Self {
        Self {
            collection,
            fields: Vec::new(),
            rows,
            outcome: Outcome::Unsupported,
            reason: "collection_category".to_owned(),
            explanation: "the category stands at the collection and masking goes by fields; give the fields \
                          their categories"
                .to_owned(),
        }
    }
}

impl NotCovered {
    /// The name of a reason for which masking leaves a value.
    pub(crate) fn left_reason(reason: LeftReason) -> String {
        name(&reason)
    }
}

/// The name that a reason has in files.
fn name(reason: &impl Serialize) -> String {
    match serde_json::to_value(reason) {
        Ok(Value::String(name)) => name,
        Ok(_) | Err(_) => String::new(),
    }
}
