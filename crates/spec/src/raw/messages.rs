use schemars::JsonSchema;
use serde::Deserialize;

/// The server that takes e-mail. The password of the account is the variable `TUTELA_SMTP_PASSWORD`.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SmtpSection {
    /// Name or address of the mail server; it needs `smtp.from` beside it. No e-mail is sent if absent.
    pub(crate) host: Option<String>,
    /// Port of the mail server; 587 with `starttls`, 465 with `tls` and 25 with `none` if absent.
    #[schemars(range(min = 1))]
    pub(crate) port: Option<u16>,
    /// `starttls`: the connection begins in the open and goes on with TLS, or not at all. `tls`: TLS
    /// from the beginning. `none`: in the open, to this machine only. `starttls` if absent.
    pub(crate) security: Option<String>,
    /// Account of the mail server; mail is sent without signing in if absent.
    pub(crate) username: Option<String>,
    /// Sender of the mail: an address, or as in `Privacy team <privacy@example.com>`.
    pub(crate) from: Option<String>,
    /// File with the certificates that the mail server's own is signed by, PEM; public authorities if
    /// absent.
    pub(crate) certificate_authority: Option<String>,
}

/// Who gets messages, besides the people that they are for.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MessagesSection {
    /// E-mail addresses that get what needs a person: approvals, missing input, failures, deadlines,
    /// broken connections. `[]` if absent.
    pub(crate) staff: Option<Vec<String>>,
    /// Programs that are told by signed calls (Standard Webhooks). `[]` if absent.
    pub(crate) webhooks: Option<Vec<WebhookSection>>,
}

/// A program that is told by signed calls.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookSection {
    /// Its name, unique; entries of `egress.allow` may name it.
    pub(crate) name: String,
    /// Where it is called, with `https`; `http` to this machine only.
    pub(crate) url: String,
    /// Names of environment variables with the secrets that calls are signed with, `whsec_` and base64
    /// of 24 to 64 bytes. The newest comes first; calls are signed with the others, too, so that a
    /// secret can be changed without losing calls.
    pub(crate) secret_from: Vec<String>,
    /// Which messages it gets, by their kinds. Those that a person gets, and so hold personal data, come
    /// only if they are named here; all others if absent.
    pub(crate) events: Option<Vec<String>>,
}

/// Which messages people get about their requests.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NotificationsSection {
    /// Whether a person is told that their request has arrived. `false` if absent.
    pub(crate) send_request_receipt_notification: Option<bool>,
    /// Whether a person is told that their request was approved or denied. `false` if absent.
    pub(crate) send_request_review_notification: Option<bool>,
    /// Whether a person is told that their request is done. `false` if absent.
    pub(crate) send_request_completion_notification: Option<bool>,
}
