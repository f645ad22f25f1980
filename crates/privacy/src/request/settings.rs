use std::time::Duration;

use serde_json::Value;
use spec::ServerSettings;

/// How requests of people are taken in and decided.
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
}

/// Which requests count as the same (privacy-requests 14.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DuplicateSettings {
    /// Whether any do.
    pub enabled: bool,
    /// For how many days after the first.
    pub days: u32,
    /// Kinds of identities that have to be equal.
    pub fields: Vec<String>,
}

/// By which ways people can be written to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Channels {
    /// By e-mail.
    pub email: bool,
    /// By text message.
    pub sms: bool,
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
        }
    }
}

impl RequestSettings {
    /// What a server's settings say, those that were set over the API included.
    #[must_use]
    pub fn of(server: &ServerSettings, set_over_api: &Value) -> Self {
        let execution = &server.with_api(set_over_api).server.execution;
        let own = Self::default();
        let duplicates = set_over_api.get("privacy_request_duplicate_detection");
        let days = duplicates.and_then(|all| all.get("time_window_days")).and_then(Value::as_u64);
        let fields = duplicates.and_then(|all| all.get("match_identity_fields")).and_then(Value::as_array);
        let fields: Option<Vec<String>> =
            fields.map(|fields| fields.iter().filter_map(|field| Some(field.as_str()?.to_owned())).collect());
        Self {
            manual_approval: execution.require_manual_request_approval,
            identity_verification: execution.subject_identity_verification_required,
            duplicates: DuplicateSettings {
                enabled: duplicates.and_then(|all| all.get("enabled")) == Some(&Value::Bool(true)),
                days: days.and_then(|days| u32::try_from(days).ok()).unwrap_or(own.duplicates.days),
                fields: fields.filter(|fields| !fields.is_empty()).unwrap_or(own.duplicates.fields),
            },
            ..own
        }
    }
}
