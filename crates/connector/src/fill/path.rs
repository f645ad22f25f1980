//! Paths: fixed text stays as written, a value stays one segment.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Everything but the unreserved characters.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Everything but unreserved and reserved characters; `%` is treated apart.
const FIXED: &AsciiSet = &VALUE
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b'/')
    .remove(b':')
    .remove(b';')
    .remove(b'=')
    .remove(b'?')
    .remove(b'@')
    .remove(b'[')
    .remove(b']');

/// Encodes a value as (part of) one path segment.
pub(super) fn encode_value(value: &str) -> String {
    utf8_percent_encode(value, VALUE).to_string()
}

/// Encodes fixed text of a path: reserved characters and valid `%XX` stay, a lone `%` becomes `%25`
/// (saas-config 13.2).
pub(crate) fn encode_fixed_path(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut parts = text.split('%');
    out.extend(parts.next().map(|first| utf8_percent_encode(first, FIXED).to_string()));
    for part in parts {
        let is_escape =
            part.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        out.push_str(if is_escape { "%" } else { "%25" });
        out.push_str(&utf8_percent_encode(part, FIXED).to_string());
    }
    out
}

/// Whether `value` as a path segment means another resource: empty, `.`, `..`, also when encoded
/// once or more.
pub(super) fn leads_elsewhere(value: &str) -> bool {
    let mut current = value.to_owned();
    loop {
        if matches!(current.as_str(), "" | "." | "..") {
            return true;
        }
        let decoded = percent_decode_str(&current).decode_utf8_lossy().into_owned();
        if decoded == current {
            return false;
        }
        current = decoded;
    }
}
