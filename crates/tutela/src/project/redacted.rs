use spec::SourceFile;

/// The same file for showing: everything below a key `secrets` is blacked out, save names of secrets
/// where they can be told from values. Bytes keep their places, so spans still fit.
///
/// Works on the text, not on the parsed file: it is needed most when the file cannot be parsed. In
/// doubt it hides more.
pub(super) fn redacted(source: &SourceFile) -> SourceFile {
    let mut hidden = String::with_capacity(source.text().len());
    let mut rest = source.text();
    while let Some((before, after)) = split_at_key(rest) {
        hidden.push_str(before);
        let column = before.rsplit('\n').next().unwrap_or(before).chars().count() - key_length(before);
        let end = if opens_flow(after) { end_of_flow(after) } else { end_of_block(after, column) };
        let (secret, later) = after.split_at(end);
        hide(secret, !opens_flow(after), &mut hidden);
        rest = later;
    }
    hidden.push_str(rest);
    SourceFile::new(source.name(), hidden)
}

/// Splits behind the next key `secrets`, quoted or not, colon included.
fn split_at_key(text: &str) -> Option<(&str, &str)> {
    let mut from = 0;
    while let Some(found) = text.get(from..)?.find("secrets") {
        let start = from + found;
        let end = start + "secrets".len();
        let before = text.get(..start)?.chars().next_back();
        let after = text.get(end..)?;
        let behind_quote = after.strip_prefix(['"', '\'']).unwrap_or(after);
        let behind_space = behind_quote.trim_start_matches([' ', '\t']);
        let own_word = before.is_none_or(|c| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.')));
        // `? secrets` puts the colon on a later line.
        let explicit = text.get(..start)?.trim_end_matches(['"', '\'', ' ']).ends_with('?');
        if own_word && (behind_space.starts_with(':') || explicit) {
            let colon = text.len() - behind_space.len() + usize::from(behind_space.starts_with(':'));
            return Some(text.split_at(colon));
        }
        from = end;
    }
    None
}

/// Characters from the start of the key to the end of `before`, which ends with it.
fn key_length(before: &str) -> usize {
    let line = before.rsplit('\n').next().unwrap_or(before);
    let start = line.rfind("secrets").unwrap_or(0);
    let quote = line.get(..start).is_some_and(|ahead| ahead.ends_with(['"', '\'']));
    line.get(start..).map_or(0, |key| key.chars().count()) + usize::from(quote)
}

/// Whether a value in braces or brackets follows, perhaps behind an anchor or a tag.
fn opens_flow(after: &str) -> bool {
    let mut rest = after.trim_start();
    while rest.starts_with(['&', '!']) {
        rest = rest.split_once(char::is_whitespace).map_or("", |(_, rest)| rest).trim_start();
    }
    rest.starts_with(['{', '['])
}

/// Where the brackets that open first are closed; the end of the text if they are not.
fn end_of_flow(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut quote: Option<char> = None;
    let mut escaped = false;
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            _ if escaped => escaped = false,
            (Some('"'), '\\') => escaped = true,
            (Some(open), close) if open == close => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(letter),
            (None, '{' | '[') => depth += 1,
            (None, '}' | ']') if depth <= 1 => return at,
            (None, '}' | ']') => depth -= 1,
            (None, _) => {}
        }
    }
    text.len()
}

/// Where the first line starts that stands no deeper than the key.
fn end_of_block(text: &str, column: usize) -> usize {
    let mut at = 0;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let content = line.trim();
        let indent = line.chars().take_while(|letter| *letter == ' ').count();
        let deeper =
            indent > column || content.is_empty() || content.starts_with('#') || content.starts_with(':');
        if number > 0 && !deeper {
            break;
        }
        at += line.len();
    }
    if text.get(..at).is_some_and(opens_quote) { text.len() } else { at }
}

/// Whether a value starts with a quote that is not closed.
fn opens_quote(text: &str) -> bool {
    let mut from = 0;
    for line in text.split_inclusive('\n') {
        let end = from + line.len();
        let value = line.get(name_length(line)..).unwrap_or_default().trim_start();
        let quote = value.chars().next().filter(|first| matches!(first, '"' | '\''));
        let start = end - value.len() + 1;
        if quote.is_some_and(|quote| text.get(start..).is_none_or(|rest| !rest.contains(quote))) {
            return true;
        }
        from = end;
    }
    false
}

/// Blacks text out. In a block, what stands before the first colon of a line at the depth of the
/// first line is a name and stays.
fn hide(text: &str, block: bool, hidden: &mut String) {
    let mut depth = None;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let indent = line.chars().take_while(|letter| *letter == ' ').count();
        let is_content = number > 0 && !line.trim().is_empty() && !line.trim_start().starts_with('#');
        if is_content && depth.is_none() {
            depth = Some(indent);
        }
        let name = if block && is_content && depth == Some(indent) { name_length(line) } else { 0 };
        let (name, value) = line.split_at(name);
        hidden.push_str(name);
        for letter in value.chars() {
            if letter.is_whitespace() {
                hidden.push(letter);
            } else {
                (0..letter.len_utf8()).for_each(|_| hidden.push('*'));
            }
        }
    }
}

/// Bytes up to and with the colon of `name: value`, if the name is a plain word.
fn name_length(line: &str) -> usize {
    let Some((name, rest)) = line.split_once(':') else { return 0 };
    let word = name.trim().trim_matches(['"', '\'']);
    let plain =
        !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    let ends = rest.is_empty() || rest.starts_with(char::is_whitespace);
    if plain && ends { name.len() + 1 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let hidden = redacted(&SourceFile::new("tutela.yml", text));
        assert_eq!(hidden.text().len(), text.len(), "places must stay");
        hidden.text().to_owned()
    }

    #[test]
    fn names_stay_and_values_go_in_the_usual_form() {
        let text = "connections:\n  - key: a\n    secrets:\n      token: canary é\n      pem: |\n        canary: x\n    access: read\n";

        let hidden = shown(text);

        assert!(!hidden.contains("canary"), "{hidden}");
        for kept in ["key: a", "token: ", "pem: ", "access: read"] {
            assert!(hidden.contains(kept), "{kept:?} is missing in\n{hidden}");
        }
    }

    #[test]
    fn values_go_in_every_way_of_writing() {
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
        ];
        for way in ways {
            let hidden = shown(way);
            assert!(!hidden.contains("canary"), "{way:?} gave {hidden:?}");
        }
    }

    #[test]
    fn other_words_do_not_hide_anything() {
        let text = "- key: my_secrets\n  note: no secrets here\n  secretsx: 1\n  access_secrets: 2\n";

        assert_eq!(shown(text), text);
    }
}
