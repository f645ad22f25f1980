//! Messages about requests: put with the change that they tell of.

use model::PrivacyRequestId;
use serde_json::Value;
use store::{MessageKind, MessagePerson, NewCode, NewMessage, PrivacyRequest, RequestStep};

use super::identity::{HeldIdentities, HeldIdentity};
use super::settings::RequestSettings;

/// The codes to the identities that they are for.
pub(super) fn codes(
    id: &PrivacyRequestId,
    identities: &HeldIdentities,
    codes: &[NewCode],
    settings: &RequestSettings,
) -> Vec<NewMessage> {
    let minutes = settings.code_ttl.as_secs().div_ceil(60);
    let message = |code: &NewCode| {
        let value = identities.get(&code.kind).and_then(single)?;
        let person = match code.kind.as_str() {
            "email" => MessagePerson { email: Some(value), phone_number: None },
            _ => MessagePerson { email: None, phone_number: Some(value) },
        };
        let message = NewMessage::to_person(MessageKind::VerificationCode, person).about(id.as_str());
        let message = message.with("code", code.code.expose().as_str()).with("minutes", minutes);
        Some(message.until(code.expires_at))
    };
    codes.iter().filter_map(message).collect()
}

/// To the person, at an identity that is known to be theirs; `None` if there is none.
pub(super) fn to_person(
    kind: MessageKind,
    request: &PrivacyRequest,
    identities: &HeldIdentities,
) -> Option<NewMessage> {
    let reachable = |kind: &str| identities.get(kind).filter(|held| held.verified.is_some()).and_then(single);
    let person = MessagePerson { email: reachable("email"), phone_number: reachable("phone_number") };
    if person.email.is_none() && person.phone_number.is_none() {
        return None;
    }
    let message = NewMessage::to_person(kind, person).about(request.id.as_str());
    Some(message.with("policy", request.policy.as_str()).with("due", due(request)))
}

/// To those who run the installation: ids and fixed words only.
pub(super) fn to_staff(kind: MessageKind, request: &PrivacyRequest) -> NewMessage {
    NewMessage::to_staff(kind)
        .about(request.id.as_str())
        .with("policy", request.policy.as_str())
        .with("step", request.step.map(RequestStep::as_str))
        .with("reason", request.attention.clone())
        .with("due", due(request))
}

/// The day of its deadline.
fn due(request: &PrivacyRequest) -> Option<String> {
    request.due_at.map(|due| due.strftime("%Y-%m-%d").to_string())
}

fn single(held: &HeldIdentity) -> Option<String> {
    match held.values.as_slice() {
        [Value::String(value)] => Some(value.clone()),
        _ => None,
    }
}
