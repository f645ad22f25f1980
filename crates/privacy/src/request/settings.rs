use std::time::Duration;

use serde_json::Value;
use spec::ServerSettings;
use spec::server_file::{DeadlineSettings, DuplicateSettings, Server};

use super::due::Deadlines;
use crate::deadline::{Calendar, Jurisdiction};

/// How requests of people are taken in and decided.
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own, as in the file")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestSettings {
    /// Each request waits for a person (privacy-requests L-11).
    pub manual_approval: bool,
    /// Codes are sent to the identities of requests that were made without a token.
    pub identity_verification: bool,
    /// How long such a code is good for.
    pub code_ttl: Duration,
    /// How many attempts there are at a code.
    pub attempt_limit: u32,
    /// Which requests count as the same.
    pub duplicates: DuplicateSettings,
    /// Erasures end only when a person says so (privacy-requests L-19).
    pub finalization_required: bool,
    /// Who asked for a plan may not approve it.
    pub dual_control: bool,
    /// Custom fields are kept; else they are passed over (privacy-requests L-6).
    pub allow_custom_fields: bool,
    /// By which ways codes can be sent.
    pub channels: Channels,
    /// Of what the people themselves are told.
    pub notices: Notices,
    /// By which law deadlines are counted.
    pub deadlines: Deadlines,
    /// Where people fetch their data with a link that they are sent; none: they are sent no link.
    pub download: Option<DownloadLinks>,
}

/// Links to data, as people are sent them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DownloadLinks {
    /// Address of the page; the token comes behind it.
    pub page: String,
    /// How long a link is good for.
    pub life: Duration,
}

/// By which ways people can be written to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Channels {
    /// By e-mail.
    pub email: bool,
    /// By text message.
    pub sms: bool,
}

/// Of what people are told about their requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Notices {
    /// That it has arrived.
    pub receipt: bool,
    /// That it was approved or denied.
    pub review: bool,
    /// That it is done.
    pub completion: bool,
}

impl Default for RequestSettings {
    fn default() -> Self {
        Self {
            manual_approval: false,
            identity_verification: false,
            code_ttl: Duration::from_mins(10),
            attempt_limit: 3,
            duplicates: DuplicateSettings { enabled: false, days: 365, fields: vec!["email".to_owned()] },
            finalization_required: false,
            dual_control: false,
            allow_custom_fields: false,
            channels: Channels::default(),
            notices: Notices::default(),
            deadlines: Deadlines::default(),
            download: None,
        }
    }
}

impl RequestSettings {
    /// What a server's settings say, those that were set over the API included.
    #[must_use]
    pub fn of(server: &ServerSettings, set_over_api: &Value) -> Self {
        let server = server.with_api(set_over_api).server;
        let (execution, notifications) = (&server.execution, &server.notifications);
        Self {
            dual_control: server.security.dual_control,
            channels: channels(&server),
            notices: Notices {
                receipt: notifications.receipt,
                review: notifications.review,
                completion: notifications.completion,
            },
            manual_approval: execution.require_manual_request_approval,
            identity_verification: execution.subject_identity_verification_required,
            finalization_required: execution.erasure_request_finalization_required,
            allow_custom_fields: execution.allow_custom_privacy_request_field_collection,
            attempt_limit: server.security.identity_verification_attempt_limit,
            code_ttl: server.security.identity_verification_code_ttl,
            duplicates: server.duplicates.clone(),
            deadlines: Deadlines::of(&server.deadlines),
            download: download_links(&server),
        }
    }
}

impl Deadlines {
    /// What a server's settings say. They were checked: a zone that nobody knows counts as UTC.
    fn of(settings: &DeadlineSettings) -> Self {
        let holidays = settings.holidays.iter().copied();
        Self {
            jurisdiction: settings.jurisdiction.as_deref().and_then(Jurisdiction::find),
            calendar: Calendar::new(&settings.time_zone, holidays).unwrap_or_else(|_| Calendar::utc()),
        }
    }
}

/// Only where the portal is, under a name that people can reach it by.
fn download_links(server: &Server) -> Option<DownloadLinks> {
    let origin = server.public_url.as_ref().filter(|_| server.portal.enabled)?;
    let life = server.security.subject_request_download_link_ttl;
    Some(DownloadLinks { page: format!("{}/portal/package?token=", origin.trim_end_matches('/')), life })
}

/// A mail server takes codes to addresses; a program that listens for them takes them anywhere.
fn channels(server: &Server) -> Channels {
    let listens = |events: &Vec<String>| events.iter().any(|event| event == "verification_code");
    let told = server.messages.webhooks.iter().any(|webhook| webhook.events.as_ref().is_some_and(listens));
    Channels { email: server.smtp.is_some() || told, sms: told }
}
