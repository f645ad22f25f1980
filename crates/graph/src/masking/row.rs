use std::fmt;

use model::{Outcome, Row};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use spec::dataset_file::DataKind;

use super::{MaskingGrade, ValuePath};

/// What masking makes of one row: new values, and what stays and why.
///
/// Every targeted value is in one of the two lists, itself or within a value above it.
#[derive(Clone, Default, PartialEq)]
pub struct MaskedRow {
    /// New values, parents before what might stand below them; no two paths overlap.
    pub values: Vec<MaskedValue>,
    /// Targeted values that stay.
    pub left: Vec<Left>,
}

/// The new value of one place.
#[derive(Clone, PartialEq)]
pub struct MaskedValue {
    /// The place.
    pub path: ValuePath,
    /// Declared path of its field, with dots; free of personal data.
    pub field: String,
    /// What is written there.
    pub value: Value,
    /// Key of the rule that targets it.
    pub rule: String,
    /// The category that the rule targets.
    pub category: String,
    /// How well the old value is gone.
    pub grade: MaskingGrade,
}

/// A targeted value that stays.
#[derive(Clone, PartialEq, Eq)]
pub struct Left {
    /// The place.
    pub path: ValuePath,
    /// Declared path of its field, with dots; free of personal data.
    pub field: String,
    /// Key of the rule that targets it.
    pub rule: String,
    /// The category that the rule targets.
    pub category: String,
    /// Why it stays.
    pub reason: LeftReason,
}

/// Why a targeted value stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeftReason {
    /// The dataset says that its field is never written.
    ReadOnly,
    /// The dataset says `preserve`.
    Preserved,
    /// The field is declared as a type that the strategy cannot mask.
    TypeNotSupported,
    /// The field has no type, and the value is no text.
    NotText,
    /// A text or number stands where the dataset declares an object.
    NotAnObject,
}

impl LeftReason {
    /// What it means for the person's data.
    pub fn outcome(self) -> Outcome {
        match self {
            Self::ReadOnly | Self::Preserved => Outcome::Exempt,
            Self::TypeNotSupported | Self::NotText | Self::NotAnObject => Outcome::Unsupported,
        }
    }

    /// One sentence for a person: what to do.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::ReadOnly => "the dataset declares the field as `read_only`",
            Self::Preserved => "the dataset excepts the field with `preserve`",
            Self::TypeNotSupported => {
                "the strategy masks texts and the field is declared as something else; use `null_rewrite`"
            }
            Self::NotText => {
                "the strategy masks texts and the value is none; declare the field's `data_type` or use \
                 `null_rewrite`"
            }
            Self::NotAnObject => "the dataset declares an object and the value is none; correct the dataset",
        }
    }
}

impl MaskedRow {
    /// Whether anything of `received` would change: a row that is masked already needs no write.
    pub fn changes(&self, received: &Row) -> bool {
        self.values.iter().any(|masked| masked.path.find(received) != Some(&masked.value))
    }

    /// The worst grade of the values that are written; `None` if there are none.
    pub fn grade(&self) -> Option<MaskingGrade> {
        self.values.iter().map(|masked| masked.grade).min()
    }
}

impl fmt::Debug for MaskedRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MaskedRow").field("values", &self.values).field("left", &self.left).finish()
    }
}

impl fmt::Debug for MaskedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path: _, field, value: _, rule, category, grade } = self;
        write!(f, "MaskedValue({field}, rule {rule}, {category}, {grade:?})")
    }
}

impl fmt::Debug for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path: _, field, rule, category, reason } = self;
        write!(f, "Left({field}, rule {rule}, {category}, {reason:?})")
    }
}

/// Whether a leaf of a field can be masked by a strategy that takes texts only.
pub(super) fn refusal(declared: Option<DataKind>, value: &Value) -> Option<LeftReason> {
    match (declared, value) {
        // Nothing is there to be masked.
        (_, Value::Null) => None,
        (Some(DataKind::String), _) | (None, Value::String(_)) => None,
        (
            Some(
                DataKind::Integer
                | DataKind::Float
                | DataKind::Boolean
                | DataKind::ObjectId
                | DataKind::Object,
            ),
            _,
        ) => Some(LeftReason::TypeNotSupported),
        (None, Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            Some(LeftReason::NotText)
        }
    }
}
