//! Values along a path, and lists of distinct values.

use std::collections::HashSet;

use serde_json::{Number, Value};

/// Calls `found` for every value at the end of `path`: arrays are entered element by element at any
/// depth, objects by key; an object, a null or an empty text at the end yields nothing
/// (privacy-requests P-2, P-3; zero and `false` count, the better side).
pub fn collect_values(value: &Value, path: &[String], found: &mut dyn FnMut(&Value)) {
    match value {
        Value::Array(items) => {
            for item in items {
                collect_values(item, path, found);
            }
        }
        Value::Object(members) => {
            if let Some((name, rest)) = path.split_first()
                && let Some(member) = members.get(name)
            {
                collect_values(member, rest, found);
            }
        }
        Value::Null => {}
        Value::String(text) if text.is_empty() => {}
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            if path.is_empty() {
                found(value);
            }
        }
    }
}

/// A list without equal values, in the order of their first arrival (saas-config 17.4).
#[derive(Clone, Default)]
pub struct DistinctValues {
    values: Vec<Value>,
    seen: HashSet<ValueKey>,
}

impl DistinctValues {
    /// Adds a scalar unless an equal one (saas-config 1.7) is there.
    pub fn add(&mut self, value: &Value) {
        if self.seen.insert(ValueKey::of(value)) {
            self.values.push(value.clone());
        }
    }

    /// The values.
    pub fn into_values(self) -> Vec<Value> {
        self.values
    }
}

/// Equal for values that are equal by saas-config 1.7, so that a hash can find them.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum ValueKey {
    Whole(i128),
    Float(u64),
    /// Anything else by its JSON text: texts, numbers beyond all types, null.
    Text(String),
}

impl ValueKey {
    pub(crate) fn of(value: &Value) -> Self {
        match value {
            Value::Bool(flag) => Self::Whole(i128::from(*flag)),
            Value::Number(number) => Self::of_number(number),
            Value::Null | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                Self::Text(value.to_string())
            }
        }
    }

    fn of_number(number: &Number) -> Self {
        /// Up to here a float holds every whole number exactly.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if let Some(whole) = number.as_i128() {
            return Self::Whole(whole);
        }
        match number.as_f64() {
            Some(float) if float.fract() == 0.0 && float.abs() <= EXACT => Self::Whole(float as i128),
            Some(float) if float.is_finite() => Self::Float(float.to_bits()),
            Some(_) | None => Self::Text(number.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn collected(value: &Value, path: &str) -> Value {
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        let mut values = DistinctValues::default();
        collect_values(value, &path, &mut |found| values.add(found));
        Value::Array(values.into_values())
    }

    // rule: privacy-requests P-2
    // rule: saas-config 17.3
    #[test]
    fn arrays_are_entered_at_any_depth_and_objects_at_the_end_yield_nothing() {
        let row = json!({"a": [{"b": [1, [2, 3]]}, {"b": null}, {"b": {"c": 1}}, {"b": ""}, {"x": 9}, 5]});

        assert_eq!(collected(&row, "a.b"), json!([1, 2, 3]));
        assert_eq!(collected(&row, "a.b.c"), json!([1]));
        assert_eq!(collected(&row, "a"), json!([5]));
        assert_eq!(collected(&row, "z"), json!([]));
    }

    // Zero is collected, which the contract calls the better side; `false` equals it.
    // rule: privacy-requests 21.13
    #[test]
    fn the_worked_example_yields_its_numbers() {
        let row = json!({"a": [{"b": [1, [2, 3]]}, {"b": 0}, {"b": null}, {"b": {"c": 1}}, {"b": false}, {"b": ""}]});

        assert_eq!(collected(&row, "a.b"), json!([1, 2, 3, 0]));
    }

    // rule: privacy-requests P-3
    #[test]
    fn zero_and_false_are_values() {
        let row = json!({"a": [{"b": 0}, {"b": false}, {"b": 1}, {"b": ""}]});

        // `false` equals 0, so it is kept once (saas-config 1.7).
        assert_eq!(collected(&row, "a.b"), json!([0, 1]));
    }

    // rule: privacy-requests P-4
    // rule: saas-config 17.4
    #[test]
    fn equal_values_are_kept_once_and_texts_differ_from_numbers() {
        let row = json!({"a": [1, 1.0, true, "1", 2, "1", 0.5, 0.5]});

        assert_eq!(collected(&row, "a"), json!([1, "1", 2, 0.5]));
    }
}
