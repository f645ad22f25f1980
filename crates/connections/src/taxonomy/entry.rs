//! One entry: as it is sent, kept and shown.

use model::FidesKey;
use serde_json::{Map, Value, json};
use store::{Document, NewTaxonomyEntry, StoreError, TaxonomyKind};

use super::is_default;
use crate::{PlaceStep, Problem};

/// An entry that fits, but for its parent, which has to be looked for.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) new: NewTaxonomyEntry,
}

/// Members that are the server's own: what is sent of them counts for nothing.
const OWN: [&str; 4] = ["created_at", "updated_at", "is_default", "parent_key"];

/// The key that this one lies below, in kinds where keys lie below each other.
pub(super) fn above(kind: TaxonomyKind, key: &str) -> Option<&str> {
    match kind {
        TaxonomyKind::DataCategory | TaxonomyKind::DataUse => Some(key.rsplit_once('.')?.0),
        TaxonomyKind::DataSubject | TaxonomyKind::Organization => None,
    }
}

/// Checks one document. Only key, name and description mean something here; the rest is kept as it is.
pub(super) fn check(kind: TaxonomyKind, document: &Value) -> Result<Checked, Vec<Problem>> {
    let Value::Object(members) = document else {
        let problem = problem("dict_type", "", "expected an object");
        return Err(vec![Problem { place: Vec::new(), ..problem }]);
    };
    let mut problems = Vec::new();
    let mut text = |name: &'static str, is_needed: bool| match members.get(name) {
        Some(Value::String(text)) if text.contains('\0') => {
            problems.push(problem("value_error", name, "a text without a zero character is needed"));
            None
        }
        Some(Value::String(text)) => Some(text.as_str()),
        None if is_needed => {
            problems.push(problem("missing", name, "Field required"));
            None
        }
        Some(Value::Null) | None if !is_needed => None,
        Some(_) | None => {
            problems.push(problem("string_type", name, "expected a string"));
            None
        }
    };
    let key = text("fides_key", true);
    let (name, parent) = (text("name", false), text("parent_key", false));
    text("description", false);
    if let Some(key) = key {
        problems.extend(wrong_key(kind, key));
        if let Some(parent) = parent.filter(|parent| above(kind, key) != Some(parent)) {
            let message = format!("the key `{key}` does not lie directly below `{parent}`");
            problems.push(problem("value_error", "parent_key", message));
        }
    }
    match (key, problems.is_empty()) {
        (Some(key), true) => {
            let kept = members.iter().filter(|(name, _)| !OWN.contains(&name.as_str()));
            let body: Map<String, Value> = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
            let (key, name) = (key.to_owned(), name.unwrap_or_default().to_owned());
            Ok(Checked { new: NewTaxonomyEntry { key, name, body: Value::Object(body).to_string() } })
        }
        (Some(_) | None, _) => Err(problems),
    }
}

fn wrong_key(kind: TaxonomyKind, key: &str) -> Option<Problem> {
    if let Err(error) = key.parse::<FidesKey>() {
        return Some(problem("value_error", "fides_key", error.to_string()));
    }
    let is_path = above(kind, key).is_some();
    let message = "nothing stands between two dots, or before or after one; write it as `user.contact`";
    (is_path && key.split('.').any(str::is_empty)).then(|| problem("value_error", "fides_key", message))
}

/// A kept entry as clients are shown it.
pub(super) fn shown(kind: TaxonomyKind, document: &Document) -> Result<Value, StoreError> {
    let Ok(Value::Object(mut members)) = serde_json::from_str(&document.body) else {
        return Err(StoreError::Damaged { what: "an entry of the taxonomy" });
    };
    members.insert("created_at".to_owned(), json!(document.created_at.to_string()));
    members.insert("updated_at".to_owned(), json!(document.updated_at.to_string()));
    Ok(completed(kind, &document.key, members))
}

/// With all members that clients may count on.
pub(super) fn completed(kind: TaxonomyKind, key: &str, mut members: Map<String, Value>) -> Value {
    for (name, default) in [
        ("organization_fides_key", json!("default_organization")),
        ("name", Value::Null),
        ("description", Value::Null),
        ("tags", Value::Null),
        ("active", Value::Bool(true)),
        ("version_added", Value::Null),
        ("version_deprecated", Value::Null),
        ("replaced_by", Value::Null),
        ("created_at", Value::Null),
        ("updated_at", Value::Null),
    ] {
        members.entry(name).or_insert(default);
    }
    match kind {
        TaxonomyKind::DataCategory | TaxonomyKind::DataUse => {
            members.insert("parent_key".to_owned(), json!(above(kind, key)));
        }
        TaxonomyKind::DataSubject | TaxonomyKind::Organization => {}
    }
    members.insert("is_default".to_owned(), is_default(kind, key).into());
    Value::Object(members)
}

/// What is wrong with one member.
pub(super) fn problem(kind: &str, name: &str, message: impl Into<String>) -> Problem {
    Problem { kind: kind.to_owned(), place: vec![PlaceStep::from(name)], message: message.into() }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::no_object(json!([]), None)]
    #[case::no_key(json!({}), Some("fides_key"))]
    #[case::key(json!({"fides_key": "a b"}), Some("fides_key"))]
    #[case::gap(json!({"fides_key": "user..shoe"}), Some("fides_key"))]
    #[case::end(json!({"fides_key": "user."}), Some("fides_key"))]
    #[case::name(json!({"fides_key": "user.shoe", "name": 1}), Some("name"))]
    #[case::zero(json!({"fides_key": "user.shoe", "description": "a\u{0}"}), Some("description"))]
    #[case::elsewhere(json!({"fides_key": "user.shoe", "parent_key": "system"}), Some("parent_key"))]
    #[case::too_far(json!({"fides_key": "user.foot.shoe", "parent_key": "user"}), Some("parent_key"))]
    fn what_is_no_entry_is_refused_with_its_place(#[case] document: Value, #[case] place: Option<&str>) {
        let problems = check(TaxonomyKind::DataCategory, &document).unwrap_err();

        let expected: Vec<PlaceStep> = place.into_iter().map(PlaceStep::from).collect();
        assert_eq!(problems[0].place, expected);
    }

    #[test]
    fn what_is_the_servers_own_is_not_taken_from_outside() {
        let sent =
            json!({"fides_key": "user.shoe", "parent_key": "user", "is_default": true, "color": "red"});

        let entry = check(TaxonomyKind::DataCategory, &sent).unwrap();

        assert_eq!(entry.new.body, r#"{"fides_key":"user.shoe","color":"red"}"#);
    }
}
