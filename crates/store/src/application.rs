mod kind;

use serde_json::json;

use crate::document::document;
use crate::listed::containing;
use crate::sql::query;
use crate::store::{Tx, count, signed};
use crate::{Actor, AuditEvent, Document, Listed, Put, PutMode, Store, StoreError, Window};

pub use kind::{ApplicationKind, ApplicationState, ApplicationStep};

/// An application of the data map to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApplication {
    /// Its key.
    pub key: String,
    /// Its name for people; empty if it has none.
    pub name: String,
    /// The document, JSON.
    pub body: String,
}

impl Store {
    /// Keeps an application.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if it exists where it should not; [`StoreError::NotFound`] if it
    /// should exist and does not.
    pub async fn application_put(
        &self,
        new: &NewApplication,
        mode: PutMode,
        actor: Actor,
    ) -> Result<Put, StoreError> {
        let mut tx = self.begin().await?;
        let put = self.application_put_in(&mut tx, (new, mode), actor).await?;
        tx.commit().await?;
        Ok(put)
    }

    /// Keeps several, all or none.
    pub async fn application_put_all(
        &self,
        new: &[NewApplication],
        actor: Actor,
    ) -> Result<Vec<Put>, StoreError> {
        let mut tx = self.begin().await?;
        let mut puts = Vec::with_capacity(new.len());
        for new in new {
            puts.push(self.application_put_in(&mut tx, (new, PutMode::Upsert), actor.clone()).await?);
        }
        tx.commit().await?;
        Ok(puts)
    }

    async fn application_put_in(
        &self,
        tx: &mut Tx,
        (new, mode): (&NewApplication, PutMode),
        actor: Actor,
    ) -> Result<Put, StoreError> {
        const FIND: &str = "SELECT created_at FROM application WHERE key = $1";
        const PUT: &str = "INSERT INTO application (key, name, body, created_at, updated_at) VALUES ($1, $2, $3, $4, $4) ON CONFLICT (key) DO UPDATE SET name = excluded.name, body = excluded.body, updated_at = excluded.updated_at";
        let found = query(FIND).bind(new.key.as_str()).fetch_optional(tx.connection()).await?;
        let put = mode.check("application", &new.key, found.is_some())?;
        query(PUT)
            .bind(new.key.as_str())
            .bind(new.name.as_str())
            .bind(new.body.as_str())
            .bind(self.now())
            .execute(tx.connection())
            .await?;
        let event = AuditEvent::new(actor, "application.put", &new.key)
            .with(json!({"sha256": crypto::hex(&crypto::sha256(new.body.as_bytes()))}));
        self.audit_enter_in(tx, &event).await?;
        Ok(put)
    }

    /// The application of a key, if there is one.
    pub async fn application_find(&self, key: &str) -> Result<Option<Document>, StoreError> {
        const FIND: &str = "SELECT key, name, body, created_at, updated_at FROM application WHERE key = $1";
        let row = query(FIND).bind(key).fetch_optional(&self.inner.reader).await?;
        row.as_ref().map(document).transpose()
    }

    /// Applications by key; with `search` those with this text in key or name, whatever the case.
    pub async fn application_list(
        &self,
        search: Option<&str>,
        window: Window,
    ) -> Result<Listed<Document>, StoreError> {
        const COUNT: &str = "SELECT COUNT(*) FROM application WHERE CAST($1 AS TEXT) IS NULL OR LOWER(key) LIKE $1 ESCAPE '\\' OR LOWER(name) LIKE $1 ESCAPE '\\'";
        const LIST: &str = "SELECT key, name, body, created_at, updated_at FROM application WHERE CAST($1 AS TEXT) IS NULL OR LOWER(key) LIKE $1 ESCAPE '\\' OR LOWER(name) LIKE $1 ESCAPE '\\' ORDER BY key LIMIT $2 OFFSET $3";
        let search = search.map(containing);
        let total = query(COUNT).bind(search.as_deref()).fetch_one(&self.inner.reader).await?;
        let rows = query(LIST)
            .bind(search.as_deref())
            .bind(i64::from(window.limit))
            .bind(signed(window.offset))
            .fetch_all(&self.inner.reader)
            .await?;
        Ok(Listed {
            items: rows.iter().map(document).collect::<Result<_, _>>()?,
            total: count(total.try_get(0)?)?,
        })
    }

    /// Removes an application; its connections stay, and belong to none. Says whether there was one.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] as long as others were found inside it: nobody loses those unseen (governance APP-7).
    pub async fn application_remove(&self, key: &str, actor: Actor) -> Result<bool, StoreError> {
        const UNLINK: &str = "UPDATE connection SET system_key = NULL WHERE system_key = $1";
        const REMOVE: &str = "DELETE FROM application WHERE key = $1";
        const CHILDREN: &str = "SELECT key FROM application WHERE parent = $1 ORDER BY key LIMIT 20";
        let mut tx = self.begin().await?;
        let children = query(CHILDREN).bind(key).fetch_all(tx.connection()).await?;
        if !children.is_empty() {
            let children: Vec<String> =
                children.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
            return Err(StoreError::Conflict {
                what: "application",
                id: key.to_owned(),
                state: format!("where `{}` were found", children.join("`, `")),
                needs: "detach or remove those first",
            });
        }
        query(UNLINK).bind(key).execute(tx.connection()).await?;
        let removed = query(REMOVE).bind(key).execute(tx.connection()).await?.rows_affected() > 0;
        if removed {
            self.audit_enter_in(&mut tx, &AuditEvent::new(actor, "application.removed", key)).await?;
        }
        tx.commit().await?;
        Ok(removed)
    }
}
