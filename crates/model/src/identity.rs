use std::collections::BTreeMap;

use serde_json::Value;
use thiserror::Error;

/// Who a privacy request is about: identity kind → the values known for it.
///
/// Values are plain texts or integers (a custom identity's label is dropped, saas-config 10.6).
/// `Debug` shows the kinds only: values are personal data.
#[derive(Clone, PartialEq, Default)]
pub struct Identities(BTreeMap<String, Vec<Value>>);

impl Identities {
    /// Adds one value of `kind`; equal values are kept once.
    ///
    /// # Errors
    /// [`IdentityError`] for an empty or control-character value, or one that is neither text nor
    /// number: such a value cannot come from a form and would be a way to forge requests.
    pub fn insert(&mut self, kind: impl Into<String>, value: Value) -> Result<(), IdentityError> {
        let kind = kind.into();
        match &value {
            Value::String(text) if text.is_empty() => return Err(IdentityError::Empty { kind }),
            Value::String(text) if text.chars().any(char::is_control) => {
                return Err(IdentityError::Control { kind });
            }
            Value::String(_) | Value::Number(_) => {}
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
                return Err(IdentityError::NotScalar { kind });
            }
        }
        let values = self.0.entry(kind).or_default();
        if !values.contains(&value) {
            values.push(value);
        }
        Ok(())
    }

    /// All values of `kind`, in the order given; empty if the kind was not provided.
    pub fn values(&self, kind: &str) -> &[Value] {
        self.0.get(kind).map_or(&[], Vec::as_slice)
    }

    /// Whether at least one value of `kind` is known.
    pub fn contains(&self, kind: &str) -> bool {
        self.0.contains_key(kind)
    }

    /// The identity kinds provided, in alphabetical order.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether nothing is known about the person.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Debug for Identities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// An identity value that is refused before anything is sent. Never shows the value.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum IdentityError {
    /// The text is empty.
    #[error("identity `{kind}` is empty; give a value, as in `email=ana@example.com`")]
    Empty {
        /// The identity kind.
        kind: String,
    },
    /// The text holds a line break or another control character.
    #[error("identity `{kind}` holds a control character; remove line breaks and tabs from it")]
    Control {
        /// The identity kind.
        kind: String,
    },
    /// Neither a text nor a number.
    #[error("identity `{kind}` must be a text or a number")]
    NotScalar {
        /// The identity kind.
        kind: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_refused_and_values_stay_out_of_debug() {
        let mut identities = Identities::default();

        let refused = identities.insert("email", "ana@example.com\r\nX: y".into());
        identities.insert("email", "ana@example.com".into()).unwrap();

        assert_eq!(refused, Err(IdentityError::Control { kind: "email".into() }));
        assert_eq!(format!("{identities:?}"), "{\"email\"}");
    }
}
