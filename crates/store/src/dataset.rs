use model::ConnectionKey;
use serde_json::json;

use crate::document::document;
use crate::listed::containing;
use crate::sql::query;
use crate::store::{Tx, count, signed};
use crate::{Actor, AuditEvent, Document, Listed, Put, PutMode, Store, StoreError, Window};

mod link;

pub use link::{DatasetLink, OtherLinks};

/// A dataset to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDataset {
    /// Its key.
    pub key: String,
    /// Its name for people; empty if it has none.
    pub name: String,
    /// The document, JSON.
    pub body: String,
    /// The categories used anywhere in it.
    pub categories: Vec<String>,
}

/// Which datasets.
#[derive(Debug, Clone, Copy, Default)]
pub struct DatasetFilter<'a> {
    /// Those with this text in key or name, whatever the case.
    pub search: Option<&'a str>,
    /// Those of one connection.
    pub connection: Option<&'a ConnectionKey>,
    /// Those that use one of these categories; empty: all.
    pub categories: &'a [String],
    /// By their links.
    pub links: DatasetLinks,
    /// Those of no connection of this type.
    pub not_of_type: Option<&'a str>,
}

/// Which datasets, by their links.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DatasetLinks {
    /// Whether linked or not.
    #[default]
    Any,
    /// Those without a link.
    None,
}

impl Store {
    /// Keeps a dataset, and links it to a connection under its own key if one is given.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the key belongs to another connection, or exists where it should
    /// not; [`StoreError::NotFound`] if it should exist and does not.
    pub async fn dataset_put(
        &self,
        (new, mode): (&NewDataset, PutMode),
        connection: Option<&ConnectionKey>,
        actor: Actor,
    ) -> Result<Put, StoreError> {
        let mut tx = self.begin().await?;
        let put = self.dataset_put_in(&mut tx, (new, mode), actor.clone()).await?;
        if let Some(connection) = connection {
            let link = DatasetLink { key: new.key.clone(), dataset: new.key.clone() };
            self.dataset_link_in(&mut tx, (connection, &link), actor).await?;
        }
        tx.commit().await?;
        Ok(put)
    }

    /// The same for several, without links: all or none.
    pub async fn dataset_put_all(&self, new: &[NewDataset], actor: Actor) -> Result<Vec<Put>, StoreError> {
        let mut tx = self.begin().await?;
        let mut puts = Vec::with_capacity(new.len());
        for new in new {
            puts.push(self.dataset_put_in(&mut tx, (new, PutMode::Upsert), actor.clone()).await?);
        }
        tx.commit().await?;
        Ok(puts)
    }

    /// Keeps a dataset as part of a larger change.
    pub(crate) async fn dataset_put_in(
        &self,
        tx: &mut Tx,
        (new, mode): (&NewDataset, PutMode),
        actor: Actor,
    ) -> Result<Put, StoreError> {
        const FIND: &str = "SELECT created_at FROM dataset WHERE key = $1";
        const PUT: &str = "INSERT INTO dataset (key, name, body, created_at, updated_at) VALUES ($1, $2, $3, $4, $4) ON CONFLICT (key) DO UPDATE SET name = excluded.name, body = excluded.body, updated_at = excluded.updated_at";
        const FORGET: &str = "DELETE FROM dataset_category WHERE dataset = $1";
        const CATEGORY: &str =
            "INSERT INTO dataset_category (dataset, category) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        let found = query(FIND).bind(new.key.as_str()).fetch_optional(tx.connection()).await?;
        let put = mode.check("dataset", &new.key, found.is_some())?;
        query(PUT)
            .bind(new.key.as_str())
            .bind(new.name.as_str())
            .bind(new.body.as_str())
            .bind(self.now())
            .execute(tx.connection())
            .await?;
        query(FORGET).bind(new.key.as_str()).execute(tx.connection()).await?;
        for category in &new.categories {
            query(CATEGORY).bind(new.key.as_str()).bind(category.as_str()).execute(tx.connection()).await?;
        }
        let event = AuditEvent::new(actor, "dataset.put", &new.key)
            .with(json!({"sha256": crypto::hex(&crypto::sha256(new.body.as_bytes()))}));
        self.audit_enter_in(tx, &event).await?;
        Ok(put)
    }

