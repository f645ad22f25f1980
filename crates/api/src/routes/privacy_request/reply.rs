//! Privacy requests as callers see them.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::Value;
use store::{PrivacyRequest, PrivacyRequestStatus};
use utoipa::ToSchema;

/// A privacy request.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct RequestReply {
    /// Its id.
    pub(super) id: String,
    /// When it was taken in.
    #[schema(value_type = String, format = DateTime)]
    pub(super) created_at: Timestamp,
    /// When work on it began.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) started_processing_at: Option<Timestamp>,
    /// When it was approved or denied.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) reviewed_at: Option<Timestamp>,
    /// Who approved or denied it.
    pub(super) reviewed_by: Option<String>,
    /// Who made it on behalf of the person.
    pub(super) submitted_by: Option<String>,
    /// Who approved or denied it, if that was a person.
    pub(super) reviewer: Option<PersonReply>,
    /// Who made it on behalf of the person, if that was a person.
    pub(super) submitter: Option<PersonReply>,
    /// When it was over.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) finished_processing_at: Option<Timestamp>,
    /// When an identity was shown to be theirs.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) identity_verified_at: Option<Timestamp>,
    /// When it was held.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) paused_at: Option<Timestamp>,
    /// How far it is.
    pub(super) status: &'static str,
    /// The caller's own id for it.
    pub(super) external_id: Option<String>,
    /// Kind → `{label, value}`, if it is asked for.
    #[schema(value_type = Option<Object>)]
    pub(super) identity: Option<Value>,
    /// Name → `{label, value}`, if it is asked for.
    #[schema(value_type = Option<Object>)]
    pub(super) custom_privacy_request_fields: Option<Value>,
    /// Its policy.
    #[schema(value_type = Option<Object>)]
    pub(super) policy: Option<Value>,
    /// What somebody has to do before it goes on.
    pub(super) action_required_details: Option<ActionRequired>,
    /// Where to let it go on.
    pub(super) resume_endpoint: Option<String>,
    /// Days until its deadline; negative if it is over.
    pub(super) days_left: Option<i64>,
    /// Who approved the use of its custom fields.
    pub(super) custom_privacy_request_fields_approved_by: Option<String>,
    /// When the use of its custom fields was approved.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) custom_privacy_request_fields_approved_at: Option<Timestamp>,
    /// What it was made with.
    pub(super) source: Option<String>,
    /// Where the person lives.
    pub(super) location: Option<String>,
    /// The property it was made on.
    pub(super) property_id: Option<String>,
    /// When it was deleted.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) deleted_at: Option<Timestamp>,
    /// Who deleted it.
    pub(super) deleted_by: Option<String>,
    /// When it was finalized by hand.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) finalized_at: Option<Timestamp>,
    /// Who finalized it.
    pub(super) finalized_by: Option<String>,
    /// The group of requests that are the same.
    pub(super) duplicate_request_group_id: Option<String>,
    /// Name of a dataset → what happened in it, oldest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub(super) results: Option<Value>,
    /// Dataset → the worst state of its collections.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub(super) task_status_by_dataset: Option<Value>,
    /// How far it is in more detail; only of a single request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) progress: Option<ProgressReply>,
}

/// A person who signs in here.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct PersonReply {
    /// Their id.
    pub(super) id: String,
    /// The name they sign in with.
    pub(super) username: String,
}

/// What somebody has to do.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct ActionRequired {
    /// The step at which the request stands.
    pub(super) step: &'static str,
    /// The collection that it is about, if it is about one.
    pub(super) collection: Option<String>,
    /// What to do, where the server has words for it.
    #[schema(value_type = Option<Object>)]
    pub(super) action_needed: Option<Value>,
}

/// How far a request is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct ProgressReply {
    /// The step at which it stands.
    step: Option<&'static str>,
    /// Why it waits or failed: a fixed word.
    attention: Option<String>,
    /// When it has to be done.
    #[schema(value_type = Option<String>, format = DateTime)]
    due_at: Option<Timestamp>,
    /// Whether it goes on by itself, now or later; else somebody has to do something, or it is over.
    goes_on: bool,
    /// Digest of the plan that counts.
    plan: Option<String>,
    /// The run that reads.
    access_run: Option<String>,
    /// The run that writes.
    change_run: Option<String>,
    /// Grows with every change.
    version: u64,
}

