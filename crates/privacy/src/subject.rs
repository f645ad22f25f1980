//! Who a run is about, as the store keeps it and as connectors see it.

use connector::Person;
use crypto::Secret;
use jiff::Timestamp;
use model::{Identities, PrivacyRequestId, Row, RunId};
use serde_json::Value;

/// The identities as bytes for [`store::NewRun::subject`].
pub fn to_bytes(identities: &Identities) -> Secret<Vec<u8>> {
    Secret::new(crypto::canonical_json(&Value::Object(to_row(identities))))
}

/// The identities out of those bytes; `None` if they are not ours.
pub fn from_bytes(bytes: &[u8]) -> Option<Identities> {
    let members: Row = serde_json::from_slice(bytes).ok()?;
    let mut identities = Identities::default();
    for (kind, values) in members {
        for value in values.as_array()? {
            identities.insert(kind.clone(), value.clone()).ok()?;
        }
    }
    Some(identities)
}

/// Identity kind → list of values.
pub fn to_row(identities: &Identities) -> Row {
    let values = |kind: &str| Value::Array(identities.values(kind).to_vec());
    identities.kinds().map(|kind| (kind.to_owned(), values(kind))).collect()
}

/// The person of `run` as requests see it (saas-config 11.12), the same whenever it is made: what a
/// run does not have is null.
pub fn person(run: &RunId, identities: Identities, created_at: Timestamp) -> Person {
    let id = PrivacyRequestId::of_run(run);
    let mut request = Row::new();
    request.insert("id".into(), id.as_str().into());
    request.insert("status".into(), "in_processing".into());
    request.insert("origin".into(), "command_line".into());
    for moment in ["requested_at", "started_processing_at"] {
        request.insert(moment.into(), created_at.to_string().into());
    }
    request.extend(UNSET.iter().map(|name| ((*name).to_owned(), Value::Null)));
    Person { identities, privacy_request_id: id, privacy_request: request, custom_fields: Row::new() }
}

/// What a request file may ask for and a run does not have.
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

#[cfg(test)]
mod tests {
    use model::RandomIds;
    use serde_json::json;

    use super::*;

    #[test]
    fn identities_survive_the_store() {
        let mut identities = Identities::default();
        identities.insert("email", json!("ana@example.com")).unwrap();
        identities.insert("email", json!("a@example.com")).unwrap();
        identities.insert("customer", json!(9_007_199_254_740_993_i64)).unwrap();

        assert_eq!(from_bytes(to_bytes(&identities).expose()), Some(identities));
        assert_eq!(from_bytes(b"[]"), None);
        assert_eq!(from_bytes(br#"{"email": "ana@example.com"}"#), None);
    }

    #[test]
    fn the_person_of_a_run_is_always_the_same() {
        let run = RunId::new(&RandomIds);
        let person = || person(&run, Identities::default(), Timestamp::UNIX_EPOCH);

        assert_eq!(person().privacy_request, person().privacy_request);
        assert_eq!(person().privacy_request_id.as_str().trim_start_matches("pri_"), &run.as_str()[4..]);
    }
}
