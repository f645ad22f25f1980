//! Self-hosted connectors: processes elsewhere that ask for work (baton §13, governance §3).

mod assertion;
mod contact;
mod credential;
mod finish;
mod id;
mod lease;
mod log;
mod reseal;
mod schedule;
mod task;
mod upload;

use jiff::Timestamp;
use model::ConnectionKey;
use serde_json::json;

use crate::sql::{Row, query};
use crate::store::{Tx, time, time_or_none};
use crate::{Actor, AuditEvent, Store, StoreError};

pub use assertion::{BatonAssertionTaken, ShownBatonAssertion};
pub use contact::{BatonContact, BatonHost};
pub use credential::{BatonCredential, NewBatonCredential};
pub use finish::{BatonTaskEnd, BatonTaskEnded, FinishedBatonTask};
pub use id::{BatonConnectorId, BatonCredentialId, BatonTaskId};
pub use lease::{BatonAsk, BatonHeartbeat};
pub use log::BatonLogLine;
pub use task::{BatonTask, BatonTaskState, LeasedBatonTask, NewBatonTask};
pub use upload::{BatonCounts, BatonUpload, BatonUploadState, NewBatonUpload};

/// A self-hosted connector as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatonConnector {
    /// Its id.
    pub id: BatonConnectorId,
    /// The connection that it fills.
    pub connection: ConnectionKey,
    /// What it calls itself (governance CON-16).
    pub display_name: Option<String>,
    /// What it can do, as JSON of its last Hello.
    pub capabilities: Option<String>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When a process of it was first heard of.
    pub first_seen_at: Option<Timestamp>,
    /// Since when it gets no work.
    pub paused_at: Option<Timestamp>,
    /// Why it gets none.
    pub paused_reason: Option<String>,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, connection, display_name, capabilities, created_at, first_seen_at, paused_at, paused_reason ",
            "FROM baton_connector ",
            $rest
        )
    };
}

impl Store {
    /// Registers a self-hosted connector for a connection; if there is one already, it is that one.
    pub async fn baton_connector_register(
        &self,
        id: &BatonConnectorId,
        connection: &ConnectionKey,
        actor: Actor,
    ) -> Result<BatonConnector, StoreError> {
        const INSERT: &str = "INSERT INTO baton_connector (id, connection, created_at) VALUES ($1, $2, $3) ON CONFLICT (connection) DO NOTHING";
        const FIND: &str = select!("WHERE connection = $1");
        let mut tx = self.begin().await?;
        let made = query(INSERT)
            .bind(id.as_str())
            .bind(connection.as_str())
            .bind(self.now())
            .execute(tx.connection())
            .await?;
        if made.rows_affected() > 0 {
            let event = AuditEvent::new(actor, "baton_connector.registered", id.as_str());
            let event = event.with(json!({"connection": connection.as_str()}));
            self.audit_enter_in(&mut tx, &event).await?;
            self.baton_sync_register_in(&mut tx, connection).await?;
        }
        let row = query(FIND).bind(connection.as_str()).fetch_one(tx.connection()).await?;
        tx.commit().await?;
        connector(&row)
    }

    /// The self-hosted connector, if there is one.
    pub async fn baton_connector_find(
        &self,
        id: &BatonConnectorId,
    ) -> Result<Option<BatonConnector>, StoreError> {
        const FIND: &str = select!("WHERE id = $1");
        let row = query(FIND).bind(id.as_str()).fetch_optional(&self.inner.reader).await?;
        row.as_ref().map(connector).transpose()
    }

    /// The self-hosted connector of a connection, if it has one.
    pub async fn baton_connector_of(
        &self,
        connection: &ConnectionKey,
    ) -> Result<Option<BatonConnector>, StoreError> {
        const FIND: &str = select!("WHERE connection = $1");
        let row = query(FIND).bind(connection.as_str()).fetch_optional(&self.inner.reader).await?;
        row.as_ref().map(connector).transpose()
    }

    /// Stops giving work to a connector; whether it was not stopped before (governance CON-25).
    pub async fn baton_connector_pause(
        &self,
        id: &BatonConnectorId,
        reason: &str,
        actor: Actor,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let paused = self.baton_pause_in(&mut tx, id, (reason, actor)).await?;
        tx.commit().await?;
        Ok(paused)
    }

    /// The same as part of a larger change.
    pub(crate) async fn baton_pause_in(
        &self,
        tx: &mut Tx,
        id: &BatonConnectorId,
        (reason, actor): (&str, Actor),
    ) -> Result<bool, StoreError> {
        const PAUSE: &str = "UPDATE baton_connector SET paused_at = $2, paused_reason = $3 WHERE id = $1 AND paused_at IS NULL";
        let changed =
            query(PAUSE).bind(id.as_str()).bind(self.now()).bind(reason).execute(tx.connection()).await?;
        if changed.rows_affected() > 0 {
            self.audit_enter_in(tx, &AuditEvent::new(actor, "baton_connector.paused", id.as_str())).await?;
        }
        Ok(changed.rows_affected() > 0)
    }

    /// Gives work to a connector again; whether it was stopped.
    pub async fn baton_connector_resume(
        &self,
        id: &BatonConnectorId,
        actor: Actor,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let resumed = self.baton_resume_in(&mut tx, id, actor).await?;
        tx.commit().await?;
        Ok(resumed)
    }

    pub(crate) async fn baton_resume_in(
        &self,
        tx: &mut Tx,
        id: &BatonConnectorId,
        actor: Actor,
    ) -> Result<bool, StoreError> {
        const RESUME: &str = "UPDATE baton_connector SET paused_at = NULL, paused_reason = NULL WHERE id = $1 AND paused_at IS NOT NULL RETURNING connection";
        let Some(row) = query(RESUME).bind(id.as_str()).fetch_optional(tx.connection()).await? else {
            return Ok(false);
        };
        let connection = connection_at(&row, 0)?;
        self.access_ends_hasten_in(tx, &connection).await?;
        self.audit_enter_in(tx, &AuditEvent::new(actor, "baton_connector.resumed", id.as_str())).await?;
        Ok(true)
    }
}

fn connection_at(row: &Row, place: usize) -> Result<ConnectionKey, StoreError> {
    let connection: String = row.try_get(place)?;
    connection.parse().map_err(|_| StoreError::Damaged { what: "the connection of a self-hosted connector" })
}

fn connector(row: &Row) -> Result<BatonConnector, StoreError> {
    Ok(BatonConnector {
        id: BatonConnectorId::kept(row.try_get(0)?),
        connection: connection_at(row, 1)?,
        display_name: row.try_get(2)?,
        capabilities: row.try_get(3)?,
        created_at: time(row.try_get(4)?)?,
        first_seen_at: time_or_none(row.try_get(5)?)?,
        paused_at: time_or_none(row.try_get(6)?)?,
        paused_reason: row.try_get(7)?,
    })
}
