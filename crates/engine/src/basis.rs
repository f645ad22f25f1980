//! What kept rows rest on: whoever goes on with them asks the same question, or starts over.

use std::fmt;

use crypto::{HashKey, PartsHash, hex};
use serde::{Deserialize, Serialize};

/// Stands for everything that decides which rows a collection, or a unit of it, has. Hashed under a key of
/// the run: nobody can test a guess of a value or a secret against it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Basis(String);

impl Basis {
    /// Of what was put into `parts`.
    pub(crate) fn of(key: &HashKey, parts: PartsHash) -> Self {
        Self(hex(&key.keyed_hash(&parts.finish())))
    }

    /// Its text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// That of one unit of the collection: what it asks.
    pub(crate) fn of_unit(&self, key: &HashKey, asks: [u8; 32]) -> Self {
        let mut parts = PartsHash::new();
        parts.add(&self.0);
        parts.add(asks);
        Self::of(key, parts)
    }
}

impl fmt::Debug for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Basis(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basis(key: &HashKey, text: &str) -> Basis {
        let mut parts = PartsHash::new();
        parts.add(text);
        Basis::of(key, parts)
    }

    #[test]
    fn units_differ_by_what_they_ask_and_by_their_collection() {
        let key = HashKey::random();
        let people = basis(&key, "people");

        assert_eq!(people.of_unit(&key, [1; 32]), basis(&key, "people").of_unit(&key, [1; 32]));
        assert_ne!(people.of_unit(&key, [1; 32]), people.of_unit(&key, [2; 32]));
        assert_ne!(people.of_unit(&key, [1; 32]), basis(&key, "orders").of_unit(&key, [1; 32]));
    }

    #[test]
    fn nobody_without_the_key_of_the_run_can_test_a_guess() {
        assert_ne!(
            basis(&HashKey::random(), "ana@example.com"),
            basis(&HashKey::random(), "ana@example.com")
        );
    }
}
