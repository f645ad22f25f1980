use model::Path;
use serde_json::Value;

/// What stands at a path, with null and missing told apart.
///
/// [`Path::find`] cannot tell them apart, as the contract has it (saas-config 1.4). Where the
/// difference decides whether a list is empty or broken, it has to be known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Found<'a> {
    /// A value other than null.
    Value(&'a Value),
    /// The last key is there and holds null, or a list is there and has no such position.
    Null,
    /// The last key is not there.
    Missing,
}

impl<'a> Found<'a> {
    /// The value, if there is one.
    pub(crate) fn value(self) -> Option<&'a Value> {
        match self {
            Self::Value(value) => Some(value),
            Self::Null | Self::Missing => None,
        }
    }
}

/// Looks `path` up in `value`.
pub(crate) fn look_up<'a>(path: &Path, value: &'a Value) -> Found<'a> {
    look_up_segments(path.segments(), value)
}

/// Looks up the segments of a path one by one; without segments it finds `value` itself.
pub(crate) fn look_up_segments<'a, 's>(
    segments: impl Iterator<Item = &'s str>,
    value: &'a Value,
) -> Found<'a> {
    let mut current = value;
    for segment in segments {
        let next = match current {
            Value::Object(members) => members.get(segment),
            Value::Array(items) => match segment.parse() {
                Ok(index) => match position(index, items.len()).and_then(|index| items.get(index)) {
                    Some(item) => Some(item),
                    None => return Found::Null,
                },
                Err(_) => None,
            },
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        };
        match next {
            Some(next) => current = next,
            None => return Found::Missing,
        }
    }
    if current.is_null() { Found::Null } else { Found::Value(current) }
}

/// Moves the value at `path` out of `value`; null where there is none.
pub(crate) fn take(path: &Path, value: Value) -> Value {
    let mut current = value;
    for segment in path.segments() {
        current = match current {
            // The rest of the answer is dropped, so its order does not matter.
            Value::Object(mut members) => members.swap_remove(segment).unwrap_or(Value::Null),
            Value::Array(mut items) => {
                let index = segment.parse().ok().and_then(|index| position(index, items.len()));
                match index {
                    Some(index) if index < items.len() => items.swap_remove(index),
                    Some(_) | None => Value::Null,
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Value::Null,
        };
    }
    current
}

fn position(index: i64, length: usize) -> Option<usize> {
    let distance = usize::try_from(index.unsigned_abs()).ok()?;
    if index < 0 { length.checked_sub(distance) } else { Some(distance) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn null_and_missing_are_told_apart() {
        let value = json!({"a": null, "b": {"c": null, "d": 0}, "l": [1], "t": "x"});
        let cases = [
            ("a", Found::Null),
            ("b.c", Found::Null),
            ("l.7", Found::Null),
            ("b.d", Found::Value(&value["b"]["d"])),
            ("l.-1", Found::Value(&value["l"][0])),
            ("x", Found::Missing),
            ("a.x", Found::Missing),
            ("t.0", Found::Missing),
            ("l.x", Found::Missing),
        ];

        for (path, expected) in cases {
            assert_eq!(look_up(&path.parse().unwrap(), &value), expected, "{path}");
        }
    }

    #[test]
    fn taking_gives_what_looking_up_finds() {
        let value = json!({"a": {"b": [{"c": 1}, {"c": 2}]}, "n": null});

        for path in ["a", "a.b", "a.b.1", "a.b.-2.c", "n", "x", "a.b.9", "a.b.x", "a.b.0.c.d"] {
            let path = path.parse().unwrap();
            let found = look_up(&path, &value).value().cloned().unwrap_or_default();
            assert_eq!(take(&path, value.clone()), found, "{path}");
        }
    }
}
