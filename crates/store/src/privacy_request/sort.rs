//! What lists of requests are sorted by.

use super::{PrivacyRequestOrder, PrivacyRequestSort};
use crate::dialect::Dialect;

impl PrivacyRequestOrder {
    /// As it is said behind what is sorted by.
    pub(super) fn direction(self) -> &'static str {
        match self {
            Self::NewestFirst => "DESC",
            Self::OldestFirst => "ASC",
        }
    }

    pub(super) fn reversed(self) -> Self {
        match self {
            Self::NewestFirst => Self::OldestFirst,
            Self::OldestFirst => Self::NewestFirst,
        }
    }
}

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
    pub(super) fn expression(self, dialect: Dialect) -> String {
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
    pub(super) fn is_walked(self) -> bool {
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
        self.order_by(&self.expression(dialect), order)
    }

    /// The same where what is compared has a name.
    pub(super) fn order_by(self, key: &str, order: PrivacyRequestOrder) -> String {
        let direction = order.direction();
        match self {
            Self::Id => format!("id {direction}"),
            // As its index has it.
            Self::Status => format!("{key} {direction}, created_at {direction}, id {direction}"),
            _ => format!("{key} {direction}, id {direction}"),
        }
    }
}
