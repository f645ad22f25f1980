//! The texts of messages: those that come with the program, and those that customers put in their place.

mod text;

use serde_json::{Map, Value};
use store::MessageKind;
use thiserror::Error;

use crate::render::{self, Form, RenderError};

/// Longest subject, in characters.
const MOST_SUBJECT: usize = 255;
/// Longest text, in bytes.
const MOST_BODY: usize = 64 << 10;

/// Which text. Those that Fides has are called as there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TemplateName {
    /// The code that proves whose request it is.
    IdentityVerification,
    /// A request has arrived.
    Receipt,
    /// A request was approved.
    Approved,
    /// A request was denied.
    Denied,
    /// A request for data is done.
    CompleteAccess,
    /// A request to erase is done.
    CompleteDeletion,
    /// Requests failed.
    ErrorNotification,
    /// A request waits for approval.
    ApprovalNeeded,
    /// A request waits for input.
    InputNeeded,
    /// A request will be late.
    DeadlineNear,
    /// A request takes longer.
    DeadlineExtended,
    /// Somebody is asked what they mean.
    ClarificationNeeded,
    /// A connection does not work any more.
    ConnectionBroken,
    /// Who has access could not be read.
    SyncFailing,
    /// A reading of who has access is held back.
    SyncHeld,
    /// Access whose time is over could not be taken.
    AccessStays,
    /// Somebody is an owner now.
    OwnerNamed,
    /// An account was made for somebody.
    UserInvite,
    /// Somebody forgot their password.
    PasswordReset,
    /// What a vendor is asked to erase.
    VendorErasure,
    /// Whether messages arrive.
    TestMessage,
}

/// A text with what is to be filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Which.
    pub name: TemplateName,
    /// The subject.
    pub subject: String,
    /// The text. One that begins with `<` is HTML.
    pub body: String,
}

/// Why a text cannot be one of a message.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TemplateError {
    /// The subject is no template.
    #[error("the subject is no template: {0}")]
    Subject(#[source] RenderError),
    /// The text is no template.
    #[error("the body is no template: {0}")]
    Body(#[source] RenderError),
    /// Nothing, or too much.
    #[error(
        "a subject has 1 to {MOST_SUBJECT} characters in one line, a body 1 to {MOST_BODY} bytes; write less, or something"
    )]
    Length,
}

/// A message that is written.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) subject: String,
    pub(crate) body: String,
    pub(crate) form: Form,
}

impl TemplateName {
    /// All texts.
    pub const ALL: [Self; 21] = [
        Self::IdentityVerification,
        Self::Receipt,
        Self::Approved,
        Self::Denied,
        Self::CompleteAccess,
        Self::CompleteDeletion,
        Self::ErrorNotification,
        Self::ApprovalNeeded,
        Self::InputNeeded,
        Self::DeadlineNear,
        Self::DeadlineExtended,
        Self::ClarificationNeeded,
        Self::ConnectionBroken,
        Self::SyncFailing,
        Self::SyncHeld,
        Self::AccessStays,
        Self::OwnerNamed,
        Self::UserInvite,
        Self::PasswordReset,
        Self::VendorErasure,
        Self::TestMessage,
    ];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IdentityVerification => "subject_identity_verification",
            Self::Receipt => "privacy_request_receipt",
            Self::Approved => "privacy_request_review_approve",
            Self::Denied => "privacy_request_review_deny",
            Self::CompleteAccess => "privacy_request_complete_access",
            Self::CompleteDeletion => "privacy_request_complete_deletion",
            Self::ErrorNotification => "privacy_request_error_notification",
            Self::ApprovalNeeded => "privacy_request_approval_needed",
            Self::InputNeeded => "privacy_request_input_needed",
            Self::DeadlineNear => "privacy_request_deadline_near",
            Self::DeadlineExtended => "privacy_request_deadline_extended",
            Self::ClarificationNeeded => "privacy_request_clarification_needed",
            Self::ConnectionBroken => "connection_broken",
            Self::SyncFailing => "sync_failing",
            Self::SyncHeld => "sync_held",
            Self::AccessStays => "access_stays",
            Self::OwnerNamed => "owner_named",
            Self::UserInvite => "user_invite",
            Self::PasswordReset => "password_reset",
            Self::VendorErasure => "message_erasure_fulfillment",
            Self::TestMessage => "test_message",
        }
    }

    /// The text with this name.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == name)
    }

    /// The text of a message.
    pub(crate) fn of(kind: MessageKind, values: &Map<String, Value>) -> Self {
        match kind {
            MessageKind::VerificationCode => Self::IdentityVerification,
            MessageKind::Receipt => Self::Receipt,
            MessageKind::Approved => Self::Approved,
            MessageKind::Denied => Self::Denied,
            MessageKind::Finished if has_access(values) => Self::CompleteAccess,
            MessageKind::Finished => Self::CompleteDeletion,
            MessageKind::Failed => Self::ErrorNotification,
            MessageKind::ApprovalNeeded => Self::ApprovalNeeded,
            MessageKind::InputNeeded => Self::InputNeeded,
            MessageKind::DeadlineNear => Self::DeadlineNear,
            MessageKind::DeadlineExtended => Self::DeadlineExtended,
            MessageKind::ClarificationNeeded => Self::ClarificationNeeded,
            MessageKind::ConnectionBroken => Self::ConnectionBroken,
            MessageKind::SyncFailing => Self::SyncFailing,
            MessageKind::SyncHeld => Self::SyncHeld,
            MessageKind::AccessStays => Self::AccessStays,
            MessageKind::OwnerNamed => Self::OwnerNamed,
            MessageKind::Invitation => Self::UserInvite,
            MessageKind::PasswordReset => Self::PasswordReset,
            MessageKind::VendorErasure => Self::VendorErasure,
            MessageKind::Test => Self::TestMessage,
        }
    }
}

