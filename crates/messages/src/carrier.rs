//! Services that take messages by calls, each in a file of its own. Their hosts are known to the program:
//! whoever sets one up says nothing about where the call goes (architecture §13.19).

mod mailgun;
mod mandrill;
mod send_grid;
mod ses;
mod twilio;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use crypto::Secret;
use egress::{DoorSettings, OwnService, OwnServiceCall, SendError};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use lettre::message::Mailbox;
use model::ConnectionKey;
use serde_json::{Map, Value};
use store::MessagingService;
use thiserror::Error;
use url::Url;

use crate::mail::Letter;

use mailgun::Mailgun;
use mandrill::Mandrill;
use send_grid::SendGrid;
use ses::Ses;
use twilio::Twilio;

/// A service that takes messages by calls.
#[derive(Debug)]
pub(crate) struct Carrier {
    account: Account,
    way: OwnService,
}

#[derive(Debug)]
enum Account {
    Mailgun(Mailgun),
    SendGrid(SendGrid),
    Mandrill(Mandrill),
    Ses(Ses),
    Twilio(Twilio),
}

/// Settings and secrets of a service.
struct Given<'a> {
    details: &'a Value,
    secrets: Map<String, Value>,
}

/// Why a service cannot be used as it is set.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum CarrierUnfit {
    /// It has no secrets yet.
    #[error("No secrets found for the active default messaging service {0}")]
    NoSecrets(&'static str),
    /// The way in is one that this version does not have.
    #[error("`{0}` is not supported; give `auth_method: secret_keys` with a key id and a secret key")]
    WayIn(&'static str),
    /// A setting is missing or does not fit.
    #[error("the setting `{0}` is missing or does not fit")]
    Setting(&'static str),
    /// It is none that is called.
    #[error("{0} is no service that is called")]
    Other(&'static str),
    /// The way out cannot be used.
    #[error("the way out of this server cannot be used; check `egress.proxy`")]
    Door,
}

/// Why a message was not taken. What the service says is left out: it repeats addresses.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum CarrierError {
    /// It may not be called.
    #[error("the messaging service may not be called; see `egress`")]
    Host,
    /// No whole answer came.
    #[error("the messaging service does not answer")]
    Unreachable,
    /// The receiver is none.
    #[error("the receiver is no address that this service can write to")]
    Receiver,
    /// The account was refused.
    #[error("the messaging service refused the account (status {status}); check its secrets")]
    Account {
        /// What it answered.
        status: u16,
    },
    /// It refused, and will again.
    #[error(
        "the messaging service refused the message (status {status}); check sender, receiver and settings"
    )]
    Refused {
        /// What it answered.
        status: u16,
    },
    /// It refused for now.
    #[error("the messaging service took no message for the moment (status {status})")]
    Later {
        /// What it answered.
        status: u16,
    },
}

impl CarrierError {
    /// What a status says.
    fn of(status: u16) -> Result<(), Self> {
        match status {
            200..=299 => Ok(()),
            401 | 403 => Err(Self::Account { status }),
            408 | 425 | 429 | 500.. => Err(Self::Later { status }),
            _ => Err(Self::Refused { status }),
        }
    }

    /// A fixed word for the store.
    pub(crate) fn class(&self) -> &'static str {
        match self {
            Self::Host => "service_host_refused",
            Self::Unreachable => "service_unreachable",
            Self::Receiver => "service_receiver",
            Self::Account { .. } => "service_account",
            Self::Refused { .. } => "service_refused",
            Self::Later { .. } => "service_later",
        }
    }

    /// Whether the same message may be taken later: settings may be changed while it waits.
    pub(crate) fn may_help_again(&self) -> bool {
        match self {
            Self::Receiver | Self::Refused { .. } => false,
            Self::Host | Self::Unreachable | Self::Account { .. } | Self::Later { .. } => true,
        }
    }
}

impl From<SendError> for CarrierError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::HostRefused { .. } | SendError::HostNotAllowed { .. } => Self::Host,
            _ => Self::Unreachable,
        }
    }
}

