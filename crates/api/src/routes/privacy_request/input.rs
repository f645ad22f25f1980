//! Privacy requests as callers write them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::FidesKey;
use privacy::RaisedLimits;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::identity::{self, Sent};
use super::location;
use super::wish::{self, CorrectionInput, LimitsInput};
use crate::bulk::Element;
use crate::moment::Moment;
use crate::text::Text;
use crate::{ApiError, Invalid};

/// A privacy request to be made.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct RequestInput {
    /// Key of the policy that it asks for.
    #[schema(value_type = String)]
    policy_key: FidesKey,
    /// Whose data: `email`, `phone_number`, `external_id`, `fides_user_device_id`, `ga_client_id`,
    /// `ljt_readerID`, or another kind as `{label, value}`.
    #[schema(value_type = Object)]
    identity: Map<String, Value>,
    /// The caller's own id for it.
    #[schema(value_type = Option<String>)]
    external_id: Option<Text>,
    /// When the person asked; now, unless it is said.
    #[schema(value_type = Option<String>, format = DateTime)]
    requested_at: Option<Moment>,
    /// Name → `{label, value}`: what else the person wrote.
    #[schema(value_type = Option<Object>)]
    custom_privacy_request_fields: Option<BTreeMap<String, CustomFieldInput>>,
    /// A key of 16 bytes that the packages are encrypted with.
    encryption_key: Option<String>,
    /// The property that the person asked on.
    #[schema(value_type = Option<String>)]
    property_id: Option<Text>,
    /// What it was made with.
    source: Option<Source>,
    /// Where the person lives: ISO 3166, as in `DE` or `US-CA`.
    location: Option<String>,
    /// `person`: what would be written waits for somebody who approves it, whatever the policy says. Only
    /// with a token; without one it always does.
    approval: Option<PlanApprovalInput>,
    /// Fields with their right values: they are corrected under the policy's rectification rules, and nothing
    /// is erased. Only with a token.
    corrections: Option<Vec<CorrectionInput>>,
    /// Limits that are raised for the plan of this request alone, which then waits for approval. Only with a
    /// token.
    limits: Option<LimitsInput>,
    /// Consent is not kept: a request with preferences is not made.
    #[schema(value_type = Option<Value>)]
    consent_preferences: Option<Value>,
}

/// Who approves what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum PlanApprovalInput {
    /// A person.
    Person,
}

/// Something else that the person wrote.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub(super) struct CustomFieldInput {
    /// What it is called.
    #[schema(value_type = String)]
    pub(super) label: Text,
    /// What they wrote: a text, a number, or a list of those.
    #[schema(value_type = Value)]
    pub(super) value: Value,
}

/// What requests are made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
pub(super) enum Source {
    /// The page for the people themselves.
    #[serde(rename = "Privacy Center")]
    PrivacyCenter,
    /// The console.
    #[serde(rename = "Request Manager")]
    RequestManager,
    /// A webhook of consent.
    #[serde(rename = "Consent Webhook")]
    ConsentWebhook,
    /// A script on a page.
    #[serde(rename = "Fides.js")]
    FidesJs,
    /// A trial on one dataset.
    #[serde(rename = "Dataset Test")]
    DatasetTest,
    /// An app.
    #[serde(rename = "Janus SDK")]
    JanusSdk,
}

impl Source {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::PrivacyCenter => "Privacy Center",
            Self::RequestManager => "Request Manager",
            Self::ConsentWebhook => "Consent Webhook",
            Self::FidesJs => "Fides.js",
            Self::DatasetTest => "Dataset Test",
            Self::JanusSdk => "Janus SDK",
        }
    }
}

/// A privacy request whose parts fit, one by one.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) policy: FidesKey,
    pub(super) sent: Sent,
    pub(super) custom_fields: BTreeMap<String, CustomFieldInput>,
    pub(super) external_id: Option<String>,
    pub(super) requested_at: Option<Timestamp>,
    pub(super) encryption_key: Option<String>,
    pub(super) property_id: Option<String>,
    pub(super) source: Option<Source>,
    pub(super) location: Option<String>,
    pub(super) asks_for_plan: bool,
    pub(super) asks_for_consent: bool,
    pub(super) corrections: Vec<(String, Value)>,
    pub(super) raised: RaisedLimits,
    /// The element as it was sent, without its key.
    pub(super) data: Value,
}

/// Checks all elements; what is wrong is told of all of them, and then none is made.
pub(super) fn checked(elements: Vec<Element<RequestInput>>) -> Result<Vec<Checked>, ApiError> {
    let mut whole = Vec::with_capacity(elements.len());
    let mut wrong = Vec::new();
    for (position, element) in elements.into_iter().enumerate() {
        match one(position, element) {
            Ok(checked) => whole.push(checked),
            Err(found) => wrong.extend(found),
        }
    }
    if wrong.is_empty() { Ok(whole) } else { Err(ApiError::Invalid(wrong)) }
}

