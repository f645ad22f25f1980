use model::is_falsy;
use serde_json::Value;

use crate::values::{Origin, ValueMap};

/// The secrets of one connection: name → JSON value, the names of the file's connector params.
///
/// `Debug` shows names only; texts are wiped on drop.
#[derive(Clone)]
pub struct Secrets {
    values: ValueMap,
}

impl Secrets {
    /// Takes the secrets in; a repeated name keeps the last value.
    pub fn new(entries: Vec<(String, Value)>) -> Self {
        let mut values = ValueMap::new();
        for (name, value) in entries {
            values.insert(name, value, Origin::Secret);
        }
        Self { values }
    }

    /// The secret called `name`; null counts as absent.
    pub fn find(&self, name: &str) -> Option<&Value> {
        self.values.find_name(name)
    }

    /// The secret called `name`, if it is truthy (saas-config 4.4).
    pub(crate) fn find_truthy(&self, name: &str) -> Option<&Value> {
        self.find(name).filter(|value| !is_falsy(value))
    }

    /// The names, in the order given.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.names()
    }

    /// Whether there is no secret at all.
    pub fn is_empty(&self) -> bool {
        self.names().next().is_none()
    }

    /// As the map that host, authentication, test and token requests are filled from (saas-config 11.6).
    pub(crate) fn as_values(&self) -> &ValueMap {
        &self.values
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.values.fmt(f)
    }
}
