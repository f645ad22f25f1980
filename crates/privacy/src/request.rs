//! The life of a request of a person: how it is made, decided, held, tried again and ended
//! (privacy-requests 14, 15.3). What is done in between is the worker's.

mod again;
mod clarify;
mod correct;
mod create;
mod due;
mod duplicate;
mod end;
mod error;
mod evaluate;
mod identity;
mod journaled;
mod message;
mod plan;
mod repeat;
mod review;
mod settings;
pub mod status;
mod vendor_mail;
mod verify;
mod visit;
mod work;
mod write;

pub(crate) use correct::raised_limits;
pub use create::{NewRequest, Submitter};
pub use due::{Deadlines, Longer, RequestDeadline};
pub use error::RequestError;
pub use identity::{
    HeldIdentities, HeldIdentity, KNOWN_IDENTITIES, VerifiedBy, custom_field_lookup, identity_lookup,
    is_email,
};
pub use journaled::{JournaledError, Wanted};
pub(crate) use review::audit;
pub use settings::{Channels, DownloadLinks, Notices, RequestSettings};
pub use spec::server_file::DuplicateSettings;
pub use vendor_mail::VendorMailSent;
pub(crate) use work::Ending;
pub use work::{Begun, Waits};

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use model::{Clock, IdSource, PrivacyRequestId, Row};
use spec::ServerSettings;
use store::{Actor, MessagingService, PrivacyRequest, PrivacyRequestChange, Store, StoreError};

use crate::configuration::{Configuration, Configurations};
use crate::policy_book::PolicyBook;

/// How often a change begins again because somebody else changed the same request.
const ATTEMPTS: u32 = 5;

/// What [`PrivacyRequests`] are made of.
#[derive(Debug)]
pub struct RequestsParts {
    /// Where they are kept.
    pub store: Store,
    /// The policies they are made under.
    pub policies: PolicyBook,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub ids: Arc<dyn IdSource>,
    /// How they are taken in and decided, where no server's settings are given.
    pub settings: RequestSettings,
    /// What a server was started with: the settings are then read from it, and from what was set over
    /// the API, each time they count.
    pub configured: Option<ServerSettings>,
}

/// The requests of people.
#[derive(Debug, Clone)]
pub struct PrivacyRequests {
    parts: Arc<RequestsParts>,
    /// What is configured, and the settings as they were made last, with the revision that they are of:
    /// making them takes longer than a statement.
    configurations: Configurations,
    made: Arc<Mutex<Option<(u64, RequestSettings)>>>,
}

/// Who does something to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// As the audit log names them.
    pub actor: Actor,
    /// As requests name them (`reviewed_by`): the id of their account or client; `None` for Tutela itself.
    pub user: Option<String>,
}

impl By {
    /// Tutela itself.
    pub fn system() -> Self {
        Self { actor: Actor::system(), user: None }
    }

    /// As requests name them.
    pub(crate) fn name(&self) -> String {
        self.user.clone().unwrap_or_else(|| self.actor.as_str().to_owned())
    }
}

impl PrivacyRequests {
    /// The requests of a store.
    pub fn new(parts: RequestsParts) -> Self {
        let configurations = Configurations::new(parts.store.clone());
        Self { parts: Arc::new(parts), configurations, made: Arc::default() }
    }

