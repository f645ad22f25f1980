//! What requests are worked off with and hardly ever changes, kept in memory for as long as the store's
//! revision says that it is still so.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use store::{
    ManualForm, ManualTaskConfig, MessagingService, Policy, StorageDestination, StorageKind, Store,
    StoreError, Webhook, WebhookList,
};
use tokio::sync::OnceCell;

/// The setting that names the kind of destination of rules that name none.
pub(crate) const ACTIVE_DEFAULT: &str = "storage.active_default_storage_type";

/// The configurations of a store, of which the last is kept. Cheap to clone; all clones keep the same one.
#[derive(Debug, Clone)]
pub struct Configurations {
    store: Store,
    last: Arc<Mutex<Option<Arc<Configuration>>>>,
}

/// Everything that is configured, as it is at one revision; read when it is asked for first. What is read
/// later than the revision may be newer, never older.
#[derive(Debug)]
pub struct Configuration {
    revision: u64,
    store: Store,
    settings: OnceCell<Vec<(String, Value)>>,
    services: OnceCell<Vec<(MessagingService, bool)>>,
    forms: OnceCell<Vec<ManualForm>>,
    tasks: OnceCell<Vec<ManualTaskConfig>>,
    patterns: OnceCell<Vec<String>>,
    policies: Mutex<HashMap<String, Arc<Policy>>>,
    webhooks: Mutex<HashMap<WebhookListName, Arc<[Webhook]>>>,
    destinations: Mutex<HashMap<DestinationName, Arc<Option<ConfiguredDestination>>>>,
}

