//! The checked form of a server's settings: `server.yml`, environment and flags put together.

mod baton;
mod deadlines;
mod messages;
mod self_hosted;

pub use baton::ServerBaton;
pub use deadlines::{DeadlineSettings, JURISDICTIONS, PortalSettings};
pub use messages::{
    MESSAGE_KINDS, MessageSettings, NotificationSettings, STAFF_MAIL, SmtpSecurity, SmtpSettings,
    WebhookSettings,
};
pub use self_hosted::SelfHostedSettings;

use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use crate::project_file::{EgressSettings, PlanLimits, ReadingSettings};
use crate::schedule::Schedule;

/// How a server listens, whom it admits and what it may call.
#[derive(Debug, Clone, PartialEq)]
pub struct Server {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Data folder, as written.
    pub data: String,
    /// Its own TLS; plain HTTP if absent.
    pub tls: Option<TlsFiles>,
    /// Whom it admits.
    pub security: SecuritySettings,
    /// Signing in with an account of the company; with a password only if absent.
    pub oidc: Option<OidcSettings>,
    /// Where people and applications reach it: an origin without a `/` at its end.
    pub public_url: Option<String>,
    /// How requests of people are carried out.
    pub execution: ExecutionSettings,
    /// Which of them count as the same.
    pub duplicates: DuplicateSettings,
    /// The server that takes e-mail; no e-mail is sent if absent.
    pub smtp: Option<SmtpSettings>,
    /// Who gets messages, besides the people that they are for.
    pub messages: MessageSettings,
    /// Which messages people get about their requests.
    pub notifications: NotificationSettings,
    /// The most rows of a file with privacy requests.
    pub max_privacy_request_download_rows: u64,
    /// Largest body of a call, in bytes.
    pub max_body_bytes: usize,
    /// How long calls under way may go on when the server is told to end.
    pub shutdown_wait: Duration,
    /// How long calls are still taken when the server is told to end.
    pub drain_wait: Duration,
    /// Where `/metrics` answers whoever asks.
    pub metrics_listen: Option<SocketAddr>,
    /// What the one door out may do.
    pub egress: EgressSettings,
    /// Limits of reading.
    pub reading: ReadingSettings,
    /// How much a plan may change.
    pub limits: PlanLimits,
    /// Folders in or below which files of SQLite connections may lie, as written.
    pub sqlite_folders: Vec<String>,
    /// When vendors that erase by hand are written to.
    pub vendor_mail: VendorMailSettings,
    /// By when requests are answered.
    pub deadlines: DeadlineSettings,
    /// The page on which people make requests about themselves.
    pub portal: PortalSettings,
    /// How long personal data stays.
    pub retention: RetentionSettings,
    /// What holds for all connections that say who has access.
    pub governance: GovernanceSettings,
    /// How connectors that run elsewhere are served.
    pub self_hosted: SelfHostedSettings,
    /// Connections that Baton connectors of somebody else read, by key.
    pub baton: Vec<ServerBaton>,
}

impl Server {
    /// Whether anybody gets messages of this kind that say nothing about a person.
    pub fn listens_for(&self, kind: &str) -> bool {
        let listens = |webhook: &WebhookSettings| match &webhook.events {
            None => true,
            Some(events) => events.iter().any(|event| event == kind),
        };
        (!self.messages.staff.is_empty() && STAFF_MAIL.contains(&kind))
            || self.messages.webhooks.iter().any(listens)
    }
}

/// Files of a server's own TLS, PEM, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and those that it is signed by.
    pub certificate: String,
    /// Its key.
    pub key: String,
}

/// Whom a server admits, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecuritySettings {
    /// Attempts to sign in or to get a token.
    pub auth_rate_limit: Rate,
    /// Calls of the API.
    pub request_rate_limit: Rate,
    /// How long a token is good for.
    pub token_life: Duration,
    /// How long a person who signed in with a browser stays so.
    pub session_life: Duration,
    /// After how long without a call a browser is signed out.
    pub session_idle: Duration,
    /// Calls that change something and need no token.
    pub public_rate_limit: Rate,
    /// Plans need the approval of somebody else than the one who asked for them.
    pub dual_control: bool,
    /// How many attempts there are at a code that shows whose a request is.
    pub identity_verification_attempt_limit: u32,
    /// How long such a code is good for.
    pub identity_verification_code_ttl: Duration,
    /// Origins whose pages may call the API.
    pub cors_origins: Vec<String>,
    /// Whether the data of a person may be downloaded over the API.
    pub subject_request_download_ui_enabled: bool,
    /// How long a link to the data of a person is good for.
    pub subject_request_download_link_ttl: Duration,
    /// Whether datasets may be tried.
    pub dsr_testing_tools_enabled: bool,
}