    /// The dataset of a key, if there is one.
    pub async fn dataset_find(&self, key: &str) -> Result<Option<Document>, StoreError> {
        const FIND: &str = "SELECT key, name, body, created_at, updated_at FROM dataset WHERE key = $1";
        let row = query(FIND).bind(key).fetch_optional(&self.inner.reader).await?;
        row.as_ref().map(document).transpose()
    }

    /// Datasets by key.
    pub async fn dataset_list(
        &self,
        filter: DatasetFilter<'_>,
        window: Window,
    ) -> Result<Listed<Document>, StoreError> {
        // A list of categories is one text, `|a||b|`: what is taken out of it was in it.
        macro_rules! fits {
            ($select:literal, $end:literal) => {
                concat!(
                    "SELECT ",
                    $select,
                    " FROM dataset d WHERE (CAST($1 AS TEXT) IS NULL OR LOWER(d.key) LIKE $1 ESCAPE '\\' ",
                    "OR LOWER(d.name) LIKE $1 ESCAPE '\\') ",
                    "AND (CAST($2 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM dataset_link l ",
                    "WHERE l.dataset = d.key AND l.connection = $2)) ",
                    "AND ($3 = '' OR EXISTS (SELECT 1 FROM dataset_category c WHERE c.dataset = d.key ",
                    "AND REPLACE($3, '|' || c.category || '|', '') <> $3)) ",
                    "AND ($4 = 'any' OR NOT EXISTS (SELECT 1 FROM dataset_link l WHERE l.dataset = d.key)) ",
                    "AND ($5 = '' OR NOT EXISTS (SELECT 1 FROM dataset_link l JOIN connection c ON c.key = l.connection ",
                    "WHERE l.dataset = d.key AND c.connection_type = $5))",
                    $end
                )
            };
        }
        const COUNT: &str = fits!("COUNT(*)", "");
        const LIST: &str =
            fits!("d.key, d.name, d.body, d.created_at, d.updated_at", " ORDER BY d.key LIMIT $6 OFFSET $7");
        let search = filter.search.map(containing);
        let connection = filter.connection.map(ConnectionKey::as_str);
        let categories: String = filter.categories.iter().flat_map(|one| ["|", one, "|"]).collect();
        let links = match filter.links {
            DatasetLinks::Any => "any",
            DatasetLinks::None => "none",
        };
        let bound = |text| {
            query(text)
                .bind(search.as_deref())
                .bind(connection)
                .bind(categories.as_str())
                .bind(links)
                .bind(filter.not_of_type.unwrap_or_default())
        };
        let total = count(bound(COUNT).fetch_one(&self.inner.reader).await?.try_get(0)?)?;
        let rows = bound(LIST)
            .bind(i64::from(window.limit))
            .bind(signed(window.offset))
            .fetch_all(&self.inner.reader)
            .await?;
        Ok(Listed { items: rows.iter().map(document).collect::<Result<_, _>>()?, total })
    }

    /// Removes a dataset and its links; says whether there was one.
    pub async fn dataset_remove(&self, key: &str, actor: Actor) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let removed = self.dataset_remove_in(&mut tx, key, actor).await?;
        tx.commit().await?;
        Ok(removed)
    }

    /// The same as part of a larger change.
    pub(crate) async fn dataset_remove_in(
        &self,
        tx: &mut Tx,
        key: &str,
        actor: Actor,
    ) -> Result<bool, StoreError> {
        const UNLINK: &str = "DELETE FROM dataset_link WHERE dataset = $1";
        const FORGET: &str = "DELETE FROM dataset_category WHERE dataset = $1";
        const REMOVE: &str = "DELETE FROM dataset WHERE key = $1";
        for statement in [UNLINK, FORGET] {
            query(statement).bind(key).execute(tx.connection()).await?;
        }
        let removed = query(REMOVE).bind(key).execute(tx.connection()).await?.rows_affected() > 0;
        if removed {
            self.audit_enter_in(tx, &AuditEvent::new(actor, "dataset.removed", key)).await?;
        }
        Ok(removed)
    }
}
