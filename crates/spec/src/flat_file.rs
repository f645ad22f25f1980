//! Settings files without levels: names, and for each a text or a list of texts (baton C-3).

use crate::check::Checked;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::source::SourceFile;
use crate::yaml::{self, Content, Meaning, Node, Scalar};

/// One setting. `Debug` shows its name and place: its value may be a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct FlatSetting {
    /// Its name, as written.
    pub name: String,
    /// Its value.
    pub value: FlatValue,
    /// Line of the name, counted from 1.
    pub line: usize,
    /// Column of the name in characters, counted from 1.
    pub column: usize,
}

/// The value of a setting. Numbers are as written; `yes` and `on` are `true`, as everywhere in YAML here.
#[derive(Clone, PartialEq, Eq)]
pub enum FlatValue {
    /// One text.
    Text(String),
    /// A list of texts.
    List(Vec<String>),
}

impl std::fmt::Debug for FlatSetting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FlatSetting({} at {}:{})", self.name, self.line, self.column)
    }
}

/// Reads a settings file without levels. Names without a value are left out, and no finding shows a value.
pub fn read_flat(source: &SourceFile) -> Checked<Vec<FlatSetting>> {
    let parsed = yaml::parse(source, None);
    let mut diagnostics = parsed.diagnostics;
    let settings = parsed.root.and_then(|root| settings(source, &root, &mut diagnostics));
    diagnostics.sort();
    Checked { value: settings.filter(|_| !diagnostics.has_errors()), diagnostics }
}

fn settings(source: &SourceFile, root: &Node, diagnostics: &mut Diagnostics) -> Option<Vec<FlatSetting>> {
    let mut settings = Vec::new();
    if !root.is_null() && !matches!(root.content, Content::Mapping(_)) {
        let message = format!("the file is {}, not a mapping of settings", root.kind());
        let found = Diagnostic::error(source, root.span.clone(), "spec::wrong_type", message);
        diagnostics.push(found.with_help("write one `name: value` a line"));
        return None;
    }
    for entry in root.entries() {
        let value = match &entry.value.content {
            _ if entry.value.is_null() => continue,
            Content::Scalar(scalar) => Some(FlatValue::Text(text(scalar))),
            Content::Sequence(items) => {
                let texts = items.iter().map(|item| match &item.content {
                    Content::Scalar(scalar) => Some(text(scalar)),
                    Content::Sequence(_) | Content::Mapping(_) => None,
                });
                texts.collect::<Option<Vec<String>>>().map(FlatValue::List)
            }
            Content::Mapping(_) => None,
        };
        let Some(value) = value else {
            let message = format!("`{}` is neither a text nor a list of texts", entry.key);
            let found = Diagnostic::error(source, entry.key_span.clone(), "spec::wrong_type", message);
            diagnostics.push(found.with_help("settings here have no levels; put JSON in quotes"));
            continue;
        };
        let (line, column) = source.position(entry.key_span.start);
        settings.push(FlatSetting { name: entry.key.clone(), value, line, column });
    }
    Some(settings)
}

fn text(scalar: &Scalar) -> String {
    match scalar.meaning {
        Meaning::Boolean(true) => "true".to_owned(),
        Meaning::Boolean(false) => "false".to_owned(),
        Meaning::Null | Meaning::Integer(_) | Meaning::Float(_) | Meaning::Date | Meaning::Text => {
            scalar.text.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn read(text: &str) -> Checked<Vec<FlatSetting>> {
        read_flat(&SourceFile::new(".baton.yaml", text))
    }

    // rule: baton C-3
    #[test]
    fn settings_are_read_as_written_with_their_places() {
        let checked =
            read("# mine\nfile: out.c1z\nworkers: 0x10\nprovisioning: yes\nlog-path: [a, 1]\nclient-id:\n");

        let settings = checked.value.unwrap();
        let text = |text: &str| FlatValue::Text(text.to_owned());
        let values: Vec<(&str, &FlatValue, usize)> =
            settings.iter().map(|found| (found.name.as_str(), &found.value, found.line)).collect();
        let list = FlatValue::List(vec!["a".to_owned(), "1".to_owned()]);
        let expected = [
            ("file", &text("out.c1z"), 2),
            ("workers", &text("0x10"), 3),
            ("provisioning", &text("true"), 4),
            ("log-path", &list, 5),
        ];
        assert!(values == expected, "{settings:?}");
        assert!(checked.diagnostics.is_empty());
    }

    #[test]
    fn empty_file_has_no_settings() {
        assert!(read("").value.is_some_and(|settings| settings.is_empty()));
        assert!(read("# nothing\n").value.is_some_and(|settings| settings.is_empty()));
    }

    // rule: baton C-3
    // rule: architecture law 8
    #[rstest]
    #[case::syntax("file: [canary\nb: c\n", "spec::yaml_syntax")]
    #[case::list("- canary\n", "spec::wrong_type")]
    #[case::text("canary\n", "spec::wrong_type")]
    #[case::levels("a: 1\nb: {canary: 1}\n", "spec::wrong_type")]
    #[case::levels_in_list("b: [[canary]]\n", "spec::wrong_type")]
    #[case::twice("a: canary\na: 2\n", "spec::duplicate_key")]
    fn broken_file_is_refused_with_its_place_and_without_its_values(#[case] text: &str, #[case] code: &str) {
        let checked = read(text);

        assert!(checked.value.is_none());
        assert!(checked.diagnostics.iter().any(|found| found.code == code), "{:?}", checked.diagnostics);
        assert!(checked.diagnostics.iter().all(|found| !found.message.contains("canary") && found.line > 0));
    }
}
