//! Rows of an answer as text: values are made only of what paging asks for.

use std::ops::Range;

use model::{JsonKind, JsonText, Path, RowLines};
use serde_json::Value;
use spec::connector_file::{LinkSource, Pagination, Request};

/// An answer of which the rows are text.
pub(super) struct TextAnswer {
    /// The answer with the last of its rows only, or with an empty one in its place if paging asks nothing
    /// of it.
    pub(super) rest: Value,
    /// All rows.
    pub(super) rows: RowLines,
}

/// Whether rows are passed on as they are in the answers to `request`, and paging looks at none of them but
/// the last.
pub(super) fn is_possible(request: &Request) -> bool {
    let beside = |path: &Path| is_beside_rows(request, path);
    let has_next_beside = |has_next: &Option<Path>| has_next.as_ref().is_none_or(beside);
    let paging_is_beside = match &request.pagination {
        None => true,
        // It tells pages from each other by all that they hold.
        Some(Pagination::Offset { .. }) => false,
        Some(Pagination::Link { source: LinkSource::Headers { .. }, has_next, .. }) => {
            has_next_beside(has_next)
        }
        Some(Pagination::Link { source: LinkSource::Body { path }, has_next, .. }) => {
            beside(path) && has_next_beside(has_next)
        }
        Some(Pagination::Cursor { field, has_next, .. }) => beside(field) && has_next_beside(has_next),
    };
    request.postprocessors.is_empty() && request.output.is_none() && paging_is_beside
}

/// Whether `path` leads elsewhere in the answer than into the list of rows.
fn is_beside_rows(request: &Request, path: &Path) -> bool {
    request.data_path.as_ref().is_some_and(|rows| {
        let mut segments = path.segments();
        rows.segments().any(|segment| segments.next() != Some(segment))
    })
}

/// The rows of an answer to a request of which they are passed on. `None` if the answer is not a list of
/// objects under `data_path`, or needs a closer look: then values are made of all of it.
pub(super) fn read(request: &Request, body: &[u8]) -> Option<TextAnswer> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let text = std::str::from_utf8(body).ok()?;
    let path: Vec<&str> = request.data_path.iter().flat_map(Path::segments).collect();
    let mut found = None;
    let mut reader = JsonText::of(text);
    // Nearly all of an answer is rows.
    find(&mut reader, &path, text.len(), &mut found)?;
    let Rows { lines, place, last } = found.filter(|_| reader.is_over())?;
    let last = match last {
        None => "",
        Some(last) => Some(text.get(last)?).filter(|row| may_page(request, row)).unwrap_or("{}"),
    };
    // The list is sound, so the answer is if it is with this one.
    let rest = format!("{}[{last}]{}", text.get(..place.start)?, text.get(place.end..)?);
    Some(TextAnswer { rest: serde_json::from_str(&rest).ok()?, rows: lines })
}

/// Whether a row may hold what leads to the next page.
fn may_page(request: &Request, row: &str) -> bool {
    let Some(Pagination::Cursor { field, has_next, .. }) = &request.pagination else { return false };
    let first = |path: &Path| path.segments().next().is_none_or(|name| row.contains(name));
    row.contains('\\') || first(field) || has_next.as_ref().is_some_and(first)
}

/// The rows of an answer.
struct Rows {
    lines: RowLines,
    /// Where the list stands.
    place: Range<usize>,
    /// Where its last row stands.
    last: Option<Range<usize>>,
}

fn find(reader: &mut JsonText<'_>, path: &[&str], room_bytes: usize, found: &mut Option<Rows>) -> Option<()> {
    let Some((first, below)) = path.split_first() else {
        *found = Some(rows(reader, room_bytes)?);
        return Some(());
    };
    reader.object(|reader, name| {
        if name != *first {
            return reader.skip();
        }
        find(reader, below, room_bytes, found)
    })
}