fn one(position: usize, element: Element<RequestInput>) -> Result<Checked, Vec<Invalid>> {
    let Element { input, mut data } = element;
    let at = |name: &str| vec![json!("body"), json!(position), json!(name)];
    let value_error = |name: &str, text: &str| Invalid::new("value_error", at(name), text);
    let mut wrong = Vec::new();
    let sent = identity::read(&at("identity"), &input.identity).unwrap_or_else(|found| {
        wrong.extend(found);
        Sent::default()
    });
    if input.encryption_key.as_ref().is_some_and(|key| key.len() != 16) {
        wrong.push(value_error("encryption_key", "Encryption key must be 16 bytes long"));
    }
    let location = input.location.filter(|text| !text.trim().is_empty());
    let code = location.as_deref().map(location::checked);
    if code == Some(None) {
        wrong.push(value_error("location", "write a code of ISO 3166, as in `DE` or `US-CA`"));
    }
    let custom_fields = input.custom_privacy_request_fields.unwrap_or_default();
    if custom_fields.len() > MOST_FIELDS {
        let text = format!("at most {MOST_FIELDS} custom fields");
        wrong.push(Invalid::new("too_long", at("custom_privacy_request_fields"), text));
    }
    for (name, field) in custom_fields.iter().take(MOST_FIELDS) {
        if !fits(name, &field.value) {
            let loc = [at("custom_privacy_request_fields"), vec![json!(name), json!("value")]].concat();
            wrong.push(Invalid::new("value_error", loc, "write a text, a number, or a list of those"));
        }
    }
    let corrections = input.corrections.unwrap_or_default();
    wrong.extend(wish::faults(&at("corrections"), &corrections));
    let limits = input.limits.unwrap_or_default();
    wrong.extend(limits.fault(&at("limits")));
    if let Value::Object(object) = &mut data {
        object.shift_remove("encryption_key");
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    Ok(Checked {
        policy: input.policy_key,
        sent,
        custom_fields,
        external_id: input.external_id.map(|text| text.0),
        requested_at: input.requested_at.map(|moment| moment.0),
        encryption_key: input.encryption_key,
        property_id: input.property_id.map(|text| text.0),
        source: input.source,
        location: code.flatten(),
        asks_for_plan: input.approval == Some(PlanApprovalInput::Person),
        asks_for_consent: input.consent_preferences.is_some_and(|value| !value.is_null()),
        corrections: corrections.into_iter().map(CorrectionInput::into_pair).collect(),
        raised: limits.raised(),
        data,
    })
}

/// The most custom fields of one request.
const MOST_FIELDS: usize = 50;
/// The longest list of values of one field.
const MOST_VALUES: usize = 100;
/// The longest text, in bytes.
const LONGEST: usize = 10_000;

fn fits(name: &str, value: &Value) -> bool {
    let scalar = |value: &Value| match value {
        Value::String(text) => text.len() <= LONGEST,
        Value::Number(_) | Value::Bool(_) | Value::Null => true,
        Value::Array(_) | Value::Object(_) => false,
    };
    let value_fits = match value {
        Value::Array(list) => list.len() <= MOST_VALUES && list.iter().all(scalar),
        one => scalar(one),
    };
    value_fits && name.len() <= 200
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::from_value;

    fn read(list: &[Value]) -> Result<Vec<Checked>, ApiError> {
        let element = |data: &Value| {
            let input = from_value(&[json!("body")], data).unwrap();
            Element { input, data: data.clone() }
        };
        checked(list.iter().map(element).collect())
    }

    // rule: fides-api 11.2
    #[test]
    fn what_does_not_fit_is_told_of_all_elements() {
        let good = json!({"policy_key": "p", "identity": {"email": "ana@example.com"}});
        let bad = json!({
            "policy_key": "p",
            "identity": {"email": "ana", "x": 1},
            "encryption_key": "short",
            "location": "XX",
            "custom_privacy_request_fields": {"f": {"label": "F", "value": {"a": 1}}},
            "corrections": [{"field": "name", "value": "Anna"}, {"field": " ", "value": null}],
            "limits": {"max_writes": 7, "max_share_of_table": 1.5},
        });

        let ApiError::Invalid(wrong) = read(&[good, bad]).unwrap_err() else { panic!("a list") };

        let found: Vec<Value> = wrong.iter().map(|one| json!(one.loc)).collect();
        let expected = [
            json!(["body", 1, "identity", "email"]),
            json!(["body", 1, "identity", "x"]),
            json!(["body", 1, "encryption_key"]),
            json!(["body", 1, "location"]),
            json!(["body", 1, "custom_privacy_request_fields", "f", "value"]),
            json!(["body", 1, "corrections", 1, "field"]),
            json!(["body", 1, "limits", "max_share_of_table"]),
        ];
        assert_eq!(found, expected);
        assert_eq!(wrong[2].msg, "Encryption key must be 16 bytes long");
    }

    // rule: fides-api 11.2
    #[test]
    fn a_request_is_kept_as_it_was_sent_but_for_its_key() {
        let sent = json!({
            "policy_key": "p",
            "identity": {"email": "ana@example.com"},
            "encryption_key": "canary-canary-16",
            "location": "us_ca",
            "source": "Fides.js",
            "approval": "person",
            "other": 1,
        });

        let checked = read(&[sent]).unwrap().remove(0);

        assert_eq!(checked.location.as_deref(), Some("US-CA"));
        assert_eq!(checked.source, Some(Source::FidesJs));
        assert!(checked.asks_for_plan);
        assert_eq!(checked.encryption_key.as_deref(), Some("canary-canary-16"));
        assert!(!checked.data.to_string().contains("canary"));
        assert_eq!(checked.data["other"], 1);
    }
}
