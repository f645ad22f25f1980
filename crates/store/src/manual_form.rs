//! What people are asked to bring from places that no program reads.

use jiff::Timestamp;
use model::ConnectionKey;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::sql::{Row, query};
use crate::store::{Tx, time};
use crate::{Actor, AuditEvent, PutMode, Store, StoreError};

/// The form of one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManualForm {
    /// Its id.
    pub id: String,
    /// The connection it belongs to.
    pub connection: ConnectionKey,
    /// What is asked for.
    pub fields: Vec<ManualField>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// One thing that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManualField {
    /// What it is, for whoever brings it.
    pub pii_field: String,
    /// Its name in packages, and in what is sent.
    pub label: String,
    /// What may be brought.
    pub types: Vec<String>,
    /// The categories of what it holds.
    pub data_categories: Vec<String>,
}

impl Store {
    /// Keeps the form of a connection.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] or [`StoreError::Conflict`] as the mode says.
    pub async fn manual_form_put(
        &self,
        (connection, fields): (&ConnectionKey, &[ManualField]),
        mode: PutMode,
        actor: Actor,
    ) -> Result<ManualForm, StoreError> {
        const PUT: &str = "INSERT INTO manual_form (connection, id, fields, created_at, updated_at) VALUES ($1, $2, $3, $4, $4) ON CONFLICT (connection) DO UPDATE SET fields = excluded.fields, updated_at = excluded.updated_at RETURNING connection, id, fields, created_at, updated_at";
        const FIND: &str = "SELECT connection FROM manual_form WHERE connection = $1";
        let mut tx = self.begin().await?;
        let known = query(FIND).bind(connection.as_str()).fetch_optional(tx.connection()).await?;
        mode.check("manual form", connection.as_str(), known.is_some())?;
        let row = query(PUT)
            .bind(connection.as_str())
            .bind(format!("man_{}", self.inner.ids.next_uuid()))
            .bind(json!(fields).to_string())
            .bind(self.now())
            .fetch_one(tx.connection())
            .await?;
        let form = form(&row)?;
        let event = AuditEvent::new(actor, "manual_form.put", connection.as_str());
        self.audit_enter_in(&mut tx, &event.with(json!({"fields": fields.len()}))).await?;
        tx.commit().await?;
        Ok(form)
    }

    /// The form of a connection, if it has one.
    pub async fn manual_form_find(
        &self,
        connection: &ConnectionKey,
    ) -> Result<Option<ManualForm>, StoreError> {
        const FIND: &str =
            "SELECT connection, id, fields, created_at, updated_at FROM manual_form WHERE connection = $1";
        let row = query(FIND).bind(connection.as_str()).fetch_optional(&self.inner.reader).await?;
        row.as_ref().map(form).transpose()
    }

    /// All forms, by connection.
    pub async fn manual_form_list(&self) -> Result<Vec<ManualForm>, StoreError> {
        const LIST: &str =
            "SELECT connection, id, fields, created_at, updated_at FROM manual_form ORDER BY connection";
        query(LIST).fetch_all(&self.inner.reader).await?.iter().map(form).collect()
    }

    /// Removes the form of a connection; says whether there was one.
    pub async fn manual_form_remove(
        &self,
        connection: &ConnectionKey,
        actor: Actor,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        if !self.manual_form_remove_in(&mut tx, connection).await? {
            return Ok(false);
        }
        let event = AuditEvent::new(actor, "manual_form.removed", connection.as_str());
        self.audit_enter_in(&mut tx, &event).await?;
        tx.commit().await?;
        Ok(true)
    }

    pub(crate) async fn manual_form_remove_in(
        &self,
        tx: &mut Tx,
        connection: &ConnectionKey,
    ) -> Result<bool, StoreError> {
        const REMOVE: &str = "DELETE FROM manual_form WHERE connection = $1";
        let removed = query(REMOVE).bind(connection.as_str()).execute(tx.connection()).await?;
        Ok(removed.rows_affected() > 0)
    }
}

fn form(row: &Row) -> Result<ManualForm, StoreError> {
    let damaged = || StoreError::Damaged { what: "a manual form" };
    Ok(ManualForm {
        connection: row.try_get::<String>(0)?.parse().map_err(|_| damaged())?,
        id: row.try_get(1)?,
        fields: serde_json::from_str(&row.try_get::<String>(2)?).map_err(|_| damaged())?,
        created_at: time(row.try_get(3)?)?,
        updated_at: time(row.try_get(4)?)?,
    })
}
