//! Whose request it is, as callers write it.

use std::collections::BTreeMap;

use model::Identities;
use privacy::request::is_email;
use serde_json::{Map, Value, json};
use uuid::{Uuid, Version};

use crate::Invalid;

/// Kinds of identities that need no label, in the order in which they are shown.
pub(super) const KNOWN: [(&str, &str); 6] = [
    ("email", "Email"),
    ("phone_number", "Phone number"),
    ("external_id", "External ID"),
    ("fides_user_device_id", "Fides user device ID"),
    ("ga_client_id", "GA client ID"),
    ("ljt_readerID", "LJT reader ID"),
];

/// The longest value, in characters.
const LONGEST: usize = 1_000;
/// The most values of one request.
const MOST: usize = 50;

/// Identities as they were sent.
#[derive(Debug, Default)]
pub(super) struct Sent {
    /// The values.
    pub(super) identities: Identities,
    /// The label of each kind that is not known to everybody.
    pub(super) labels: BTreeMap<String, String>,
}

/// Reads identities that stand at `place`; everything that is wrong with them at once.
pub(super) fn read(place: &[Value], object: &Map<String, Value>) -> Result<Sent, Vec<Invalid>> {
    let mut sent = Sent::default();
    let mut wrong = Vec::new();
    for (kind, value) in object {
        let at = |steps: &[&str]| {
            let steps = [kind.as_str()].into_iter().chain(steps.iter().copied()).map(|step| json!(step));
            place.iter().cloned().chain(steps).collect::<Vec<Value>>()
        };
        let is_known = KNOWN.iter().any(|(known, _)| known == kind);
        let outcome = match value {
            Value::Null => Ok(()),
            _ if is_known => known(kind, value)
                .and_then(|value| insert(&mut sent, kind, value))
                .map_err(|text| Invalid::new("value_error", at(&[]), text)),
            Value::Object(parts) => custom(&mut sent, kind, parts)
                .map_err(|(step, text)| Invalid::new("value_error", at(&[step]), text)),
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                Err(Invalid::new("value_error", at(&[]), "Custom identity must have label and value"))
            }
        };
        wrong.extend(outcome.err());
    }
    if wrong.is_empty() && object.len() > MOST {
        wrong.push(Invalid::new("too_long", place.to_vec(), format!("at most {MOST} identities")));
    }
    if wrong.is_empty() { Ok(sent) } else { Err(wrong) }
}

/// Checks the value of a known kind.
fn known(kind: &str, value: &Value) -> Result<Value, &'static str> {
    let Value::String(text) = value else { return Err("expected a string") };
    let fits = match kind {
        "email" => is_email(text),
        "phone_number" => is_phone_number(text),
        "fides_user_device_id" => {
            Uuid::try_parse(text).is_ok_and(|id| id.get_version() == Some(Version::Random))
        }
        _ => true,
    };
    if fits {
        return Ok(value.clone());
    }
    Err(match kind {
        "email" => "write an e-mail address, as in `ana@example.com`",
        "phone_number" => "write a phone number in E.164 form, as in `+15558675309`",
        _ => "write a UUID of version 4",
    })
}

/// Enters an identity of another kind; gives where it does not fit, and what would.
fn custom(
    sent: &mut Sent,
    kind: &str,
    parts: &Map<String, Value>,
) -> Result<(), (&'static str, &'static str)> {
    if kind.is_empty() || kind.len() > 200 || kind.chars().any(char::is_control) {
        return Err(("label", "the name of a kind has 1 to 200 characters, without line breaks"));
    }
    let label = parts.get("label").and_then(Value::as_str).unwrap_or_default();
    if label.trim().is_empty() || label.chars().count() > LONGEST {
        return Err(("label", "Custom identity must have a label"));
    }
    let text_or_number = |value: &Value| match value {
        Value::String(_) => true,
        Value::Number(number) => number.is_i64() || number.is_u64(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => false,
    };
    let values: Vec<Value> = match parts.get("value") {
        Some(Value::Array(list)) if list.len() <= MOST && list.iter().all(text_or_number) => list.clone(),
        Some(one) if text_or_number(one) => vec![one.clone()],
        None | Some(Value::Null) => return Ok(()),
        Some(_) => return Err(("value", "write a text, a whole number, or a list of those")),
    };
    for value in values {
        insert(sent, kind, value).map_err(|text| ("value", text))?;
    }
    sent.labels.insert(kind.to_owned(), label.to_owned());
    Ok(())
}

fn insert(sent: &mut Sent, kind: &str, value: Value) -> Result<(), &'static str> {
    if value.as_str().is_some_and(|text| text.chars().count() > LONGEST) {
        return Err("at most 1,000 characters");
    }
    let text = "write a value that is not empty and has no line breaks";
    sent.identities.insert(kind, value).map_err(|_| text)
}