/// Signing in with an account of the company, by OpenID Connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcSettings {
    /// The provider, as written: what it must call itself.
    pub issuer: String,
    /// What the provider calls this server.
    pub client_id: String,
    /// What the button says.
    pub label: String,
    /// What the provider is asked to tell.
    pub scopes: Vec<String>,
    /// Claim that becomes the username of a new account.
    pub username_claim: String,
    /// Claim with the groups of a person.
    pub groups_claim: String,
    /// Groups, each with a role, as written.
    pub roles: Vec<(String, String)>,
    /// Role of people whose groups give them none.
    pub default_role: Option<String>,
    /// An account that is here already is theirs if its address is.
    pub link_accounts: bool,
}

/// How requests of people are carried out.
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own, as in the file")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExecutionSettings {
    /// Only updates that mask may erase.
    pub masking_strict: bool,
    /// Each request waits for a person.
    pub require_manual_request_approval: bool,
    /// A code is sent to each identity first.
    pub subject_identity_verification_required: bool,
    /// An erasure ends only when a person says so.
    pub erasure_request_finalization_required: bool,
    /// Custom fields of requests are kept.
    pub allow_custom_privacy_request_field_collection: bool,
    /// How many requests one process works on at once; those that take long come on top.
    pub slots: u32,
    /// How often a request is taken up whose workers broke off.
    pub attempts: u32,
    /// How long one turn of work on a request may take; as long as it takes if it is zero.
    pub task_soft_time_limit: Duration,
}

/// How long personal data stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionSettings {
    /// Rows of requests that ended.
    pub rows: Duration,
    /// Everything about a person, after the last thing that happened.
    pub identities: Duration,
    /// Who had access, after it was not in force any more.
    pub inventory: Duration,
}

/// What holds for all connections that say who has access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GovernanceSettings {
    /// Whether a sync that lost much waits for a person, unless its connection is set otherwise.
    pub shrink_guard: bool,
}

/// When vendors that erase by hand are written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VendorMailSettings {
    /// At these times.
    pub schedule: Schedule,
    /// Of this time zone, as in `Europe/Berlin`.
    pub time_zone: String,
}

/// Which requests of people count as the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DuplicateSettings {
    /// Whether any do.
    pub enabled: bool,
    /// For how many days after the first.
    pub days: u32,
    /// Kinds of identities that have to be equal.
    pub fields: Vec<String>,
}

/// At most so many calls in so much time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Calls, at least one.
    pub calls: u32,
    /// The time.
    pub per: Duration,
}

/// A rate that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a rate; write a number, `/`, and `second`, `minute`, `hour` or `day`, as in `10/minute`")]
pub struct RateError;

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let (calls, period) = text.split_once('/').ok_or(RateError)?;
        let digits = !calls.is_empty() && calls.bytes().all(|byte| byte.is_ascii_digit());
        let calls = calls.parse().ok().filter(|calls| digits && *calls > 0).ok_or(RateError)?;
        let seconds = match period {
            "second" => 1,
            "minute" => 60,
            "hour" => 3_600,
            "day" => 86_400,
            _ => return Err(RateError),
        };
        Ok(Self { calls, per: Duration::from_secs(seconds) })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("10/minute", Some((10, 60)))]
    #[case("1/second", Some((1, 1)))]
    #[case("5/hour", Some((5, 3_600)))]
    #[case("7/day", Some((7, 86_400)))]
    #[case("0/minute", None)]
    #[case("-1/minute", None)]
    #[case("+1/minute", None)]
    #[case("10", None)]
    #[case("10/", None)]
    #[case("/minute", None)]
    #[case("10/minutes", None)]
    #[case("10 / minute", None)]
    #[case("99999999999/minute", None)]
    fn a_rate_is_a_number_and_one_period(#[case] text: &str, #[case] expected: Option<(u32, u64)>) {
        let expected = expected.map(|(calls, seconds)| Rate { calls, per: Duration::from_secs(seconds) });

        assert_eq!(text.parse().ok(), expected);
    }
}
