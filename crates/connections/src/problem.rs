use std::fmt;

use spec::{Diagnostic, Diagnostics, Locator, Severity, SourceFile, Step};

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

/// Findings of one severity about a document that was sent, which `source` holds below the key `root`.
pub(crate) fn problems_of(
    source: &SourceFile,
    found: &Diagnostics,
    severity: Severity,
    root: &str,
) -> Vec<Problem> {
    let locator = Locator::new(source);
    let of_severity = found.iter().filter(|found| found.severity == severity);
    of_severity.map(|found| problem_of(found, &locator, root)).collect()
}

fn problem_of(found: &Diagnostic, locator: &Locator, root: &str) -> Problem {
    let mut steps = locator.steps(found);
    if steps.first() == Some(&Step::Key(root.to_owned())) {
        steps.remove(0);
    }
    let place = steps.into_iter().map(PlaceStep::from).collect();
    let message = match &found.help {
        Some(help) => format!("{}; {help}", found.message),
        None => found.message.clone(),
    };
    let kind = match found.code {
        "spec::missing_key" => "missing",
        "spec::unknown_key" => "extra_forbidden",
        _ => return Problem::value_error(place, message),
    };
    Problem { kind: kind.to_owned(), place, message }
}

impl From<Step> for PlaceStep {
    fn from(step: Step) -> Self {
        match step {
            Step::Key(key) => Self::Key(key),
            Step::Position(position) => Self::Position(position),
        }
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
