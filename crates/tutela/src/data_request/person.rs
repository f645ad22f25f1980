use connector::Person;
use jiff::Timestamp;
use model::{IdSource, Identities, PrivacyRequestId, Row};
use serde_json::Value;

/// What a request file may know about a privacy request (saas-config 11.12), all of it; what a
/// one-shot request does not have is null.
const UNSET: &[&str] = &[
    "external_id",
    "finished_processing_at",
    "reviewed_at",
    "reviewed_by",
    "finalized_at",
    "finalized_by",
    "submitted_by",
    "custom_privacy_request_fields_approved_by",
    "custom_privacy_request_fields_approved_at",
    "identity_verified_at",
    "client_id",
    "policy_id",
    "policy",
    "property_id",
    "cancel_reason",
    "canceled_at",
    "consent_preferences",
    "source",
    "paused_at",
    "due_date",
    "days_left",
    "custom_fields",
    "location",
];

/// A person with a fresh privacy request, made now.
pub(super) fn person(identities: Identities, ids: &dyn IdSource, now: Timestamp) -> Person {
    let id = PrivacyRequestId::new(ids);
    let mut request = Row::new();
    request.insert("id".into(), id.as_str().into());
    request.insert("status".into(), "in_processing".into());
    request.insert("origin".into(), "command_line".into());
    for moment in ["requested_at", "started_processing_at"] {
        request.insert(moment.into(), now.to_string().into());
    }
    request.extend(UNSET.iter().map(|name| ((*name).to_owned(), Value::Null)));
    Person { identities, privacy_request_id: id, privacy_request: request, custom_fields: Row::new() }
}
