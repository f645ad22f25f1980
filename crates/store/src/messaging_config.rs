//! Services that messages are sent with, and the secrets for them.

use crypto::Secret;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::sql::{Row, query};
use crate::store::{count, signed, time, time_or_none};
use crate::words::text_enum;
use crate::{Actor, AuditEvent, Listed, Store, StoreError, Window};

text_enum! {
    /// What messages are sent with.
    MessagingService "a messaging service" {
        /// A mail server.
        Smtp = "smtp",
        /// Mailgun.
        Mailgun = "mailgun",
        /// Twilio's e-mail.
        TwilioEmail = "twilio_email",
        /// Mailchimp's transactional e-mail.
        MailchimpTransactional = "mailchimp_transactional",
        /// Amazon's e-mail.
        AwsSes = "aws_ses",
        /// Twilio's text messages.
        TwilioText = "twilio_text",
    }
}

impl MessagingService {
    /// All services, in the order in which one is chosen.
    pub const ALL: [Self; 6] = [
        Self::Smtp,
        Self::Mailgun,
        Self::TwilioEmail,
        Self::MailchimpTransactional,
        Self::AwsSes,
        Self::TwilioText,
    ];

    /// The service of this text.
    pub fn find(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|service| service.as_str() == text)
    }
}

/// A service with its settings. There is one of each at most.
#[derive(Debug, Clone, PartialEq)]
pub struct MessagingConfig {
    /// Its key, unique.
    pub key: String,
    /// Its name, unique.
    pub name: String,
    /// Which service.
    pub service: MessagingService,
    /// Settings; no secrets.
    pub details: Value,
    /// When it was tried last, and whether that worked; of no account in one that is to be put.
    pub tested: Option<(Timestamp, bool)>,
    /// When it was first put; of no account in one that is to be put.
    pub created_at: Timestamp,
}

/// What becomes of a service's secrets when its settings are put.
#[derive(Debug, Clone, Copy)]
pub enum MessagingSecrets<'a> {
    /// They stay.
    Keep,
    /// They are removed: it leads elsewhere now.
    Clear,
    /// These, as JSON, instead of those before.
    Put(&'a Secret<String>),
}

macro_rules! select {
    ($rest:expr) => {
        concat!(
            "SELECT key, name, service, details, tested_at, test_succeeded, created_at FROM messaging_config ",
            $rest
        )
    };
}

impl Store {
    /// Puts a service's settings, over those with its key if there are any.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the name or the service is another one's.
    pub async fn messaging_config_put(
        &self,
        config: &MessagingConfig,
        secrets: MessagingSecrets<'_>,
        actor: Actor,
    ) -> Result<(), StoreError> {
        const OTHER: &str = "SELECT key, service FROM messaging_config WHERE (name = $2 OR service = $3) AND key <> $1 ORDER BY key LIMIT 1";
        const PUT: &str = "INSERT INTO messaging_config (key, name, service, details, created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (key) DO UPDATE SET name = excluded.name, service = excluded.service, details = excluded.details, tested_at = NULL, test_succeeded = NULL";
        const SECRETS: &str = "UPDATE messaging_config SET sealed_secrets = $2 WHERE key = $1";
        let mut tx = self.begin().await?;
        self.policy_gate(&mut tx).await?;
        let other = query(OTHER)
            .bind(config.key.as_str())
            .bind(config.name.as_str())
            .bind(config.service.as_str())
            .fetch_optional(tx.connection())
            .await?;
        if let Some(row) = other {
            let (key, service): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            let of_service = service == config.service.as_str();
            return Err(StoreError::Conflict {
                what: if of_service { "messaging service" } else { "messaging name" },
                id: if of_service { service } else { config.name.clone() },
                state: format!("that of `{key}`"),
                needs: "change that one, or remove it first",
            });
        }
        query(PUT)
            .bind(config.key.as_str())
            .bind(config.name.as_str())
            .bind(config.service.as_str())
            .bind(config.details.to_string())
            .bind(self.now())
            .execute(tx.connection())
            .await?;
        let sealed = match secrets {
            MessagingSecrets::Keep => None,
            MessagingSecrets::Clear => Some(None),
            MessagingSecrets::Put(plain) => {
                Some(Some(self.inner.keys.seal(&place(&config.key), plain.expose().as_bytes())))
            }
        };
        let (kept, cleared) = (sealed.is_none(), matches!(sealed, Some(None)));
        if let Some(sealed) = sealed {
            query(SECRETS).bind(config.key.as_str()).bind(sealed).execute(tx.connection()).await?;
        }
        let details = json!({
            "service": config.service.as_str(),
            "secrets_put": !kept && !cleared,
            "secrets_cleared": cleared,
        });
        let event = AuditEvent::new(actor, "messaging.put", &config.key).with(details);
        self.audit_enter_in(&mut tx, &event).await?;
        tx.commit().await
    }

