//! Mailgun: one form, an account for a domain.

use bytes::Bytes;
use crypto::Secret;
use http::HeaderMap;
use serde_json::Value;
use url::Url;

use super::{CarrierError, CarrierUnfit, Given, address, basic, url, with_form};
use crate::mail::Letter;
use crate::render::Form;

#[derive(Debug)]
pub(super) struct Mailgun {
    pub(super) url: Url,
    domain: String,
    key: Secret<String>,
}

impl Mailgun {
    pub(super) fn new(given: &Given<'_>) -> Result<Self, CarrierUnfit> {
        let in_europe = given.details.get("is_eu_domain").and_then(Value::as_bool).unwrap_or(false);
        let origin = if in_europe { "https://api.eu.mailgun.net" } else { "https://api.mailgun.net" };
        let version = given.detail("api_version").unwrap_or("v3");
        let domain = given.needed("domain")?;
        let url = url(origin, &[version, domain, "messages"]).ok_or(CarrierUnfit::Setting("domain"))?;
        Ok(Self { url, domain: domain.to_owned(), key: given.secret("mailgun_api_key")? })
    }

    pub(super) fn call(&self, letter: &Letter<'_>) -> Result<(HeaderMap, Bytes), CarrierError> {
        let (to, domain) = (address(letter)?, &self.domain);
        let (from, id) = (format!("noreply@{domain}"), format!("<{}@{domain}>", letter.id));
        let form = match letter.written.form {
            Form::Text => "text",
            Form::Html => "html",
        };
        let members = [
            ("from", from.as_str()),
            ("to", to.as_str()),
            ("subject", letter.written.subject.as_str()),
            (form, letter.written.body.as_str()),
            ("h:Message-Id", id.as_str()),
            ("h:Auto-Submitted", "auto-generated"),
            // Links in messages are for their receivers alone.
            ("o:tracking", "no"),
        ];
        Ok(with_form(basic("api", &self.key)?, &members))
    }
}
