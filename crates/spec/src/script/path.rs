use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Everything but the unreserved characters.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// `text` as one segment of a path.
pub(super) fn quote(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// Whether `path` leads where it says: below the base URL, through segments that are neither empty nor
/// `.` nor `..`, and without a query (architecture §13.18). A slash may end it.
pub(super) fn is_plain(path: &str) -> bool {
    let Some(segments) = path.strip_prefix('/') else { return false };
    let stray = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '?' | '#' | '\\');
    if path.contains(stray) {
        return false;
    }
    let segments = segments.strip_suffix('/').unwrap_or(segments);
    let leads_on = |segment: &str| {
        let decoded = percent_decode_str(segment).decode_utf8_lossy();
        !matches!(decoded.trim(), "" | "." | "..")
    };
    segments.is_empty() || segments.split('/').all(leads_on)
}
