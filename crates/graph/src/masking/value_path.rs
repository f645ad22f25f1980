use std::fmt;

use model::Row;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// Where a value stands in a row: keys and positions, kept apart, so that a key of digits stays a
/// key and a key with a dot stays one key (the better side of saas-config 20.14).
///
/// Its JSON form is a list of texts and numbers; its text joins them with dots, for people only.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValuePath(Vec<Segment>);

/// One step of a [`ValuePath`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Segment {
    /// Into an array.
    Position(usize),
    /// Into an object.
    Key(String),
}

impl ValuePath {
    /// The steps, in order.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// The top-level field.
    pub fn column(&self) -> Option<&str> {
        self.0.first().and_then(|first| match first {
            Segment::Key(name) => Some(name.as_str()),
            Segment::Position(_) => None,
        })
    }

    /// The value at this path of `row`.
    pub fn find<'a>(&self, row: &'a Row) -> Option<&'a Value> {
        let mut current = row.get(self.column()?)?;
        for segment in self.0.iter().skip(1) {
            current = match (segment, current) {
                (Segment::Key(name), Value::Object(members)) => members.get(name)?,
                (Segment::Position(position), Value::Array(items)) => items.get(*position)?,
                _ => return None,
            };
        }
        Some(current)
    }

    /// Puts `value` in the place of the one at this path; whether there was one.
    pub(super) fn replace(&self, row: &mut Row, value: &Value) -> bool {
        let Some(mut current) = self.column().and_then(|column| row.get_mut(column)) else { return false };
        for segment in self.0.iter().skip(1) {
            let below = match (segment, current) {
                (Segment::Key(name), Value::Object(members)) => members.get_mut(name),
                (Segment::Position(position), Value::Array(items)) => items.get_mut(*position),
                _ => None,
            };
            let Some(below) = below else { return false };
            current = below;
        }
        value.clone_into(current);
        true
    }

    pub(super) fn key(&self, name: &str) -> Self {
        self.with(Segment::Key(name.to_owned()))
    }

    pub(super) fn position(&self, position: usize) -> Self {
        self.with(Segment::Position(position))
    }

    fn with(&self, segment: Segment) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment);
        Self(segments)
    }
}

impl FromIterator<Segment> for ValuePath {
    fn from_iter<I: IntoIterator<Item = Segment>>(segments: I) -> Self {
        Self(segments.into_iter().collect())
    }
}

impl Serialize for ValuePath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|segment| match segment {
            Segment::Position(position) => Value::from(*position),
            Segment::Key(name) => Value::from(name.as_str()),
        }))
    }
}

impl<'de> Deserialize<'de> for ValuePath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let segment = |value: Value| match value {
            Value::String(name) => Ok(Segment::Key(name)),
            other => {
                let position = other.as_u64().and_then(|position| usize::try_from(position).ok());
                position
                    .map(Segment::Position)
                    .ok_or_else(|| D::Error::custom("a step of a path is a text or a position"))
            }
        };
        Vec::<Value>::deserialize(deserializer)?.into_iter().map(segment).collect()
    }
}

impl fmt::Display for ValuePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, segment) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            match segment {
                Segment::Key(name) => f.write_str(name)?,
                Segment::Position(position) => write!(f, "{position}")?,
            }
        }
        Ok(())
    }
}
