//! What whoever makes a request wants of its plan, as callers write it.

use privacy::RaisedLimits;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::Invalid;
use crate::text::Text;

/// The most corrections of one request.
const MOST_CORRECTIONS: usize = 100;
/// The longest right value, as JSON, in bytes.
const LONGEST: usize = 10_000;

/// A field with its right value.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CorrectionInput {
    /// The field: of a collection (`customers.name`, `shop:customers.name`), of every collection that has one
    /// of this name (`name`), or all of a data category (`user.name`).
    #[schema(value_type = String)]
    field: Text,
    /// Its right value.
    #[schema(value_type = Value)]
    value: Value,
}

/// Limits that are raised; what is absent stays as the server has it.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitsInput {
    /// Most writes; each row that a statement changes counts.
    max_writes: Option<u64>,
    /// Most people.
    max_subjects: Option<u64>,
    /// Largest share of the rows of one table.
    #[schema(minimum = 0, maximum = 1)]
    max_share_of_table: Option<f64>,
    /// Rows of one table that the share never refuses.
    min_rows: Option<u64>,
}

impl CorrectionInput {
    pub(super) fn into_pair(self) -> (String, Value) {
        (self.field.0.trim().to_owned(), self.value)
    }
}

impl LimitsInput {
    pub(super) fn raised(self) -> RaisedLimits {
        let Self { max_writes, max_subjects, max_share_of_table, min_rows } = self;
        RaisedLimits { max_writes, max_subjects, max_share_of_table, min_rows }
    }

    /// What of them cannot be.
    pub(super) fn fault(self, at: &[Value]) -> Option<Invalid> {
        let share = self.max_share_of_table.filter(|share| !(0.0..=1.0).contains(share));
        let loc = [at, &[json!("max_share_of_table")]].concat();
        share.map(|_| Invalid::new("value_error", loc, "write a number from 0 to 1"))
    }
}

/// What is wrong with corrections. Values are not repeated.
pub(super) fn faults(at: &[Value], corrections: &[CorrectionInput]) -> Vec<Invalid> {
    let mut wrong = Vec::new();
    if corrections.len() > MOST_CORRECTIONS {
        let text = format!("at most {MOST_CORRECTIONS} corrections");
        wrong.push(Invalid::new("too_long", at.to_vec(), text));
    }
    for (position, correction) in corrections.iter().take(MOST_CORRECTIONS).enumerate() {
        let place = |name: &str| [at, &[json!(position), json!(name)]].concat();
        if correction.field.0.trim().is_empty() {
            wrong.push(Invalid::new("value_error", place("field"), "name the field, as in `customers.name`"));
        }
        if correction.value.to_string().len() > LONGEST {
            let text = format!("at most {LONGEST} bytes");
            wrong.push(Invalid::new("too_long", place("value"), text));
        }
    }
    wrong
}
