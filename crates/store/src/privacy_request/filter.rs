//! Which requests are wanted, as conditions of a statement.

use jiff::Timestamp;
use model::PrivacyRequestId;

use super::create::{ANY_IDENTITY, lookup_field};
use super::{Lookup, PrivacyRequestStatus};
use crate::dialect::Dialect;
use crate::{RuleAction, Store};

/// A time after one moment, before another, or both; neither end belongs to it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TimeRange {
    /// After this.
    pub after: Option<Timestamp>,
    /// Before this.
    pub before: Option<Timestamp>,
}

/// In which direction requests are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PrivacyRequestOrder {
    /// The newest first, or what comes last in the alphabet.
    #[default]
    NewestFirst,
    /// The oldest first, or what comes first in the alphabet.
    OldestFirst,
}

/// What requests are sorted by. Times that have not come count as the latest, absent texts as empty.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PrivacyRequestSort {
    /// When they were taken in.
    #[default]
    CreatedAt,
    /// When anything about them changed last.
    UpdatedAt,
    /// When the person asked.
    RequestedAt,
    /// When work on them began.
    StartedAt,
    /// When they were over.
    FinishedAt,
    /// Their deadlines.
    DueAt,
    /// When they were approved or denied.
    ReviewedAt,
    /// When an identity was first shown to be theirs.
    IdentityVerifiedAt,
    /// When the use of their custom fields was approved.
    CustomFieldsApprovedAt,
    /// When they were held.
    PausedAt,
    /// When they were stopped.
    CanceledAt,
    /// When they were deleted.
    DeletedAt,
    /// When they were finalized by hand.
    FinalizedAt,
    /// Their ids.
    Id,
    /// How far they are, by its name.
    Status,
    /// The callers' own ids.
    ExternalId,
    /// Where the persons live.
    Location,
    /// Where they came from.
    Source,
    /// The properties they were made on.
    PropertyId,
    /// Who approved or denied them.
    ReviewedBy,
    /// Who made them on behalf of the persons.
    SubmittedBy,
    /// Who approved the use of their custom fields.
    CustomFieldsApprovedBy,
    /// The groups of equal ones.
    DuplicateGroup,
}

/// Which requests are wanted; what is not given does not matter.
#[derive(Debug, Clone, Default)]
pub struct PrivacyRequestFilter {
    /// Part of the id.
    pub id_part: Option<String>,
    /// Exactly these ids, if there are any.
    pub ids: Vec<String>,
    /// None of these ids.
    pub excluded: Vec<String>,
    /// One of these statuses, if there are any.
    pub statuses: Vec<PrivacyRequestStatus>,
    /// With one of these values of identities, if there are any.
    pub identities: Vec<Lookup>,
    /// With this value of whichever identity.
    pub any_identity: Option<String>,
    /// With one of these values of custom fields, if there are any.
    pub custom_fields: Vec<Lookup>,
    /// Part of an identity among the newest ten thousand requests, or the beginning of an id.
    pub fuzzy: Option<String>,
    /// When it was taken in.
    pub created: TimeRange,
    /// When work on it began.
    pub started: TimeRange,
    /// When it was completed.
    pub completed: TimeRange,
    /// When it went wrong.
    pub errored: TimeRange,
    /// Beginning of the caller's own id.
    pub external_id: Option<String>,
    /// Where the person lives; a country takes in its parts.
    pub location: Option<String>,
    /// Under a policy with a rule of one of these actions, if there are any.
    pub actions: Vec<RuleAction>,
    /// Under this policy.
    pub policy: Option<String>,
    /// In this group of equal requests.
    pub duplicate_group: Option<String>,
    /// Past its deadline at this time, and not over.
    pub overdue_at: Option<Timestamp>,
    /// Deleted ones, too.
    pub with_deleted: bool,
    /// Those of sources that are otherwise left out, too.
    pub with_unlisted: bool,
    /// What they are sorted by.
    pub sort: PrivacyRequestSort,
    /// The order.
    pub order: PrivacyRequestOrder,
}

/// What is looked up before requests are looked for.
#[derive(Debug, Clone, Default)]
pub(super) struct LookedUp {
    /// The ids that a part of an identity was found in, if one is asked for.
    pub(super) fuzzy: Option<Vec<String>>,
    /// The policies with a rule of one of the actions that are asked for. Named one by one, databases know
    /// how many requests they have.
    pub(super) policies: Vec<String>,
}

/// A value bound to a statement.
#[derive(Debug, Clone)]
pub(super) enum Bound {
    Text(String),
    Number(i64),
    Bytes(Vec<u8>),
}

