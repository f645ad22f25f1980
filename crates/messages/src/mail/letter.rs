use std::time::{Duration, UNIX_EPOCH};

use jiff::Timestamp;
use lettre::Message;
use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};

use super::MailError;
use crate::render::Form;
use crate::template::Written;

/// A message for one mailbox.
pub(crate) struct Letter<'a> {
    /// The message's id; the same however often it is sent, so that a reader shows it once.
    pub(crate) id: &'a str,
    pub(crate) to: &'a str,
    pub(crate) written: &'a Written,
    pub(crate) at: Timestamp,
}

impl Letter<'_> {
    /// The message as mail servers take it.
    pub(super) fn compose(&self, from: &str) -> Result<Message, MailError> {
        let from: Mailbox = from.parse().map_err(|_| MailError::Sender)?;
        let to: Mailbox = self.to.parse().map_err(|_| MailError::Receiver)?;
        let id = format!("<{}@{}>", self.id, from.email.domain());
        let seconds = u64::try_from(self.at.as_second()).unwrap_or_default();
        let media = match self.written.form {
            Form::Text => ContentType::TEXT_PLAIN,
            Form::Html => ContentType::TEXT_HTML,
        };
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        Message::builder()
            .message_id(Some(id))
            .date(UNIX_EPOCH + Duration::from_secs(seconds))
            .from(from)
            .to(to)
            .subject(self.written.subject.as_str())
            .header(media)
            .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
            .body(self.written.body.clone())
            .map_err(|_| MailError::Receiver)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compose(to: &str, form: Form) -> Result<String, MailError> {
        let written = Written { subject: "Déjà".to_owned(), body: "Grüße\n.\nEnd\n".to_owned(), form };
        let letter = Letter { id: "msg_1", to, written: &written, at: Timestamp::UNIX_EPOCH };
        let message = letter.compose("Privacy team <privacy@example.com>")?;
        Ok(String::from_utf8(message.formatted()).unwrap())
    }

    #[test]
    fn a_letter_says_what_it_is_and_keeps_its_id() {
        let text = compose("ana@example.com", Form::Text).unwrap();

        for line in [
            "Message-ID: <msg_1@example.com>",
            "Auto-Submitted: auto-generated",
            "To: ana@example.com",
            "Date: Thu, 01 Jan 1970 00:00:00 +0000",
            "Content-Type: text/plain; charset=utf-8",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
        assert!(compose("ana@example.com", Form::Html).unwrap().contains("Content-Type: text/html"));
    }

    #[test]
    fn what_is_no_address_gets_no_letter() {
        for to in ["", "ana", "ana@example.com\r\nBcc: ben@example.com", "ana@example.com, ben@example.com"] {
            assert!(matches!(compose(to, Form::Text), Err(MailError::Receiver)), "{to}");
        }
    }
}