/// `+` and 2 to 15 digits, the first of which is not 0.
fn is_phone_number(text: &str) -> bool {
    let Some(digits) = text.strip_prefix('+') else { return false };
    (2..=15).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && !digits.starts_with('0')
}

/// The identities of a request as they are shown: all known kinds, then the others, each with its label.
pub(super) fn shown(identities: &Identities, labels: &BTreeMap<String, String>) -> Value {
    let value = |kind: &str| match identities.values(kind) {
        [] => Value::Null,
        [one] => one.clone(),
        several => Value::Array(several.to_vec()),
    };
    let mut whole = Map::new();
    for (kind, label) in KNOWN {
        whole.insert(kind.to_owned(), json!({"label": label, "value": value(kind)}));
    }
    for kind in identities.kinds() {
        if !whole.contains_key(kind) {
            let label = labels.get(kind).map_or(kind, String::as_str);
            whole.insert(kind.to_owned(), json!({"label": label, "value": value(kind)}));
        }
    }
    Value::Object(whole)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn sent(object: &Value) -> Result<Sent, Vec<Invalid>> {
        read(&[json!("body"), json!(0), json!("identity")], object.as_object().unwrap())
    }

    // rule: privacy-requests L-5
    #[test]
    fn known_kinds_stand_alone_and_others_bring_their_label() {
        let object = json!({
            "email": "ana@example.com",
            "phone_number": null,
            "loyalty": {"label": "Loyalty number", "value": 17},
            "shops": {"label": "Shops", "value": ["a", "b"]},
        });

        let sent = sent(&object).unwrap();

        assert_eq!(sent.identities.kinds().collect::<Vec<_>>(), ["email", "loyalty", "shops"]);
        let shown = shown(&sent.identities, &sent.labels);
        assert_eq!(shown["email"], json!({"label": "Email", "value": "ana@example.com"}));
        assert_eq!(shown["phone_number"], json!({"label": "Phone number", "value": null}));
        assert_eq!(shown["loyalty"], json!({"label": "Loyalty number", "value": 17}));
        assert_eq!(shown["shops"]["value"], json!(["a", "b"]));
        assert_eq!(shown.as_object().unwrap().len(), KNOWN.len() + 2);
    }

    // rule: privacy-requests L-5
    // rule: fides-api 11.2
    #[rstest]
    #[case(json!({"email": "ana"}), json!(["body", 0, "identity", "email"]))]
    #[case(json!({"email": 3}), json!(["body", 0, "identity", "email"]))]
    #[case(json!({"email": ""}), json!(["body", 0, "identity", "email"]))]
    #[case(json!({"email": "a@b@example.com"}), json!(["body", 0, "identity", "email"]))]
    #[case(json!({"email": "ana@example.com\r\nBcc: x@example.com"}), json!(["body", 0, "identity", "email"]))]
    #[case(json!({"phone_number": "555 8675309"}), json!(["body", 0, "identity", "phone_number"]))]
    #[case(json!({"fides_user_device_id": "17"}), json!(["body", 0, "identity", "fides_user_device_id"]))]
    #[case(json!({"external_id": "a\u{7}"}), json!(["body", 0, "identity", "external_id"]))]
    #[case(json!({"loyalty": "17"}), json!(["body", 0, "identity", "loyalty"]))]
    #[case(json!({"loyalty": {"value": "17"}}), json!(["body", 0, "identity", "loyalty", "label"]))]
    #[case(json!({"loyalty": {"label": "L", "value": {"a": 1}}}), json!(["body", 0, "identity", "loyalty", "value"]))]
    #[case(json!({"loyalty": {"label": "L", "value": 1.5}}), json!(["body", 0, "identity", "loyalty", "value"]))]
    fn what_is_no_identity_is_told_with_its_place(#[case] object: Value, #[case] loc: Value) {
        let wrong = sent(&object).unwrap_err();

        assert_eq!(wrong.len(), 1);
        assert_eq!(json!(wrong[0].loc), loc);
    }

    #[test]
    fn all_that_is_wrong_is_told_together_and_no_value_is_repeated() {
        let object = json!({"email": "canary", "phone_number": "canary", "x": "canary"});

        let wrong = sent(&object).unwrap_err();

        assert_eq!(wrong.len(), 3);
        assert!(!json!(wrong).to_string().contains("canary"));
    }

    #[rstest]
    #[case("ana@example.com", true)]
    #[case("ana.o'neil+x@mail.example.co.uk", true)]
    #[case("ana@localhost", false)]
    #[case("@example.com", false)]
    #[case("ana@", false)]
    #[case(".ana@example.com", false)]
    #[case("ana@-example.com", false)]
    #[case("ana <ana@example.com>", false)]
    fn an_address_is_checked_loosely(#[case] text: &str, #[case] expected: bool) {
        assert_eq!(is_email(text), expected);
    }
}
