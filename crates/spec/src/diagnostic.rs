use std::ops::Range;

use serde::Serialize;

use crate::source::SourceFile;

/// One finding about a file, at a place in it.
///
/// As data it is `severity`, `code`, `message`, `help`, `file`, `line`, `column`; the span is for
/// drawing an excerpt and stays inside the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Whether the file can be used in spite of it.
    pub severity: Severity,
    /// Stable name of the check, as in `spec::unknown_key`.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
    /// Name of the file.
    pub file: String,
    /// Line, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1.
    pub column: usize,
    /// Bytes of the offending key or value.
    #[serde(skip)]
    pub span: Range<usize>,
    /// The key that is absent there, if that is what is wrong.
    #[serde(skip)]
    pub missing: Option<String>,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The file is refused.
    Error,
    /// The file works, but not as its author thinks, or not everywhere.
    Warning,
}

impl Diagnostic {
    /// An error about the text at `span`.
    pub fn error(
        source: &SourceFile,
        span: Range<usize>,
        code: &'static str,
        message: impl Into<String>,
    ) -> Self {
        let (line, column) = source.position(span.start);
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            help: None,
            file: source.name().to_owned(),
            line,
            column,
            span,
            missing: None,
        }
    }

    /// A warning about the text at `span`.
    pub fn warning(
        source: &SourceFile,
        span: Range<usize>,
        code: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self { severity: Severity::Warning, ..Self::error(source, span, code, message) }
    }

    /// The same with advice on what to write instead.
    pub fn with_help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// The same about `key`, which is absent at the place.
    pub(crate) fn about_missing(self, key: &str) -> Self {
        Self { missing: Some(key.to_owned()), ..self }
    }
}

/// Findings about one or more files.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Diagnostics {
    #[serde(rename = "diagnostics")]
    items: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Whether any finding is an error.
    pub fn has_errors(&self) -> bool {
        self.items.iter().any(|item| item.severity == Severity::Error)
    }

    /// The findings, in the order added, or by place after [`Diagnostics::sort`].
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.items.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Adds one.
    pub fn push(&mut self, item: Diagnostic) {
        self.items.push(item);
    }

    /// Brings them into the order of files as first met, then of lines and columns; equal ones
    /// are kept once.
    pub fn sort(&mut self) {
        let mut files: Vec<String> = Vec::new();
        for item in &self.items {
            if !files.contains(&item.file) {
                files.push(item.file.clone());
            }
        }
        let place = |item: &Diagnostic| {
            (
                files.iter().position(|file| *file == item.file),
                item.line,
                item.column,
                item.severity,
                item.code,
            )
        };
        self.items.sort_by_key(place);
        self.items.dedup();
    }
}

impl Extend<Diagnostic> for Diagnostics {
    fn extend<I: IntoIterator<Item = Diagnostic>>(&mut self, items: I) {
        self.items.extend(items);
    }
}

impl FromIterator<Diagnostic> for Diagnostics {
    fn from_iter<I: IntoIterator<Item = Diagnostic>>(items: I) -> Self {
        Self { items: items.into_iter().collect() }
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}

/// The name that `wrong` was most likely meant to be, if one is near.
pub(crate) fn nearest_of<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace(['-', ' '], "_");
    let wrong = plain(wrong);
    let scored = names.into_iter().map(|name| {
        let known = plain(name);
        let distance = strsim::damerau_levenshtein(&wrong, &known);
        // A longer name that begins or ends with the wrong one is near however long it is.
        let part = wrong.len() >= 3 && (known.starts_with(&wrong) || known.ends_with(&wrong));
        let allowed = known.chars().count().max(wrong.chars().count()) / 3;
        (name, distance, part || distance <= allowed.max(1))
    });
    scored.filter(|(_, _, near)| *near).min_by_key(|(_, distance, _)| *distance).map(|(name, ..)| name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn data_form_has_exactly_the_agreed_members() {
        let source = SourceFile::new("a.yml", "x: 1\ny: 2\n");
        let found = Diagnostic::warning(&source, 5..6, "spec::unknown_key", "what").with_help("instead");

        let data = serde_json::to_value(Diagnostics::from_iter([found])).unwrap();

        assert_eq!(
            data,
            json!({"diagnostics": [{
                "severity": "warning", "code": "spec::unknown_key", "message": "what", "help": "instead",
                "file": "a.yml", "line": 2, "column": 1,
            }]})
        );
    }

    #[test]
    fn nearest_name_is_found_and_a_far_one_is_not() {
        let names = ["query_params", "param_values", "path", "headers"];

        assert_eq!(nearest_of("query_parms", names), Some("query_params"));
        assert_eq!(nearest_of("Query-Params", names), Some("query_params"));
        assert_eq!(nearest_of("params", names), Some("query_params"));
        assert_eq!(nearest_of("timeout", names), None);
    }

    #[test]
    fn sorting_goes_by_place_and_drops_repetitions() {
        let source = SourceFile::new("a.yml", "x: 1\ny: 2\n");
        let late = Diagnostic::error(&source, 5..6, "b", "late");
        let early = Diagnostic::error(&source, 0..1, "a", "early");

        let mut all = Diagnostics::from_iter([late.clone(), early.clone(), late.clone()]);
        all.sort();

        assert_eq!(all.into_iter().collect::<Vec<_>>(), [early, late]);
    }
}
