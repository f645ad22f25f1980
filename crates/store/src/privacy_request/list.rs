use model::PrivacyRequestId;

use super::filter::{Bound, Conditions};
use super::sealed::Sealed;
use super::{
    PrivacyRequest, PrivacyRequestFilter, PrivacyRequestOrder, PrivacyRequestStatus, columns, request_of,
};
use crate::sql::{Query, Row, query_made};
use crate::store::{count, signed};
use crate::{Listed, Store, StoreError, Window};

/// How far totals are counted that no counter tells.
const COUNTED: u64 = 10_000;

/// How many requests are opened to look for a part of an identity; more are refused, not left out.
const OPENED: u64 = 10_000;

/// How many requests a part of an identity may be found in; the same.
const FOUND: u64 = 500;

impl Store {
    /// The requests that fit. The total is exact without a filter, and by status; else up to ten
    /// thousand, and ten thousand if there are more.
    ///
    /// # Errors
    /// [`StoreError::TooMany`] if a part of an identity is looked for in too many requests, or too many
    /// would have to be sorted by what no index holds.
    pub async fn privacy_request_list(
        &self,
        filter: &PrivacyRequestFilter,
        window: Window,
    ) -> Result<Listed<PrivacyRequest>, StoreError> {
        let fuzzy = self.fuzzy_ids(filter).await?;
        let total = if filter.is_counted() {
            self.request_total(&filter.statuses).await?
        } else {
            self.request_count(self.request_conditions(filter, fuzzy.clone()), COUNTED).await?
        };
        let conditions = self.request_conditions(filter, fuzzy);
        let items = self.request_window(filter, conditions, (window, total)).await?;
        Ok(Listed { items, total })
    }

    /// How many requests fit, counted up to `most`.
    pub async fn privacy_request_count(
        &self,
        filter: &PrivacyRequestFilter,
        most: u64,
    ) -> Result<u64, StoreError> {
        let fuzzy = self.fuzzy_ids(filter).await?;
        self.request_count(self.request_conditions(filter, fuzzy), most).await
    }

    async fn request_window(
        &self,
        filter: &PrivacyRequestFilter,
        mut conditions: Conditions,
        (window, total): (Window, u64),
    ) -> Result<Vec<PrivacyRequest>, StoreError> {
        if window.offset >= total.max(COUNTED) && filter.is_counted() {
            return Ok(Vec::new());
        }
        // A page near the end is counted from the end: half the way at most.
        let from_end = filter.is_counted() && window.offset > total / 2 && total > COUNTED;
        let (offset, limit) = if from_end {
            let after = total.saturating_sub(window.offset).saturating_sub(u64::from(window.limit));
            // No more than the window's own limit.
            let left = u32::try_from(total - window.offset).unwrap_or(u32::MAX);
            (after, left.min(window.limit))
        } else {
            (window.offset, window.limit)
        };
        let order = match (filter.order, from_end) {
            (PrivacyRequestOrder::NewestFirst, false) | (PrivacyRequestOrder::OldestFirst, true) => {
                PrivacyRequestOrder::NewestFirst
            }
            (PrivacyRequestOrder::OldestFirst, false) | (PrivacyRequestOrder::NewestFirst, true) => {
                PrivacyRequestOrder::OldestFirst
            }
        };
        let window = Window { offset, limit };
        let ids = self.sorted_ids(filter, &mut conditions, (order, window)).await?;
        let order = filter.sort.order(self.inner.dialect, order);
        // The inner statement walks an index alone; rows are fetched for the page only.
        let sql = format!(
            concat!("SELECT ", columns!(), " FROM privacy_request WHERE id IN ({}) ORDER BY {}"),
            ids, order
        );
        let rows = bound(sql, conditions.values).fetch_all(&self.inner.reader).await?;
        let mut items = rows.iter().map(request_of).collect::<Result<Vec<_>, _>>()?;
        if from_end {
            items.reverse();
        }
        Ok(items)
    }