fn rows(reader: &mut JsonText<'_>, room_bytes: usize) -> Option<Rows> {
    if reader.kind()? != JsonKind::Array {
        return None;
    }
    let start = reader.position();
    let (mut lines, mut last) = (RowLines::with_room(room_bytes), None);
    reader.array(|reader| {
        if reader.kind()? != JsonKind::Object {
            return None;
        }
        let start = reader.position();
        lines.copy_row(reader)?;
        last = Some(start..reader.position());
        Some(())
    })?;
    Some(Rows { lines, place: start..reader.position(), last })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::fixture::read_request;

    fn cursor(data_path: &str, field: &str) -> Request {
        read_request(&format!(
            "data_path: {data_path}\npagination: {{strategy: cursor, configuration: {{cursor_param: after, field: \
             {field}}}}}"
        ))
    }

    #[test]
    fn rows_are_the_text_and_paging_sees_what_it_asks_for() {
        let request = cursor("data.items", "id");
        let body = "\u{feff}{\"data\": {\"total\": 2, \"items\": [ {\"id\": 1.50, \"a\": [ ] }, {\"id\":\"\\u0078\"} ]}, \"more\": true}";

        let answer = read(&request, body.as_bytes()).unwrap();

        assert_eq!(answer.rows.text(), b"{\"id\":1.50,\"a\":[]}\n{\"id\":\"x\"}\n");
        assert_eq!(answer.rest, json!({"data": {"total": 2, "items": [{"id": "x"}]}, "more": true}));
    }

    #[test]
    fn a_row_that_paging_asks_nothing_of_is_not_looked_into() {
        let answer = read(&cursor("data", "cursor.next"), br#"{"data":[{"a":1}],"cursor":{"next":"n"}}"#);

        assert_eq!(answer.unwrap().rest, json!({"data": [{}], "cursor": {"next": "n"}}));
    }

    #[test]
    fn an_empty_list_stays_empty() {
        let answer = read(&cursor("data", "cursor.next"), br#"{"data":[]}"#).unwrap();

        assert!(answer.rows.is_empty());
        assert_eq!(answer.rest, json!({"data": []}));
    }

    #[rstest]
    #[case::no_rows(r#"{"other":[]}"#)]
    #[case::one_row(r#"{"data":{"a":1}}"#)]
    #[case::null(r#"{"data":null}"#)]
    #[case::scalar(r#"{"data":[{"a":1},2]}"#)]
    #[case::twice(r#"{"data":[],"data":[{"a":1}]}"#)]
    #[case::twice_in_a_row(r#"{"data":[{"a":1,"a":2}]}"#)]
    #[case::cut(r#"{"data":[{"a":1}]"#)]
    #[case::broken_beside(r#"{"data":[{"a":1}],"b":nul}"#)]
    #[case::more_behind(r#"{"data":[{"a":1}]} {}"#)]
    #[case::no_json("<html>")]
    #[case::no_text("{\"data\":[{\"a\":\"\u{0}\"}]}")]
    fn whatever_else_it_is_needs_a_closer_look(#[case] body: &str) {
        assert!(read(&cursor("data", "id"), body.as_bytes()).is_none());
    }

    #[rstest]
    #[case("data_path: data", true)]
    #[case("path: /p", true)]
    #[case("output: '{}'", false)]
    #[case("postprocessors: [{strategy: unwrap, configuration: {data_path: x}}]", false)]
    #[case(
        "query_params: [{name: o, value: 0}]\ndata_path: data\npagination: {strategy: offset, configuration: \
         {incremental_param: o, increment_by: 1, limit: 9}}",
        false
    )]
    #[case("data_path: a.b\npagination: {strategy: link, configuration: {source: body, path: a.next}}", true)]
    #[case(
        "data_path: a.b\npagination: {strategy: link, configuration: {source: body, path: a.b.0.next}}",
        false
    )]
    #[case("pagination: {strategy: link, configuration: {source: headers, rel: next}}", true)]
    #[case("pagination: {strategy: cursor, configuration: {cursor_param: c, field: id}}", false)]
    fn rows_stay_text_where_nothing_looks_into_them(#[case] yaml: &str, #[case] expected: bool) {
        assert_eq!(is_possible(&read_request(yaml)), expected);
    }
}
