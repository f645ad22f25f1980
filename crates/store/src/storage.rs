//! Storage destinations: where packages are put, and the secrets for it.

use crypto::Secret;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::sql::{Row, query};
use crate::store::{Tx, count, signed, time};
use crate::words::text_enum;
use crate::{Actor, AuditEvent, Listed, Store, StoreError, Window};

text_enum! {
    /// What kind of place a destination is.
    StorageKind "the kind of a storage destination" {
        /// A bucket of S3 or of a server that speaks its protocol.
        S3 = "s3",
        /// A bucket of Google.
        Gcs = "gcs",
        /// A folder of the server.
        Local = "local",
    }
}

text_enum! {
    /// Form of the packages in a destination.
    StorageFormat "the format of a storage destination" {
        /// One JSON document.
        Json = "json",
        /// One table for each collection.
        Csv = "csv",
        /// A page to read.
        Html = "html",
    }
}

/// A place for packages.
#[derive(Debug, Clone, PartialEq)]
pub struct StorageDestination {
    /// Its key, unique.
    pub key: String,
    /// Its name, unique.
    pub name: String,
    /// What it is.
    pub kind: StorageKind,
    /// Settings of its kind; no secrets.
    pub details: Value,
    /// Form of the packages.
    pub format: StorageFormat,
    /// Whether it is the default of its kind; there is one at most.
    pub is_default: bool,
    /// When it was first written; of no account in one that is to be written.
    pub created_at: Timestamp,
}

/// Which destinations are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StorageFilter {
    /// All.
    All,
    /// The defaults of their kinds.
    Defaults,
}

/// What becomes of a destination's secrets when it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StorageSecrets {
    /// They stay.
    Keep,
    /// They are removed: the destination leads elsewhere now.
    Clear,
}

impl Store {
    /// Writes a destination, over the one with its key if there is one.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the name, or being the default of the kind, is another one's.
    pub async fn storage_put(
        &self,
        destination: &StorageDestination,
        secrets: StorageSecrets,
        actor: Actor,
    ) -> Result<(), StoreError> {
        const PUT: &str = "INSERT INTO storage (key, name, kind, details, format, is_default, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (key) DO UPDATE SET name = excluded.name, kind = excluded.kind, details = excluded.details, format = excluded.format, is_default = excluded.is_default";
        const CLEAR: &str = "UPDATE storage SET sealed_secrets = NULL WHERE key = $1";
        let mut tx = self.begin().await?;
        self.policy_gate(&mut tx).await?;
        is_unique(&mut tx, destination).await?;
        query(PUT)
            .bind(destination.key.as_str())
            .bind(destination.name.as_str())
            .bind(destination.kind.as_str())
            .bind(destination.details.to_string())
            .bind(destination.format.as_str())
            .bind(i64::from(destination.is_default))
            .bind(self.now())
            .execute(tx.connection())
            .await?;
        if secrets == StorageSecrets::Clear {
            query(CLEAR).bind(destination.key.as_str()).execute(tx.connection()).await?;
        }
        let details = json!({
            "type": destination.kind.as_str(),
            "format": destination.format.as_str(),
            "is_default": destination.is_default,
            "secrets_cleared": secrets == StorageSecrets::Clear,
        });
        let event = AuditEvent::new(actor, "storage.put", &destination.key).with(details);
        self.audit_enter_in(&mut tx, &event).await?;
        tx.commit().await
    }

    /// The destination, if there is one.
    pub async fn storage_find(&self, key: &str) -> Result<Option<StorageDestination>, StoreError> {
        const FIND: &str =
            "SELECT key, name, kind, details, format, is_default, created_at FROM storage WHERE key = $1";
        let row = query(FIND).bind(key).fetch_optional(&self.inner.reader).await?;
        row.as_ref().map(destination).transpose()
    }

    /// The default destination of a kind, if there is one.
    pub async fn storage_default_find(
        &self,
        kind: StorageKind,
    ) -> Result<Option<StorageDestination>, StoreError> {
        const FIND: &str = "SELECT key, name, kind, details, format, is_default, created_at FROM storage WHERE kind = $1 AND is_default = 1";
        let row = query(FIND).bind(kind.as_str()).fetch_optional(&self.inner.reader).await?;
        row.as_ref().map(destination).transpose()
    }

