use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::{BatonConnectorId, BatonCredentialId};
use crate::sql::{Row, query};
use crate::store::{time, time_or_none};
use crate::task::microseconds;
use crate::{Actor, AuditEvent, Store, StoreError};

/// A credential of a self-hosted connector, without its secret, which nobody keeps (governance CON-15).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatonCredential {
    /// Its id.
    pub id: BatonCredentialId,
    /// Whose it is.
    pub connector: BatonConnectorId,
    /// The client id that was shown with the secret.
    pub client_id: String,
    /// What assertions are checked with.
    pub public_key: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When a token was last got with it.
    pub last_used_at: Option<Timestamp>,
    /// When it ends by itself, as another took its place.
    pub expires_at: Option<Timestamp>,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
}

impl BatonCredential {
    /// Whether it may be used at `now`.
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// A credential to be kept.
#[derive(Debug)]
pub struct NewBatonCredential<'a> {
    /// Its id.
    pub id: &'a BatonCredentialId,
    /// Whose it is.
    pub connector: &'a BatonConnectorId,
    /// The client id.
    pub client_id: &'a str,
    /// What assertions are checked with.
    pub public_key: &'a [u8],
    /// How long those before it stay good.
    pub overlap: Duration,
    /// Who rotates.
    pub actor: Actor,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, connector_id, client_id, public_key, created_at, last_used_at, expires_at, revoked_at ",
            "FROM baton_credential ",
            $rest
        )
    };
}

impl Store {
    /// Keeps a new credential; those before it end after the overlap, unless they end sooner.
    pub async fn baton_credential_rotate(&self, new: NewBatonCredential<'_>) -> Result<(), StoreError> {
        const END: &str = "UPDATE baton_credential SET expires_at = $2 WHERE connector_id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)";
        const INSERT: &str = "INSERT INTO baton_credential (id, connector_id, client_id, public_key, created_at) VALUES ($1, $2, $3, $4, $5)";
        let now = self.now();
        let mut tx = self.begin().await?;
        query(END)
            .bind(new.connector.as_str())
            .bind(now.saturating_add(microseconds(new.overlap)))
            .execute(tx.connection())
            .await?;
        query(INSERT)
            .bind(new.id.as_str())
            .bind(new.connector.as_str())
            .bind(new.client_id)
            .bind(new.public_key.to_vec())
            .bind(now)
            .execute(tx.connection())
            .await?;
        let event = AuditEvent::new(new.actor, "baton_connector.rotated", new.connector.as_str());
        self.audit_enter_in(&mut tx, &event.with(json!({"credential": new.id.as_str()}))).await?;
        tx.commit().await
    }

    /// Takes a credential back at once; whether it was good.
    pub async fn baton_credential_revoke(
        &self,
        connector: &BatonConnectorId,
        id: &BatonCredentialId,
        actor: Actor,
    ) -> Result<bool, StoreError> {
        const REVOKE: &str = "UPDATE baton_credential SET revoked_at = $3 WHERE id = $1 AND connector_id = $2 AND revoked_at IS NULL";
        let mut tx = self.begin().await?;
        let changed = query(REVOKE)
            .bind(id.as_str())
            .bind(connector.as_str())
            .bind(self.now())
            .execute(tx.connection())
            .await?;
        if changed.rows_affected() > 0 {
            let event = AuditEvent::new(actor, "baton_connector.credential_revoked", connector.as_str());
            self.audit_enter_in(&mut tx, &event.with(json!({"credential": id.as_str()}))).await?;
        }
        tx.commit().await?;
        Ok(changed.rows_affected() > 0)
    }

    /// The credential of a client id, good or not.
    pub async fn baton_credential_find(
        &self,
        client_id: &str,
    ) -> Result<Option<BatonCredential>, StoreError> {
        const FIND: &str = select!("WHERE client_id = $1");
        let row = query(FIND).bind(client_id).fetch_optional(&self.inner.reader).await?;
        row.as_ref().map(credential).transpose()
    }

    /// All credentials of a connector, newest first.
    pub async fn baton_credential_list(
        &self,
        connector: &BatonConnectorId,
    ) -> Result<Vec<BatonCredential>, StoreError> {
        const LIST: &str = select!("WHERE connector_id = $1 ORDER BY created_at DESC, id DESC LIMIT 100");
        let rows = query(LIST).bind(connector.as_str()).fetch_all(&self.inner.reader).await?;
        rows.iter().map(credential).collect()
    }

    /// Notes that a token was got with a credential.
    pub async fn baton_credential_used(&self, id: &BatonCredentialId) -> Result<(), StoreError> {
        const USED: &str = "UPDATE baton_credential SET last_used_at = $2 WHERE id = $1";
        let mut tx = self.begin_relaxed().await?;
        query(USED).bind(id.as_str()).bind(self.now()).execute(tx.connection()).await?;
        tx.commit().await
    }
}

fn credential(row: &Row) -> Result<BatonCredential, StoreError> {
    Ok(BatonCredential {
        id: BatonCredentialId::kept(row.try_get(0)?),
        connector: BatonConnectorId::kept(row.try_get(1)?),
        client_id: row.try_get(2)?,
        public_key: row.try_get(3)?,
        created_at: time(row.try_get(4)?)?,
        last_used_at: time_or_none(row.try_get(5)?)?,
        expires_at: time_or_none(row.try_get(6)?)?,
        revoked_at: time_or_none(row.try_get(7)?)?,
    })
}