/// Conditions that are all to hold, with the values bound in them.
#[derive(Debug, Clone, Default)]
pub(super) struct Conditions {
    texts: Vec<String>,
    pub(super) values: Vec<Bound>,
}

impl Conditions {
    /// Adds a condition; each `?` in it becomes the placeholder of the next of `values`.
    pub(super) fn add(&mut self, condition: &str, values: impl IntoIterator<Item = Bound>) {
        let mut values = values.into_iter();
        let mut text = String::with_capacity(condition.len() + 8);
        for part in condition.split_inclusive('?') {
            let Some(before) = part.strip_suffix('?') else {
                text.push_str(part);
                continue;
            };
            text.push_str(before);
            self.values.extend(values.next());
            text.push('$');
            text.push_str(&self.values.len().to_string());
        }
        self.texts.push(text);
    }

    fn add_among(&mut self, column: &str, values: Vec<Bound>) {
        let marks = vec!["?"; values.len()].join(", ");
        self.add(&format!("{column} ({marks})"), values);
    }

    fn add_range(&mut self, column: &str, range: TimeRange) {
        if let Some(after) = range.after {
            self.add(&format!("{column} > ?"), [Bound::Number(after.as_microsecond())]);
        }
        if let Some(before) = range.before {
            self.add(&format!("{column} < ?"), [Bound::Number(before.as_microsecond())]);
        }
    }

    /// The whole, to stand after `WHERE`.
    pub(super) fn text(&self) -> String {
        if self.texts.is_empty() { "1 = 1".to_owned() } else { self.texts.join(" AND ") }
    }

    /// The placeholder of one more value.
    pub(super) fn bind(&mut self, value: Bound) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }
}

impl PrivacyRequestFilter {
    /// The texts that are compared as they are.
    fn texts(&self) -> impl Iterator<Item = &String> {
        let single = [&self.id_part, &self.fuzzy, &self.external_id, &self.location, &self.policy];
        let single = single.into_iter().chain([&self.duplicate_group]).flatten();
        single.chain(&self.ids).chain(&self.excluded)
    }

    /// Whether a text is asked for that nothing has: not every database keeps this character.
    pub(super) fn is_impossible(&self) -> bool {
        self.texts().any(|text| text.contains('\0'))
    }

    /// Whether all that may be said by it is a status.
    pub(super) fn is_counted(&self) -> bool {
        let Self {
            id_part,
            ids,
            excluded,
            statuses: _,
            identities,
            any_identity,
            custom_fields,
            fuzzy,
            created,
            started,
            completed,
            errored,
            external_id,
            location,
            actions,
            policy,
            duplicate_group,
            overdue_at,
            with_deleted,
            with_unlisted,
            sort: _,
            order: _,
        } = self;
        let texts = [id_part, any_identity, fuzzy, external_id, location, policy, duplicate_group];
        texts.iter().all(|text| text.is_none())
            && [ids, excluded].iter().all(|list| list.is_empty())
            && [identities, custom_fields].iter().all(|list| list.is_empty())
            && [created, started, completed, errored].iter().all(|range| **range == TimeRange::default())
            && actions.is_empty()
            && overdue_at.is_none()
            && !with_deleted
            && !with_unlisted
    }
}

impl Store {
    /// The filter as conditions.
    pub(super) fn request_conditions(
        &self,
        filter: &PrivacyRequestFilter,
        looked_up: LookedUp,
    ) -> Conditions {
        let LookedUp { fuzzy, policies } = looked_up;
        let mut all = Conditions::default();
        let text = |text: &str| Bound::Text(text.to_owned());
        if filter.is_impossible() {
            all.add("1 = 0", []);
            return all;
        }
        match (filter.with_deleted, filter.with_unlisted) {
            // Said as in the indexes, so that they are used.
            (false, false) => all.add("listed = 1", []),
            (false, true) => all.add("deleted_at IS NULL", []),
            (true, false) => all.add("(listed = 1 OR deleted_at IS NOT NULL)", []),
            (true, true) => {}
        }
        let part = filter.id_part.as_deref().filter(|part| !part.is_empty());
        if let Some(id) = part.filter(|part| part.parse::<PrivacyRequestId>().is_ok()) {
            all.add("id = ?", [text(id)]);
        } else if let Some(part) = part {
            all.add("LENGTH(REPLACE(id, ?, '')) < LENGTH(id)", [text(part)]);
        }
        if !filter.ids.is_empty() {
            all.add_among("id IN", filter.ids.iter().map(|id| text(id)).collect());
        }
        if !filter.excluded.is_empty() {
            all.add_among("id NOT IN", filter.excluded.iter().map(|id| text(id)).collect());
        }
        if !filter.statuses.is_empty() {
            all.add_among("status IN", filter.statuses.iter().map(|status| text(status.as_str())).collect());
        }
        self.lookup_conditions(&mut all, &filter.identities);
        self.lookup_conditions(&mut all, &filter.custom_fields);
        if let Some(value) = &filter.any_identity {
            let hash = self.value_hash(value).to_vec();
            all.add(
                "id IN (SELECT request FROM privacy_request_lookup WHERE field = ? AND hash = ?)",
                [text(ANY_IDENTITY), Bound::Bytes(hash)],
            );
        }
        if let (Some(begin), Some(found)) = (&filter.fuzzy, fuzzy) {
            self.fuzzy_condition(&mut all, begin, found);
        }
        if !policies.is_empty() {
            all.add_among("policy IN", policies.into_iter().map(Bound::Text).collect());
        } else if !filter.actions.is_empty() {
            all.add("1 = 0", []);
        }
        all.add_range("created_at", filter.created);
        all.add_range("started_at", filter.started);
        self.outcome_conditions(&mut all, filter);
        all
    }

