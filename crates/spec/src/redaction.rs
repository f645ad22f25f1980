use std::ops::Range;

use crate::source::SourceFile;
use crate::yaml::{self, Node};

impl SourceFile {
    /// The same text with everything below `secrets` replaced by stars, names of secrets excepted.
    ///
    /// For drawing excerpts of project files. Bytes keep their positions, so spans of diagnostics
    /// fit both texts. If the text is no YAML, everything from the first `secret` on is hidden: it
    /// cannot be known where the values end.
    pub fn redacted(&self) -> SourceFile {
        let mut hidden: Vec<bool> = vec![false; self.text().len()];
        if let Some(root) = yaml::parse(self, None).root {
            hide_below(self, &root, &mut hidden);
        } else {
            let from = self.text().to_ascii_lowercase().find("secret").unwrap_or(self.text().len());
            mark(&mut hidden, from..self.text().len(), true);
        }
        let mut text = String::with_capacity(self.text().len());
        for (at, character) in self.text().char_indices() {
            let is_hidden = hidden.get(at).copied().unwrap_or_default();
            if is_hidden && !character.is_whitespace() {
                text.extend(std::iter::repeat_n('*', character.len_utf8()));
            } else {
                text.push(character);
            }
        }
        SourceFile::new(self.name(), text)
    }
}

/// Hides the values of every key that is, or was meant to be, `secrets`.
fn hide_below(source: &SourceFile, node: &Node, hidden: &mut [bool]) {
    for item in node.items() {
        hide_below(source, item, hidden);
    }
    for entry in node.entries() {
        if is_secrets(&entry.key) {
            let begin = entry.key_span.end;
            let end = line_end(source, entry.value.span.end.max(begin));
            mark(hidden, begin..end, true);
            show_names(&entry.value, hidden);
            hide_values(&entry.value, hidden);
        } else {
            hide_below(source, &entry.value, hidden);
        }
    }
}

fn show_names(node: &Node, hidden: &mut [bool]) {
    for entry in node.entries() {
        mark(hidden, entry.key_span.clone(), false);
    }
}

/// Values may stand elsewhere in the text, behind an alias.
fn hide_values(node: &Node, hidden: &mut [bool]) {
    if node.entries().is_empty() && node.items().is_empty() {
        mark(hidden, node.span.clone(), true);
    }
    for item in node.items() {
        hide_values(item, hidden);
    }
    for entry in node.entries() {
        hide_values(&entry.value, hidden);
    }
}

fn is_secrets(key: &str) -> bool {
    let key = key.to_lowercase();
    key.starts_with("secret") || strsim::damerau_levenshtein(&key, "secrets") <= 2
}

/// To the end of the line: a comment may hold what was there before.
fn line_end(source: &SourceFile, from: usize) -> usize {
    let rest = source.text().get(from..).unwrap_or_default();
    from + rest.find('\n').unwrap_or(rest.len())
}

fn mark(hidden: &mut [bool], range: Range<usize>, is_hidden: bool) {
    if let Some(bytes) = hidden.get_mut(range) {
        bytes.fill(is_hidden);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROJECT: &str = "connections:\n  - key: shop\n    connector: shop.yml\n    secrets:\n      \
        domain: canary-1\n      token: \"canary-2\" # was canary-3\n      note: |\n        canary-4\n        canary-5\n      \
        list: [canary-6, {deep: canary-7}]\n    access: read\n";

    #[test]
    fn no_value_below_secrets_is_shown_and_the_rest_is() {
        let source = SourceFile::new("tutela.yml", PROJECT);

        let shown = source.redacted();

        assert!(!shown.text().contains("canary"), "{}", shown.text());
        assert_eq!(shown.text().len(), PROJECT.len());
        for visible in ["key: shop", "domain", "token", "note", "access: read"] {
            assert!(shown.text().contains(visible), "{visible} in {}", shown.text());
        }
    }

    #[test]
    fn flow_style_aliases_and_misspelled_keys_are_hidden_too() {
        let texts = [
            "connections: [{key: a, secrets: {token: canary, other: canary}, connector: b}]\n",
            "x: &x {token: canary}\nconnections:\n  - secrets: *x\n",
            "connections:\n  - secert: {token: canary}\n",
            "connections:\n  - Secrets: canary\n",
            "connections:\n  - secrets:\n    - canary\n",
        ];
        for text in texts {
            assert!(!SourceFile::new("t", text).redacted().text().contains("canary"), "{text}");
        }
    }

    #[test]
    fn broken_yaml_hides_everything_behind_the_word() {
        let text = "connections:\n  - key: a\n    secrets:\n      token: \"canary\n    other: canary\n";

        let shown = SourceFile::new("t", text).redacted();

        assert!(!shown.text().contains("canary") && shown.text().contains("key: a"), "{}", shown.text());
    }
}
