//! Services that are set over the API: their settings and secrets, and trying them.

mod fields;
mod way;

use crypto::Secret;
use model::FidesKey;
use serde_json::{Map, Value};
use store::{
    Actor, Listed, MessageKind, MessagePerson, MessagingConfig, MessagingSecrets, MessagingService,
    StoreError, Window,
};
use thiserror::Error;

use crate::mail::Letter;
use crate::messages::Messages;
use crate::post::Post;
use crate::template::{Template, TemplateName};

use way::Way;

pub use fields::FieldProblem;

/// A service to be set, or what one is from now on.
#[derive(Debug)]
pub struct ServiceDraft {
    /// Its key; made of the name, or of the service, if absent.
    pub key: Option<String>,
    /// Its name; that of the service if absent.
    pub name: Option<String>,
    /// Which service.
    pub service: MessagingService,
    /// Its settings.
    pub details: Map<String, Value>,
    /// Its secrets, if they are sent along.
    pub secrets: Option<Vec<(String, Secret<String>)>>,
}

/// What cannot be done with a service.
#[derive(Debug, Error)]
pub enum ServiceError {
    /// There is none with this key.
    #[error("No messaging config found with key {key}.")]
    NotFound {
        /// The key.
        key: String,
    },
    /// There is none of this service.
    #[error("No messaging config found for service {service}.")]
    NotSet {
        /// The service.
        service: String,
    },
    /// Another one has the name, or is of the service.
    #[error(
        "a messaging config with this key, name or service_type is there already: `{key}`; change that one"
    )]
    Taken {
        /// The key of that one, or what is taken.
        key: String,
    },
    /// A config stays what it is of.
    #[error("the service_type of a messaging config cannot be changed; remove it and make another one")]
    OtherService,
    /// No key can be made.
    #[error("no key can be made of the name; give a `key` of letters, digits, `_`, `.` and `-`")]
    NoKey,
    /// Settings or secrets that do not fit.
    #[error("the messaging config does not fit its service_type")]
    Fields(Vec<FieldProblem>),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What became of a test message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TestOutcome {
    /// It left.
    Sent,
    /// It did not, and why.
    Failed(String),
}