impl Carrier {
    /// The service as it is set; `secrets` are those that are kept for it.
    pub(crate) fn new(
        service: MessagingService,
        (details, secrets): (&Value, Option<&Secret<String>>),
        egress: &DoorSettings,
    ) -> Result<Self, CarrierUnfit> {
        let secrets = secrets.ok_or(CarrierUnfit::NoSecrets(service.as_str()))?;
        let secrets = serde_json::from_str(secrets.expose());
        let given =
            Given { details, secrets: secrets.map_err(|_| CarrierUnfit::NoSecrets(service.as_str()))? };
        let account = match service {
            MessagingService::Smtp => return Err(CarrierUnfit::Other("smtp")),
            MessagingService::Mailgun => Account::Mailgun(Mailgun::new(&given)?),
            MessagingService::TwilioEmail => Account::SendGrid(SendGrid::new(&given)?),
            MessagingService::MailchimpTransactional => Account::Mandrill(Mandrill::new(&given)?),
            MessagingService::AwsSes => Account::Ses(Ses::new(&given)?),
            MessagingService::TwilioText => Account::Twilio(Twilio::new(&given)?),
        };
        let name: ConnectionKey =
            service.as_str().parse().map_err(|_| CarrierUnfit::Other(service.as_str()))?;
        let way = OwnService::new(egress.clone(), name, account.url()).map_err(|_| CarrierUnfit::Door)?;
        Ok(Self { account, way })
    }

    /// Hands a letter over, once.
    pub(crate) async fn send(&self, letter: &Letter<'_>) -> Result<(), CarrierError> {
        let (headers, body) = match &self.account {
            Account::Mailgun(account) => account.call(letter)?,
            Account::SendGrid(account) => account.call(letter)?,
            Account::Mandrill(account) => account.call(letter)?,
            Account::Ses(account) => account.call(letter)?,
            Account::Twilio(account) => account.call(letter)?,
        };
        let url = self.account.url().clone();
        let reply = self.way.send(OwnServiceCall { method: Method::POST, url, headers, body }).await?;
        match &self.account {
            Account::Mandrill(_) => mandrill::judge(reply.status, &reply.body),
            Account::Mailgun(_) | Account::SendGrid(_) | Account::Ses(_) | Account::Twilio(_) => {
                CarrierError::of(reply.status)
            }
        }
    }
}

impl Account {
    /// Where every call goes.
    fn url(&self) -> &Url {
        match self {
            Self::Mailgun(account) => &account.url,
            Self::SendGrid(account) => &account.url,
            Self::Mandrill(account) => &account.url,
            Self::Ses(account) => &account.url,
            Self::Twilio(account) => &account.url,
        }
    }
}

impl Given<'_> {
    fn detail(&self, name: &str) -> Option<&str> {
        self.details.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    fn needed(&self, name: &'static str) -> Result<&str, CarrierUnfit> {
        self.detail(name).ok_or(CarrierUnfit::Setting(name))
    }

    fn sender(&self, name: &'static str) -> Result<Mailbox, CarrierUnfit> {
        self.needed(name)?.parse().map_err(|_| CarrierUnfit::Setting(name))
    }

    fn secret(&self, name: &'static str) -> Result<Secret<String>, CarrierUnfit> {
        self.find_secret(name).ok_or(CarrierUnfit::Setting(name))
    }

    fn find_secret(&self, name: &str) -> Option<Secret<String>> {
        let text = self.secrets.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())?;
        Some(Secret::new(text.to_owned()))
    }
}

/// The address of a receiver of mail.
fn address(letter: &Letter<'_>) -> Result<String, CarrierError> {
    let mailbox: Mailbox = letter.to.parse().map_err(|_| CarrierError::Receiver)?;
    Ok(mailbox.email.to_string())
}

/// `origin` with these segments, whatever stands in them, as a path.
fn url(origin: &str, segments: &[&str]) -> Option<Url> {
    let mut url = Url::parse(origin).ok()?;
    url.path_segments_mut().ok()?.clear().extend(segments);
    Some(url)
}

fn header(text: &str) -> Result<HeaderValue, CarrierError> {
    let mut value = HeaderValue::try_from(text).map_err(|_| CarrierError::Account { status: 0 })?;
    value.set_sensitive(true);
    Ok(value)
}

fn basic(name: &str, password: &Secret<String>) -> Result<HeaderMap, CarrierError> {
    let account = Secret::new(format!("{name}:{}", password.expose()));
    let text = Secret::new(format!("Basic {}", STANDARD.encode(account.expose())));
    Ok(HeaderMap::from_iter([(AUTHORIZATION, header(text.expose())?)]))
}

fn with_json(mut headers: HeaderMap, body: &Value) -> (HeaderMap, Bytes) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    (headers, Bytes::from(body.to_string()))
}

fn with_form(mut headers: HeaderMap, form: &[(&str, &str)]) -> (HeaderMap, Bytes) {
    let media = HeaderValue::from_static("application/x-www-form-urlencoded");
    headers.insert(CONTENT_TYPE, media);
    let text = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    (headers, Bytes::from(text))
}
