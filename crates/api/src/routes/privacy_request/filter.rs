//! Which privacy requests are asked for.

use jiff::Timestamp;
use privacy::request::{custom_field_lookup, identity_lookup};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use store::{
    Lookup, PrivacyRequestFilter, PrivacyRequestOrder, PrivacyRequestSort, PrivacyRequestStatus, RuleAction,
    TimeRange,
};
use utoipa::{IntoParams, ToSchema};

use super::location;

use crate::ApiError;
use crate::moment::Moment;
use crate::one_or_many::OneOrMany;
use crate::text::Text;

/// Which privacy requests, and how they are shown. What is absent does not matter.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Search {
    /// A part of the id.
    #[schema(value_type = Option<String>)]
    request_id: Option<Text>,
    /// Kind of identity → value; one of them is enough, and each has to be exact.
    #[schema(value_type = Option<Object>)]
    identities: Option<Map<String, Value>>,
    /// A part of any identity, or the beginning of the id.
    #[schema(value_type = Option<String>)]
    fuzzy_search_str: Option<Text>,
    /// Name of a custom field → value; one of them is enough, and each has to be exact.
    #[schema(value_type = Option<Object>)]
    custom_privacy_request_fields: Option<Map<String, Value>>,
    /// One status, or one of several.
    #[serde(default)]
    #[schema(value_type = Option<Value>)]
    status: OneOrMany<String>,
    /// Made before.
    #[schema(value_type = Option<String>, format = DateTime)]
    created_lt: Option<Moment>,
    /// Made after.
    #[schema(value_type = Option<String>, format = DateTime)]
    created_gt: Option<Moment>,
    /// Begun before.
    #[schema(value_type = Option<String>, format = DateTime)]
    started_lt: Option<Moment>,
    /// Begun after.
    #[schema(value_type = Option<String>, format = DateTime)]
    started_gt: Option<Moment>,
    /// Complete before.
    #[schema(value_type = Option<String>, format = DateTime)]
    completed_lt: Option<Moment>,
    /// Complete after.
    #[schema(value_type = Option<String>, format = DateTime)]
    completed_gt: Option<Moment>,
    /// In error before.
    #[schema(value_type = Option<String>, format = DateTime)]
    errored_lt: Option<Moment>,
    /// In error after.
    #[schema(value_type = Option<String>, format = DateTime)]
    errored_gt: Option<Moment>,
    /// The beginning of the id that the caller gave.
    #[schema(value_type = Option<String>)]
    external_id: Option<Text>,
    /// A place; a country stands for its parts, too.
    #[schema(value_type = Option<String>)]
    location: Option<Text>,
    /// One action of the policy's rules, or one of several.
    #[serde(default)]
    #[schema(value_type = Option<Value>)]
    action_type: OneOrMany<String>,
    /// With log entries and the state of each dataset.
    verbose: Option<bool>,
    /// With identities.
    include_identities: Option<bool>,
    /// With custom fields.
    include_custom_privacy_request_fields: Option<bool>,
    /// Also those that a consent webhook made.
    include_consent_webhook_requests: Option<bool>,
    /// Also those that were deleted.
    include_deleted_requests: Option<bool>,
    /// Only those that go on after their last day.
    is_overdue: Option<bool>,
    /// As a file with comma-separated values, all pages of it.
    download_csv: Option<bool>,
    /// What they are sorted by: a field of theirs, as `due_date`; `created_at` if it is not said. A time
    /// that has not come counts as the latest. More than 10,000 are sorted by `created_at` alone, and,
    /// without any filter, by `updated_at`, `started_processing_at`, `finished_processing_at`, `due_date`,
    /// `status` and `id`.
    #[schema(value_type = Option<String>)]
    sort_field: Option<Text>,
    /// In which direction.
    sort_direction: Option<Direction>,
    /// Any identity's exact value; only in queries.
    #[serde(skip)]
    any_identity: Option<String>,
}

/// In which direction a list is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Direction {
    /// The oldest first.
    Asc,
    /// The newest first.
    #[default]
    Desc,
}

