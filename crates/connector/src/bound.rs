mod values;

use std::fmt;

use model::Row;
use serde_json::Value;

pub(crate) use values::SecretForm;

use crate::values::wipe;

/// What placeholders of a request stand for that is about no person of a privacy request: `<resource.id>`,
/// `<parent.id>`, `<value>`. The settings of the connection are placeholders besides, under their own names.
///
/// A name with dots is a path: its parts are members of one object, which `<resource>` as a whole stands for.
/// Null leaves a placeholder without value. Texts are wiped on drop, and `Debug` shows names only.
///
/// ```
/// use connector::{Bound, BoundKind};
///
/// let bound = Bound::new()
///     .with("resource.id", "gr_1", BoundKind::Plain)
///     .with("principal.email", "ana@example.com", BoundKind::Personal);
///
/// assert_eq!(format!("{bound:?}"), "{\"resource.id\", \"principal.email\"}");
/// ```
#[derive(Clone, Default)]
pub struct Bound {
    /// By the first part of each name.
    values: Row,
    /// In the order set.
    kinds: Vec<(String, BoundKind)>,
}

/// What a bound value says, for recordings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BoundKind {
    /// Something about a person: a recording replaces it.
    Personal,
    /// Nothing about anybody: the id of a thing, a word of the file.
    Plain,
    /// A moment or another value that differs in every run: a recording does without it.
    Moment,
}

impl Bound {
    /// Without values.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with `<name>`; a value that had the name before is replaced.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>, kind: BoundKind) -> Self {
        self.set(name, value, kind);
        self
    }

    /// Sets `<name>`; a value that had the name before is replaced.
    pub fn set(&mut self, name: &str, value: impl Into<Value>, kind: BoundKind) {
        put(&mut self.values, name, value.into());
        self.kinds.retain(|(known, _)| known != name);
        self.kinds.push((name.to_owned(), kind));
    }

    /// The values by the first part of their names.
    pub(crate) fn values(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// What each value says, by its path. What an object as a whole says is the most careful of its members.
    pub(crate) fn origins(&self) -> impl Iterator<Item = (&str, BoundKind)> {
        let whole = self.values.keys().filter_map(|root| {
            let members = self.kinds.iter().filter(|(name, _)| name.split('.').next() == Some(root));
            let kind = members.map(|(_, kind)| *kind).min_by_key(|kind| kind.care())?;
            Some((root.as_str(), kind))
        });
        self.kinds.iter().map(|(name, kind)| (name.as_str(), *kind)).chain(whole)
    }
}

impl BoundKind {
    /// The less, the more careful.
    fn care(self) -> u8 {
        match self {
            Self::Personal => 0,
            Self::Moment => 1,
            Self::Plain => 2,
        }
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        self.values.values_mut().for_each(wipe);
    }
}

impl fmt::Debug for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.kinds.iter().map(|(name, _)| name)).finish()
    }
}

/// Puts `value` at the path `name`; what stands in the way of it gives way.
fn put(members: &mut Row, name: &str, value: Value) {
    let Some((first, rest)) = name.split_once('.') else {
        members.insert(name.to_owned(), value);
        return;
    };
    let member = members.entry(first).or_insert(Value::Null);
    if !member.is_object() {
        *member = Value::Object(Row::new());
    }
    if let Value::Object(inner) = member {
        put(inner, rest, value);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::values::{Origin, ValueMap};

    fn map(bound: &Bound) -> ValueMap {
        let mut values = ValueMap::new();
        values.insert("resource", json!("a setting of that name"), Origin::Secret);
        values.insert("domain", json!("api.acme.test"), Origin::Secret);
        values.bind(bound);
        values
    }

    #[test]
    fn names_with_dots_are_members_and_win_over_settings() {
        let bound = Bound::new()
            .with("resource.id", "7", BoundKind::Plain)
            .with("resource.parent.id", "w", BoundKind::Plain)
            .with("value", "SOURCE", BoundKind::Plain);

        let values = map(&bound);

        let find = |path: &str| values.find(&path.parse().unwrap()).cloned();
        assert_eq!(find("resource"), Some(json!({"id": "7", "parent": {"id": "w"}})));
        assert_eq!(find("value"), Some(json!("SOURCE")));
        assert_eq!(find("domain"), Some(json!("api.acme.test")));
        assert_eq!(values.origin(&"domain".parse().unwrap()), Some(Origin::Secret));
    }

    #[test]
    fn each_member_says_what_it_says_and_the_whole_what_the_most_careful_says() {
        let bound = Bound::new()
            .with("principal.id", "u", BoundKind::Plain)
            .with("principal.email", "ana@example.com", BoundKind::Personal)
            .with("since", "2026-01-01T00:00:00Z", BoundKind::Moment);

        let values = map(&bound);

        let origin = |path: &str| values.origin(&path.parse().unwrap());
        assert_eq!(origin("principal.id"), Some(Origin::Bound(BoundKind::Plain)));
        assert_eq!(origin("principal.email"), Some(Origin::Bound(BoundKind::Personal)));
        assert_eq!(origin("principal.email.0"), Some(Origin::Bound(BoundKind::Personal)));
        assert_eq!(origin("principal"), Some(Origin::Bound(BoundKind::Personal)));
        assert_eq!(origin("since"), Some(Origin::Bound(BoundKind::Moment)));
    }

    #[test]
    fn a_name_set_again_has_its_last_value_and_kind() {
        let bound = Bound::new().with("value", "a", BoundKind::Personal).with("value", "b", BoundKind::Plain);

        let values = map(&bound);

        assert_eq!(values.find_name("value"), Some(&json!("b")));
        assert_eq!(values.origin(&"value".parse().unwrap()), Some(Origin::Bound(BoundKind::Plain)));
    }
}
