//! Values as HTML, written directly: a package has thousands of them, and a template takes many times
//! as long for each. What it writes is what `show.html` would.

use graph::{FieldTree, Selection};
use model::{JsonKind, JsonText};

use super::shown::{DEEPEST, Shown};

/// Roughly the bytes of a value that is no text.
const WORD_BYTES: usize = 8;

/// Adds the selected part of a row that is JSON text, and gives roughly the bytes of its values. Where
/// nothing is left of the row nothing is added, as with [`Selection::pick`].
///
/// No values are made of it; `None` if they have to be, as [`JsonText`] has it, and then nothing is added.
pub(super) fn show_text(row: &str, selection: &Selection, html: &mut Vec<u8>) -> Option<usize> {
    let before = html.len();
    let part = match selection {
        Selection::Whole => None,
        Selection::Fields(tree) => Some(tree),
        Selection::Nothing => return Some(0),
    };
    let mut text = JsonText::of(row);
    let is_row = text.kind()? == JsonKind::Object;
    let bytes = is_row.then(|| show_next(&mut text, (part, 0), html)).flatten().filter(|_| text.is_over());
    if bytes.is_none() {
        html.truncate(before);
    }
    bytes
}

/// The next value of a row, so deep inside it: whole, or the part of it that a tree selects. Of a part that
/// is empty nothing is added.
fn show_next(
    text: &mut JsonText<'_>,
    (part, depth): (Option<&FieldTree>, usize),
    html: &mut Vec<u8>,
) -> Option<usize> {
    match text.kind()? {
        JsonKind::Scalar => show_scalar(text, html),
        JsonKind::Array | JsonKind::Object if depth >= DEEPEST => show_deep(text, part, html),
        JsonKind::Array => {
            let (mut bytes, list) = (0, List::begin(b"<ul>", html));
            text.array(|text| {
                let start = html.len();
                html.extend_from_slice(b"<li>");
                let value = html.len();
                bytes += show_next(text, (part, depth + 1), html)?;
                end_one((start, value), b"</li>", html);
                Some(())
            })?;
            list.end(part, (b"</ul>", "empty list"), html);
            Some(bytes)
        }
        JsonKind::Object => {
            let (mut bytes, list) = (0, List::begin(b"<dl>", html));
            text.object(|text, name| {
                let below = match part {
                    None => None,
                    Some(part) => match part.of_member(name) {
                        Some(below) => Some(below),
                        None => return text.skip(),
                    },
                };
                let start = html.len();
                html.extend_from_slice(b"<div><dt>");
                escape(name, html);
                html.extend_from_slice(b"</dt><dd>");
                let value = html.len();
                let value_bytes = show_next(text, (below, depth + 1), html)?;
                if end_one((start, value), b"</dd></div>", html) {
                    bytes += name.len() + value_bytes;
                }
                Some(())
            })?;
            list.end(part, (b"</dl>", "empty"), html);
            Some(bytes)
        }
    }
}

/// Ends one thing of a list that began at `start`, and its value at `value`; takes it back if there is no
/// value. Whether it stays.
fn end_one((start, value): (usize, usize), end: &[u8], html: &mut Vec<u8>) -> bool {
    let stays = html.len() > value;
    if stays {
        html.extend_from_slice(end);
    } else {
        html.truncate(start);
    }
    stays
}

/// A list that is being written.
struct List {
    start: usize,
    /// Where what is in it begins.
    inside: usize,
}

impl List {
    fn begin(begin: &[u8], html: &mut Vec<u8>) -> Self {
        let start = html.len();
        html.extend_from_slice(begin);
        Self { start, inside: html.len() }
    }

    /// An empty one is replaced by a word, or by nothing if it is `part` of something.
    fn end(self, part: Option<&FieldTree>, (end, word): (&[u8], &str), html: &mut Vec<u8>) {
        if html.len() > self.inside {
            html.extend_from_slice(end);
            return;
        }
        html.truncate(self.start);
        if part.is_none() {
            show_none(word, html);
        }
    }
}