    /// The settings with this key.
    pub async fn messaging_config_find(&self, key: &str) -> Result<Option<MessagingConfig>, StoreError> {
        const FIND: &str = select!("WHERE key = $1");
        let row = query(FIND).bind(key).fetch_optional(&self.inner.reader).await?;
        row.as_ref().map(config).transpose()
    }

    /// The settings of a service.
    pub async fn messaging_config_of(
        &self,
        service: MessagingService,
    ) -> Result<Option<MessagingConfig>, StoreError> {
        const FIND: &str = select!("WHERE service = $1");
        let row = query(FIND).bind(service.as_str()).fetch_optional(&self.inner.reader).await?;
        row.as_ref().map(config).transpose()
    }

    /// All services with settings, the newest first.
    pub async fn messaging_config_list(&self, window: Window) -> Result<Listed<MessagingConfig>, StoreError> {
        const LIST: &str = select!("ORDER BY created_at DESC, key LIMIT $2 OFFSET $1");
        const COUNT: &str = "SELECT COUNT(*) FROM messaging_config";
        let reader = &self.inner.reader;
        let rows =
            query(LIST).bind(signed(window.offset)).bind(i64::from(window.limit)).fetch_all(reader).await?;
        let total = count(query(COUNT).fetch_one(reader).await?.try_get(0)?)?;
        Ok(Listed { items: rows.iter().map(config).collect::<Result<_, _>>()?, total })
    }

    /// The services with settings, each with whether it has secrets.
    pub async fn messaging_service_list(&self) -> Result<Vec<(MessagingService, bool)>, StoreError> {
        const LIST: &str =
            "SELECT service, CASE WHEN sealed_secrets IS NULL THEN 0 ELSE 1 END FROM messaging_config";
        let rows = query(LIST).fetch_all(&self.inner.reader).await?;
        let service = |row: &Row| {
            let (service, has_secrets): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
            Ok((MessagingService::parse(&service)?, has_secrets == 1))
        };
        rows.iter().map(service).collect()
    }

    /// Removes a service's settings with its secrets; says whether there were any.
    pub async fn messaging_config_remove(&self, key: &str, actor: Actor) -> Result<bool, StoreError> {
        const REMOVE: &str = "DELETE FROM messaging_config WHERE key = $1";
        let mut tx = self.begin().await?;
        if query(REMOVE).bind(key).execute(tx.connection()).await?.rows_affected() == 0 {
            return Ok(false);
        }
        self.audit_enter_in(&mut tx, &AuditEvent::new(actor, "messaging.removed", key)).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The secrets of a service, as JSON, if it has any.
    pub async fn messaging_secrets_find(&self, key: &str) -> Result<Option<Secret<String>>, StoreError> {
        const FIND: &str = "SELECT sealed_secrets FROM messaging_config WHERE key = $1";
        const WHAT: &str = "the secrets of a messaging service";
        let row = query(FIND).bind(key).fetch_optional(&self.inner.reader).await?;
        let Some(row) = row else { return Ok(None) };
        let Some(sealed) = row.try_get::<Option<Vec<u8>>>(0)? else { return Ok(None) };
        let plain = self
            .inner
            .keys
            .open(&place(key), &sealed)
            .map_err(|source| StoreError::Sealed { what: WHAT, source })?;
        let text =
            String::from_utf8(plain.expose().clone()).map_err(|_| StoreError::Damaged { what: WHAT })?;
        Ok(Some(Secret::new(text)))
    }

    /// Keeps whether a service worked when it was tried.
    pub async fn messaging_tested(&self, key: &str, succeeded: bool) -> Result<(), StoreError> {
        const TESTED: &str = "UPDATE messaging_config SET tested_at = $2, test_succeeded = $3 WHERE key = $1";
        let mut tx = self.begin().await?;
        query(TESTED).bind(key).bind(self.now()).bind(i64::from(succeeded)).execute(tx.connection()).await?;
        tx.commit().await
    }
}

fn config(row: &Row) -> Result<MessagingConfig, StoreError> {
    let (service, details): (String, String) = (row.try_get(2)?, row.try_get(3)?);
    let tested = time_or_none(row.try_get(4)?)?;
    let succeeded: Option<i64> = row.try_get(5)?;
    Ok(MessagingConfig {
        key: row.try_get(0)?,
        name: row.try_get(1)?,
        service: MessagingService::parse(&service)?,
        details: serde_json::from_str(&details)
            .map_err(|_| StoreError::Damaged { what: "a messaging service" })?,
        tested: tested.zip(succeeded.map(|flag| flag == 1)),
        created_at: time(row.try_get(6)?)?,
    })
}

/// The place that the secrets of a service are bound to. Keys have no `|`.
pub(crate) fn place(key: &str) -> Vec<u8> {
    format!("messaging|{key}|secrets").into_bytes()
}