impl Messages {
    /// Services that are set over the API, the newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn services(&self, window: Window) -> Result<Listed<MessagingConfig>, StoreError> {
        self.store().messaging_config_list(window).await
    }

    /// One of them by its key.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub async fn service(&self, key: &str) -> Result<MessagingConfig, ServiceError> {
        let missing = || ServiceError::NotFound { key: key.to_owned() };
        self.store().messaging_config_find(key).await?.ok_or_else(missing)
    }

    /// The one of a service.
    ///
    /// # Errors
    /// [`ServiceError::NotSet`].
    pub async fn service_of(&self, service: MessagingService) -> Result<MessagingConfig, ServiceError> {
        let missing = || ServiceError::NotSet { service: service.as_str().to_owned() };
        self.store().messaging_config_of(service).await?.ok_or_else(missing)
    }

    /// Sets a service that is not set yet.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn service_create(
        &self,
        draft: ServiceDraft,
        actor: &Actor,
    ) -> Result<MessagingConfig, ServiceError> {
        if let Some(there) = self.store().messaging_config_of(draft.service).await? {
            return Err(ServiceError::Taken { key: there.key });
        }
        let (key, name) = key_and_name(&draft)?;
        if self.store().messaging_config_find(&key).await?.is_some() {
            return Err(ServiceError::Taken { key });
        }
        self.service_write((key, name), (draft, None), actor).await
    }

    /// Changes the service with this key.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn service_change(
        &self,
        key: &str,
        draft: ServiceDraft,
        actor: &Actor,
    ) -> Result<MessagingConfig, ServiceError> {
        let before = self.service(key).await?;
        if before.service != draft.service {
            return Err(ServiceError::OtherService);
        }
        let name = draft.name.clone().unwrap_or_else(|| before.name.clone());
        self.service_write((key.to_owned(), name), (draft, Some(&before)), actor).await
    }

    /// Sets or changes the one of a service.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn service_put(
        &self,
        draft: ServiceDraft,
        actor: &Actor,
    ) -> Result<MessagingConfig, ServiceError> {
        match self.store().messaging_config_of(draft.service).await? {
            Some(before) => self.service_change(&before.key, draft, actor).await,
            None => self.service_create(draft, actor).await,
        }
    }

    async fn service_write(
        &self,
        (key, name): (String, String),
        (draft, before): (ServiceDraft, Option<&MessagingConfig>),
        actor: &Actor,
    ) -> Result<MessagingConfig, ServiceError> {
        let ServiceDraft { service, details, secrets, .. } = draft;
        let mut wrong = fields::wrong_details(service, &details);
        let secrets = match secrets {
            None => None,
            Some(given) => match fields::secrets(service, given) {
                Ok(secrets) => Some(secrets),
                Err(problems) => {
                    wrong.extend(problems);
                    None
                }
            },
        };
        if !wrong.is_empty() {
            return Err(ServiceError::Fields(wrong));
        }
        let details = Value::Object(details);
        // Secrets do not follow a service to another server (architecture §13.19).
        let leads = |details: &Value| ["host", "port", "username"].map(|name| details.get(name).cloned());
        let moved = before.is_some_and(|before| leads(&before.details) != leads(&details));
        let what = match &secrets {
            Some(secrets) => MessagingSecrets::Put(secrets),
            None if moved => MessagingSecrets::Clear,
            None => MessagingSecrets::Keep,
        };
        let now = self.clock().now();
        let config = MessagingConfig { key, name, service, details, tested: None, created_at: now };
        match self.store().messaging_config_put(&config, what, actor.clone()).await {
            Err(StoreError::Conflict { id, .. }) => Err(ServiceError::Taken { key: id }),
            written => {
                written?;
                self.service(&config.key).await
            }
        }
    }

    /// Keeps the secrets of a service; those before are gone.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn service_secrets_put(
        &self,
        config: &MessagingConfig,
        given: Vec<(String, Secret<String>)>,
        actor: &Actor,
    ) -> Result<(), ServiceError> {
        let secrets = fields::secrets(config.service, given).map_err(ServiceError::Fields)?;
        let put = MessagingSecrets::Put(&secrets);
        Ok(self.store().messaging_config_put(config, put, actor.clone()).await?)
    }

    /// Removes a service with its secrets.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub async fn service_remove(&self, key: &str, actor: &Actor) -> Result<(), ServiceError> {
        if self.store().messaging_config_remove(key, actor.clone()).await? {
            Ok(())
        } else {
            Err(ServiceError::NotFound { key: key.to_owned() })
        }
    }

    /// The service that messages are sent with: none if it is the mail server of the settings.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn active_service(&self) -> Result<Option<MessagingConfig>, StoreError> {
        Ok(self.in_order().await?.into_iter().next())
    }

    /// Whether the settings of the server name a mail server, which comes before all others.
    pub fn has_configured_mail(&self) -> bool {
        self.configured_mail().is_some()
    }

    /// Whether messages can be sent with a service, and if not, why.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn service_problem(&self, config: &MessagingConfig) -> Result<Option<String>, StoreError> {
        let service = config.service.as_str();
        if config.service != MessagingService::Smtp {
            let carrier = self.carrier(config).await?;
            return Ok(carrier.err().map(|unfit| unfit.to_string()));
        }
        let signs_in = config.details.get("username").is_some_and(|name| !name.is_null());
        let has_secrets = self.store().messaging_secrets_find(&config.key).await?.is_some();
        let lacking = signs_in && !has_secrets;
        Ok(lacking.then(|| format!("No secrets found for the active default messaging service {service}")))
    }

    /// Sends a test message with a service.
    ///
    /// # Errors
    /// [`ServiceError::NotSet`] if it is not set.
    pub async fn service_test(
        &self,
        service: MessagingService,
        to: &MessagePerson,
    ) -> Result<TestOutcome, ServiceError> {
        let stored = self.store().messaging_config_of(service).await?;
        let own = self.configured_mail().filter(|_| service == MessagingService::Smtp);
        let outcome = match (&stored, own) {
            (_, Some(own)) => self.test(&Way::Mail(Post::Server(own.clone())), to).await?,
            (Some(config), None) => match self.way_of(config).await? {
                Ok(way) => self.test(&way, to).await?,
                Err(why) => TestOutcome::Failed(why),
            },
            (None, None) => return Err(ServiceError::NotSet { service: service.as_str().to_owned() }),
        };
        if let (Some(config), None) = (&stored, own) {
            self.store().messaging_tested(&config.key, outcome == TestOutcome::Sent).await?;
        }
        Ok(outcome)
    }

    async fn test(&self, way: &Way, to: &MessagePerson) -> Result<TestOutcome, StoreError> {
        let values = Map::new();
        let template = self.template(TemplateName::of(MessageKind::Test, &values)).await?;
        let written = match way {
            Way::Mail(_) => template.write(&values),
            Way::Text(_) => template.write_as_text(&values),
        };
        let written = written.or_else(|_| Template::own(TemplateName::TestMessage).write(&values));
        let Ok(written) = written else {
            return Ok(TestOutcome::Failed("the template `test_message` cannot be filled in".to_owned()));
        };
        let at = self.clock().now();
        let id = format!("test_{}", at.as_microsecond());
        let letter = |to| Letter { id: &id, to, written: &written, at };
        let failed = match (way, &to.email, &to.phone_number) {
            (Way::Mail(post), Some(address), _) => {
                post.send(&letter(address)).await.err().map(|error| error.to_string())
            }
            (Way::Text(carrier), _, Some(number)) => {
                carrier.send(&letter(number)).await.err().map(|error| error.to_string())
            }
            (Way::Mail(_), None, _) => Some("this service needs an e-mail address".to_owned()),
            (Way::Text(_), _, None) => Some("this service needs a telephone number".to_owned()),
        };
        Ok(failed.map_or(TestOutcome::Sent, TestOutcome::Failed))
    }
}

fn key_and_name(draft: &ServiceDraft) -> Result<(String, String), ServiceError> {
    let service = draft.service.as_str();
    let name = draft.name.clone().unwrap_or_else(|| format!("Default Messaging Config [{service}]"));
    let key = match (&draft.key, &draft.name) {
        (Some(key), _) => Some(key.clone()),
        (None, Some(name)) => FidesKey::from_name(name).map(FidesKey::into_string),
        (None, None) => Some(format!("default_messaging_config_{service}")),
    };
    Ok((key.ok_or(ServiceError::NoKey)?, name))
}
