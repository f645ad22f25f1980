//! Values as HTML, written directly: a package has thousands of them, and a template takes many times
//! as long for each. What it writes is what `show.html` would.

use model::{JsonKind, JsonText};

use super::shown::{DEEPEST, Shown};

/// Adds a row that is JSON text, in the form in which `serde_json` writes it, and gives roughly the bytes of
/// its values. No values are made of it; `None` if they have to be, as [`JsonText`] has it, and then nothing
/// is added.
pub(super) fn show_text(row: &str, html: &mut String) -> Option<usize> {
    let before = html.len();
    let mut text = JsonText::of(row);
    let is_row = text.kind()? == JsonKind::Object;
    let bytes = is_row.then(|| show_next(&mut text, (row, 0), html)).flatten().filter(|_| text.is_over());
    if bytes.is_none() {
        html.truncate(before);
    }
    bytes
}

/// The next value of a row, so deep inside it.
fn show_next(text: &mut JsonText<'_>, (row, depth): (&str, usize), html: &mut String) -> Option<usize> {
    let (kind, start) = (text.kind()?, html.len());
    let mut bytes = 0;
    match kind {
        JsonKind::Array | JsonKind::Object if depth >= DEEPEST => {
            let json = next_token(text, row)?;
            show_plain(json, html);
            bytes = bytes_of(json)?;
        }
        JsonKind::Scalar => bytes = show_scalar(next_token(text, row)?, html)?,
        JsonKind::Array => {
            html.push_str("<ul>");
            let empty = html.len();
            text.array(|text| {
                html.push_str("<li>");
                bytes += show_next(text, (row, depth + 1), html)?;
                html.push_str("</li>");
                Some(())
            })?;
            end(html, (start, empty), ("</ul>", "empty list"));
        }
        JsonKind::Object => {
            html.push_str("<dl>");
            let empty = html.len();
            text.object(|text, name| {
                html.push_str("<div><dt>");
                escape(name, html);
                html.push_str("</dt><dd>");
                bytes += name.len() + show_next(text, (row, depth + 1), html)?;
                html.push_str("</dd></div>");
                Some(())
            })?;
            end(html, (start, empty), ("</dl>", "empty"));
        }
    }
    Some(bytes)
}

/// Ends a list that began at `start`; one that has nothing in it is replaced by a word.
fn end(html: &mut String, (start, empty): (usize, usize), (end, word): (&str, &str)) {
    if html.len() > empty {
        html.push_str(end);
    } else {
        html.truncate(start);
        show_none(word, html);
    }
}

/// The text of the value that comes next.
fn next_token<'r>(text: &mut JsonText<'_>, row: &'r str) -> Option<&'r str> {
    let start = text.position();
    text.skip()?;
    row.get(start..text.position())
}

fn show_scalar(token: &str, html: &mut String) -> Option<usize> {
    const WORD_BYTES: usize = 8;
    let Some(inside) = token.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        match token {
            "null" => show_none("no value", html),
            other => show_plain(other, html),
        }
        return Some(WORD_BYTES);
    };
    let parsed: String;
    let text = if inside.contains('\\') {
        parsed = serde_json::from_str(token).ok()?;
        &parsed
    } else {
        inside
    };
    if text.is_empty() {
        show_none("no value", html);
    } else {
        show_plain(text, html);
    }
    Some(text.len())
}

fn bytes_of(json: &str) -> Option<usize> {
    serde_json::from_str(json).ok().map(|value| super::site::bytes_of(&value))
}

fn show_plain(text: &str, html: &mut String) {
    html.push_str("<span class=\"text\">");
    escape(text, html);
    html.push_str("</span>");
}

fn show_none(word: &str, html: &mut String) {
    html.push_str("<span class=\"none\">");
    html.push_str(word);
    html.push_str("</span>");
}

pub(super) fn show(value: &Shown, html: &mut String) {
    match value {
        Shown::Text(text) => show_plain(text, html),
        Shown::Nothing => show_none("no value", html),
        Shown::List(items) if items.is_empty() => show_none("empty list", html),
        Shown::List(items) => {
            html.push_str("<ul>");
            for item in items {
                html.push_str("<li>");
                show(item, html);
                html.push_str("</li>");
            }
            html.push_str("</ul>");
        }
        Shown::Members(members) if members.is_empty() => show_none("empty", html),
        Shown::Members(members) => {
            html.push_str("<dl>");
            for (name, member) in members {
                html.push_str("<div><dt>");
                escape(name, html);
                html.push_str("</dt><dd>");
                show(member, html);
                html.push_str("</dd></div>");
            }
            html.push_str("</dl>");
        }
    }
}

/// As the templates do it: what could end a text or begin a tag, an attribute or a closing tag.
fn escape(text: &str, html: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find(['<', '>', '&', '"', '\'', '/']) {
        let (plain, special) = rest.split_at(at);
        html.push_str(plain);
        let mut characters = special.chars();
        html.push_str(match characters.next() {
            Some('<') => "&lt;",
            Some('>') => "&gt;",
            Some('&') => "&amp;",
            Some('"') => "&quot;",
            Some('\'') => "&#x27;",
            Some(_) | None => "&#x2f;",
        });
        rest = characters.as_str();
    }
    html.push_str(rest);
}

#[cfg(test)]
mod tests {
    use minijinja::value::Serde;
    use serde::Serialize;
    use serde_json::json;

    use super::super::site::environment;
    use super::*;

    #[derive(Serialize)]
    struct Context<'a> {
        row: &'a Shown,
    }

    #[test]
    fn values_are_written_as_the_template_writes_them() {
        const TEMPLATE: &str = concat!(include_str!("show.html"), "{{ show(row) }}");
        let row = json!({
            "text": "<b a='1' b=\"2\">&amp;/ü 🙂</b>", "nothing": null, "empty": "", "number": 1.50, "flag": true,
            "list": [1, [], {}, ["</span>"]], "<name>": {"a & b": {"c": []}}, "line": "a\n\"b\"\\/",
            "deep": [[[[[[["x", 1.50, null, {}], []]]]]]], "deeper": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"<": 1}}}}}}}}
        });
        let (mut from_text, row_text) = ("before".to_owned(), row.to_string());
        let bytes = show_text(&row_text, &mut from_text);
        assert_eq!(bytes, Some(super::super::site::bytes_of(&row)));
        let row = Shown::of_row(row.as_object().unwrap().clone());
        let mut environment = environment();
        environment.add_template("row", TEMPLATE).unwrap();
        let expected = environment.get_template("row").unwrap().render(Serde(Context { row: &row })).unwrap();

        let mut html = String::new();
        show(&row, &mut html);

        assert_eq!(html, expected);
        assert_eq!(from_text, format!("before{expected}"));
        assert!(!html.contains("<b ") && !html.contains("<name>"), "{html}");
    }

    #[test]
    fn a_row_that_only_values_do_justice_to_adds_nothing() {
        let mut html = "before".to_owned();

        for row in [r#"{"a":1,"a":2}"#, r#"{"a\n":1}"#, r#"{"a":1"#, "[1]", r#"{"a":"\ud800"}"#] {
            assert_eq!(show_text(row, &mut html), None, "{row}");
        }

        assert_eq!(html, "before");
    }
}