impl ProgressReply {
    pub(super) fn of(request: &PrivacyRequest) -> Self {
        Self {
            step: request.step.map(store::RequestStep::as_str),
            attention: request.attention.clone(),
            due_at: request.due_at,
            goes_on: request.work_at.is_some(),
            plan: request.plan.as_ref().map(ToString::to_string),
            access_run: request.access_run.as_ref().map(ToString::to_string),
            change_run: request.change_run.as_ref().map(ToString::to_string),
            version: request.version,
        }
    }
}

/// What somebody has to do before the request goes on, if it stands still.
pub(super) fn action_required(request: &PrivacyRequest) -> Option<ActionRequired> {
    match request.status {
        PrivacyRequestStatus::Error | PrivacyRequestStatus::Paused | PrivacyRequestStatus::RequiresInput => {
            let step = request.step?.as_str();
            Some(ActionRequired { step, collection: None, action_needed: None })
        }
        PrivacyRequestStatus::IdentityUnverified
        | PrivacyRequestStatus::Pending
        | PrivacyRequestStatus::AwaitingPreApproval
        | PrivacyRequestStatus::PreApprovalNotEligible
        | PrivacyRequestStatus::Duplicate
        | PrivacyRequestStatus::Approved
        | PrivacyRequestStatus::Denied
        | PrivacyRequestStatus::InProcessing
        | PrivacyRequestStatus::PendingExternal
        | PrivacyRequestStatus::AwaitingEmailSend
        | PrivacyRequestStatus::RequiresManualFinalization
        | PrivacyRequestStatus::Complete
        | PrivacyRequestStatus::Canceled => None,
    }
}

/// Where a request that stands still is let go on.
pub(super) fn resume_endpoint(request: &PrivacyRequest) -> Option<String> {
    let action = match request.status {
        PrivacyRequestStatus::Paused => "resume",
        PrivacyRequestStatus::Error => "retry",
        PrivacyRequestStatus::RequiresInput => "resume_from_requires_input",
        PrivacyRequestStatus::IdentityUnverified
        | PrivacyRequestStatus::Pending
        | PrivacyRequestStatus::AwaitingPreApproval
        | PrivacyRequestStatus::PreApprovalNotEligible
        | PrivacyRequestStatus::Duplicate
        | PrivacyRequestStatus::Approved
        | PrivacyRequestStatus::Denied
        | PrivacyRequestStatus::InProcessing
        | PrivacyRequestStatus::PendingExternal
        | PrivacyRequestStatus::AwaitingEmailSend
        | PrivacyRequestStatus::RequiresManualFinalization
        | PrivacyRequestStatus::Complete
        | PrivacyRequestStatus::Canceled => return None,
    };
    Some(format!("/privacy-request/{}/{action}", request.id))
}

/// Days from today until `due`, in UTC.
pub(super) fn days_left(due: Timestamp, now: Timestamp) -> i64 {
    let day = |at: Timestamp| at.to_zoned_datetime(TimeZone::UTC).date();
    day(now).until(day(due)).map_or(0, |span| i64::from(span.get_days()))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    // rule: privacy-requests POL-15
    #[rstest]
    #[case("2026-03-01T23:59:59Z", "2026-03-02T00:00:01Z", 1)]
    #[case("2026-03-02T00:00:01Z", "2026-03-02T23:00:00Z", 0)]
    #[case("2026-03-05T00:00:00Z", "2026-03-02T23:00:00Z", -3)]
    #[case("2026-01-01T00:00:00Z", "2026-12-31T00:00:00Z", 364)]
    fn days_are_those_of_the_calendar(#[case] now: &str, #[case] due: &str, #[case] expected: i64) {
        assert_eq!(days_left(due.parse().unwrap(), now.parse().unwrap()), expected);
    }
}
