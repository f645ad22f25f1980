use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::ProfileError;
use crate::segment::options::CursorShape;
use crate::segment::service;
use crate::server::Call;

/// How the lists of this simulation are cut into pages.
#[derive(Debug, Clone, Copy)]
pub(in crate::segment) struct Paging {
    pub(in crate::segment) shape: CursorShape,
    /// Most entries of a page, whatever is asked for.
    pub(in crate::segment) page_entries: usize,
}

/// Where a reading stands and how many entries one answer takes (segment-api B11, B12).
#[derive(Debug)]
pub(super) struct Window {
    limit: usize,
    paging: Paging,
    pub(super) next: Option<String>,
}

/// Entries of an answer without `limit`.
const DEFAULT_LIMIT: usize = 10;

impl Window {
    pub(super) fn read(call: &Call, highest: usize, paging: Paging) -> Result<Self, ProfileError> {
        let query = call.parameters();
        let limit = match query.find("limit") {
            None => DEFAULT_LIMIT.min(highest),
            Some(text) => match text.parse() {
                Ok(limit) if (1..=highest).contains(&limit) => limit,
                Ok(_) | Err(_) => {
                    return Err(ProfileError::validation(format!("limit must be from 1 to {highest}")));
                }
            },
        };
        let next = query.find("next").filter(|next| !next.is_empty()).map(str::to_owned);
        Ok(Self { limit, paging, next })
    }

    /// Entries of one page.
    pub(super) fn entries(&self) -> usize {
        self.limit.min(self.paging.page_entries)
    }

    /// The part of `items` that this window shows. `key` gives the cursor that points at an item.
    pub(super) fn slice<'a, T>(
        &self,
        items: &'a [T],
        key: impl Fn(usize, &T) -> String,
    ) -> Result<(&'a [T], Option<String>), ProfileError> {
        let start = match &self.next {
            None => 0,
            Some(next) => items
                .iter()
                .enumerate()
                .position(|(position, item)| key(position, item) == *next)
                .ok_or_else(|| ProfileError::validation("next is not a cursor of this list"))?,
        };
        let end = (start + self.entries()).min(items.len());
        let next = items.get(end).map(|item| key(end, item));
        Ok((items.get(start..end).unwrap_or_default(), next))
    }

    /// The `cursor` of an answer.
    pub(super) fn cursor(&self, call: &Call, next: Option<&str>) -> Value {
        let url = match (next, self.paging.shape) {
            (None, CursorShape::SetAtEnd) => format!("{}{}", origin(call), call.target()),
            (None, _) => String::new(),
            (Some(next), CursorShape::Absolute | CursorShape::SetAtEnd) => {
                format!("{}{}?{}", origin(call), call.path, self.query(call, next))
            }
            (Some(next), CursorShape::Relative) => format!("{}?{}", call.path, self.query(call, next)),
            (Some(next), CursorShape::RouteParameters) => {
                let namespace = call.path.split('/').nth(3).unwrap_or_default();
                let id = call.path.split('/').nth(7).unwrap_or_default();
                let route = format!("%3Acollection=users&%3Aid={id}&%3Anamespace={namespace}");
                format!("{}?{route}&{}", call.path, self.query(call, next))
            }
            (Some(_), CursorShape::WithoutQuery) => call.path.clone(),
        };
        json!({"url": url, "has_more": next.is_some(), "next": next.unwrap_or_default(), "limit": self.limit})
    }

    /// The query of the next call: as it came, with `limit` and `next` set.
    fn query(&self, call: &Call, next: &str) -> String {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let mut parts = vec![format!("limit={}", self.limit), format!("next={}", encode(next))];
        let query = call.parameters();
        let others =
            query.pairs().filter(|(name, _)| !matches!(*name, "limit" | "next") && !name.starts_with(':'));
        parts.extend(others.map(|(name, value)| format!("{}={}", encode(name), encode(value))));
        parts.join("&")
    }
}

fn origin(call: &Call) -> String {
    let scheme = if service::is_vendor_host(call.host()) { "https" } else { "http" };
    format!("{scheme}://{}", call.host())
}
