use std::fmt;
use std::str::FromStr;

use serde_json::Value;
use thiserror::Error;

/// A path into a JSON value (saas-config 1.4): `data.items.0.id`, `items[0].id`, `@odata\.nextLink`.
///
/// Parsed once; looking up never fails, it finds or it does not.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Path {
    /// Each a key, or an array position if it is an integer and meets an array.
    segments: Vec<String>,
}

impl Path {
    /// A path of one step, the key `name` taken as it is: dots and brackets have no meaning.
    pub fn key(name: &str) -> Self {
        Self { segments: vec![name.to_owned()] }
    }

    /// The value at this path, or `None` where it is missing. A null at the end is also `None`:
    /// the two cannot be told apart (saas-config 1.4).
    pub fn find<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        self.find_present(value).filter(|found| !found.is_null())
    }

    /// Like [`Path::find`], but a null that is there is found. An answer whose list is null is an
    /// empty list; one whose list is missing is not the answer that was asked for.
    pub fn find_present<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        let mut current = value;
        for name in &self.segments {
            current = match current {
                Value::Object(members) => members.get(name)?,
                Value::Array(items) => items.get(position(name, items.len())?)?,
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return None,
            };
        }
        Some(current)
    }

    /// The segments, in order; never empty.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().map(String::as_str)
    }
}

fn position(segment: &str, length: usize) -> Option<usize> {
    let index: i64 = segment.parse().ok()?;
    if index < 0 {
        length.checked_sub(usize::try_from(index.unsigned_abs()).ok()?)
    } else {
        usize::try_from(index).ok()
    }
}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let mut segments = Vec::new();
        let mut current = String::new();
        let mut after_bracket = false;
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '\\' if characters.peek() == Some(&'.') => {
                    characters.next();
                    current.push('.');
                }
                '.' => {
                    if !after_bracket || !current.is_empty() {
                        segments.push(std::mem::take(&mut current));
                    }
                    after_bracket = false;
                }
                '[' => {
                    if !current.is_empty() {
                        segments.push(std::mem::take(&mut current));
                    }
                    let inside: String = characters.by_ref().take_while(|c| *c != ']').collect();
                    if inside.parse::<i64>().is_err() {
                        return Err(PathError { path: text.to_owned(), bracket: inside });
                    }
                    segments.push(inside);
                    after_bracket = true;
                }
                other => current.push(other),
            }
        }
        if !after_bracket || !current.is_empty() {
            segments.push(current);
        }
        Ok(Self { segments })
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.segments.iter().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            f.write_str(&name.replace('.', "\\."))?;
        }
        Ok(())
    }
}

/// A path with a bracket that holds no number.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("path `{path}` has `[{bracket}]`; only numbers may stand in brackets, write `.name` for a key")]
pub struct PathError {
    path: String,
    bracket: String,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn find(path: &str, value: &Value) -> Option<Value> {
        path.parse::<Path>().unwrap().find(value).cloned()
    }

    // rule: saas-config 1.4
    #[test]
    fn look_up_follows_keys_and_positions() {
        let value = json!({"a": [{"b": 1}, {"b": 2}], "n": null, "t": "text", "@odata.nextLink": "u"});

        assert_eq!(find("a.0.b", &value), Some(json!(1)));
        assert_eq!(find("a[1].b", &value), Some(json!(2)));
        assert_eq!(find("a.-1.b", &value), Some(json!(2)));
        assert_eq!(find("@odata\\.nextLink", &value), Some(json!("u")));
        for missing in ["a.b", "a.2.b", "a.-3", "n", "n.x", "t.0", "@odata.nextLink", "x"] {
            assert_eq!(find(missing, &value), None, "{missing}");
        }
    }

    #[test]
    fn a_null_that_is_there_differs_from_a_missing_key() {
        let value = json!({"data": null});

        assert_eq!("data".parse::<Path>().unwrap().find_present(&value), Some(&json!(null)));
        assert_eq!("rows".parse::<Path>().unwrap().find_present(&value), None);
    }

    #[test]
    fn text_in_brackets_is_refused() {
        assert!("a['b']".parse::<Path>().is_err());
    }
}
