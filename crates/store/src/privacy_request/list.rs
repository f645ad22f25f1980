use model::PrivacyRequestId;

use super::day::Skipped;
use super::filter::{Bound, Conditions, LookedUp};
use super::sealed::Sealed;
use super::{
    PrivacyRequest, PrivacyRequestFilter, PrivacyRequestOrder, PrivacyRequestStatus, columns, request_of,
};
use crate::sql::{Query, Row, query_made};
use crate::store::{count, signed};
use crate::{Listed, RuleAction, Store, StoreError, Window};

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
        let conditions = self.request_conditions(filter, self.looked_up(filter).await?);
        let fits = if filter.is_counted() {
            self.request_total(&filter.statuses).await?
        } else {
            // One more tells that there are too many.
            self.request_count(filter, conditions.clone(), COUNTED + 1).await?
        };
        let items = self.request_window(filter, conditions, (window, fits)).await?;
        let total = if filter.is_counted() { fits } else { fits.min(COUNTED) };
        Ok(Listed { items, total })
    }

    /// How many requests fit, counted up to `most`.
    pub async fn privacy_request_count(
        &self,
        filter: &PrivacyRequestFilter,
        most: u64,
    ) -> Result<u64, StoreError> {
        let conditions = self.request_conditions(filter, self.looked_up(filter).await?);
        self.request_count(filter, conditions, most).await
    }

    async fn request_window(
        &self,
        filter: &PrivacyRequestFilter,
        mut conditions: Conditions,
        (window, fits): (Window, u64),
    ) -> Result<Vec<PrivacyRequest>, StoreError> {
        if window.offset >= fits.max(COUNTED) && filter.is_counted() {
            return Ok(Vec::new());
        }
        // A page near the end is counted from the end: half the way at most.
        let from_end = filter.is_counted() && window.offset > fits / 2 && fits > COUNTED;
        let (mut window, order) = if from_end {
            let after = fits.saturating_sub(window.offset).saturating_sub(u64::from(window.limit));
            // No more than the window's own limit.
            let left = u32::try_from(fits - window.offset).unwrap_or(u32::MAX);
            (Window { offset: after, limit: left.min(window.limit) }, filter.order.reversed())
        } else {
            (window, filter.order)
        };
        if filter.skips_days(window, fits) {
            let skipped = self.request_days_skipped(&filter.statuses, (order, window.offset)).await?;
            if let Some(Skipped { requests, edge }) = skipped {
                window.offset -= requests;
                let beyond = match order {
                    PrivacyRequestOrder::NewestFirst => "created_at < ?",
                    PrivacyRequestOrder::OldestFirst => "created_at >= ?",
                };
                conditions.add(beyond, [Bound::Number(edge)]);
            }
        }
        let sql = self.page_statement(filter, &mut conditions, (order, window, fits))?;
        let rows = bound(sql, conditions.values).fetch_all(&self.inner.reader).await?;
        let mut items = rows.iter().map(request_of).collect::<Result<Vec<_>, _>>()?;
        if from_end {
            items.reverse();
        }
        Ok(items)
    }

    /// The rows of a page. The inner statement finds their ids, in an index alone wherever it can.
    fn page_statement(
        &self,
        filter: &PrivacyRequestFilter,
        conditions: &mut Conditions,
        (order, window, fits): (PrivacyRequestOrder, Window, u64),
    ) -> Result<String, StoreError> {
        let ids = self.page_ids(filter, conditions, (order, window, fits))?;
        let by = filter.sort.order(self.inner.dialect, order);
        Ok(format!(
            concat!("SELECT ", columns!(), " FROM privacy_request WHERE id IN ({}) ORDER BY {}"),
            ids, by
        ))
    }

    async fn request_total(&self, statuses: &[PrivacyRequestStatus]) -> Result<u64, StoreError> {
        let counts = self.privacy_request_count_by_status().await?;
        let wanted =
            |status: &str| statuses.is_empty() || statuses.iter().any(|wanted| wanted.as_str() == status);
        Ok(counts.iter().filter(|(status, _)| wanted(status)).map(|(_, counted)| counted).sum())
    }

    async fn request_count(
        &self,
        filter: &PrivacyRequestFilter,
        conditions: Conditions,
        most: u64,
    ) -> Result<u64, StoreError> {
        let (sql, values) = self.count_statement(filter, conditions, most);
        let row = bound(sql, values).fetch_one(&self.inner.reader).await?;
        count(row.try_get(0)?)
    }

    fn count_statement(
        &self,
        filter: &PrivacyRequestFilter,
        mut conditions: Conditions,
        most: u64,
    ) -> (String, Vec<Bound>) {
        let (from, where_) = (self.gathered_from(filter), conditions.text());
        let most = conditions.bind(Bound::Number(signed(most)));
        let sql = format!(
            "SELECT COUNT(*) FROM (SELECT 1 AS found FROM {from} WHERE {where_} LIMIT {most}) AS fits"
        );
        (sql, conditions.values)
    }

    async fn looked_up(&self, filter: &PrivacyRequestFilter) -> Result<LookedUp, StoreError> {
        let policies = self.policies_of(&filter.actions).await?;
        let fuzzy = self.fuzzy_ids(filter, &policies).await?;
        Ok(LookedUp { fuzzy, policies })
    }

    async fn policies_of(&self, actions: &[RuleAction]) -> Result<Vec<String>, StoreError> {
        if actions.is_empty() {
            return Ok(Vec::new());
        }
        let marks: Vec<String> = (1..=actions.len()).map(|at| format!("${at}")).collect();
        let sql = format!("SELECT DISTINCT policy FROM policy_rule WHERE action IN ({})", marks.join(", "));
        let values = actions.iter().map(|action| Bound::Text(action.as_str().to_owned())).collect();
        let rows = bound(sql, values).fetch_all(&self.inner.reader).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    /// The requests of the rest of the filter in which the searched part of an identity stands.
    /// Identities are sealed: they have to be opened to be looked at.
    async fn fuzzy_ids(
        &self,
        filter: &PrivacyRequestFilter,
        policies: &[String],
    ) -> Result<Option<Vec<String>>, StoreError> {
        let Some(part) = filter.fuzzy.as_deref().map(str::to_lowercase) else { return Ok(None) };
        if part.is_empty() || "pri_".starts_with(&part) || part.starts_with("pri_") {
            return Ok(Some(Vec::new()));
        }
        let looked_up = LookedUp { fuzzy: None, policies: policies.to_vec() };
        let mut conditions = self.request_conditions(filter, looked_up);
        let where_ = conditions.text();
        let limit = conditions.bind(Bound::Number(signed(OPENED + 1)));
        let from = self.opened_from(filter);
        let sql = format!(
            "SELECT id, sealed_identities FROM {from} WHERE {where_} AND forgotten_at IS NULL AND sealed_identities IS NOT NULL LIMIT {limit}"
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

#[cfg(test)]
mod tests;
