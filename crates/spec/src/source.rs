use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// The text of one file, with the name under which messages cite it.
///
/// Cheap to clone. `Debug` shows the name only: a project file may hold secrets.
#[derive(Clone)]
pub struct SourceFile {
    name: Arc<str>,
    text: Arc<str>,
    line_starts: Arc<[usize]>,
    /// Script files that lie beside it.
    scripts: Arc<[SourceFile]>,
}

impl SourceFile {
    /// A file called `name` (a path as the user wrote it, or a library name) that holds `text`.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        let text: String = text.into();
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        let line_starts: Vec<usize> = std::iter::once(0).chain(breaks).collect();
        Self {
            name: name.into().into(),
            text: text.into(),
            line_starts: line_starts.into(),
            scripts: Arc::default(),
        }
    }

    /// The same connector file with the script files that lie beside it; its `script` keys name them by
    /// the last part of their names.
    #[must_use]
    pub fn with_scripts(self, scripts: Vec<Self>) -> Self {
        Self { scripts: scripts.into(), ..self }
    }

    /// The script files that lie beside it.
    pub fn scripts(&self) -> &[Self] {
        &self.scripts
    }

    /// The last part of its name.
    pub fn file_name(&self) -> &str {
        self.name.rsplit(['/', '\\']).next().unwrap_or(&self.name)
    }

    /// The name that messages show.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Line and column of byte `offset`, both counted from 1; columns count characters.
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let line = self.line_starts.partition_point(|start| *start <= offset).max(1);
        let start = self.line_starts.get(line - 1).copied().unwrap_or_default();
        let before = self.text.get(start..offset.min(self.text.len())).unwrap_or_default();
        (line, before.chars().filter(|character| *character != '\u{feff}').count() + 1)
    }

    /// The text at `span`; empty if the span does not fit.
    pub fn slice(&self, span: &Range<usize>) -> &str {
        self.text.get(span.clone()).unwrap_or_default()
    }
}

impl fmt::Debug for SourceFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SourceFile").field(&self.name).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_start_at_one() {
        let source = SourceFile::new("a.yml", "é: x\nb: ü y");

        assert_eq!(source.position(0), (1, 1));
        assert_eq!(source.position(2), (1, 2));
        assert_eq!(source.position(source.text().find('y').unwrap()), (2, 6));
        assert_eq!(source.position(10_000), (2, 7));
    }

    #[test]
    fn debug_does_not_show_the_text() {
        let source = SourceFile::new("tutela.yml", "secrets: canary");

        assert!(!format!("{source:?}").contains("canary"));
    }
}