/// When webhooks are called, and of which policy.
type WebhookListName = (Stage, String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Stage {
    PreApproval,
    PreExecution,
    PostExecution,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum DestinationName {
    Key(String),
    DefaultOf(&'static str),
}

/// A place for packages, without its secrets.
#[derive(Debug)]
pub(crate) struct ConfiguredDestination {
    pub(crate) destination: StorageDestination,
    /// Whether it has any.
    pub(crate) has_secrets: bool,
}

impl Configurations {
    /// Those of `store`; nothing is read yet.
    pub fn new(store: Store) -> Self {
        Self { store, last: Arc::default() }
    }

    /// As everything is configured now: one statement, and what was read at the same revision before is
    /// not read again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn now(&self) -> Result<Arc<Configuration>, StoreError> {
        // Before anything else is read: a change that comes in between makes a new revision.
        let revision = self.store.revision().await?;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = last.as_ref().filter(|last| last.revision == revision) {
            return Ok(Arc::clone(last));
        }
        let now = Arc::new(Configuration::at(revision, self.store.clone()));
        *last = Some(Arc::clone(&now));
        Ok(now)
    }
}

impl Configuration {
    fn at(revision: u64, store: Store) -> Self {
        Self {
            revision,
            store,
            settings: OnceCell::new(),
            services: OnceCell::new(),
            forms: OnceCell::new(),
            tasks: OnceCell::new(),
            patterns: OnceCell::new(),
            policies: Mutex::default(),
            webhooks: Mutex::default(),
            destinations: Mutex::default(),
        }
    }

    /// The number of the revision.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The settings that were put over the API, by key.
    pub(crate) async fn settings(&self) -> Result<&[(String, Value)], StoreError> {
        Ok(self.settings.get_or_try_init(|| self.store.setting_list()).await?)
    }

    /// The services for messages, each with whether it has secrets.
    pub(crate) async fn services(&self) -> Result<&[(MessagingService, bool)], StoreError> {
        Ok(self.services.get_or_try_init(|| self.store.messaging_service_list()).await?)
    }

    /// All forms, by connection.
    pub(crate) async fn forms(&self) -> Result<&[ManualForm], StoreError> {
        Ok(self.forms.get_or_try_init(|| self.store.manual_form_list()).await?)
    }

    /// What connections ask people for, by connection.
    pub(crate) async fn task_settings(&self) -> Result<&[ManualTaskConfig], StoreError> {
        Ok(self.tasks.get_or_try_init(|| self.store.manual_task_config_list()).await?)
    }

    /// Names that packages for people do not show.
    pub(crate) async fn redaction_patterns(&self) -> Result<&[String], StoreError> {
        Ok(self.patterns.get_or_try_init(|| self.store.redaction_pattern_list()).await?)
    }

    /// The policy, if there is one.
    pub(crate) async fn policy(&self, key: &str) -> Result<Option<Arc<Policy>>, StoreError> {
        if let Some(policy) = kept(&self.policies, key) {
            return Ok(Some(policy));
        }
        let Some(policy) = self.store.policy_find(key).await? else { return Ok(None) };
        Ok(Some(keep(&self.policies, key.to_owned(), Arc::new(policy))))
    }

    /// The webhooks of a list, in their order.
    pub(crate) async fn webhooks(&self, list: WebhookList<'_>) -> Result<Arc<[Webhook]>, StoreError> {
        let name = match list {
            WebhookList::PreApproval => (Stage::PreApproval, String::new()),
            WebhookList::PreExecution(policy) => (Stage::PreExecution, policy.to_owned()),
            WebhookList::PostExecution(policy) => (Stage::PostExecution, policy.to_owned()),
        };
        if let Some(webhooks) = kept(&self.webhooks, &name) {
            return Ok(webhooks);
        }
        let webhooks = self.store.webhook_list(list).await?;
        Ok(keep(&self.webhooks, name, webhooks.into()))
    }

    /// The destination with this key, if there is one.
    pub(crate) async fn destination(
        &self,
        key: &str,
    ) -> Result<Arc<Option<ConfiguredDestination>>, StoreError> {
        let name = DestinationName::Key(key.to_owned());
        match kept(&self.destinations, &name) {
            Some(destination) => Ok(destination),
            None => self.keep_destination(name, self.store.storage_find(key).await?).await,
        }
    }

    /// The default destination of a kind, if there is one.
    pub(crate) async fn default_destination(
        &self,
        kind: StorageKind,
    ) -> Result<Arc<Option<ConfiguredDestination>>, StoreError> {
        let name = DestinationName::DefaultOf(kind.as_str());
        match kept(&self.destinations, &name) {
            Some(destination) => Ok(destination),
            None => self.keep_destination(name, self.store.storage_default_find(kind).await?).await,
        }
    }

    /// The kind of destination that the settings name for rules that name none.
    pub(crate) async fn active_kind(&self) -> Result<Option<StorageKind>, StoreError> {
        let set = self.settings().await?.iter().find(|(key, _)| key == ACTIVE_DEFAULT);
        Ok(set.and_then(|(_, value)| storage_kind(value)))
    }

    async fn keep_destination(
        &self,
        name: DestinationName,
        found: Option<StorageDestination>,
    ) -> Result<Arc<Option<ConfiguredDestination>>, StoreError> {
        let destination = match found {
            Some(destination) => {
                let has_secrets = self.store.storage_secrets_find(&destination.key).await?.is_some();
                Some(ConfiguredDestination { destination, has_secrets })
            }
            None => None,
        };
        Ok(keep(&self.destinations, name, Arc::new(destination)))
    }
}

/// The kind of storage that a setting names.
pub(crate) fn storage_kind(value: &Value) -> Option<StorageKind> {
    let named = value.as_str()?;
    [StorageKind::S3, StorageKind::Gcs, StorageKind::Local].into_iter().find(|kind| kind.as_str() == named)
}

fn kept<N, Q, T>(map: &Mutex<HashMap<N, Arc<T>>>, name: &Q) -> Option<Arc<T>>
where
    N: Hash + Eq + std::borrow::Borrow<Q>,
    Q: Hash + Eq + ?Sized,
    T: ?Sized,
{
    map.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
}

/// What was read first stays: all ask the same thing.
fn keep<N: Hash + Eq, T: ?Sized>(map: &Mutex<HashMap<N, Arc<T>>>, name: N, read: Arc<T>) -> Arc<T> {
    let mut map = map.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(map.entry(name).or_insert(read))
}

#[cfg(test)]
mod tests;
