use model::ConnectionKey;
use serde_json::json;

use crate::document::document;
use crate::sql::query;
use crate::store::Tx;
use crate::{Actor, AuditEvent, Document, Store, StoreError};

/// A dataset as a connection knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetLink {
    /// What the link is called; unlike any other link's key.
    pub key: String,
    /// Key of the dataset.
    pub dataset: String,
}

/// What becomes of links that a list of links does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherLinks {
    /// They stay.
    Keep,
    /// They go; the datasets stay.
    Remove,
}

impl Store {
    /// Links datasets to a connection, all or none.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a dataset that is not there; [`StoreError::Conflict`] if a link's
    /// key belongs to another connection.
    pub async fn dataset_link_put(
        &self,
        connection: &ConnectionKey,
        (links, others): (&[DatasetLink], OtherLinks),
        actor: Actor,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        if others == OtherLinks::Remove {
            self.dataset_link_keep_in(&mut tx, (connection, links), &actor).await?;
        }
        for link in links {
            self.dataset_link_in(&mut tx, (connection, link), actor.clone()).await?;
        }
        tx.commit().await
    }

    /// Removes the links of a connection that are not among `links`.
    async fn dataset_link_keep_in(
        &self,
        tx: &mut Tx,
        (connection, links): (&ConnectionKey, &[DatasetLink]),
        actor: &Actor,
    ) -> Result<(), StoreError> {
        const LIST: &str = "SELECT key, dataset FROM dataset_link WHERE connection = $1 ORDER BY key";
        const REMOVE: &str = "DELETE FROM dataset_link WHERE connection = $1 AND key = $2";
        for row in query(LIST).bind(connection.as_str()).fetch_all(tx.connection()).await? {
            let (key, dataset): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            if links.iter().any(|link| link.key == key) {
                continue;
            }
            query(REMOVE).bind(connection.as_str()).bind(key.as_str()).execute(tx.connection()).await?;
            let event = AuditEvent::new(actor.clone(), "dataset.unlinked", &dataset)
                .with(json!({"connection": connection.as_str(), "link": key}));
            self.audit_enter_in(tx, &event).await?;
        }
        Ok(())
    }

    /// Links a dataset to a connection as part of a larger change. A link that is there already stays.
    pub(crate) async fn dataset_link_in(
        &self,
        tx: &mut Tx,
        (connection, link): (&ConnectionKey, &DatasetLink),
        actor: Actor,
    ) -> Result<(), StoreError> {
        const EXISTS: &str = "SELECT key FROM dataset WHERE key = $1";
        const FIND: &str = "SELECT connection, dataset FROM dataset_link WHERE key = $1";
        const PUT: &str = "INSERT INTO dataset_link (key, connection, dataset, linked_at) VALUES ($1, $2, $3, $4) ON CONFLICT (key) DO UPDATE SET dataset = excluded.dataset, linked_at = excluded.linked_at";
        if query(EXISTS).bind(link.dataset.as_str()).fetch_optional(tx.connection()).await?.is_none() {
            return Err(StoreError::NotFound { what: "dataset", id: link.dataset.clone() });
        }
        let found = query(FIND).bind(link.key.as_str()).fetch_optional(tx.connection()).await?;
        if let Some(row) = found {
            let (of, dataset): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            if of != connection.as_str() {
                return Err(StoreError::Conflict {
                    what: "dataset",
                    id: link.key.clone(),
                    state: format!("linked to connection `{of}`"),
                    needs: "take another key, or remove that link first",
                });
            }
            if dataset == link.dataset {
                return Ok(());
            }
        }
        query(PUT)
            .bind(link.key.as_str())
            .bind(connection.as_str())
            .bind(link.dataset.as_str())
            .bind(self.now())
            .execute(tx.connection())
            .await?;
        let event = AuditEvent::new(actor, "dataset.linked", &link.dataset)
            .with(json!({"connection": connection.as_str(), "link": link.key}));
        self.audit_enter_in(tx, &event).await?;
        Ok(())
    }

