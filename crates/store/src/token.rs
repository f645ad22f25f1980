//! Access tokens, sealed, for all processes of an installation.

use crypto::Secret;
use model::ConnectionKey;
use sqlx::Row as _;

use crate::{Store, StoreError};

impl Store {
    /// Keeps a token, sealed for its connection and slot; the one before is gone. Durable when it
    /// returns: a refresh token that works only once must not be lost.
    pub async fn token_put(
        &self,
        (connection, slot): (&ConnectionKey, &str),
        token: &Secret<Vec<u8>>,
    ) -> Result<(), StoreError> {
        const PUT: &str = "INSERT INTO token (connection, slot, sealed, saved_at) VALUES ($1, $2, $3, $4) ON CONFLICT (connection, slot) DO UPDATE SET sealed = excluded.sealed, saved_at = excluded.saved_at";
        let mut tx = self.begin().await?;
        sqlx::query(PUT)
            .bind(connection.as_str())
            .bind(slot)
            .bind(self.inner.keys.seal(&place(connection.as_str(), slot), token.expose()))
            .bind(self.now())
            .execute(tx.connection())
            .await?;
        tx.commit().await
    }

    /// The token, if there is one.
    pub async fn token_find(
        &self,
        connection: &ConnectionKey,
        slot: &str,
    ) -> Result<Option<Secret<Vec<u8>>>, StoreError> {
        const FIND: &str = "SELECT sealed FROM token WHERE connection = $1 AND slot = $2";
        let row =
            sqlx::query(FIND).bind(connection.as_str()).bind(slot).fetch_optional(&self.inner.reader).await?;
        let Some(row) = row else { return Ok(None) };
        let sealed: Vec<u8> = row.try_get(0)?;
        let plain = self.inner.keys.open(&place(connection.as_str(), slot), &sealed);
        plain.map(Some).map_err(|source| StoreError::Sealed { what: "a token", source })
    }
}

/// The place that a token is bound to. Keys have no `|`.
pub(crate) fn place(connection: &str, slot: &str) -> Vec<u8> {
    format!("token|{connection}|{slot}").into_bytes()
}
