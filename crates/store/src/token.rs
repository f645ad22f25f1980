//! Access tokens, sealed, for all processes of an installation.

use crypto::Secret;
use model::ConnectionKey;

use crate::lease::lease_check;
use crate::sql::{Row, query};
use crate::store::Tx;
use crate::{NamedLease, Store, StoreError};

impl Store {
    /// Keeps a token, sealed for its connection and slot; the one before is gone. Durable when it
    /// returns: a refresh token that works only once must not be lost.
    pub async fn token_put(
        &self,
        (connection, slot): (&ConnectionKey, &str),
        token: &Secret<Vec<u8>>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        self.token_put_in(&mut tx, (connection, slot), token).await?;
        tx.commit().await
    }

    /// The same by whoever holds the lease under which it was got.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if somebody else has had the lease since.
    pub async fn token_put_held(
        &self,
        lease: &NamedLease,
        place: (&ConnectionKey, &str),
        token: &Secret<Vec<u8>>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        lease_check(&mut tx, lease).await?;
        self.token_put_in(&mut tx, place, token).await?;
        tx.commit().await
    }

    /// The same by one who may have lost the lease: only if `before` is what is kept still, so that a
    /// refresh token that works only once is neither lost nor put in place of a newer one. Whether it
    /// was kept.
    pub async fn token_replace(
        &self,
        (connection, slot): (&ConnectionKey, &str),
        before: Option<&Secret<Vec<u8>>>,
        token: &Secret<Vec<u8>>,
    ) -> Result<bool, StoreError> {
        // Holds the token's row, if there is one, until the transaction ends.
        const FIND: &str =
            "UPDATE token SET slot = slot WHERE connection = $1 AND slot = $2 RETURNING sealed";
        const FIRST: &str = "INSERT INTO token (connection, slot, sealed, saved_at) VALUES ($1, $2, $3, $4) ON CONFLICT (connection, slot) DO NOTHING";
        let mut tx = self.begin().await?;
        let row = query(FIND).bind(connection.as_str()).bind(slot).fetch_optional(tx.connection()).await?;
        let kept = match (row, before) {
            (Some(row), Some(before)) => {
                let same = self.token_open((connection, slot), &row)?.expose() == before.expose();
                if same {
                    self.token_put_in(&mut tx, (connection, slot), token).await?;
                }
                same
            }
            (None, None) => {
                let put = query(FIRST)
                    .bind(connection.as_str())
                    .bind(slot)
                    .bind(self.inner.keys.seal(&place(connection.as_str(), slot), token.expose()))
                    .bind(self.now())
                    .execute(tx.connection())
                    .await?;
                put.rows_affected() > 0
            }
            (Some(_), None) | (None, Some(_)) => false,
        };
        tx.commit().await?;
        Ok(kept)
    }

    async fn token_put_in(
        &self,
        tx: &mut Tx,
        (connection, slot): (&ConnectionKey, &str),
        token: &Secret<Vec<u8>>,
    ) -> Result<(), StoreError> {
        const PUT: &str = "INSERT INTO token (connection, slot, sealed, saved_at) VALUES ($1, $2, $3, $4) ON CONFLICT (connection, slot) DO UPDATE SET sealed = excluded.sealed, saved_at = excluded.saved_at";
        query(PUT)
            .bind(connection.as_str())
            .bind(slot)
            .bind(self.inner.keys.seal(&place(connection.as_str(), slot), token.expose()))
            .bind(self.now())
            .execute(tx.connection())
            .await?;
        Ok(())
    }

    /// The token, if there is one.
    pub async fn token_find(
        &self,
        connection: &ConnectionKey,
        slot: &str,
    ) -> Result<Option<Secret<Vec<u8>>>, StoreError> {
        const FIND: &str = "SELECT sealed FROM token WHERE connection = $1 AND slot = $2";
        let row = query(FIND).bind(connection.as_str()).bind(slot).fetch_optional(&self.inner.reader).await?;
        row.map(|row| self.token_open((connection, slot), &row)).transpose()
    }

    fn token_open(
        &self,
        (connection, slot): (&ConnectionKey, &str),
        row: &Row,
    ) -> Result<Secret<Vec<u8>>, StoreError> {
        let sealed: Vec<u8> = row.try_get(0)?;
        let plain = self.inner.keys.open(&place(connection.as_str(), slot), &sealed);
        plain.map_err(|source| StoreError::Sealed { what: "a token", source })
    }
}

/// The place that a token is bound to. Keys have no `|`.
pub(crate) fn place(connection: &str, slot: &str) -> Vec<u8> {
    format!("token|{connection}|{slot}").into_bytes()
}
