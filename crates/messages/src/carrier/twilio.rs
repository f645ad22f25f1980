//! Twilio's text messages: one form, an account that is part of the path.

use bytes::Bytes;
use crypto::Secret;
use http::HeaderMap;
use url::Url;

use super::{CarrierError, CarrierUnfit, Given, basic, url, with_form};
use crate::mail::Letter;

#[derive(Debug)]
pub(super) struct Twilio {
    pub(super) url: Url,
    account: String,
    token: Secret<String>,
    /// Name and value of what says who sends.
    sender: (&'static str, Secret<String>),
}

impl Twilio {
    pub(super) fn new(given: &Given<'_>) -> Result<Self, CarrierUnfit> {
        let account = given.secret("twilio_account_sid")?;
        let segments = ["2010-04-01", "Accounts", account.expose().as_str(), "Messages.json"];
        let url = url("https://api.twilio.com", &segments);
        let service =
            given.find_secret("twilio_messaging_service_sid").map(|sid| ("MessagingServiceSid", sid));
        let number = given.find_secret("twilio_sender_phone_number").map(|number| ("From", number));
        Ok(Self {
            url: url.ok_or(CarrierUnfit::Setting("twilio_account_sid"))?,
            account: account.expose().clone(),
            token: given.secret("twilio_auth_token")?,
            sender: service.or(number).ok_or(CarrierUnfit::Setting("twilio_messaging_service_sid"))?,
        })
    }

    pub(super) fn call(&self, letter: &Letter<'_>) -> Result<(HeaderMap, Bytes), CarrierError> {
        let digits = letter.to.strip_prefix('+').unwrap_or_default();
        if !(5..=15).contains(&digits.len()) || !digits.bytes().all(|one| one.is_ascii_digit()) {
            return Err(CarrierError::Receiver);
        }
        let (name, sender) = &self.sender;
        let form =
            [("To", letter.to), ("Body", letter.written.body.trim()), (*name, sender.expose().as_str())];
        Ok(with_form(basic(&self.account, &self.token)?, &form))
    }
}