    /// The links of a connection by key, each with its dataset.
    pub async fn dataset_link_list(
        &self,
        connection: &ConnectionKey,
    ) -> Result<Vec<(DatasetLink, Document)>, StoreError> {
        const LIST: &str = "SELECT d.key, d.name, d.body, d.created_at, d.updated_at, l.key FROM dataset_link l JOIN dataset d ON d.key = l.dataset WHERE l.connection = $1 ORDER BY l.key";
        let rows = query(LIST).bind(connection.as_str()).fetch_all(&self.inner.reader).await?;
        rows.iter()
            .map(|row| {
                let dataset = document(row)?;
                Ok((DatasetLink { key: row.try_get(5)?, dataset: dataset.key.clone() }, dataset))
            })
            .collect()
    }

    /// The connections that a dataset is linked to.
    pub async fn dataset_connections(&self, dataset: &str) -> Result<Vec<ConnectionKey>, StoreError> {
        const LIST: &str =
            "SELECT DISTINCT connection FROM dataset_link WHERE dataset = $1 ORDER BY connection";
        let rows = query(LIST).bind(dataset).fetch_all(&self.inner.reader).await?;
        let key = |text: String| text.parse().map_err(|_| StoreError::Damaged { what: "a dataset's link" });
        rows.iter().map(|row| key(row.try_get(0)?)).collect()
    }

    /// The connection that has a link of this key.
    pub async fn dataset_link_owner(&self, key: &str) -> Result<Option<ConnectionKey>, StoreError> {
        const FIND: &str = "SELECT connection FROM dataset_link WHERE key = $1";
        let row = query(FIND).bind(key).fetch_optional(&self.inner.reader).await?;
        let Some(row) = row else { return Ok(None) };
        let text: String = row.try_get(0)?;
        text.parse().map(Some).map_err(|_| StoreError::Damaged { what: "a dataset's link" })
    }

    /// Removes one link of a connection together with its dataset, unless another connection has it
    /// too; says whether there was one.
    pub async fn dataset_link_remove(
        &self,
        connection: &ConnectionKey,
        key: &str,
        actor: Actor,
    ) -> Result<bool, StoreError> {
        const FIND: &str = "SELECT dataset FROM dataset_link WHERE connection = $1 AND key = $2";
        const REMOVE: &str = "DELETE FROM dataset_link WHERE connection = $1 AND key = $2";
        let mut tx = self.begin().await?;
        let found = query(FIND).bind(connection.as_str()).bind(key).fetch_optional(tx.connection()).await?;
        let Some(row) = found else { return Ok(false) };
        let dataset: String = row.try_get(0)?;
        query(REMOVE).bind(connection.as_str()).bind(key).execute(tx.connection()).await?;
        let event = AuditEvent::new(actor.clone(), "dataset.unlinked", &dataset)
            .with(json!({"connection": connection.as_str(), "link": key}));
        self.audit_enter_in(&mut tx, &event).await?;
        self.dataset_remove_unlinked_in(&mut tx, &dataset, actor).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Removes all links of a connection as part of its removal; with `Remove` also the datasets that
    /// no other connection has.
    pub(crate) async fn dataset_unlink_in(
        &self,
        tx: &mut Tx,
        (connection, datasets): (&ConnectionKey, OtherLinks),
        actor: Actor,
    ) -> Result<(), StoreError> {
        const FIND: &str = "SELECT DISTINCT dataset FROM dataset_link WHERE connection = $1 ORDER BY dataset";
        const REMOVE: &str = "DELETE FROM dataset_link WHERE connection = $1";
        let rows = query(FIND).bind(connection.as_str()).fetch_all(tx.connection()).await?;
        query(REMOVE).bind(connection.as_str()).execute(tx.connection()).await?;
        for row in rows {
            let dataset: String = row.try_get(0)?;
            let event = AuditEvent::new(actor.clone(), "dataset.unlinked", &dataset)
                .with(json!({"connection": connection.as_str()}));
            self.audit_enter_in(tx, &event).await?;
            if datasets == OtherLinks::Remove {
                self.dataset_remove_unlinked_in(tx, &dataset, actor.clone()).await?;
            }
        }
        Ok(())
    }

    async fn dataset_remove_unlinked_in(
        &self,
        tx: &mut Tx,
        dataset: &str,
        actor: Actor,
    ) -> Result<(), StoreError> {
        const OTHERS: &str = "SELECT key FROM dataset_link WHERE dataset = $1 LIMIT 1";
        if query(OTHERS).bind(dataset).fetch_optional(tx.connection()).await?.is_none() {
            self.dataset_remove_in(tx, dataset, actor).await?;
        }
        Ok(())
    }
}