/// What lies too deep for lists, as JSON text.
fn show_deep(text: &mut JsonText<'_>, part: Option<&FieldTree>, html: &mut Vec<u8>) -> Option<usize> {
    let mut json = Vec::new();
    let is_left = match part {
        None => text.copy(&mut json).map(|()| true)?,
        Some(part) => part.pick_text(text, &mut json)?,
    };
    if !is_left {
        return Some(0);
    }
    show_plain(std::str::from_utf8(&json).ok()?, html);
    serde_json::from_slice(&json).ok().map(|value| super::site::bytes_of(&value))
}

fn show_scalar(text: &mut JsonText<'_>, html: &mut Vec<u8>) -> Option<usize> {
    if let Some(plain) = text.plain_text() {
        return Some(show_string(plain, html));
    }
    let start = html.len();
    html.extend_from_slice(TEXT);
    let value = html.len();
    text.copy(html)?;
    match html.get(value..)? {
        b"null" => {
            html.truncate(start);
            show_none("no value", html);
            Some(WORD_BYTES)
        }
        token @ [b'"', ..] => {
            let parsed: String = serde_json::from_slice(token).ok()?;
            html.truncate(start);
            Some(show_string(&parsed, html))
        }
        _ => {
            html.extend_from_slice(END_OF_TEXT);
            Some(WORD_BYTES)
        }
    }
}

fn show_string(text: &str, html: &mut Vec<u8>) -> usize {
    if text.is_empty() {
        show_none("no value", html);
    } else {
        show_plain(text, html);
    }
    text.len()
}

const TEXT: &[u8] = b"<span class=\"text\">";
const END_OF_TEXT: &[u8] = b"</span>";

fn show_plain(text: &str, html: &mut Vec<u8>) {
    html.extend_from_slice(TEXT);
    escape(text, html);
    html.extend_from_slice(END_OF_TEXT);
}

fn show_none(word: &str, html: &mut Vec<u8>) {
    html.extend_from_slice(b"<span class=\"none\">");
    html.extend_from_slice(word.as_bytes());
    html.extend_from_slice(b"</span>");
}

pub(super) fn show(value: &Shown, html: &mut Vec<u8>) {
    match value {
        Shown::Text(text) => show_plain(text, html),
        Shown::Nothing => show_none("no value", html),
        Shown::List(items) if items.is_empty() => show_none("empty list", html),
        Shown::List(items) => {
            html.extend_from_slice(b"<ul>");
            for item in items {
                html.extend_from_slice(b"<li>");
                show(item, html);
                html.extend_from_slice(b"</li>");
            }
            html.extend_from_slice(b"</ul>");
        }
        Shown::Members(members) if members.is_empty() => show_none("empty", html),
        Shown::Members(members) => {
            html.extend_from_slice(b"<dl>");
            for (name, member) in members {
                html.extend_from_slice(b"<div><dt>");
                escape(name, html);
                html.extend_from_slice(b"</dt><dd>");
                show(member, html);
                html.extend_from_slice(b"</dd></div>");
            }
            html.extend_from_slice(b"</dl>");
        }
    }
}

/// As the templates do it: what could end a text or begin a tag, an attribute or a closing tag.
pub(super) fn escape(text: &str, html: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|byte| matches!(byte, b'<' | b'>' | b'&' | b'"' | b'\'' | b'/'))
    {
        let (plain, special) = rest.split_at(at);
        html.extend_from_slice(plain);
        let Some((first, behind)) = special.split_first() else { return };
        let name: &[u8] = match first {
            b'<' => b"&lt;",
            b'>' => b"&gt;",
            b'&' => b"&amp;",
            b'"' => b"&quot;",
            b'\'' => b"&#x27;",
            _ => b"&#x2f;",
        };
        html.extend_from_slice(name);
        rest = behind;
    }
    html.extend_from_slice(rest);
}

#[cfg(test)]
mod tests;