    /// Key of the destination with this name.
    pub async fn storage_key_of_name(&self, name: &str) -> Result<Option<String>, StoreError> {
        const FIND: &str = "SELECT key FROM storage WHERE name = $1";
        let row = query(FIND).bind(name).fetch_optional(&self.inner.reader).await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    /// Destinations, the newest first.
    pub async fn storage_list(
        &self,
        filter: StorageFilter,
        window: Window,
    ) -> Result<Listed<StorageDestination>, StoreError> {
        const LIST: &str = "SELECT key, name, kind, details, format, is_default, created_at FROM storage WHERE is_default >= $1 ORDER BY created_at DESC, key LIMIT $3 OFFSET $2";
        const COUNT: &str = "SELECT COUNT(*) FROM storage WHERE is_default >= $1";
        let least = i64::from(filter == StorageFilter::Defaults);
        let reader = &self.inner.reader;
        let rows = query(LIST)
            .bind(least)
            .bind(signed(window.offset))
            .bind(i64::from(window.limit))
            .fetch_all(reader)
            .await?;
        let total = count(query(COUNT).bind(least).fetch_one(reader).await?.try_get(0)?)?;
        Ok(Listed { items: rows.iter().map(destination).collect::<Result<_, _>>()?, total })
    }

    /// Removes a destination with its secrets; says whether there was one.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] while a rule names it.
    pub async fn storage_remove(&self, key: &str, actor: Actor) -> Result<bool, StoreError> {
        const USED: &str = "SELECT key FROM policy_rule WHERE storage = $1 ORDER BY key LIMIT 1";
        const REMOVE: &str = "DELETE FROM storage WHERE key = $1";
        let mut tx = self.begin().await?;
        self.policy_gate(&mut tx).await?;
        if let Some(row) = query(USED).bind(key).fetch_optional(tx.connection()).await? {
            let rule: String = row.try_get(0)?;
            return Err(StoreError::Conflict {
                what: "storage",
                id: key.to_owned(),
                state: format!("used by rule `{rule}`"),
                needs: "give the rule another storage first",
            });
        }
        if query(REMOVE).bind(key).execute(tx.connection()).await?.rows_affected() == 0 {
            return Ok(false);
        }
        self.audit_enter_in(&mut tx, &AuditEvent::new(actor, "storage.removed", key)).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Keeps the secrets of a destination, sealed for it; those before are gone.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such destination.
    pub async fn storage_secrets_put(
        &self,
        key: &str,
        secrets: &Secret<String>,
        actor: Actor,
    ) -> Result<(), StoreError> {
        const PUT: &str = "UPDATE storage SET sealed_secrets = $2 WHERE key = $1";
        let mut tx = self.begin().await?;
        let put = query(PUT)
            .bind(key)
            .bind(self.inner.keys.seal(&place(key), secrets.expose().as_bytes()))
            .execute(tx.connection())
            .await?;
        if put.rows_affected() == 0 {
            return Err(StoreError::NotFound { what: "storage", id: key.to_owned() });
        }
        self.audit_enter_in(&mut tx, &AuditEvent::new(actor, "storage.secret.put", key)).await?;
        tx.commit().await
    }

    /// The secrets of a destination, if it has any.
    pub async fn storage_secrets_find(&self, key: &str) -> Result<Option<Secret<String>>, StoreError> {
        const FIND: &str = "SELECT sealed_secrets FROM storage WHERE key = $1";
        let row = query(FIND).bind(key).fetch_optional(&self.inner.reader).await?;
        let Some(row) = row else { return Ok(None) };
        let Some(sealed) = row.try_get::<Option<Vec<u8>>>(0)? else { return Ok(None) };
        let plain = self
            .inner
            .keys
            .open(&place(key), &sealed)
            .map_err(|source| StoreError::Sealed { what: "the secrets of a storage", source })?;
        let text = String::from_utf8(plain.expose().clone())
            .map_err(|_| StoreError::Damaged { what: "the secrets of a storage" })?;
        Ok(Some(Secret::new(text)))
    }
}

/// Whether the name, and being the default, are no other one's.
async fn is_unique(tx: &mut Tx, destination: &StorageDestination) -> Result<(), StoreError> {
    const NAME: &str = "SELECT key FROM storage WHERE name = $2 AND key <> $1";
    const DEFAULT: &str = "SELECT key FROM storage WHERE kind = $2 AND is_default = 1 AND key <> $1";
    let kind = destination.is_default.then_some(destination.kind.as_str());
    for (statement, value, what) in
        [(NAME, Some(destination.name.as_str()), "storage name"), (DEFAULT, kind, "default storage")]
    {
        let query = query(statement).bind(destination.key.as_str()).bind(value);
        if let Some(row) = query.fetch_optional(tx.connection()).await? {
            let other: String = row.try_get(0)?;
            let (id, state) = (value.unwrap_or_default().to_owned(), format!("that of storage `{other}`"));
            return Err(StoreError::Conflict { what, id, state, needs: "choose another one" });
        }
    }
    Ok(())
}

fn destination(row: &Row) -> Result<StorageDestination, StoreError> {
    let (kind, format): (String, String) = (row.try_get(2)?, row.try_get(4)?);
    let details: String = row.try_get(3)?;
    Ok(StorageDestination {
        key: row.try_get(0)?,
        name: row.try_get(1)?,
        kind: StorageKind::parse(&kind)?,
        details: serde_json::from_str(&details)
            .map_err(|_| StoreError::Damaged { what: "a storage destination" })?,
        format: StorageFormat::parse(&format)?,
        is_default: row.try_get::<i64>(5)? == 1,
        created_at: time(row.try_get(6)?)?,
    })
}

/// The place that the secrets of a destination are bound to. Keys have no `|`.
pub(crate) fn place(key: &str) -> Vec<u8> {
    format!("storage|{key}|secrets").into_bytes()
}
