//! Checks a YAML tree against the schema of the raw types and keeps what fits.
//!
//! The schema made from the raw types' doc comments is turned into a [`Shape`] once per process.
//! Walking a tree with it reports everything that does not fit, where it stands, and gives a value
//! from which the raw type can be filled without error.

mod compile;
mod scalar;
mod walk;

#[cfg(test)]
mod tests;

use std::collections::HashMap;

pub(crate) use walk::{fit, natural};

/// Everything a schema says, in a form that is quick to walk.
#[derive(Debug)]
pub(crate) struct Schema {
    root: Shape,
    mappings: Vec<MappingRule>,
    strategies: Vec<StrategyRule>,
}

/// What may stand in one place.
#[derive(Debug, Clone, Default)]
struct Shape {
    /// Anything at all.
    any: bool,
    null: bool,
    text: Option<TextRule>,
    integer: Option<IntegerRule>,
    /// Any number between these bounds.
    number: Option<IntegerRule>,
    boolean: bool,
    list: Option<Box<Shape>>,
    /// Position of a rule in [`Schema::mappings`].
    mapping: Option<usize>,
    /// Position of a rule in [`Schema::strategies`].
    strategy: Option<usize>,
}

#[derive(Debug, Clone, Default)]
struct TextRule {
    /// Letters, digits, `_`, `.`, `-`, and perhaps `<` and `>`.
    key_text: Option<KeyText>,
    /// The only texts allowed; empty means any.
    options: Vec<String>,
}

/// The two patterns of key texts that the formats know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeyText {
    /// With the brackets of a placeholder (saas-config 3.2).
    WithBrackets,
    /// Without.
    Plain,
}

#[derive(Debug, Clone, Copy)]
struct IntegerRule {
    least: i64,
    most: i64,
}

#[derive(Debug)]
struct MappingRule {
    properties: Vec<Property>,
    positions: HashMap<String, usize>,
    others: Others,
}

#[derive(Debug)]
struct Property {
    name: String,
    shape: Shape,
    required: bool,
}

/// What happens to keys that are not among the properties.
#[derive(Debug)]
enum Others {
    Refused,
    Warned,
    Accepted(Shape),
}

/// `{strategy, configuration}`: the name chooses the rule.
#[derive(Debug)]
struct StrategyRule {
    /// Name → position of the rule for the whole mapping.
    by_name: HashMap<String, usize>,
    /// Names, today's spelling of each first, for messages.
    names: Vec<String>,
    /// Rule for names that are not known; `None` refuses them.
    other: Option<usize>,
}