    /// How requests are taken in and decided now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn settings(&self) -> Result<RequestSettings, StoreError> {
        if self.parts.configured.is_none() {
            return Ok(self.parts.settings.clone());
        }
        self.settings_at(&*self.configuration().await?).await
    }

    /// Everything that is configured now.
    pub(crate) async fn configuration(&self) -> Result<Arc<Configuration>, StoreError> {
        self.configurations.now().await
    }

    /// The settings as a configuration has them.
    pub(crate) async fn settings_at(
        &self,
        configuration: &Configuration,
    ) -> Result<RequestSettings, StoreError> {
        let Some(configured) = &self.parts.configured else { return Ok(self.parts.settings.clone()) };
        if let Some((at, settings)) = &*self.made()
            && *at == configuration.revision()
        {
            return Ok(settings.clone());
        }
        let set = spec::server_settings::nested(configuration.settings().await?.to_vec());
        let mut settings = RequestSettings::of(configured, &set);
        // Services may have been named over the API, too.
        for (service, has_secrets) in configuration.services().await? {
            match service {
                MessagingService::Smtp => settings.channels.email = true,
                MessagingService::TwilioText => settings.channels.sms |= has_secrets,
                MessagingService::Mailgun
                | MessagingService::TwilioEmail
                | MessagingService::MailchimpTransactional
                | MessagingService::AwsSes => settings.channels.email |= has_secrets,
            }
        }
        *self.made() = Some((configuration.revision(), settings.clone()));
        Ok(settings)
    }

    fn made(&self) -> MutexGuard<'_, Option<(u64, RequestSettings)>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The request; deleted ones too.
    ///
    /// # Errors
    /// [`RequestError::NotFound`].
    pub async fn get(&self, id: &PrivacyRequestId) -> Result<PrivacyRequest, RequestError> {
        let missing = || RequestError::NotFound { id: id.to_string() };
        self.store().privacy_request_find(id).await?.ok_or_else(missing)
    }

    /// The request with this id in text; what is no id is not found.
    ///
    /// # Errors
    /// [`RequestError::NotFound`].
    pub async fn get_named(&self, id: &str) -> Result<PrivacyRequest, RequestError> {
        let parsed = id.parse().map_err(|_| RequestError::NotFound { id: id.to_owned() })?;
        self.get(&parsed).await
    }

    /// The same, if it was not deleted.
    ///
    /// # Errors
    /// [`RequestError::NotFound`], [`RequestError::Deleted`].
    pub async fn get_live(&self, id: &PrivacyRequestId) -> Result<PrivacyRequest, RequestError> {
        let request = self.get(id).await?;
        if request.deleted_at.is_some() {
            return Err(RequestError::Deleted { id: id.clone() });
        }
        Ok(request)
    }

    /// Who the request is about.
    ///
    /// # Errors
    /// [`RequestError::Forgotten`] once that was destroyed.
    pub async fn identities(&self, id: &PrivacyRequestId) -> Result<HeldIdentities, RequestError> {
        let bytes = self.store().privacy_request_identities(id).await.map_err(|error| match error {
            StoreError::NotFound { what: "privacy request", .. } => {
                RequestError::NotFound { id: id.to_string() }
            }
            StoreError::NotFound { .. } => RequestError::Forgotten { id: id.clone() },
            other => other.into(),
        })?;
        let damaged = StoreError::Damaged { what: "the identities of a privacy request" };
        HeldIdentities::from_bytes(bytes.expose()).ok_or_else(|| damaged.into())
    }

    /// What else was given with the request: name → `{label, value}`.
    ///
    /// # Errors
    /// [`RequestError::Store`].
    pub async fn custom_fields(&self, id: &PrivacyRequestId) -> Result<Row, RequestError> {
        let Some(bytes) = self.store().privacy_request_custom_fields(id).await? else {
            return Ok(Row::new());
        };
        let damaged = |_| StoreError::Damaged { what: "the custom fields of a privacy request" };
        Ok(serde_json::from_slice::<Row>(bytes.expose()).map_err(damaged)?)
    }

    fn store(&self) -> &Store {
        &self.parts.store
    }

    /// The time as the store keeps it.
    fn now(&self) -> Timestamp {
        let now = self.parts.clock.now();
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }

    /// Writes a change; `None` if somebody else changed the request since it was read, or was in the way:
    /// then it has to be read and decided again.
    async fn write(
        &self,
        change: PrivacyRequestChange,
        by: &By,
        action: &'static str,
    ) -> Result<Option<PrivacyRequest>, RequestError> {
        match self.store().privacy_request_change(change, by.actor.clone(), action).await {
            // Somebody else changed it, or had what this changes besides: those who read for it and end their
            // readings together take tasks in another order, and PostgreSQL gives one of two the way.
            Err(StoreError::Conflict { what: "privacy request", .. } | StoreError::Busy { .. }) => Ok(None),
            Err(StoreError::Conflict { what: "write", .. }) => {
                let reason = "Nobody knows yet whether one of its writes took effect: settle that first.";
                Err(RequestError::StillWaits { reason })
            }
            written => Ok(Some(written?)),
        }
    }
}
