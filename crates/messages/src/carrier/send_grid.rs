//! Twilio's e-mail, which is SendGrid: one JSON document, a key as Bearer token.

use bytes::Bytes;
use crypto::Secret;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use lettre::message::Mailbox;
use serde_json::json;
use url::Url;

use super::{CarrierError, CarrierUnfit, Given, address, header, url, with_json};
use crate::mail::Letter;
use crate::render::Form;

#[derive(Debug)]
pub(super) struct SendGrid {
    pub(super) url: Url,
    from: Mailbox,
    key: Secret<String>,
}

impl SendGrid {
    pub(super) fn new(given: &Given<'_>) -> Result<Self, CarrierUnfit> {
        let url = url("https://api.sendgrid.com", &["v3", "mail", "send"]);
        Ok(Self {
            url: url.ok_or(CarrierUnfit::Setting("twilio_email_from"))?,
            from: given.sender("twilio_email_from")?,
            key: given.secret("twilio_api_key")?,
        })
    }

    pub(super) fn call(&self, letter: &Letter<'_>) -> Result<(HeaderMap, Bytes), CarrierError> {
        let media = match letter.written.form {
            Form::Text => "text/plain",
            Form::Html => "text/html",
        };
        let mut from = json!({"email": self.from.email.to_string()});
        if let (Some(name), Some(from)) = (&self.from.name, from.as_object_mut()) {
            from.insert("name".to_owned(), name.as_str().into());
        }
        let body = json!({
            "personalizations": [{"to": [{"email": address(letter)?}]}],
            "from": from,
            "subject": letter.written.subject,
            "content": [{"type": media, "value": letter.written.body}],
            "headers": {"Auto-Submitted": "auto-generated"},
            "tracking_settings": {"click_tracking": {"enable": false}, "open_tracking": {"enable": false}},
        });
        let text = Secret::new(format!("Bearer {}", self.key.expose()));
        Ok(with_json(HeaderMap::from_iter([(AUTHORIZATION, header(text.expose())?)]), &body))
    }
}
