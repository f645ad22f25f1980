//! Which settings and secrets each service has.

use std::net::IpAddr;

use crypto::Secret;
use serde_json::{Map, Value};
use spec::server_file::SmtpSecurity;
use store::MessagingService;

/// Something wrong with one setting or secret; its value is not repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldProblem {
    /// `details` or `secrets`.
    pub place: &'static str,
    /// Its name.
    pub name: String,
    /// What kind of problem: `missing`, `extra_forbidden`, `string_type`, ….
    pub kind: &'static str,
    /// What is wrong.
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Flag,
    Port,
    Security,
}

/// Name, kind, whether it is needed.
type Field = (&'static str, Kind, bool);

fn details(service: MessagingService) -> &'static [Field] {
    match service {
        MessagingService::Smtp => &[
            ("host", Kind::Text, true),
            ("port", Kind::Port, false),
            ("security", Kind::Security, false),
            ("username", Kind::Text, false),
            ("email_from", Kind::Text, true),
        ],
        MessagingService::Mailgun => &[
            ("domain", Kind::Text, true),
            ("is_eu_domain", Kind::Flag, false),
            ("api_version", Kind::Text, false),
        ],
        MessagingService::TwilioEmail => &[("twilio_email_from", Kind::Text, true)],
        MessagingService::MailchimpTransactional => &[("email_from", Kind::Text, true)],
        MessagingService::AwsSes => &[
            ("aws_region", Kind::Text, true),
            ("email_from", Kind::Text, false),
            ("domain", Kind::Text, false),
        ],
        MessagingService::TwilioText => &[],
    }
}

fn secret_names(service: MessagingService) -> &'static [(&'static str, bool)] {
    match service {
        MessagingService::Smtp => &[("smtp_password", true)],
        MessagingService::Mailgun => &[("mailgun_api_key", true)],
        MessagingService::TwilioEmail => &[("twilio_api_key", true)],
        MessagingService::MailchimpTransactional => &[("mailchimp_transactional_api_key", true)],
        MessagingService::AwsSes => &[
            ("auth_method", true),
            ("aws_access_key_id", false),
            ("aws_secret_access_key", false),
            ("aws_assume_role_arn", false),
        ],
        MessagingService::TwilioText => &[
            ("twilio_account_sid", true),
            ("twilio_auth_token", true),
            ("twilio_messaging_service_sid", false),
            ("twilio_sender_phone_number", false),
        ],
    }
}

/// What is wrong with a service's settings.
pub(super) fn wrong_details(service: MessagingService, given: &Map<String, Value>) -> Vec<FieldProblem> {
    let known = details(service);
    let problem = |name: &str, kind, text: &str| FieldProblem {
        place: "details",
        name: name.to_owned(),
        kind,
        text: text.to_owned(),
    };
    let mut wrong = Vec::new();
    for (name, value) in given {
        match known.iter().find(|(known, ..)| known == name) {
            None => wrong.push(problem(name, "extra_forbidden", "no such key here")),
            Some((_, kind, _)) => {
                wrong.extend(misfit(*kind, value).map(|(kind, text)| problem(name, kind, text)));
            }
        }
    }
    let there = |name: &str| given.get(name).is_some_and(|value| !value.is_null());
    for (name, _, needed) in known {
        if *needed && !there(name) {
            wrong.push(problem(name, "missing", "Field required"));
        }
    }
    if service == MessagingService::AwsSes && !there("email_from") && !there("domain") {
        wrong.push(problem("email_from", "missing", "`email_from` or `domain` is needed"));
    }
    let text = |name: &str| given.get(name).and_then(Value::as_str);
    if service == MessagingService::Smtp && text("security") == Some(SmtpSecurity::None.as_str()) {
        let address: Option<IpAddr> = text("host").and_then(|host| host.parse().ok());
        let here = text("host") == Some("localhost") || address.is_some_and(|address| address.is_loopback());
        if !here {
            let text = "`none` is for a mail server on this machine; write `starttls` or `tls`";
            wrong.push(problem("security", "value_error", text));
        }
    }
    wrong
}

fn misfit(kind: Kind, value: &Value) -> Option<(&'static str, &'static str)> {
    let clean = |text: &str| !text.trim().is_empty() && !text.chars().any(char::is_control);
    match (kind, value) {
        (_, Value::Null) => None,
        (Kind::Text, Value::String(text)) if clean(text) => None,
        (Kind::Text, Value::String(_)) => Some(("value_error", "expected a text in one line")),
        (Kind::Text, _) => Some(("string_type", "expected a string")),
        (Kind::Flag, Value::Bool(_)) => None,
        (Kind::Flag, _) => Some(("bool_type", "expected a boolean")),
        (Kind::Port, value) => match value.as_u64() {
            Some(1..=65_535) => None,
            Some(_) | None => Some(("int_type", "expected a port, 1 to 65535")),
        },
        (Kind::Security, value) => match value.as_str().and_then(SmtpSecurity::find) {
            Some(_) => None,
            None => Some(("enum", "expected `starttls`, `tls` or `none`")),
        },
    }
}

/// A service's secrets as they are kept, or what is wrong with them.
pub(super) fn secrets(
    service: MessagingService,
    given: Vec<(String, Secret<String>)>,
) -> Result<Secret<String>, Vec<FieldProblem>> {
    let known = secret_names(service);
    let problem = |name: &str, kind, text: &str| FieldProblem {
        place: "secrets",
        name: name.to_owned(),
        kind,
        text: text.to_owned(),
    };
    let mut wrong: Vec<FieldProblem> = given
        .iter()
        .filter(|(name, _)| !known.iter().any(|(known, _)| known == name))
        .map(|(name, _)| problem(name, "extra_forbidden", "no such key here"))
        .collect();
    let there = |name: &str| given.iter().any(|(given, value)| given == name && !value.expose().is_empty());
    for (name, needed) in known {
        if *needed && !there(name) {
            wrong.push(problem(name, "missing", "Field required"));
        }
    }
    let senders = ["twilio_messaging_service_sid", "twilio_sender_phone_number"];
    if service == MessagingService::TwilioText && !senders.into_iter().any(there) {
        let text = "`twilio_messaging_service_sid` or `twilio_sender_phone_number` is needed";
        wrong.push(problem("twilio_messaging_service_sid", "missing", text));
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let values: Map<String, Value> =
        given.into_iter().map(|(name, value)| (name, Value::String(value.expose().clone()))).collect();
    Ok(Secret::new(Value::Object(values).to_string()))
}

/// The password of a mail server's account.
pub(super) fn password(secrets: &Secret<String>) -> Option<Secret<String>> {
    let values: Map<String, Value> = serde_json::from_str(secrets.expose()).ok()?;
    values.get("smtp_password")?.as_str().map(|text| Secret::new(text.to_owned()))
}
