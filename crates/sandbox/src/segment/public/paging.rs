use base64::Engine as _;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::{PublicError, PublicRequest, Reply};
use crate::Query;
use crate::segment::options::PageBorders;

/// Which part of a list is asked for (segment-api A18–A22).
#[derive(Debug)]
struct Paging {
    count: usize,
    offset: usize,
}

/// Count where none is given, and the highest (A19, A20).
const DEFAULT_COUNT: usize = 200;
const HIGHEST_COUNT: usize = 1000;

impl Paging {
    fn read(query: &Query) -> Result<Self, PublicError> {
        let find = |name: &str| {
            query.find(&format!("pagination.{name}")).or_else(|| query.find(&format!("pagination[{name}]")))
        };
        let count = match find("count") {
            // Paging without a count is refused; no paging at all is not.
            None if find("cursor").is_some() => {
                Err(PublicError::invalid("pagination.count", "count is required where pagination is given."))
            }
            None => Ok(DEFAULT_COUNT),
            Some(text) => {
                text.parse().ok().filter(|count| (1..=HIGHEST_COUNT).contains(count)).ok_or_else(|| {
                    PublicError::invalid("pagination.count", "count must be an integer from 1 to 1000.")
                })
            }
        };
        let offset = match find("cursor").filter(|cursor| !cursor.is_empty()) {
            None => Ok(0),
            Some(cursor) => decode(cursor).ok_or_else(|| {
                PublicError::invalid("pagination.cursor", "cursor is not one of this service.")
            }),
        };
        match (count, offset) {
            (Ok(count), Ok(offset)) => Ok(Self { count, offset }),
            (Err(count), Err(offset)) => Err(count.and(offset)),
            (Err(error), _) | (_, Err(error)) => Err(error),
        }
    }
}

/// One page of `items` under `data.<key>`, with `data.pagination`.
///
/// On the last page `next` is null for some lists and absent for others, as in the real service.
pub(super) fn page<T: Serialize>(
    request: &PublicRequest<'_>,
    key: &'static str,
    items: &[T],
) -> Result<Reply, PublicError> {
    page_of(request, key, items, |_, item| item)
}

/// As [`page`], with entries that are shaped by their place in the list; only those of the page are.
pub(super) fn page_of<'a, T, S: Serialize>(
    request: &PublicRequest<'_>,
    key: &'static str,
    items: &'a [T],
    shape: impl Fn(usize, &'a T) -> S,
) -> Result<Reply, PublicError> {
    let paging = Paging::read(&request.query)?;
    let start = paging.offset.min(items.len());
    let end = (start + paging.count).min(items.len());
    let next = match request.settings.page_borders {
        PageBorders::Repeated if paging.count > 1 => end.saturating_sub(1),
        PageBorders::Repeated | PageBorders::Clean => end,
    };
    let null_at_end = key.len().is_multiple_of(2);
    let mut pagination = Map::new();
    pagination.insert("current".into(), json!(encode(start)));
    if end < items.len() {
        pagination.insert("next".into(), json!(encode(next)));
    } else if null_at_end {
        pagination.insert("next".into(), Value::Null);
    }
    if start > 0 {
        pagination.insert("previous".into(), json!(encode(start.saturating_sub(paging.count))));
    }
    if null_at_end {
        pagination.insert("totalEntries".into(), json!(items.len()));
    }
    let shown = items.get(start..end).unwrap_or_default();
    let entries = shown.iter().enumerate().map(|(number, item)| shape(start + number, item)).collect();
    Ok(Reply::ok(Page { key, entries, pagination }))
}

/// What stands under `data`.
struct Page<S> {
    key: &'static str,
    entries: Vec<S>,
    pagination: Map<String, Value>,
}

impl<S: Serialize> Serialize for Page<S> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        let mut data = serializer.serialize_map(Some(2))?;
        data.serialize_entry(self.key, &self.entries)?;
        data.serialize_entry("pagination", &self.pagination)?;
        data.end()
    }
}

fn encode(offset: usize) -> String {
    base64::engine::general_purpose::STANDARD.encode(offset.to_string())
}

fn decode(cursor: &str) -> Option<usize> {
    let bytes = base64::engine::general_purpose::STANDARD.decode(cursor).ok()?;
    std::str::from_utf8(&bytes).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::options::SegmentOptions;
    use crate::segment::simulation::Settings;
    use crate::server::Call;

    fn answered(query: &str, key: &'static str, page_borders: PageBorders) -> Result<Value, PublicError> {
        let call = Call {
            method: http::Method::GET,
            path: "/".into(),
            query: query.into(),
            headers: http::HeaderMap::new(),
            body: bytes::Bytes::new(),
        };
        let options = SegmentOptions { page_borders, ..SegmentOptions::default() };
        let request = PublicRequest::new(&call, Settings::new(&options));
        page(&request, key, &[1, 2, 3]).map(|reply| serde_json::from_slice(&reply.data).unwrap())
    }

    fn data(query: &str, key: &'static str) -> Value {
        answered(query, key, PageBorders::Clean).unwrap()
    }

    // rule: segment-api A18
    #[test]
    fn both_spellings_page_and_the_end_has_no_next() {
        let dotted = data("pagination.count=2&pagination.cursor=Mg%3D%3D", "users");
        let bracketed = data("pagination%5Bcount%5D=2&pagination[cursor]=Mg==", "users");

        assert_eq!(dotted, bracketed);
        assert_eq!(dotted["users"], json!([3]));
        assert!(dotted["pagination"].get("next").is_none());
        assert_eq!(data("pagination.count=3", "groups")["pagination"]["next"], Value::Null);
        assert_eq!(data("pagination.count=2", "users")["pagination"]["next"], "Mg==");
    }

    // rule: segment-api A19
    // rule: segment-api A20
    #[test]
    fn counts_outside_the_range_and_foreign_cursors_are_refused() {
        for query in [
            "pagination.count=0",
            "pagination.count=1001",
            "pagination.count=x",
            "pagination.count=5&pagination.cursor=zz",
            "pagination.cursor=MA==",
        ] {
            assert!(answered(query, "users", PageBorders::Clean).is_err(), "{query}");
        }
    }

    // rule: segment-api A22
    #[test]
    fn repeated_borders_say_the_last_entry_again_and_come_to_an_end() {
        let first = answered("pagination.count=2", "users", PageBorders::Repeated).unwrap();
        let cursor = first["pagination"]["next"].as_str().unwrap();
        let second = format!("pagination.count=2&pagination.cursor={cursor}");
        let second = answered(&second, "users", PageBorders::Repeated).unwrap();

        assert_eq!((&first["users"], &second["users"]), (&json!([1, 2]), &json!([2, 3])));
        assert!(second["pagination"].get("next").is_none());
    }
}
