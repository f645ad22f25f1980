use std::ops::Range;

use crate::source::SourceFile;
use crate::yaml::{self, Node};

impl SourceFile {
    /// The same text with everything below `secrets` replaced by stars, names of secrets excepted.
    ///
    /// For drawing excerpts of project files. Bytes keep their positions, so spans of diagnostics
    /// fit both texts. In doubt more is hidden: comments behind secrets, and everything behind a
    /// `secrets` that is empty, because its values may only be indented wrongly. If the text is no
    /// YAML or has a key twice, everything from the first word on that is or was meant to be `secrets`: it cannot be
    /// known where the values end.
    pub fn redacted(&self) -> SourceFile {
        let mut hidden: Vec<bool> = vec![false; self.text().len()];
        let parsed = yaml::parse(self, None);
        match parsed.root {
            // Of two equal keys, the tree holds one only.
            Some(root) if !parsed.diagnostics.has_errors() => hide_below(self, &root, &mut hidden),
            Some(_) | None => {
                let from = first_secrets_word(self.text());
                mark(&mut hidden, from..self.text().len(), true);
            }
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
            let end = if entry.value.span.is_empty() { source.text().len() } else { entry.value.span.end };
            mark(hidden, begin..comments_end(source, end.max(begin)), true);
            show_names(source, &entry.value, hidden);
            hide_values(&entry.value, hidden);
            if entry.value.span.is_empty() {
                show_names(source, node, hidden);
            }
        } else {
            hide_below(source, &entry.value, hidden);
        }
    }
}

fn show_names(source: &SourceFile, node: &Node, hidden: &mut [bool]) {
    for entry in node.entries() {
        let Range { start, end } = entry.key_span;
        let colon = source.slice(&(end..end + 1)) == ":";
        mark(hidden, start..end + usize::from(colon), false);
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

/// To the end of the line and of the comments below it: they may hold what was there before.
fn comments_end(source: &SourceFile, from: usize) -> usize {
    let mut lines = source.text().get(from..).unwrap_or_default().split_inclusive('\n');
    let own = lines.next().map_or(0, str::len);
    let is_comment = |line: &&str| line.trim().is_empty() || line.trim_start().starts_with('#');
    from + own + lines.take_while(is_comment).map(str::len).sum::<usize>()
}

/// Where the first word begins that looks like `secrets`; the end of the text if there is none.
fn first_secrets_word(text: &str) -> usize {
    let mut at = 0;
    for word in text.split_inclusive(|letter: char| !letter.is_alphanumeric()) {
        if is_secrets(word.trim_end_matches(|letter: char| !letter.is_alphanumeric())) {
            return at;
        }
        at += word.len();
    }
    text.len()
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
    fn values_are_hidden_in_every_way_of_writing() {
        let ways = [
            "connections: [{key: a, secrets: {token: canary, b: \"}canary\"}, access: read}]\n",
            "{\"connections\":[{\"secrets\":{\n\"token\":\"canary\"\n},\"access\":\"read\"}]}",
            "- secrets: &anchor\n    token: canary\n  access: read\n",
            "- secrets: &anchor {\n token: canary,\n other: canary }\n  access: read\n",
            "- ? secrets\n  : token: canary\n  access: read\n",
            "- 'secrets' :\n    token: canary\n  access: read\n",
            "- secrets: canary\n  access: read\n",
            "- secrets:\n    token: \"canary\n  canary\n  access: read\n",
            "- secrets: {token: canary\n  access: read\n",
            "- secrets:\n    - canary\n    -   canary: canary\n  access: read\n",
            "- secrets:\n    token: a\n    # token: canary\n\n  # canary\n  acess: read\n",
            "- key: a\n  secrets:\n  token: canary\n  access: read\n",
            "- sercets:\n    token: \"canary\n  access: read\n",
            "- secrets:\n    token: a\n  secrets:\n    token: canary\n  access: read\n",
            "- secrets:\n    token: canary\n    token: canary\n  access: read\n",
            "connections: [{ secrets: { token: a } }]\nconnections: [{ secrets: { token: canary } }]\n",
            "a:\n  - secrets:\n\u{a0}     token: canary\n",
            "a:\n  - key: b\n    secrets:\n  - token: canary\n",
        ];
        for way in ways {
            let shown = SourceFile::new("t", way).redacted();

            assert!(!shown.text().contains("canary"), "{way:?} gave {:?}", shown.text());
            assert_eq!(shown.text().len(), way.len(), "places must stay");
        }
    }

    #[test]
    fn other_words_hide_nothing() {
        let text = "- key: my_secrets\n  note: no secrets here\n  access_secrets: 2\n";

        assert_eq!(SourceFile::new("t", text).redacted().text(), text);
    }

    #[test]
    fn broken_yaml_hides_everything_behind_the_word() {
        let text = "connections:\n  - key: a\n    secrets:\n      token: \"canary\n    other: canary\n";

        let shown = SourceFile::new("t", text).redacted();

        assert!(!shown.text().contains("canary") && shown.text().contains("key: a"), "{}", shown.text());
    }
}
