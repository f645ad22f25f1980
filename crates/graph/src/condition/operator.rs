use std::cmp::Ordering;

use model::loosely_equal;
use serde_json::Value;

use super::{Found, Truth};

/// Operators, each with its word.
macro_rules! operators {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)+) => {
        /// How collected values are compared (privacy-requests POL-14).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ConditionOperator { $($(#[$doc])* $name,)+ }

        impl ConditionOperator {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// Its word.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }
        }
    };
}

operators! {
    /// One of the values is equal.
    Eq = "eq",
    /// None of the values is equal.
    Neq = "neq",
    /// One is smaller.
    Lt = "lt",
    /// One is smaller or equal.
    Lte = "lte",
    /// One is greater.
    Gt = "gt",
    /// One is greater or equal.
    Gte = "gte",
    /// There is a value.
    Exists = "exists",
    /// There is none.
    NotExists = "not_exists",
    /// One of the values is one of these.
    ListContains = "list_contains",
    /// None of the values is one of these.
    NotInList = "not_in_list",
    /// One of the values is one of these.
    ListIntersects = "list_intersects",
    /// All of the values are among these.
    ListSubset = "list_subset",
    /// All of these are among the values.
    ListSuperset = "list_superset",
    /// None of the values is one of these.
    ListDisjoint = "list_disjoint",
    /// One is a text that begins so.
    StartsWith = "starts_with",
    /// One is a text that ends so.
    EndsWith = "ends_with",
    /// One is a text that has this in it.
    Contains = "contains",
}

/// What an operator compares with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operand {
    /// Nothing.
    None,
    /// A text, number or flag.
    Scalar,
    /// A text or number.
    Ordered,
    /// A text.
    Text,
    /// A list of scalars, or one of them.
    List,
}

impl ConditionOperator {
    /// The operator with this word.
    pub fn find(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|operator| operator.as_str() == word)
    }

    pub(super) fn operand(self) -> Operand {
        match self {
            Self::Exists | Self::NotExists => Operand::None,
            Self::Eq | Self::Neq => Operand::Scalar,
            Self::Lt | Self::Lte | Self::Gt | Self::Gte => Operand::Ordered,
            Self::StartsWith | Self::EndsWith | Self::Contains => Operand::Text,
            Self::ListContains
            | Self::NotInList
            | Self::ListIntersects
            | Self::ListSubset
            | Self::ListSuperset
            | Self::ListDisjoint => Operand::List,
        }
    }

    /// Whether it holds for what is known.
    pub(super) fn holds(self, found: &Found, value: &Value) -> Truth {
        let listed: &[Value] = match value {
            Value::Array(list) => list,
            one => std::slice::from_ref(one),
        };
        let is_listed = |one: &Value| listed.iter().any(|other| loosely_equal(one, other));
        let is_ordered = |wanted: fn(Ordering) -> bool| {
            let comparable = found.values.iter().filter_map(|one| compared(one, value));
            some_of(found, comparable.map(wanted))
        };
        let is_text = |wanted: &dyn Fn(&str, &str) -> bool| {
            let texts = found.values.iter().filter_map(|one| Some((one.as_str()?, value.as_str()?)));
            some_of(found, texts.map(|(one, other)| wanted(one, other)))
        };
        match self {
            Self::Exists => exists(found),
            Self::NotExists => match exists(found) {
                Truth::Met => Truth::NotMet,
                Truth::NotMet => Truth::Met,
                Truth::Unknown => Truth::Unknown,
            },
            Self::Eq => some_of(found, found.values.iter().map(|one| loosely_equal(one, value))),
            Self::Neq => all_of(found, |one| !loosely_equal(one, value)),
            Self::Lt => is_ordered(Ordering::is_lt),
            Self::Lte => is_ordered(Ordering::is_le),
            Self::Gt => is_ordered(Ordering::is_gt),
            Self::Gte => is_ordered(Ordering::is_ge),
            Self::ListContains | Self::ListIntersects => some_of(found, found.values.iter().map(is_listed)),
            Self::NotInList | Self::ListDisjoint => all_of(found, |one| !is_listed(one)),
            Self::ListSubset => all_of(found, is_listed),
            Self::ListSuperset => {
                let is_found = |one: &Value| found.values.iter().any(|other| loosely_equal(one, other));
                if listed.iter().all(is_found) { Truth::Met } else { unless_whole(found) }
            }
            Self::StartsWith => is_text(&|one, other| one.starts_with(other)),
            Self::EndsWith => is_text(&|one, other| one.ends_with(other)),
            Self::Contains => is_text(&|one, other| one.contains(other)),
        }
    }
}

/// One comparison that holds is enough. Nothing that could be compared is nothing that is known.
fn some_of(found: &Found, comparisons: impl Iterator<Item = bool>) -> Truth {
    let mut is_compared = false;
    for is_met in comparisons {
        if is_met {
            return Truth::Met;
        }
        is_compared = true;
    }
    if is_compared { unless_whole(found) } else { Truth::Unknown }
}

/// Every value has to pass, and there has to be one; another that nobody saw might not pass.
fn all_of(found: &Found, passes: impl Fn(&Value) -> bool) -> Truth {
    if !found.values.iter().all(passes) {
        return Truth::NotMet;
    }
    if found.is_whole && !found.values.is_empty() { Truth::Met } else { Truth::Unknown }
}

fn exists(found: &Found) -> Truth {
    if found.values.is_empty() { unless_whole(found) } else { Truth::Met }
}

/// Not met, if everything was seen.
fn unless_whole(found: &Found) -> Truth {
    if found.is_whole { Truth::of(false) } else { Truth::Unknown }
}

/// Numbers by value, texts letter by letter (dates in the form of ISO 8601 stand in order by it); others
/// have no order.
fn compared(one: &Value, other: &Value) -> Option<Ordering> {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => match (one.as_i128(), other.as_i128()) {
            (Some(one), Some(other)) => Some(one.cmp(&other)),
            (_, _) => one.as_f64()?.partial_cmp(&other.as_f64()?),
        },
        (Value::String(one), Value::String(other)) => Some(one.cmp(other)),
        (_, _) => None,
    }
}
