//! Conditions over values that were collected: trees of leaves and groups (privacy-requests POL-14).
//!
//! Pure. What is not known is never true: a leaf whose values nobody saw is neither met nor not met, and a
//! whole that depends on it is not met either.

mod operator;
mod parse;
#[cfg(test)]
mod tests;

pub use operator::ConditionOperator;
pub use parse::ConditionFault;

use std::fmt::Write as _;

use serde_json::Value;

/// A condition over collected values.
#[derive(Debug, Clone, PartialEq)]
pub enum ConditionTree {
    /// One comparison.
    Leaf(ConditionLeaf),
    /// Several conditions.
    Group {
        /// How they count.
        joined: ConditionJoin,
        /// The conditions, at least one.
        conditions: Vec<ConditionTree>,
    },
}

/// One comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct ConditionLeaf {
    /// Whose values are compared, as it was written.
    pub field_address: String,
    /// How.
    pub operator: ConditionOperator,
    /// With what; null for operators that compare with nothing.
    pub value: Value,
}

/// How the conditions of a group count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConditionJoin {
    /// All have to be met.
    And,
    /// One has to be met.
    Or,
}

/// What is known of a field: scalars, each once or several times.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// The values that were seen.
    pub values: Vec<Value>,
    /// Whether there are no others.
    pub is_whole: bool,
}

/// Whether a condition is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// It is.
    Met,
    /// It is not.
    NotMet,
    /// Nobody knows.
    Unknown,
}

/// What came of looking at a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluation {
    /// Whether it is met.
    pub truth: Truth,
    /// Which of its parts are, in words: fields and operators, no values.
    pub text: String,
}

impl Found {
    /// Nothing is known.
    pub fn unknown() -> Self {
        Self::default()
    }

    /// These, and no others. Arrays count by their elements; nulls and empty texts are no values.
    pub fn whole<'a>(values: impl IntoIterator<Item = &'a Value>) -> Self {
        let mut found = Vec::new();
        for value in values {
            crate::collect_values(value, &[], &mut |value| found.push(value.clone()));
        }
        Self { values: found, is_whole: true }
    }
}

impl Truth {
    fn of(is_met: bool) -> Self {
        if is_met { Self::Met } else { Self::NotMet }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::NotMet => "not met",
            Self::Unknown => "not known",
        }
    }
}

impl ConditionJoin {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::And => "and",
            Self::Or => "or",
        }
    }

    /// The worst part decides an `and`, the best an `or`; between both stands what is not known.
    fn of(self, parts: impl IntoIterator<Item = Truth>) -> Truth {
        let (decides, otherwise) = match self {
            Self::And => (Truth::NotMet, Truth::Met),
            Self::Or => (Truth::Met, Truth::NotMet),
        };
        let mut all = otherwise;
        for part in parts {
            if part == decides {
                return decides;
            }
            if part == Truth::Unknown {
                all = Truth::Unknown;
            }
        }
        all
    }
}

impl ConditionTree {
    /// Reads a condition as it is written: `{field_address, operator, value}`, or
    /// `{logical_operator, conditions}`.
    ///
    /// # Errors
    /// [`ConditionFault`] with the place of what is wrong.
    pub fn parse(document: &Value) -> Result<Self, ConditionFault> {
        parse::tree(document)
    }

    /// Whose values it compares; an address stands as often as it is compared.
    pub fn addresses(&self) -> Vec<&str> {
        match self {
            Self::Leaf(leaf) => vec![leaf.field_address.as_str()],
            Self::Group { conditions, .. } => conditions.iter().flat_map(Self::addresses).collect(),
        }
    }

    /// Looks whether it is met by what `find` knows of each address.
    pub fn evaluate(&self, find: &dyn Fn(&str) -> Found) -> Evaluation {
        let mut text = String::new();
        let truth = self.weigh(find, &mut text);
        Evaluation { truth, text }
    }

    fn weigh(&self, find: &dyn Fn(&str) -> Found, text: &mut String) -> Truth {
        match self {
            Self::Leaf(leaf) => {
                let truth = leaf.operator.holds(&find(&leaf.field_address), &leaf.value);
                let (address, operator) = (&leaf.field_address, leaf.operator.as_str());
                let _ = write!(text, "`{address}` {operator}: {}", truth.word());
                truth
            }
            Self::Group { joined, conditions } => {
                text.push('(');
                let mut parts = Vec::with_capacity(conditions.len());
                for condition in conditions {
                    if !parts.is_empty() {
                        let _ = write!(text, " {} ", joined.as_str());
                    }
                    parts.push(condition.weigh(find, text));
                }
                text.push(')');
                joined.of(parts)
            }
        }
    }
}
