use std::fmt;

use crypto::Secret;
use model::ConnectionKey;
use serde_json::{Map, Value};
use store::{NamedSecret, Store, StoreError};

/// Secrets of one connection, by name. `Debug` shows the names only.
#[derive(Clone, Default)]
pub struct SecretValues(Vec<(String, Value)>);

impl SecretValues {
    /// Takes names and values; a repeated name keeps its last value.
    pub fn new(entries: impl IntoIterator<Item = (String, Value)>) -> Self {
        let mut values = Self::default();
        for (name, value) in entries {
            values.put(name, value);
        }
        values
    }

    /// The secrets that are kept for a connection.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer, or holds what is none.
    pub async fn of(store: &Store, connection: &ConnectionKey) -> Result<Self, StoreError> {
        let mut values = Self::default();
        for (name, text) in store.vault_open(connection).await? {
            let value = serde_json::from_str(text.expose());
            values.put(name, value.map_err(|_| StoreError::Damaged { what: "a secret" })?);
        }
        Ok(values)
    }

    /// The secret called `name`.
    pub fn find(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// These, with those of `other` over them.
    #[must_use]
    pub fn merged(mut self, other: &Self) -> Self {
        for (name, value) in other.iter() {
            self.put(name.to_owned(), value.clone());
        }
        self
    }

    /// Those that `keep` says.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.0.retain(|(name, _)| keep(name));
    }

    /// As pairs.
    pub fn into_entries(self) -> Vec<(String, Value)> {
        self.0
    }

    /// As the store takes them.
    pub fn to_kept(&self) -> Vec<NamedSecret> {
        let kept = |(name, value): (&str, &Value)| NamedSecret {
            name: name.to_owned(),
            value: Secret::new(value.to_string()),
        };
        self.iter().map(kept).collect()
    }

    fn put(&mut self, name: String, value: Value) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some(entry) => entry.1 = value,
            None => self.0.push((name, value)),
        }
    }
}

/// The same names and values, in whatever order.
impl PartialEq for SecretValues {
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.iter().all(|(name, value)| other.find(name) == Some(value))
    }
}

impl From<Map<String, Value>> for SecretValues {
    fn from(map: Map<String, Value>) -> Self {
        Self::new(map)
    }
}

impl fmt::Debug for SecretValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(|(name, _)| name)).finish()
    }
}
