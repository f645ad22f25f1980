//! What lists of requests are sorted by.

use super::filter::{Bound, Conditions};
use super::{PrivacyRequestFilter, PrivacyRequestOrder, PrivacyRequestSort};
use crate::dialect::Dialect;
use crate::store::signed;
use crate::{Store, StoreError, Window};

/// How many requests are sorted at most by what no index holds in order.
pub(super) const SORTED: u64 = 10_000;

impl PrivacyRequestSort {
    /// Every way to sort, with the name that callers know.
    pub const ALL: [(&str, Self); 23] = [
        ("canceled_at", Self::CanceledAt),
        ("created_at", Self::CreatedAt),
        ("custom_privacy_request_fields_approved_at", Self::CustomFieldsApprovedAt),
        ("custom_privacy_request_fields_approved_by", Self::CustomFieldsApprovedBy),
        ("deleted_at", Self::DeletedAt),
        ("due_date", Self::DueAt),
        ("duplicate_request_group_id", Self::DuplicateGroup),
        ("external_id", Self::ExternalId),
        ("finalized_at", Self::FinalizedAt),
        ("finished_processing_at", Self::FinishedAt),
        ("id", Self::Id),
        ("identity_verified_at", Self::IdentityVerifiedAt),
        ("location", Self::Location),
        ("paused_at", Self::PausedAt),
        ("property_id", Self::PropertyId),
        ("requested_at", Self::RequestedAt),
        ("reviewed_at", Self::ReviewedAt),
        ("reviewed_by", Self::ReviewedBy),
        ("source", Self::Source),
        ("started_processing_at", Self::StartedAt),
        ("status", Self::Status),
        ("submitted_by", Self::SubmittedBy),
        ("updated_at", Self::UpdatedAt),
    ];

    /// The one with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, sort)| *sort)
    }

    /// What is compared: written as in the index, if there is one.
    fn expression(self, dialect: Dialect) -> String {
        // A time that has not come is the latest.
        let moment = |column: &str| format!("COALESCE({column}, 9223372036854775807)");
        let text = |column: &str| dialect.by_letters(&format!("COALESCE({column}, '')"));
        match self {
            Self::CreatedAt => "created_at".to_owned(),
            Self::UpdatedAt => "updated_at".to_owned(),
            Self::RequestedAt => "requested_at".to_owned(),
            Self::Id => "id".to_owned(),
            Self::Status => "status".to_owned(),
            Self::StartedAt => moment("started_at"),
            Self::FinishedAt => moment("finished_at"),
            Self::DueAt => moment("due_at"),
            Self::ReviewedAt => moment("reviewed_at"),
            Self::IdentityVerifiedAt => moment("identity_verified_at"),
            Self::CustomFieldsApprovedAt => moment("custom_fields_approved_at"),
            Self::PausedAt => moment("paused_at"),
            Self::CanceledAt => moment("canceled_at"),
            Self::DeletedAt => moment("deleted_at"),
            Self::FinalizedAt => moment("finalized_at"),
            Self::ExternalId => text("external_id"),
            Self::Location => text("location"),
            Self::Source => text("source"),
            Self::PropertyId => text("property_id"),
            Self::ReviewedBy => text("reviewed_by"),
            Self::SubmittedBy => text("submitted_by"),
            Self::CustomFieldsApprovedBy => text("custom_fields_approved_by"),
            Self::DuplicateGroup => text("duplicate_group"),
        }
    }

    /// Whether an index holds all listed requests in this order.
    fn is_walked(self) -> bool {
        match self {
            Self::CreatedAt
            | Self::UpdatedAt
            | Self::StartedAt
            | Self::FinishedAt
            | Self::DueAt
            | Self::Status
            | Self::Id => true,
            Self::RequestedAt
            | Self::ReviewedAt
            | Self::IdentityVerifiedAt
            | Self::CustomFieldsApprovedAt
            | Self::PausedAt
            | Self::CanceledAt
            | Self::DeletedAt
            | Self::FinalizedAt
            | Self::ExternalId
            | Self::Location
            | Self::Source
            | Self::PropertyId
            | Self::ReviewedBy
            | Self::SubmittedBy
            | Self::CustomFieldsApprovedBy
            | Self::DuplicateGroup => false,
        }
    }

    /// What stands behind `ORDER BY`; equal ones in the order in which they were taken in, or of their ids.
    pub(super) fn order(self, dialect: Dialect, order: PrivacyRequestOrder) -> String {
        let direction = match order {
            PrivacyRequestOrder::NewestFirst => "DESC",
            PrivacyRequestOrder::OldestFirst => "ASC",
        };
        let key = self.expression(dialect);
        match self {
            Self::Id => format!("id {direction}"),
            // As its index has it.
            Self::Status => format!("status {direction}, created_at {direction}, id {direction}"),
            _ => format!("{key} {direction}, id {direction}"),
        }
    }
}

impl Store {
    /// The requests that fit, as a statement of their ids in order; fails if too many would have to be
    /// sorted.
    pub(super) async fn sorted_ids(
        &self,
        filter: &PrivacyRequestFilter,
        conditions: &mut Conditions,
        (order, window): (PrivacyRequestOrder, Window),
    ) -> Result<String, StoreError> {
        let by = filter.sort.order(self.inner.dialect, order);
        let is_walked = filter.sort == PrivacyRequestSort::CreatedAt
            || (filter.sort.is_walked() && filter.is_counted() && filter.statuses.is_empty());
        let where_ = conditions.text();
        if is_walked {
            let (limit, offset) = placed(conditions, window);
            return Ok(format!(
                "SELECT id FROM privacy_request WHERE {where_} ORDER BY {by} LIMIT {limit} OFFSET {offset}"
            ));
        }
        let fits = self.request_count(conditions.clone(), SORTED + 1).await?;
        if fits > SORTED {
            return Err(StoreError::TooMany { what: "requests", most: SORTED });
        }
        let most = conditions.bind(Bound::Number(signed(SORTED)));
        let (limit, offset) = placed(conditions, window);
        // Found first, by whatever index fits, and then sorted: never the whole table in this order.
        Ok(format!(
            "SELECT id FROM privacy_request WHERE id IN (SELECT id FROM privacy_request WHERE {where_} LIMIT {most}) ORDER BY {by} LIMIT {limit} OFFSET {offset}"
        ))
    }
}

fn placed(conditions: &mut Conditions, window: Window) -> (String, String) {
    let limit = conditions.bind(Bound::Number(i64::from(window.limit)));
    let offset = conditions.bind(Bound::Number(signed(window.offset)));
    (limit, offset)
}