fn has_access(values: &Map<String, Value>) -> bool {
    let is_access = |value: &Value| value.as_str() == Some("access");
    match values.get("request_types") {
        Some(Value::Array(types)) => types.iter().any(is_access),
        Some(value) => is_access(value),
        None => false,
    }
}

impl Template {
    /// Checks a text that a customer wrote.
    ///
    /// # Errors
    /// [`TemplateError`] tells what is wrong with it.
    pub fn checked(name: TemplateName, subject: &str, body: &str) -> Result<Self, TemplateError> {
        let subject_fits = (1..=MOST_SUBJECT).contains(&subject.trim().chars().count())
            && !subject.chars().any(char::is_control);
        if !subject_fits || body.trim().is_empty() || body.len() > MOST_BODY {
            return Err(TemplateError::Length);
        }
        render::check(subject, name.values()).map_err(TemplateError::Subject)?;
        render::check(body, name.values()).map_err(TemplateError::Body)?;
        Ok(Self { name, subject: subject.to_owned(), body: body.to_owned() })
    }

    /// The text that comes with the program.
    pub fn own(name: TemplateName) -> Self {
        Self { name, subject: name.subject().to_owned(), body: name.body().to_owned() }
    }

    /// Fills it in.
    pub(crate) fn write(&self, values: &Map<String, Value>) -> Result<Written, RenderError> {
        let form = if self.body.trim_start().starts_with('<') { Form::Html } else { Form::Text };
        let subject = render::render(&self.subject, values, Form::Text)?;
        // A value with an end of line would begin another header.
        let subject: String =
            subject.chars().map(|one| if one.is_control() { ' ' } else { one }).take(MOST_SUBJECT).collect();
        let body = render::render(&self.body, values, form)?;
        Ok(Written { subject: subject.trim().to_owned(), body, form })
    }

    /// Fills it in for a telephone: a text, whatever a customer wrote for mail.
    pub(crate) fn write_as_text(&self, values: &Map<String, Value>) -> Result<Written, RenderError> {
        let written = self.write(values)?;
        match written.form {
            Form::Text => Ok(written),
            Form::Html => Self::own(self.name).write(values),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        let Value::Object(map) = value else { panic!("an object") };
        map
    }

    #[test]
    fn every_text_that_comes_with_the_program_is_a_template_of_its_names() {
        for name in TemplateName::ALL {
            let own = Template::own(name);

            assert_eq!(Template::checked(name, &own.subject, &own.body), Ok(own), "{name:?}");
            assert_eq!(TemplateName::find(name.as_str()), Some(name));
        }
    }

    #[test]
    fn every_kind_of_message_has_a_text_and_every_word_of_the_settings_is_a_kind() {
        // What vendors are told is nobody else's business.
        let kinds = MessageKind::ALL.into_iter().filter(|kind| *kind != MessageKind::VendorErasure);
        let kinds: Vec<&str> = kinds.map(MessageKind::as_str).collect();

        assert_eq!(kinds, spec::server_file::MESSAGE_KINDS);
        for kind in MessageKind::ALL {
            let written = Template::own(TemplateName::of(kind, &Map::new())).write(&Map::new()).unwrap();
            assert!(!written.subject.is_empty() && !written.body.contains("{{"), "{kind:?}");
        }
    }

    #[test]
    fn whoever_gets_data_is_told_so_and_who_is_erased_is_told_that() {
        let of = |values| TemplateName::of(MessageKind::Finished, &map(values));

        assert_eq!(of(json!({"request_types": ["erasure", "access"]})), TemplateName::CompleteAccess);
        assert_eq!(of(json!({"request_types": ["erasure"]})), TemplateName::CompleteDeletion);
        assert_eq!(of(json!({})), TemplateName::CompleteDeletion);
    }

    #[test]
    fn a_value_cannot_begin_another_header() {
        let template = Template::checked(TemplateName::Denied, "No: {{ denial_reason }}", "x").unwrap();

        let written = template.write(&map(json!({"denial_reason": "a\r\nBcc: ben@example.com"}))).unwrap();

        assert_eq!(written.subject, "No: a  Bcc: ben@example.com");
    }

    #[test]
    fn a_text_with_what_is_never_filled_in_is_refused_however_it_is_written() {
        for body in ["{{ download_link }}", "__DOWNLOAD_LINK__", "in __DAYS__ days", "{{#link}}x{{/link}}"] {
            let refused = Template::checked(TemplateName::CompleteDeletion, "Done", body).unwrap_err();

            assert!(format!("{refused:?}").contains("there are request_types, about"), "{body}: {refused:?}");
        }
        for body in ["__REQUEST_TYPES__", "__DOWNLOAD_LINK__ for __DAYS__ days"] {
            assert!(Template::checked(TemplateName::CompleteAccess, "Done", body).is_ok(), "{body}");
        }
    }

    #[test]
    fn an_empty_or_endless_text_is_refused() {
        let long = "x".repeat(MOST_BODY + 1);
        for (subject, body) in [("", "x"), (" ", "x"), ("x", ""), ("a\nb", "x"), ("x", long.as_str())] {
            let refused = Template::checked(TemplateName::Receipt, subject, body);

            assert_eq!(refused, Err(TemplateError::Length));
        }
    }
}
