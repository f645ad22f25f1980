//! How messages leave a server.

/// What a message can be about, as webhooks and templates call it.
pub const MESSAGE_KINDS: [&str; 19] = [
    "verification_code",
    "receipt",
    "approved",
    "denied",
    "approval_needed",
    "input_needed",
    "finished",
    "failed",
    "deadline_near",
    "deadline_extended",
    "clarification_needed",
    "connection_broken",
    "sync_failing",
    "sync_held",
    "access_stays",
    "owner_named",
    "invitation",
    "password_reset",
    "test",
];

/// Kinds that those who run a server get by e-mail: what needs a person.
pub const STAFF_MAIL: [&str; 9] = [
    "approval_needed",
    "input_needed",
    "failed",
    "deadline_near",
    "connection_broken",
    "sync_failing",
    "sync_held",
    "access_stays",
    "test",
];

/// The server that takes e-mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmtpSettings {
    /// Its name or address.
    pub host: String,
    /// Its port; by `security` if absent.
    pub port: Option<u16>,
    /// How the connection is kept secret.
    pub security: SmtpSecurity,
    /// The account; the password is a variable of the environment. None: without signing in.
    pub username: Option<String>,
    /// The sender: an address, or a name and an address.
    pub from: String,
    /// File with the certificates that the server's own is signed by, PEM, as written.
    pub certificate_authority: Option<String>,
}

/// How the connection to a mail server is kept secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// It begins in the open and goes on with TLS, or not at all.
    Starttls,
    /// TLS from the beginning.
    Tls,
    /// In the open; to this machine only.
    None,
}

impl SmtpSecurity {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Starttls, Self::Tls, Self::None];

    /// The word in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starttls => "starttls",
            Self::Tls => "tls",
            Self::None => "none",
        }
    }

    /// What this word means.
    pub fn find(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|security| security.as_str() == word)
    }

    /// The port that such servers listen on.
    pub fn port(self) -> u16 {
        match self {
            Self::Starttls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }
}

/// Who gets messages, besides the people that they are for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessageSettings {
    /// Addresses of those who run the server.
    pub staff: Vec<String>,
    /// Programs that are told.
    pub webhooks: Vec<WebhookSettings>,
}

/// A program that is told by a signed call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookSettings {
    /// Its name, unique.
    pub name: String,
    /// Where it is called.
    pub url: url::Url,
    /// Variables of the environment with the secrets that calls are signed with; the first is the
    /// newest, the others are still signed with, too.
    pub secret_from: Vec<String>,
    /// Which messages it gets; none: all that say nothing about a person.
    pub events: Option<Vec<String>>,
}

/// Which messages people get about their requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NotificationSettings {
    /// That their request has arrived.
    pub receipt: bool,
    /// That it was approved or denied.
    pub review: bool,
    /// That it is done.
    pub completion: bool,
}
