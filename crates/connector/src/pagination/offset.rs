use std::collections::HashSet;

use model::IncompleteReason;
use serde_json::Value;
use spec::connector_file::OffsetLimit;

use super::{PageAnswer, PaginationError, Stop, Turn, query};
use crate::fingerprint::Fingerprint;
use crate::secrets::Secrets;

/// A counter in a query param (saas-config 18.3–18.8).
#[derive(Debug)]
pub(super) struct Offset {
    param: String,
    step: i64,
    /// `None` where there is no limit, or it is zero.
    limit: Option<i64>,
    /// Pages so far: a service that ignores the param gives the same one for ever.
    pages: HashSet<Fingerprint>,
    last: Option<Fingerprint>,
}

impl Offset {
    pub(super) fn new(param: &str, step: i64, limit: Option<i64>) -> Self {
        Self { param: param.to_owned(), step, limit, pages: HashSet::new(), last: None }
    }

    /// The page that came last; `None` if it was empty.
    pub(super) fn last(&self) -> Option<Fingerprint> {
        self.last
    }

    /// A page that was read before this reader began.
    pub(super) fn remember(&mut self, page: Fingerprint) {
        self.pages.insert(page);
    }

    /// By how many entries a page begins behind the one before; `None` for a step of one, which counts pages.
    pub(super) fn entry_step(&self) -> Option<usize> {
        usize::try_from(self.step).ok().filter(|step| *step > 1)
    }

    pub(super) fn turn(&mut self, answer: PageAnswer<'_>, place: &str) -> Result<Turn, PaginationError> {
        self.last = None;
        let Some(data) = answer.data.filter(|data| !model::is_falsy(data)) else { return Ok(Turn::End) };
        let param = || self.param.clone();
        let text = query::find(answer.url, &self.param)
            .ok_or_else(|| PaginationError::MissingParam { place: place.to_owned(), param: param() })?;
        let next = whole_number(&text)
            .and_then(|current| current.checked_add(self.step))
            .ok_or_else(|| PaginationError::BadParam { place: place.to_owned(), param: param() })?;
        let page = Fingerprint::of_json(data);
        self.last = Some(page);
        if !self.pages.insert(page) {
            let detail = format!(
                "{place}: two values of `{}` gave the same page, so the service seems to ignore it; check `pagination`",
                self.param
            );
            return Ok(Turn::Repeated(Stop { reason: IncompleteReason::PageLoop, detail }));
        }
        if self.limit.is_some_and(|limit| next > limit) {
            return Ok(if self.may_go_on(data) { Turn::Stopped(self.at_limit(place)) } else { Turn::End });
        }
        let mut url = answer.url.clone();
        query::set(&mut url, &self.param, &next.to_string());
        Ok(Turn::Next(url))
    }

    /// Whether more rows may follow a page: not if it has fewer than the step, if the step counts
    /// rows; and not if it is no list, which is never empty and only ends at the limit.
    fn may_go_on(&self, data: &Value) -> bool {
        data.as_array().is_some_and(|rows| i64::try_from(rows.len()).is_ok_and(|rows| rows >= self.step))
    }

    fn at_limit(&self, place: &str) -> Stop {
        let detail = format!(
            "{place}: `{}` reached the pagination's `limit` with a page that was not empty; raise it to read on",
            self.param
        );
        Stop { reason: IncompleteReason::PageCap, detail }
    }
}

/// The limit as a number; `None` if it is zero, which means none (saas-config 18.5, 18.6).
pub(super) fn limit(
    limit: &OffsetLimit,
    secrets: &Secrets,
    place: &str,
) -> Result<Option<i64>, PaginationError> {
    let value = match limit {
        OffsetLimit::Value(value) => *value,
        OffsetLimit::ConnectorParam(name) => {
            let bad = || PaginationError::BadLimit { place: place.to_owned(), name: name.clone() };
            match secrets.find(name) {
                None => {
                    return Err(PaginationError::MissingLimit {
                        place: place.to_owned(),
                        name: name.clone(),
                    });
                }
                Some(Value::Number(number)) => number.as_i64().ok_or_else(bad)?,
                Some(Value::String(text)) => whole_number(text.trim()).ok_or_else(bad)?,
                Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) => return Err(bad()),
            }
        }
    };
    Ok(Some(value).filter(|value| *value != 0))
}

/// Digits, with or without a sign.
fn whole_number(text: &str) -> Option<i64> {
    text.parse().ok()
}
