//! Secrets by name: `__secret.name__` stands for one in a write that is kept, and
//! `__secret..reply_to_token__` for the token that a later answer is to bring.
//!
//! The mark is made of characters that no escaping changes, so it looks the same in a path, a query,
//! a form and a JSON text.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use url::form_urlencoded;

use crate::connection::Connection;

const BEGIN: &str = "__secret.";
const END: &str = "__";
/// Stands among the names for the token; no param has a name that begins so.
const TOKEN: &str = ".reply_to_token";

/// Everything but the unreserved characters.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The mark of connector param `name`, if it is secret.
pub(crate) fn mark(connection: &Connection, name: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    (connection.file.is_secret(name) && name.chars().all(plain) && !name.contains(END))
        .then(|| format!("{BEGIN}{name}{END}"))
}

/// The mark of the token that a later answer is to bring.
pub(crate) fn token_mark() -> String {
    format!("{BEGIN}{TOKEN}{END}")
}

/// Whether any text in `value`, keys included, looks like a mark.
pub(crate) fn stands_in(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(BEGIN),
        Value::Array(items) => items.iter().any(stands_in),
        Value::Object(members) => members.iter().any(|(key, value)| key.contains(BEGIN) || stands_in(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// `text` with the secrets in place of their marks; `None` for the mark of something that is no
/// secret of the connection.
pub(crate) fn reveal(text: &str, connection: &Connection, escape: fn(&str) -> String) -> Option<String> {
    reveal_with(text, (connection, None), escape)
}

/// The same with the token that a later answer is to bring, if there is one.
pub(crate) fn reveal_with(
    text: &str,
    (connection, token): (&Connection, Option<&str>),
    escape: fn(&str) -> String,
) -> Option<String> {
    let mut parts = text.split(BEGIN);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(END)?;
        let (name, rest) = part.split_at(end);
        if name == TOKEN {
            out.push_str(&escape(token?));
        } else {
            mark(connection, name)?;
            let secret = connection.secrets.find(name).and_then(model::text_form)?;
            out.push_str(&escape(&secret));
        }
        out.push_str(rest.strip_prefix(END)?);
    }
    Some(out)
}

/// Escaped for a segment of a path.
pub(crate) fn in_path(secret: &str) -> String {
    utf8_percent_encode(secret, SEGMENT).to_string()
}

/// Escaped for a form or a query.
pub(crate) fn in_form(secret: &str) -> String {
    form_urlencoded::byte_serialize(secret.as_bytes()).collect()
}

/// Escaped for the inside of a JSON string.
pub(crate) fn in_json(secret: &str) -> String {
    let quoted = Value::String(secret.to_owned()).to_string();
    quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(&quoted).to_owned()
}
