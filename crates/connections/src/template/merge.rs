//! The dataset of a connection after its template changed (saas-config 24.13).

use std::collections::HashSet;

use serde_json::Value;

/// Three versions of one dataset.
#[derive(Clone, Copy)]
pub(super) struct Versions<'a> {
    /// That of the template before.
    pub(super) base: &'a Value,
    /// That of the connection, with what people changed.
    pub(super) mine: &'a Value,
    /// That of the template now.
    pub(super) new: &'a Value,
}

/// The new dataset, with what people changed in theirs. `protected`: names of top-level fields that the
/// connector file refers to, by collection.
pub(super) fn merged(versions: Versions<'_>, protected: &HashSet<(String, String)>) -> Value {
    let mut result = versions.new.clone();
    let Some(collections) = result.get_mut("collections").and_then(Value::as_array_mut) else {
        return result;
    };
    for collection in collections {
        let name = name(collection).to_owned();
        let of = |dataset| named(dataset, "collections", &name);
        let (Some(base), Some(mine)) = (of(versions.base), of(versions.mine)) else { continue };
        let is_protected = |field: &str| protected.contains(&(name.clone(), field.to_owned()));
        let fields = fields(Versions { base, mine, new: collection }, &is_protected);
        set_fields(collection, fields);
    }
    result
}

/// The fields of something, merged.
fn fields(versions: Versions<'_>, is_protected: &dyn Fn(&str) -> bool) -> Vec<Value> {
    let Versions { base, mine, new } = versions;
    let mut merged = Vec::new();
    for field in list(new, "fields") {
        let name = name(field);
        let (old, own) = (named(base, "fields", name), named(mine, "fields", name));
        match (old, own) {
            (Some(_), None) if !is_protected(name) => {}
            (_, None) => merged.push(field.clone()),
            (old, Some(own)) => {
                let keeps = old.is_none_or(|old| !same(old, own));
                let mut result = if keeps { own.clone() } else { field.clone() };
                let nothing = Value::Null;
                let below = Versions { base: old.unwrap_or(&nothing), mine: own, new: field };
                set_fields(&mut result, fields(below, &|_| false));
                merged.push(result);
            }
        }
    }
    let added = list(mine, "fields").filter(|field| {
        named(base, "fields", name(field)).is_none() && named(new, "fields", name(field)).is_none()
    });
    merged.extend(added.cloned());
    merged
}

fn set_fields(thing: &mut Value, fields: Vec<Value>) {
    let Some(members) = thing.as_object_mut() else { return };
    if !fields.is_empty() || members.get("fields").is_some_and(Value::is_array) {
        members.insert("fields".to_owned(), Value::Array(fields));
    }
}

/// Whether two things say the same, in whatever order their lists are.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Array(ones), Value::Array(others)) => {
            ones.len() == others.len()
                && ones.iter().all(|item| others.iter().any(|other| same(item, other)))
                && others.iter().all(|item| ones.iter().any(|other| same(item, other)))
        }
        (Value::Object(ones), Value::Object(others)) => {
            ones.len() == others.len()
                && ones.iter().all(|(key, value)| others.get(key).is_some_and(|other| same(value, other)))
        }
        _ => one == other,
    }
}

