use std::fmt;

/// One thing that is wrong with what was sent, and where: a line of a 422 answer.
///
/// Never holds a value that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Machine-readable kind: `value_error`, `missing`, `enum`, ….
    pub kind: String,
    /// From the top of the body, without `body`.
    pub place: Vec<PlaceStep>,
    /// What is wrong and what to do.
    pub message: String,
}

/// A step into a body: a key, or a position in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlaceStep {
    /// The value of a key.
    Key(String),
    /// The entry at a position, from 0.
    Position(usize),
}

impl Problem {
    /// A value that breaks a rule; `message` as people read it, without `Value error, `.
    pub fn value_error(place: Vec<PlaceStep>, message: impl fmt::Display) -> Self {
        Self { kind: "value_error".to_owned(), place, message: format!("Value error, {message}") }
    }
}

impl From<&str> for PlaceStep {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

impl From<usize> for PlaceStep {
    fn from(position: usize) -> Self {
        Self::Position(position)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