    /// Ids begin with `pri_`, so that a text is the beginning of all of them, of some or of none.
    fn fuzzy_condition(&self, all: &mut Conditions, begin: &str, found: Vec<String>) {
        if begin.starts_with("pri_") {
            all.add(&self.inner.dialect.begins("id"), self.begins(begin));
        } else if !found.is_empty() {
            all.add_among("id IN", found.into_iter().map(Bound::Text).collect());
        } else if !"pri_".starts_with(begin) {
            all.add("1 = 0", []);
        }
    }

    fn outcome_conditions(&self, all: &mut Conditions, filter: &PrivacyRequestFilter) {
        let text = |text: &str| Bound::Text(text.to_owned());
        if filter.completed != TimeRange::default() {
            all.add("status = 'complete'", []);
            all.add_range("finished_at", filter.completed);
        }
        if filter.errored != TimeRange::default() {
            all.add("status = 'error'", []);
            all.add_range("updated_at", filter.errored);
        }
        if let Some(begin) = filter.external_id.as_deref().filter(|begin| !begin.is_empty()) {
            all.add("external_id IS NOT NULL", []);
            all.add(&self.inner.dialect.begins("external_id"), self.begins(begin));
        }
        if let Some(location) = &filter.location {
            // A country takes in its parts: `US` and `US-…`. Both begin with it, which an index finds.
            let dialect = self.inner.dialect;
            let (begin, whole) = (dialect.begins("location"), dialect.by_letters("location"));
            let mut values = self.begins(location);
            values.push(text(location));
            values.extend(self.begins(&format!("{location}-")));
            all.add(&format!("location IS NOT NULL AND {begin} AND ({whole} = ? OR {begin})"), values);
        }
        if let Some(policy) = &filter.policy {
            all.add("policy = ?", [text(policy)]);
        }
        if let Some(group) = &filter.duplicate_group {
            all.add("duplicate_group = ?", [text(group)]);
        }
        if let Some(now) = filter.overdue_at {
            all.add(
                "status IN ('in_processing', 'pending', 'approved', 'paused', 'requires_input', 'requires_manual_finalization', 'pending_external') AND due_at IS NOT NULL AND finished_at IS NULL AND due_at < ?",
                [Bound::Number(now.as_microsecond())],
            );
        }
    }

    /// The values for [`crate::dialect::Dialect::begins`].
    fn begins(&self, begin: &str) -> Vec<Bound> {
        let from = Bound::Text(begin.to_owned());
        match self.inner.dialect {
            // No text that begins with it is above it with the highest character behind.
            Dialect::Sqlite => vec![from, Bound::Text(format!("{begin}{}", char::MAX))],
            Dialect::Postgres => vec![from],
        }
    }

    fn lookup_conditions(&self, all: &mut Conditions, lookups: &[Lookup]) {
        if lookups.is_empty() {
            return;
        }
        let each = "(field = ? AND hash = ?)";
        let any = vec![each; lookups.len()].join(" OR ");
        let values: Vec<Bound> = lookups
            .iter()
            .flat_map(|lookup| {
                let hash = self.lookup_hash(lookup).to_vec();
                [Bound::Text(lookup_field(lookup.field).to_owned()), Bound::Bytes(hash)]
            })
            .collect();
        all.add(&format!("id IN (SELECT request FROM privacy_request_lookup WHERE {any})"), values);
    }
}
