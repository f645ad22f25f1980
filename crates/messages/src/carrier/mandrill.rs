//! Mailchimp's transactional e-mail, which is Mandrill: one JSON document with the key in it. What went
//! wrong it says in the answer, whatever the status.

use bytes::Bytes;
use crypto::Secret;
use http::HeaderMap;
use lettre::message::Mailbox;
use serde_json::{Value, json};
use url::Url;

use super::{CarrierError, CarrierUnfit, Given, address, url, with_json};
use crate::mail::Letter;
use crate::render::Form;

#[derive(Debug)]
pub(super) struct Mandrill {
    pub(super) url: Url,
    from: Mailbox,
    key: Secret<String>,
}

impl Mandrill {
    pub(super) fn new(given: &Given<'_>) -> Result<Self, CarrierUnfit> {
        let url = url("https://mandrillapp.com", &["api", "1.0", "messages", "send"]);
        Ok(Self {
            url: url.ok_or(CarrierUnfit::Setting("email_from"))?,
            from: given.sender("email_from")?,
            key: given.secret("mailchimp_transactional_api_key")?,
        })
    }

    pub(super) fn call(&self, letter: &Letter<'_>) -> Result<(HeaderMap, Bytes), CarrierError> {
        let form = match letter.written.form {
            Form::Text => "text",
            Form::Html => "html",
        };
        let mut message = json!({
            "from_email": self.from.email.to_string(),
            "from_name": self.from.name,
            "to": [{"email": address(letter)?, "type": "to"}],
            "subject": letter.written.subject,
            "headers": {"Auto-Submitted": "auto-generated"},
            "track_opens": false,
            "track_clicks": false,
        });
        if let Some(message) = message.as_object_mut() {
            message.insert(form.to_owned(), letter.written.body.as_str().into());
        }
        Ok(with_json(HeaderMap::new(), &json!({"key": self.key.expose(), "message": message})))
    }
}

/// What an answer says.
pub(super) fn judge(status: u16, body: &[u8]) -> Result<(), CarrierError> {
    let said: Value = serde_json::from_slice(body).unwrap_or_default();
    let name = said.get("name").and_then(Value::as_str).unwrap_or_default();
    match name {
        "Invalid_Key" | "Unknown_Subaccount" | "PaymentRequired" => {
            return Err(CarrierError::Account { status });
        }
        "ValidationError" | "Unknown_Template" => return Err(CarrierError::Refused { status }),
        _ => CarrierError::of(status)?,
    }
    let taken = said.get(0).and_then(|one| one.get("status")).and_then(Value::as_str);
    match taken {
        Some("sent" | "queued" | "scheduled") => Ok(()),
        Some(_) => Err(CarrierError::Refused { status }),
        None => Err(CarrierError::Later { status }),
    }
}
