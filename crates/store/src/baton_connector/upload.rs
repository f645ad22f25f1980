use jiff::Timestamp;
use serde_json::json;

use super::{BatonConnectorId, BatonTaskId};
use crate::sql::{Row, query};
use crate::store::{count, signed, time};
use crate::words::text_enum;
use crate::{Actor, AuditEvent, Store, StoreError};

text_enum! {
    /// What became of a file that a connector sent.
    BatonUploadState "the state of an upload" {
        /// It was taken over.
        Accepted = "accepted",
        /// Much was gone from it; a person is to say whether that is so.
        Held = "held",
        /// A person said that it is so.
        Confirmed = "confirmed",
        /// It is no whole sync.
        Refused = "refused",
        /// A log that belongs to the task; nothing of it is kept.
        Debug = "debug",
    }
}

/// How much a sync holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BatonCounts {
    /// Resources.
    pub resources: u64,
    /// Entitlements.
    pub entitlements: u64,
    /// Grants.
    pub grants: u64,
}

/// A file that a connector sent, as far as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatonUpload {
    /// The task it belongs to.
    pub task: BatonTaskId,
    /// Which hand-out of the task.
    pub attempt: u64,
    /// SHA-256 of the file, in hex.
    pub checksum: String,
    /// Its size.
    pub bytes: u64,
    /// What became of it.
    pub state: BatonUploadState,
    /// Why it was held or refused.
    pub reason: Option<String>,
    /// How much it holds.
    pub counts: BatonCounts,
    /// When it came.
    pub uploaded_at: Timestamp,
}

/// A file that has come.
#[derive(Debug, Clone, Copy)]
pub struct NewBatonUpload<'a> {
    /// The task it belongs to.
    pub task: &'a BatonTaskId,
    /// Which hand-out of the task.
    pub attempt: u64,
    /// The connector.
    pub connector: &'a BatonConnectorId,
    /// The process that sent it.
    pub host: &'a str,
    /// SHA-256 of the file, in hex.
    pub checksum: &'a str,
    /// Its size.
    pub bytes: u64,
    /// What becomes of it.
    pub state: BatonUploadState,
    /// Why it is held or refused.
    pub reason: Option<&'a str>,
    /// How much it holds.
    pub counts: BatonCounts,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT task_id, attempt, checksum, bytes, state, reason, resources, entitlements, grants, uploaded_at ",
            "FROM baton_upload ",
            $rest
        )
    };
}

impl Store {
    /// Notes a file and what becomes of it. One that is held pauses the connector (governance CON-24).
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if the task is not in the hands of the sender any more.
    pub async fn baton_upload_put(&self, new: NewBatonUpload<'_>) -> Result<(), StoreError> {
        const HELD: &str = "UPDATE baton_task SET attempts = attempts WHERE id = $1 AND connector_id = $2 AND holder = $3 AND attempts = $4 AND state = 'leased'";
        const PUT: &str = "INSERT INTO baton_upload (task_id, attempt, checksum, connector_id, bytes, state, reason, resources, entitlements, grants, uploaded_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (task_id, attempt, checksum) DO NOTHING";
        let mut tx = self.begin().await?;
        let held = query(HELD)
            .bind(new.task.as_str())
            .bind(new.connector.as_str())
            .bind(new.host)
            .bind(signed(new.attempt))
            .execute(tx.connection())
            .await?;
        if held.rows_affected() == 0 {
            return Err(StoreError::Fenced { what: format!("task {}", new.task) });
        }
        let put = query(PUT)
            .bind(new.task.as_str())
            .bind(signed(new.attempt))
            .bind(new.checksum)
            .bind(new.connector.as_str())
            .bind(signed(new.bytes))
            .bind(new.state.as_str())
            .bind(new.reason)
            .bind(signed(new.counts.resources))
            .bind(signed(new.counts.entitlements))
            .bind(signed(new.counts.grants))
            .bind(self.now())
            .execute(tx.connection())
            .await?;
        let action = match new.state {
            BatonUploadState::Accepted => Some("baton_upload.accepted"),
            BatonUploadState::Held => Some("baton_upload.held"),
            BatonUploadState::Refused => Some("baton_upload.refused"),
            BatonUploadState::Confirmed | BatonUploadState::Debug => None,
        };
        if let Some(action) = action.filter(|_| put.rows_affected() > 0) {
            let details = json!({"connector": new.connector.as_str(), "checksum": new.checksum, "bytes": new.bytes, "reason": new.reason});
            let event = AuditEvent::new(Actor::client(new.connector.as_str()), action, new.task.as_str());
            self.audit_enter_in(&mut tx, &event.with(details)).await?;
            if new.state == BatonUploadState::Held {
                let reason = new.reason.unwrap_or_default();
                if self.baton_pause_in(&mut tx, new.connector, (reason, Actor::system())).await? {
                    self.baton_held_tell(&mut tx, new.connector, (new.task.as_str(), reason)).await?;
                }
            }
        }
        tx.commit().await
    }

    /// A person says that what is gone is gone: the connector gets work again. Whether one was held (governance CON-24).
    pub async fn baton_upload_confirm(
        &self,
        connector: &BatonConnectorId,
        actor: Actor,
    ) -> Result<bool, StoreError> {
        const CONFIRM: &str =
            "UPDATE baton_upload SET state = 'confirmed' WHERE connector_id = $1 AND state = 'held'";
        let mut tx = self.begin().await?;
        let changed = query(CONFIRM).bind(connector.as_str()).execute(tx.connection()).await?;
        if changed.rows_affected() > 0 {
            let event = AuditEvent::new(actor.clone(), "baton_upload.confirmed", connector.as_str());
            self.audit_enter_in(&mut tx, &event).await?;
            self.baton_resume_in(&mut tx, connector, actor).await?;
        }
        tx.commit().await?;
        Ok(changed.rows_affected() > 0)
    }

    /// What was sent for one task, oldest first.
    pub async fn baton_upload_list(&self, task: &BatonTaskId) -> Result<Vec<BatonUpload>, StoreError> {
        const LIST: &str = select!("WHERE task_id = $1 ORDER BY attempt, uploaded_at, checksum LIMIT 100");
        let rows = query(LIST).bind(task.as_str()).fetch_all(&self.inner.reader).await?;
        rows.iter().map(upload).collect()
    }
}

fn upload(row: &Row) -> Result<BatonUpload, StoreError> {
    Ok(BatonUpload {
        task: BatonTaskId::kept(row.try_get(0)?),
        attempt: count(row.try_get(1)?)?,
        checksum: row.try_get(2)?,
        bytes: count(row.try_get(3)?)?,
        state: BatonUploadState::parse(&row.try_get::<String>(4)?)?,
        reason: row.try_get(5)?,
        counts: BatonCounts {
            resources: count(row.try_get(6)?)?,
            entitlements: count(row.try_get(7)?)?,
            grants: count(row.try_get(8)?)?,
        },
        uploaded_at: time(row.try_get(9)?)?,
    })
}
