//! Entries of the taxonomy that a customer made, or put in the place of default ones.

use serde_json::json;

use crate::document::document;
use crate::sql::query;
use crate::store::Tx;
use crate::{Actor, AuditEvent, Document, Put, PutMode, Store, StoreError};

/// What an entry of the taxonomy describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaxonomyKind {
    /// Which data it is.
    DataCategory,
    /// What data is used for.
    DataUse,
    /// Whom data is about.
    DataSubject,
    /// Whose data it is.
    Organization,
}

impl TaxonomyKind {
    /// Its name in the database and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DataCategory => "data_category",
            Self::DataUse => "data_use",
            Self::DataSubject => "data_subject",
            Self::Organization => "organization",
        }
    }
}

/// An entry to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTaxonomyEntry {
    /// Its key.
    pub key: String,
    /// Its name for people; empty if it has none.
    pub name: String,
    /// The document, JSON.
    pub body: String,
}

/// What an entry is used by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaxonomyUser {
    /// An entry below it.
    Entry(String),
    /// A dataset, by its key.
    Dataset(String),
    /// A target of a rule.
    Target {
        /// Key of the policy.
        policy: String,
        /// Key of the rule.
        rule: String,
    },
}

/// What removing an entry did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaxonomyRemoval {
    /// It is gone.
    Removed,
    /// There was none.
    Absent,
    /// It stays: something needs it.
    InUse(TaxonomyUser),
}

impl Store {
    /// Keeps entries, all or none.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if one exists where it should not; [`StoreError::NotFound`] if one should
    /// exist and does not.
    pub async fn taxonomy_put(
        &self,
        kind: TaxonomyKind,
        (entries, mode): (&[NewTaxonomyEntry], PutMode),
        actor: Actor,
    ) -> Result<Vec<Put>, StoreError> {
        const FIND: &str = "SELECT created_at FROM taxonomy WHERE kind = $1 AND key = $2";
        const PUT: &str = "INSERT INTO taxonomy (kind, key, name, body, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (kind, key) DO UPDATE SET name = excluded.name, body = excluded.body, updated_at = excluded.updated_at";
        let mut tx = self.begin().await?;
        let mut puts = Vec::with_capacity(entries.len());
        for new in entries {
            let (kind, key) = (kind.as_str(), new.key.as_str());
            let found = query(FIND).bind(kind).bind(key).fetch_optional(tx.connection()).await?;
            puts.push(mode.check("entry of the taxonomy", key, found.is_some())?);
            query(PUT)
                .bind(kind)
                .bind(key)
                .bind(new.name.as_str())
                .bind(new.body.as_str())
                .bind(self.now())
                .execute(tx.connection())
                .await?;
            let event = AuditEvent::new(actor.clone(), "taxonomy.put", key)
                .with(json!({"kind": kind, "sha256": crypto::hex(&crypto::sha256(new.body.as_bytes()))}));
            self.audit_enter_in(&mut tx, &event).await?;
        }
        tx.commit().await?;
        Ok(puts)
    }

    /// All entries of a kind that are kept, by key.
    pub async fn taxonomy_list(&self, kind: TaxonomyKind) -> Result<Vec<Document>, StoreError> {
        const LIST: &str =
            "SELECT key, name, body, created_at, updated_at FROM taxonomy WHERE kind = $1 ORDER BY key";
        let rows = query(LIST).bind(kind.as_str()).fetch_all(&self.inner.reader).await?;
        rows.iter().map(document).collect()
    }

    /// The keys of all entries of a kind that are kept.
    pub async fn taxonomy_keys(&self, kind: TaxonomyKind) -> Result<Vec<String>, StoreError> {
        const LIST: &str = "SELECT key FROM taxonomy WHERE kind = $1 ORDER BY key";
        let rows = query(LIST).bind(kind.as_str()).fetch_all(&self.inner.reader).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    /// Removes an entry that nothing needs.
    pub async fn taxonomy_remove(
        &self,
        (kind, key): (TaxonomyKind, &str),
        actor: Actor,
    ) -> Result<TaxonomyRemoval, StoreError> {
        const REMOVE: &str = "DELETE FROM taxonomy WHERE kind = $1 AND key = $2";
        let mut tx = self.begin().await?;
        let removed = query(REMOVE).bind(kind.as_str()).bind(key).execute(tx.connection()).await?;
        if removed.rows_affected() == 0 {
            return Ok(TaxonomyRemoval::Absent);
        }
        // Looked for after the row is taken; without a commit it stays.
        if let Some(user) = taxonomy_user(&mut tx, kind, key).await? {
            return Ok(TaxonomyRemoval::InUse(user));
        }
        let event = AuditEvent::new(actor, "taxonomy.removed", key).with(json!({"kind": kind.as_str()}));
        self.audit_enter_in(&mut tx, &event).await?;
        tx.commit().await?;
        Ok(TaxonomyRemoval::Removed)
    }
}

/// The first thing found that needs an entry.
async fn taxonomy_user(
    tx: &mut Tx,
    kind: TaxonomyKind,
    key: &str,
) -> Result<Option<TaxonomyUser>, StoreError> {
    const BELOW: &str = "SELECT key FROM taxonomy WHERE kind = $1 AND SUBSTR(key, 1, CAST($3 AS INTEGER)) = $2 ORDER BY key LIMIT 1";
    const DATASET: &str = "SELECT dataset FROM dataset_category WHERE category = $1 ORDER BY dataset LIMIT 1";
    const TARGET: &str = "SELECT policy_rule.policy, policy_rule.key FROM policy_target JOIN policy_rule ON policy_rule.key = policy_target.rule WHERE data_category = $1 ORDER BY policy_target.key LIMIT 1";
    let beginning = format!("{key}.");
    let length = i64::try_from(beginning.chars().count()).unwrap_or(i64::MAX);
    let below = query(BELOW).bind(kind.as_str()).bind(beginning).bind(length);
    if let Some(row) = below.fetch_optional(tx.connection()).await? {
        return Ok(Some(TaxonomyUser::Entry(row.try_get(0)?)));
    }
    match kind {
        TaxonomyKind::DataCategory => {}
        TaxonomyKind::DataUse | TaxonomyKind::DataSubject | TaxonomyKind::Organization => return Ok(None),
    }
    if let Some(row) = query(DATASET).bind(key).fetch_optional(tx.connection()).await? {
        return Ok(Some(TaxonomyUser::Dataset(row.try_get(0)?)));
    }
    let row = query(TARGET).bind(key).fetch_optional(tx.connection()).await?;
    row.map(|row| Ok(TaxonomyUser::Target { policy: row.try_get(0)?, rule: row.try_get(1)? })).transpose()
}