fn list<'a>(thing: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    thing.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn named<'a>(thing: &'a Value, key: &str, name: &str) -> Option<&'a Value> {
    list(thing, key).find(|item| self::name(item) == name)
}

fn name(thing: &Value) -> &str {
    thing.get("name").and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    /// A dataset with one collection of these fields.
    fn dataset(fields: &Value) -> Value {
        json!({"fides_key": "shop", "description": "x", "collections": [{"name": "people", "fields": fields}]})
    }

    fn result((base, mine, new): (Value, Value, Value), protected: &[&str]) -> Value {
        let (base, mine, new) = (dataset(&base), dataset(&mine), dataset(&new));
        let protected = protected.iter().map(|field| ("people".to_owned(), (*field).to_owned())).collect();
        merged(Versions { base: &base, mine: &mine, new: &new }, &protected)["collections"][0]["fields"]
            .clone()
    }

    fn field(name: &str, category: &str) -> Value {
        json!({"name": name, "data_categories": [category]})
    }

    // rule: saas-config 24.13
    #[rstest]
    #[case::gone_from_the_template((json!([field("a", "x")]), json!([field("a", "y")]), json!([])), &[], json!([]))]
    #[case::removed_by_a_person((json!([field("a", "x")]), json!([]), json!([field("a", "x")])), &[], json!([]))]
    #[case::removed_but_needed((json!([field("a", "x")]), json!([]), json!([field("a", "z")])), &["a"], json!([field("a", "z")]))]
    #[case::added_by_a_person((json!([]), json!([field("b", "y")]), json!([field("a", "x")])), &[], json!([field("a", "x"), field("b", "y")]))]
    #[case::changed_by_a_person((json!([field("a", "x")]), json!([field("a", "y")]), json!([field("a", "z")])), &[], json!([field("a", "y")]))]
    #[case::unchanged((json!([field("a", "x")]), json!([field("a", "x")]), json!([field("a", "z")])), &[], json!([field("a", "z")]))]
    #[case::new_in_the_template((json!([]), json!([]), json!([field("a", "x")])), &[], json!([field("a", "x")]))]
    #[case::order_is_no_change(
        (json!([{"name": "a", "data_categories": ["x", "y"]}]), json!([{"name": "a", "data_categories": ["y", "x"]}]), json!([field("a", "z")])),
        &[],
        json!([field("a", "z")])
    )]
    #[case::nested(
        (
            json!([{"name": "a", "fields": [field("b", "x"), field("c", "x")]}]),
            json!([{"name": "a", "fields": [field("b", "y"), field("c", "x")]}]),
            json!([{"name": "a", "fields": [field("b", "z"), field("c", "z"), field("d", "z")]}])
        ),
        &[],
        json!([{"name": "a", "fields": [field("b", "y"), field("c", "z"), field("d", "z")]}])
    )]
    fn fields_are_merged_one_by_one(
        #[case] versions: (Value, Value, Value),
        #[case] protected: &[&str],
        #[case] expected: Value,
    ) {
        assert_eq!(result(versions, protected), expected);
    }

    // rule: saas-config 24.13
    #[test]
    fn collections_and_attributes_are_those_of_the_template() {
        let collection = |name: &str, fields: Value| json!({"name": name, "fields": fields});
        let of = |description: &str, collections: Value| json!({"fides_key": "shop", "description": description, "collections": collections});
        let base = of("old", json!([collection("a", json!([])), collection("gone", json!([]))]));
        let mine = of(
            "mine",
            json!([collection("a", json!([])), collection("gone", json!([])), collection("own", json!([]))]),
        );
        let new = of("new", json!([collection("a", json!([])), collection("b", json!([field("x", "y")]))]));

        assert_eq!(merged(Versions { base: &base, mine: &mine, new: &new }, &HashSet::new()), new);
    }

    fn some_fields() -> impl Strategy<Value = Value> {
        let one = ("[a-d]", "[x-z]").prop_map(|(name, category)| field(&name, &category));
        proptest::collection::vec(one, 0..5).prop_map(|fields| {
            let mut seen = HashSet::new();
            json!(fields.into_iter().filter(|field| seen.insert(name(field).to_owned())).collect::<Vec<_>>())
        })
    }

    proptest! {
        #[test]
        fn who_changed_nothing_gets_the_new_one(base in some_fields(), new in some_fields()) {
            prop_assert_eq!(result((base.clone(), base, new.clone()), &[]), new);
        }

        #[test]
        fn template_that_did_not_change_leaves_what_people_changed(base in some_fields(), mine in some_fields()) {
            let merged = result((base.clone(), mine.clone(), base), &[]);

            prop_assert!(same(&merged, &mine), "{} is not {}", merged, mine);
        }
    }
}
