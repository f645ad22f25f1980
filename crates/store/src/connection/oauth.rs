use crypto::Secret;
use jiff::Timestamp;
use model::ConnectionKey;

use crate::sql::query;
use crate::store::{Tx, time_or_none};
use crate::{Actor, AuditEvent, Store, StoreError};

/// How calls of a web hook get their access token, and the one that they got last.
#[derive(Debug)]
pub struct WebHookGrant {
    /// The document, JSON text.
    pub document: Secret<String>,
    /// The token, if there is one.
    pub token: Option<WebHookToken>,
    /// The document as it is kept.
    sealed: Vec<u8>,
}

/// An access token for calls of a web hook.
#[derive(Debug)]
pub struct WebHookToken {
    /// The token.
    pub token: Secret<String>,
    /// When it ends, if that was said.
    pub expires_at: Option<Timestamp>,
}

impl Store {
    /// Keeps how calls of a web hook get their access token, JSON text; what was kept before is gone.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such connection.
    pub async fn connection_oauth_put(
        &self,
        connection: &ConnectionKey,
        document: &Secret<String>,
        actor: Actor,
    ) -> Result<(), StoreError> {
        const HOLD: &str = "UPDATE connection SET updated_at = $2 WHERE key = $1";
        const PUT: &str = "INSERT INTO connection_oauth (connection, sealed) VALUES ($1, $2) ON CONFLICT (connection) DO UPDATE SET sealed = excluded.sealed, sealed_token = NULL, token_expires_at = NULL";
        let mut tx = self.begin().await?;
        let held = query(HOLD).bind(connection.as_str()).bind(self.now()).execute(tx.connection()).await?;
        if held.rows_affected() == 0 {
            return Err(StoreError::NotFound { what: "connection", id: connection.to_string() });
        }
        let sealed = self.inner.keys.seal(&place(connection.as_str()), document.expose().as_bytes());
        query(PUT).bind(connection.as_str()).bind(sealed).execute(tx.connection()).await?;
        let event = AuditEvent::new(actor, "connection.oauth_put", connection.as_str());
        self.audit_enter_in(&mut tx, &event).await?;
        tx.commit().await
    }

    /// What is kept, if anything.
    pub async fn connection_oauth_find(
        &self,
        connection: &ConnectionKey,
    ) -> Result<Option<Secret<String>>, StoreError> {
        Ok(self.connection_oauth_grant(connection).await?.map(|grant| grant.document))
    }

    /// The same, with the token that was kept with it.
    pub async fn connection_oauth_grant(
        &self,
        connection: &ConnectionKey,
    ) -> Result<Option<WebHookGrant>, StoreError> {
        const FIND: &str =
            "SELECT sealed, sealed_token, token_expires_at FROM connection_oauth WHERE connection = $1";
        let row = query(FIND).bind(connection.as_str()).fetch_optional(&self.inner.reader).await?;
        let Some(row) = row else { return Ok(None) };
        let (sealed, token): (Vec<u8>, Option<Vec<u8>>) = (row.try_get(0)?, row.try_get(1)?);
        let document = self.oauth_open(&place(connection.as_str()), &sealed)?;
        let token = token.map(|sealed| self.oauth_open(&token_place(connection.as_str()), &sealed));
        let expires_at = time_or_none(row.try_get(2)?)?;
        let token = token.transpose()?.map(|token| WebHookToken { token, expires_at });
        Ok(Some(WebHookGrant { document, token, sealed }))
    }

    /// Keeps a token, unless it was got in a way that is not the one of the connection any more.
    pub async fn connection_oauth_token_put(
        &self,
        connection: &ConnectionKey,
        grant: &WebHookGrant,
        token: &WebHookToken,
    ) -> Result<(), StoreError> {
        const PUT: &str = "UPDATE connection_oauth SET sealed_token = $3, token_expires_at = $4 WHERE connection = $1 AND sealed = $2";
        let place = token_place(connection.as_str());
        let mut tx = self.begin().await?;
        query(PUT)
            .bind(connection.as_str())
            .bind(grant.sealed.as_slice())
            .bind(self.inner.keys.seal(&place, token.token.expose().as_bytes()))
            .bind(token.expires_at.map(Timestamp::as_microsecond))
            .execute(tx.connection())
            .await?;
        tx.commit().await
    }

    fn oauth_open(&self, place: &[u8], sealed: &[u8]) -> Result<Secret<String>, StoreError> {
        let plain = self
            .inner
            .keys
            .open(place, sealed)
            .map_err(|source| StoreError::Sealed { what: "how a web hook gets its token", source })?;
        let text = String::from_utf8(plain.expose().clone());
        let text = text.map_err(|_| StoreError::Damaged { what: "how a web hook gets its token" })?;
        Ok(Secret::new(text))
    }

    /// Forgets it; says whether there was anything.
    pub async fn connection_oauth_remove(
        &self,
        connection: &ConnectionKey,
        actor: Actor,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let removed = self.connection_oauth_remove_in(&mut tx, connection).await?;
        if removed {
            let event = AuditEvent::new(actor, "connection.oauth_removed", connection.as_str());
            self.audit_enter_in(&mut tx, &event).await?;
        }
        tx.commit().await?;
        Ok(removed)
    }

    /// The same as part of a larger change.
    pub(super) async fn connection_oauth_remove_in(
        &self,
        tx: &mut Tx,
        connection: &ConnectionKey,
    ) -> Result<bool, StoreError> {
        const REMOVE: &str = "DELETE FROM connection_oauth WHERE connection = $1";
        let removed = query(REMOVE).bind(connection.as_str()).execute(tx.connection()).await?;
        Ok(removed.rows_affected() > 0)
    }

    /// Brings what is kept under the current master key; says how many there were.
    pub(crate) async fn reseal_connection_oauth(&self, tx: &mut Tx) -> Result<u64, StoreError> {
        const LIST: &str = "SELECT connection, sealed, sealed_token FROM connection_oauth";
        const PUT: &str = "UPDATE connection_oauth SET sealed = $2, sealed_token = $3 WHERE connection = $1";
        let mut changed = 0;
        for row in query(LIST).fetch_all(tx.connection()).await? {
            let (connection, sealed): (String, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
            let token: Option<Vec<u8>> = row.try_get(2)?;
            let new = self.inner.keys.reseal(&place(&connection), &sealed)?;
            let new_token = match &token {
                Some(token) => self.inner.keys.reseal(&token_place(&connection), token)?,
                None => None,
            };
            if new.is_none() && new_token.is_none() {
                continue;
            }
            query(PUT)
                .bind(connection)
                .bind(new.unwrap_or(sealed))
                .bind(new_token.or(token))
                .execute(tx.connection())
                .await?;
            changed += 1;
        }
        Ok(changed)
    }
}

/// The place that it is bound to.
fn place(connection: &str) -> Vec<u8> {
    format!("connection_oauth|{connection}").into_bytes()
}

/// The place that a token is bound to.
fn token_place(connection: &str) -> Vec<u8> {
    format!("connection_oauth_token|{connection}").into_bytes()
}
