//! The variables that an expression sees.

use std::fmt;

use cel::common::value::CowVal;
use cel::context::VariableResolver;
use model::Row;
use serde_json::Value;

use super::json_value::json_value;

/// The variables that an expression sees, each a name for a JSON value that lives elsewhere.
///
/// Binding a variable copies nothing: expressions read the JSON where it lies, and only the parts
/// they use. An inner scope adds names to those around it (`each` to `item`) and hides equal ones.
#[derive(Clone, Default)]
pub struct Scope<'v> {
    outer: Option<&'v Scope<'v>>,
    row: Option<&'v Row>,
    variables: Vec<(&'v str, &'v Value)>,
}

impl<'v> Scope<'v> {
    /// A scope without variables.
    pub fn new() -> Self {
        Self::default()
    }

    /// A scope whose variables are the members of `row`.
    pub fn of(row: &'v Row) -> Self {
        Self { outer: None, row: Some(row), variables: Vec::new() }
    }

    /// A scope inside this one.
    pub fn inner(&self) -> Scope<'_> {
        Scope { outer: Some(self), row: None, variables: Vec::new() }
    }

    /// This scope with the variable `name`; it hides an earlier one of that name.
    #[must_use]
    pub fn with(mut self, name: &'v str, value: &'v Value) -> Self {
        self.bind(name, value);
        self
    }

    /// Adds the variable `name`; it hides an earlier one of that name.
    pub fn bind(&mut self, name: &'v str, value: &'v Value) {
        self.variables.push((name, value));
    }

    /// The value of the variable `name`.
    pub fn find(&self, name: &str) -> Option<&'v Value> {
        let own = self.variables.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| *value);
        own.or_else(|| self.row.and_then(|row| row.get(name)))
            .or_else(|| self.outer.and_then(|outer| outer.find(name)))
    }
}

impl VariableResolver for Scope<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        // The interpreter also asks for `item.name` as one name, which no variable has.
        if variable.contains('.') {
            return None;
        }
        self.find(variable).map(|value| CowVal::Owned(json_value(value)))
    }
}

/// Names only: values may be personal data.
impl fmt::Debug for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.variables.iter().map(|(name, _)| *name);
        let names = names.chain(self.row.iter().flat_map(|row| row.keys().map(String::as_str)));
        f.debug_struct("Scope")
            .field("names", &names.collect::<Vec<_>>())
            .field("outer", &self.outer)
            .finish()
    }
}