/// The same as parameters of a query.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SearchQuery {
    /// A part of the id.
    #[param(value_type = Option<String>)]
    request_id: Option<Text>,
    /// Any identity's exact value.
    #[param(value_type = Option<String>)]
    identity: Option<Text>,
    /// A part of any identity, or the beginning of the id.
    #[param(value_type = Option<String>)]
    fuzzy_search_str: Option<Text>,
    /// One of these statuses.
    #[serde(default)]
    status: Vec<String>,
    /// Made before.
    #[param(value_type = Option<String>)]
    created_lt: Option<Moment>,
    /// Made after.
    #[param(value_type = Option<String>)]
    created_gt: Option<Moment>,
    /// Begun before.
    #[param(value_type = Option<String>)]
    started_lt: Option<Moment>,
    /// Begun after.
    #[param(value_type = Option<String>)]
    started_gt: Option<Moment>,
    /// Complete before.
    #[param(value_type = Option<String>)]
    completed_lt: Option<Moment>,
    /// Complete after.
    #[param(value_type = Option<String>)]
    completed_gt: Option<Moment>,
    /// In error before.
    #[param(value_type = Option<String>)]
    errored_lt: Option<Moment>,
    /// In error after.
    #[param(value_type = Option<String>)]
    errored_gt: Option<Moment>,
    /// The beginning of the id that the caller gave.
    #[param(value_type = Option<String>)]
    external_id: Option<Text>,
    /// A place; a country stands for its parts, too.
    #[param(value_type = Option<String>)]
    location: Option<Text>,
    /// One of these actions of the policy's rules.
    #[serde(default)]
    action_type: Vec<String>,
    /// With log entries and the state of each dataset.
    verbose: Option<bool>,
    /// With identities.
    include_identities: Option<bool>,
    /// With custom fields.
    include_custom_privacy_request_fields: Option<bool>,
    /// Also those that a consent webhook made.
    include_consent_webhook_requests: Option<bool>,
    /// Also those that were deleted.
    include_deleted_requests: Option<bool>,
    /// Only those that go on after their last day.
    is_overdue: Option<bool>,
    /// As a file with comma-separated values, all pages of it.
    download_csv: Option<bool>,
    /// What they are sorted by: a field of theirs, as `due_date`; `created_at` if it is not said. A time
    /// that has not come counts as the latest. More than 10,000 are sorted by `created_at` alone, and,
    /// without any filter, by `updated_at`, `started_processing_at`, `finished_processing_at`, `due_date`,
    /// `status` and `id`.
    #[param(value_type = Option<String>)]
    sort_field: Option<Text>,
    /// In which direction.
    sort_direction: Option<Direction>,
}

impl From<SearchQuery> for Search {
    fn from(query: SearchQuery) -> Self {
        Self {
            request_id: query.request_id,
            identities: None,
            fuzzy_search_str: query.fuzzy_search_str,
            custom_privacy_request_fields: None,
            status: OneOrMany(query.status),
            created_lt: query.created_lt,
            created_gt: query.created_gt,
            started_lt: query.started_lt,
            started_gt: query.started_gt,
            completed_lt: query.completed_lt,
            completed_gt: query.completed_gt,
            errored_lt: query.errored_lt,
            errored_gt: query.errored_gt,
            external_id: query.external_id,
            location: query.location,
            action_type: OneOrMany(query.action_type),
            verbose: query.verbose,
            include_identities: query.include_identities,
            include_custom_privacy_request_fields: query.include_custom_privacy_request_fields,
            include_consent_webhook_requests: query.include_consent_webhook_requests,
            include_deleted_requests: query.include_deleted_requests,
            is_overdue: query.is_overdue,
            download_csv: query.download_csv,
            sort_field: query.sort_field,
            sort_direction: query.sort_direction,
            any_identity: query.identity.map(|text| text.0),
        }
    }
}

/// What of requests is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is asked for by itself")]
pub(super) struct Show {
    /// Identities.
    pub(super) identities: bool,
    /// Custom fields.
    pub(super) custom_fields: bool,
    /// Log entries, and the state of each dataset.
    pub(super) verbose: bool,
    /// How far it is in more detail.
    pub(super) progress: bool,
}

/// A search whose parts fit.
#[derive(Debug)]
pub(super) struct Wanted {
    /// Which requests.
    pub(super) filter: PrivacyRequestFilter,
    /// What of them.
    pub(super) show: Show,
    /// As a file.
    pub(super) csv: bool,
}

