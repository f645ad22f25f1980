use std::fmt::Write as _;

use crate::server::{Answer, Call};

/// `GET /__sandbox/bench/rows?page=N&size=M&total=T`: page `N` (from 1) of `T` plain rows.
///
/// `next` is the path and query of the next page, `next_page` its number as text; both are `null`
/// on the last page.
pub(super) fn rows(call: &Call) -> Answer {
    let query = call.parameters();
    let number =
        |name: &str, default: u64| query.find(name).and_then(|text| text.parse().ok()).unwrap_or(default);
    let (page, size, total) =
        (number("page", 1).max(1), number("size", 100).clamp(1, 10_000), number("total", 1000));
    let start = (page - 1).saturating_mul(size).min(total);
    let end = start.saturating_add(size).min(total);
    let mut body = String::with_capacity(size as usize * 96 + 128);
    body.push_str("{\"rows\":[");
    for number in start..end {
        let comma = if number == start { "" } else { "," };
        // Writing to a `String` cannot fail.
        let _ok = write!(
            body,
            "{comma}{{\"id\":{number},\"email\":\"row-{number}@example.com\",\"name\":\"Row {number}\",\"active\":true}}"
        );
    }
    if end < total {
        let next = page + 1;
        let _ok = write!(
            body,
            "],\"next\":\"/__sandbox/bench/rows?page={next}&size={size}&total={total}\",\"next_page\":\"{next}\"}}"
        );
    } else {
        body.push_str("],\"next\":null,\"next_page\":null}");
    }
    Answer::status(200).header("content-type", "application/json").body(body)
}
