//! Who a run is about, as the store keeps it and as connectors see it.

use std::fmt;

use connector::Person;
use crypto::Secret;
use jiff::Timestamp;
use model::{Identities, PrivacyRequestId, Row, RunId};
use serde_json::Value;

/// The member that tells a person with a request from identities alone: its value is no list.
const IDENTITIES: &str = "identities";

/// The identities as bytes for [`store::NewRun::subject`].
pub fn to_bytes(identities: &Identities) -> Secret<Vec<u8>> {
    Secret::new(crypto::canonical_json(&Value::Object(to_row(identities))))
}

/// The identities out of those bytes; `None` if they are not ours.
pub fn from_bytes(bytes: &[u8]) -> Option<Identities> {
    from_row(serde_json::from_slice(bytes).ok()?)
}

/// The identities of kind → list of values; `None` if it is something else.
pub fn from_row(members: Row) -> Option<Identities> {
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

/// Who a run is about, and the request that it belongs to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Subject {
    /// What is known of the person.
    pub identities: Identities,
    /// The privacy request; `None` for a run of the command line.
    pub request: Option<RequestFacts>,
}

/// What connector files may ask of a privacy request (saas-config 11.12): fixed when its run begins,
/// so that every call of the run says the same.
#[derive(Clone, PartialEq)]
pub struct RequestFacts {
    /// Its id.
    pub id: PrivacyRequestId,
    /// Its members; those that are not there are null.
    pub members: Row,
    /// Custom fields that the person filled in.
    pub custom_fields: Row,
}

impl Subject {
    /// Somebody without a privacy request.
    pub fn of(identities: Identities) -> Self {
        Self { identities, request: None }
    }

    /// As bytes for [`store::NewRun::subject`].
    pub fn to_bytes(&self) -> Secret<Vec<u8>> {
        let Some(request) = &self.request else { return to_bytes(&self.identities) };
        let mut whole = Row::new();
        whole.insert(IDENTITIES.into(), Value::Object(to_row(&self.identities)));
        whole.insert("id".into(), request.id.as_str().into());
        whole.insert("members".into(), Value::Object(request.members.clone()));
        whole.insert("custom_fields".into(), Value::Object(request.custom_fields.clone()));
        Secret::new(crypto::canonical_json(&Value::Object(whole)))
    }

    /// Out of those bytes; `None` if they are not ours.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut whole: Row = serde_json::from_slice(bytes).ok()?;
        if !whole.get(IDENTITIES).is_some_and(Value::is_object) {
            // Lists of values, by kind: nothing but identities.
            return from_bytes(bytes).map(Self::of);
        }
        let mut row = |name: &str| match whole.remove(name)? {
            Value::Object(row) => Some(row),
            _ => None,
        };
        let identities = from_row(row(IDENTITIES)?)?;
        let (members, custom_fields) = (row("members")?, row("custom_fields")?);
        let id = whole.get("id")?.as_str()?.parse().ok()?;
        Some(Self { identities, request: Some(RequestFacts { id, members, custom_fields }) })
    }
}

/// Its id, no value.
impl fmt::Debug for RequestFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestFacts({})", self.id)
    }
}

/// The person of `run` as requests see it (saas-config 11.12), the same whenever it is made: what
/// there is not is null.
pub fn person(run: &RunId, subject: Subject, created_at: Timestamp) -> Person {
    let Subject { identities, request } = subject;
    let mut members = Row::new();
    let (id, custom_fields) = if let Some(RequestFacts { id, members: known, custom_fields }) = request {
        members.extend(known);
        (id, custom_fields)
    } else {
        members.insert("origin".into(), "command_line".into());
        for moment in ["requested_at", "started_processing_at"] {
            members.insert(moment.into(), created_at.to_string().into());
        }
        (PrivacyRequestId::of_run(run), Row::new())
    };
    members.insert("id".into(), id.as_str().into());
    members.insert("status".into(), "in_processing".into());
    for name in UNSET {
        members.entry((*name).to_owned()).or_insert(Value::Null);
    }
    Person { identities, privacy_request_id: id, privacy_request: members, custom_fields }
}

/// What a request file may ask for and a run does not have.
const UNSET: &[&str] = &[
    "origin",
    "requested_at",
    "started_processing_at",
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
    fn a_request_survives_the_store_and_is_what_applications_are_told() {
        let mut identities = Identities::default();
        // A kind may be called anything.
        identities.insert("identities", json!("ana")).unwrap();
        let facts = RequestFacts {
            id: PrivacyRequestId::new(&RandomIds),
            members: Row::from_iter([("external_id".to_owned(), json!("x-1"))]),
            custom_fields: Row::from_iter([("shop".to_owned(), json!({"label": "Shop", "value": 7}))]),
        };
        let with = Subject { identities: identities.clone(), request: Some(facts.clone()) };
        let without = Subject::of(identities);

        let person = person(&RunId::new(&RandomIds), with.clone(), Timestamp::UNIX_EPOCH);

        assert_eq!(Subject::from_bytes(with.to_bytes().expose()), Some(with));
        assert_eq!(Subject::from_bytes(without.to_bytes().expose()), Some(without));
        assert_eq!(person.privacy_request_id, facts.id);
        assert_eq!(person.privacy_request["external_id"], "x-1");
        assert_eq!(person.privacy_request["due_date"], Value::Null);
        assert_eq!(person.custom_fields, facts.custom_fields);
    }

    #[test]
    fn the_person_of_a_run_is_always_the_same() {
        let run = RunId::new(&RandomIds);
        let person = || person(&run, Subject::default(), Timestamp::UNIX_EPOCH);

        assert_eq!(person().privacy_request, person().privacy_request);
        assert_eq!(person().privacy_request_id.as_str().trim_start_matches("pri_"), &run.as_str()[4..]);
    }
}