impl Search {
    /// Checks the search; `part` is where it stands (`body`, `query`).
    pub(super) fn checked(self, part: &str, now: Timestamp) -> Result<Wanted, ApiError> {
        let at = |name: &str| vec![json!(part), json!(name)];
        let range = |name: &str, after: Option<Moment>, before: Option<Moment>| {
            TimeRange { after: after.map(|at| at.0), before: before.map(|at| at.0) }.checked(name)
        };
        let completed = range("completed", self.completed_gt, self.completed_lt)?;
        let errored = range("errored", self.errored_gt, self.errored_lt)?;
        let nothing = TimeRange::default();
        if completed != nothing && errored != nothing {
            let text = "Cannot specify both succeeded and failed query params.";
            return Err(ApiError::BadRequest(text.to_owned()));
        }
        let sort = self.sort_field.map(|field| {
            let unknown = || ApiError::Unprocessable(format!("{} is not on PrivacyRequest", field.0));
            PrivacyRequestSort::from_name(&field.0).ok_or_else(unknown)
        });
        let sort = sort.transpose()?.unwrap_or_default();
        let filter = PrivacyRequestFilter {
            statuses: among(&at("status"), &self.status, PrivacyRequestStatus::from_name)?,
            actions: among(&at("action_type"), &self.action_type, action)?.into_iter().flatten().collect(),
            identities: lookups(&at("identities"), self.identities, identity_lookup)?,
            custom_fields: lookups(
                &at("custom_privacy_request_fields"),
                self.custom_privacy_request_fields,
                custom_field_lookup,
            )?,
            any_identity: self.any_identity.filter(|text| !text.is_empty()),
            with_unlisted: self.include_consent_webhook_requests == Some(true) || self.request_id.is_some(),
            id_part: self.request_id.map(|text| text.0),
            fuzzy: self.fuzzy_search_str.map(|text| text.0).filter(|text| !text.is_empty()),
            created: range("created", self.created_gt, self.created_lt)?,
            started: range("started", self.started_gt, self.started_lt)?,
            completed,
            errored,
            external_id: self.external_id.map(|text| text.0),
            location: self.location.map(|text| location::checked(&text.0).unwrap_or(text.0)),
            overdue_at: (self.is_overdue == Some(true)).then_some(now),
            with_deleted: self.include_deleted_requests == Some(true),
            sort,
            order: match self.sort_direction.unwrap_or_default() {
                Direction::Asc => PrivacyRequestOrder::OldestFirst,
                Direction::Desc => PrivacyRequestOrder::NewestFirst,
            },
            ..PrivacyRequestFilter::default()
        };
        let show = Show {
            identities: self.include_identities == Some(true),
            custom_fields: self.include_custom_privacy_request_fields == Some(true),
            verbose: self.verbose == Some(true),
            progress: false,
        };
        Ok(Wanted { filter, show, csv: self.download_csv == Some(true) })
    }
}

trait Checked: Sized {
    fn checked(self, name: &str) -> Result<Self, ApiError>;
}

impl Checked for TimeRange {
    /// Refuses a range that nothing is in.
    fn checked(self, name: &str) -> Result<Self, ApiError> {
        match (self.after, self.before) {
            (Some(after), Some(before)) if after >= before => {
                let text =
                    format!("Value specified for {name}_lt: {before} must be after {name}_gt: {after}.");
                Err(ApiError::BadRequest(text))
            }
            (_, _) => Ok(self),
        }
    }
}

/// Each word as what it stands for.
fn among<T>(
    place: &[Value],
    words: &OneOrMany<String>,
    find: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, ApiError> {
    let mut found = Vec::with_capacity(words.0.len());
    for (position, word) in words.0.iter().enumerate() {
        let Some(one) = find(word) else {
            let loc = [place, &[json!(position)]].concat();
            return Err(ApiError::invalid("enum", loc, "no such word here; the documentation lists them"));
        };
        found.push(one);
    }
    Ok(found)
}

/// The action of a word; `update` is known, and no rule has it.
fn action(word: &str) -> Option<Option<RuleAction>> {
    match word {
        "access" => Some(Some(RuleAction::Access)),
        "erasure" => Some(Some(RuleAction::Erasure)),
        "rectification" => Some(Some(RuleAction::Rectification)),
        "consent" => Some(Some(RuleAction::Consent)),
        "update" => Some(None),
        _ => None,
    }
}

/// The most values that are looked for at once.
const MOST_VALUES: usize = 50;

fn lookups(
    place: &[Value],
    values: Option<Map<String, Value>>,
    lookup: impl Fn(&str, &Value) -> Lookup,
) -> Result<Vec<Lookup>, ApiError> {
    let values = values.unwrap_or_default();
    if values.len() > MOST_VALUES {
        return Err(ApiError::invalid("too_long", place.to_vec(), format!("at most {MOST_VALUES} values")));
    }
    let mut found = Vec::with_capacity(values.len());
    for (name, value) in &values {
        match value {
            Value::Null => {}
            Value::String(_) | Value::Number(_) | Value::Bool(_) => found.push(lookup(name, value)),
            Value::Array(_) | Value::Object(_) => {
                let loc = [place, &[json!(name)]].concat();
                return Err(ApiError::invalid("value_error", loc, "write a text or a number"));
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