    async fn request_total(&self, statuses: &[PrivacyRequestStatus]) -> Result<u64, StoreError> {
        let counts = self.privacy_request_count_by_status().await?;
        let wanted =
            |status: &str| statuses.is_empty() || statuses.iter().any(|wanted| wanted.as_str() == status);
        Ok(counts.iter().filter(|(status, _)| wanted(status)).map(|(_, counted)| counted).sum())
    }

    pub(super) async fn request_count(
        &self,
        mut conditions: Conditions,
        most: u64,
    ) -> Result<u64, StoreError> {
        let where_ = conditions.text();
        let most = conditions.bind(Bound::Number(signed(most)));
        let sql = format!(
            "SELECT COUNT(*) FROM (SELECT 1 AS found FROM privacy_request WHERE {where_} LIMIT {most}) AS fits"
        );
        let row = bound(sql, conditions.values).fetch_one(&self.inner.reader).await?;
        count(row.try_get(0)?)
    }

    /// The requests of the rest of the filter in which the searched part of an identity stands.
    /// Identities are sealed: they have to be opened to be looked at.
    async fn fuzzy_ids(&self, filter: &PrivacyRequestFilter) -> Result<Option<Vec<String>>, StoreError> {
        let Some(part) = filter.fuzzy.as_deref().map(str::to_lowercase) else { return Ok(None) };
        if part.is_empty() || "pri_".starts_with(&part) || part.starts_with("pri_") {
            return Ok(Some(Vec::new()));
        }
        let mut conditions = self.request_conditions(filter, None);
        let where_ = conditions.text();
        let limit = conditions.bind(Bound::Number(signed(OPENED + 1)));
        let sql = format!(
            "SELECT id, sealed_identities FROM privacy_request WHERE {where_} AND sealed_identities IS NOT NULL LIMIT {limit}"
        );
        let rows = bound(sql, conditions.values).fetch_all(&self.inner.reader).await?;
        if rows.len() as u64 > OPENED {
            return Err(StoreError::TooMany { what: "requests", most: OPENED });
        }
        let mut found = Vec::new();
        for row in rows {
            let id: String = row.try_get(0)?;
            if self.holds_part(&row, &id, &part)? {
                found.push(id);
            }
            if found.len() as u64 > FOUND {
                return Err(StoreError::TooMany { what: "requests that fit", most: FOUND });
            }
        }
        Ok(Some(found))
    }

    fn holds_part(&self, row: &Row, id: &str, part: &str) -> Result<bool, StoreError> {
        let sealed: Vec<u8> = row.try_get(1)?;
        let plain = self.unsealed(Sealed::Identities, id, &sealed)?;
        let Ok(value) = serde_json::from_slice(plain.expose()) else { return Ok(false) };
        Ok(value_holds(&value, part))
    }

    /// Every request of `ids` that there is, in no order.
    pub async fn privacy_request_list_of(
        &self,
        ids: &[PrivacyRequestId],
    ) -> Result<Vec<PrivacyRequest>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let marks: Vec<String> = (1..=ids.len()).map(|at| format!("${at}")).collect();
        let sql = format!(
            concat!("SELECT ", columns!(), " FROM privacy_request WHERE id IN ({})"),
            marks.join(", ")
        );
        let values = ids.iter().map(|id| Bound::Text(id.to_string())).collect();
        bound(sql, values).fetch_all(&self.inner.reader).await?.iter().map(request_of).collect()
    }
}

/// A statement of ours with its values; texts from outside are always among the values.
fn bound(sql: String, values: Vec<Bound>) -> Query<'static> {
    let mut query = query_made(sql);
    for value in values {
        query = match value {
            Bound::Text(text) => query.bind(text),
            Bound::Number(number) => query.bind(number),
            Bound::Bytes(bytes) => query.bind(bytes),
        };
    }
    query
}

fn value_holds(value: &serde_json::Value, part: &str) -> bool {
    use serde_json::Value;
    match value {
        Value::String(text) => text.to_lowercase().contains(part),
        Value::Number(number) => number.to_string().contains(part),
        Value::Array(values) => values.iter().any(|value| value_holds(value, part)),
        Value::Object(members) => members.values().any(|value| value_holds(value, part)),
        Value::Null | Value::Bool(_) => false,
    }
}
