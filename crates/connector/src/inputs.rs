use std::collections::HashMap;

use serde_json::Value;
use spec::reference::FieldReference;

/// Values of several params that came from one row and belong together (saas-config 17.6).
pub type InputGroup = Vec<(String, Vec<Value>)>;

/// What the graph collected for one collection (saas-config 17): param name → values.
///
/// Values are flat, without duplicates, in the order first seen. Names without values are absent.
/// `Debug` shows names and counts only: the values are personal data.
#[derive(Clone, Default)]
pub struct Inputs {
    /// Params that vary on their own.
    pub flat: Vec<(String, Vec<Value>)>,
    /// Params that vary together, one group for each row that feeds them.
    pub groups: Vec<InputGroup>,
    /// For filters with a `dataset_reference`: all values of that field in the rows read so far
    /// (saas-config 15.5). A reference to a collection that was not read has no entry.
    pub filter_values: HashMap<FieldReference, Vec<Value>>,
    /// Names of the collection's typed top-level fields, joined by commas: `<field_list>`
    /// (saas-config 11.13).
    pub field_list: Option<String>,
}

impl Inputs {
    /// The values of the ungrouped param `name`; `None` if the graph supplied none.
    pub fn find(&self, name: &str) -> Option<&[Value]> {
        self.flat.iter().find(|(key, _)| key == name).map(|(_, values)| values.as_slice())
    }

    /// Whether `name` was supplied, on its own or in the first group (saas-config 19.4). A name with
    /// an empty list counts as supplied.
    pub(crate) fn supplies(&self, name: &str) -> bool {
        let grouped = |group: &InputGroup| group.iter().any(|(key, _)| key == name);
        self.find(name).is_some() || self.groups.first().is_some_and(grouped)
    }
}

impl std::fmt::Debug for Inputs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let counts = |group: &InputGroup| -> Vec<(String, usize)> {
            group.iter().map(|(name, values)| (name.clone(), values.len())).collect()
        };
        f.debug_struct("Inputs")
            .field("flat", &counts(&self.flat))
            .field("groups", &self.groups.len())
            .field("filter_values", &self.filter_values.len())
            .field("field_list", &self.field_list)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_stay_out_of_debug() {
        let inputs = Inputs {
            flat: vec![("email".into(), vec![json!("ana@example.com")])],
            groups: vec![vec![("org".into(), vec![json!("secret-org")])]],
            ..Inputs::default()
        };

        let shown = format!("{inputs:?}");

        assert!(!shown.contains("ana@") && !shown.contains("secret-org"), "{shown}");
        assert!(shown.contains("email"), "{shown}");
    }

    #[test]
    fn a_name_counts_as_supplied_even_with_an_empty_list() {
        let inputs = Inputs {
            flat: vec![("a".into(), vec![])],
            groups: vec![vec![("b".into(), vec![])], vec![("c".into(), vec![])]],
            ..Inputs::default()
        };

        assert!(inputs.supplies("a") && inputs.supplies("b"));
        assert!(!inputs.supplies("c"), "only the first group is looked at");
    }
}
