use crypto::Secret;
use model::ConnectionKey;
use serde_json::json;

use crate::sql::query;
use crate::store::Tx;
use crate::{Actor, AuditEvent, Store, StoreError};

/// One secret to be kept: whose, and what it is called in the connector file.
#[derive(Debug)]
pub struct NewSecret<'a> {
    /// The connection.
    pub connection: &'a ConnectionKey,
    /// The name.
    pub name: &'a str,
    /// The secret.
    pub value: &'a Secret<String>,
    /// Who gave it.
    pub actor: Actor,
}

impl Store {
    /// Keeps a secret, sealed for its connection and name.
    pub async fn vault_put(&self, new: NewSecret<'_>) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        self.vault_put_in(&mut tx, (new.connection, new.name), new.value).await?;
        let event =
            AuditEvent::new(new.actor, "secret.put", new.connection.as_str()).with(json!({"name": new.name}));
        self.audit_enter_in(&mut tx, &event).await?;
        tx.commit().await
    }

    /// Keeps a secret as part of a change, which enters it in the audit log.
    pub(crate) async fn vault_put_in(
        &self,
        tx: &mut Tx,
        (connection, name): (&ConnectionKey, &str),
        value: &Secret<String>,
    ) -> Result<(), StoreError> {
        const PUT: &str = "INSERT INTO vault (connection, name, sealed, fingerprint, put_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (connection, name) DO UPDATE SET sealed = excluded.sealed, fingerprint = excluded.fingerprint, put_at = excluded.put_at";
        let (connection, plain) = (connection.as_str(), value.expose().as_bytes());
        query(PUT)
            .bind(connection)
            .bind(name)
            .bind(self.inner.keys.seal(&place(connection, name), plain))
            .bind(self.secret_fingerprint(connection, name, plain))
            .bind(self.now())
            .execute(tx.connection())
            .await?;
        Ok(())
    }

    /// All secrets of a connection, by name.
    pub async fn vault_open(
        &self,
        connection: &ConnectionKey,
    ) -> Result<Vec<(String, Secret<String>)>, StoreError> {
        const OPEN: &str = "SELECT name, sealed FROM vault WHERE connection = $1 ORDER BY name";
        let rows = query(OPEN).bind(connection.as_str()).fetch_all(&self.inner.reader).await?;
        rows.iter()
            .map(|row| {
                let name: String = row.try_get(0)?;
                let secret = self.vault_unseal((connection, &name), &row.try_get::<Vec<u8>>(1)?)?;
                Ok((name, secret))
            })
            .collect()
    }

    /// The secret, if there is one.
    pub async fn vault_find(
        &self,
        connection: &ConnectionKey,
        name: &str,
    ) -> Result<Option<Secret<String>>, StoreError> {
        const FIND: &str = "SELECT sealed FROM vault WHERE connection = $1 AND name = $2";
        let row = query(FIND).bind(connection.as_str()).bind(name).fetch_optional(&self.inner.reader).await?;
        let Some(row) = row else { return Ok(None) };
        self.vault_unseal((connection, name), &row.try_get::<Vec<u8>>(0)?).map(Some)
    }

    fn vault_unseal(
        &self,
        (connection, name): (&ConnectionKey, &str),
        sealed: &[u8],
    ) -> Result<Secret<String>, StoreError> {
        let plain = self
            .inner
            .keys
            .open(&place(connection.as_str(), name), sealed)
            .map_err(|source| StoreError::Sealed { what: "a secret", source })?;
        let text = String::from_utf8(plain.expose().clone())
            .map_err(|_| StoreError::Damaged { what: "a secret" })?;
        Ok(Secret::new(text))
    }

    /// Names of a connection's secrets, never their values.
    pub async fn vault_list(&self, connection: &ConnectionKey) -> Result<Vec<String>, StoreError> {
        const LIST: &str = "SELECT name FROM vault WHERE connection = $1 ORDER BY name";
        let rows = query(LIST).bind(connection.as_str()).fetch_all(&self.inner.reader).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    /// Removes a connection's secrets, or one of them; says how many there were.
    pub async fn vault_remove(
        &self,
        connection: &ConnectionKey,
        name: Option<&str>,
        actor: Actor,
    ) -> Result<u64, StoreError> {
        const REMOVE: &str = "DELETE FROM vault WHERE connection = $1 AND name = COALESCE($2, name)";
        let mut tx = self.begin().await?;
        let removed = query(REMOVE)
            .bind(connection.as_str())
            .bind(name)
            .execute(tx.connection())
            .await?
            .rows_affected();
        if removed > 0 {
            let event =
                AuditEvent::new(actor, "secret.removed", connection.as_str()).with(json!({"name": name}));
            self.audit_enter_in(&mut tx, &event).await?;
        }
        tx.commit().await?;
        Ok(removed)
    }

    /// A keyed hash over all secrets of a connection: says whether one of them changed, and nothing more.
    pub async fn vault_fingerprint(&self, connection: &ConnectionKey) -> Result<[u8; 32], StoreError> {
        const LIST: &str = "SELECT fingerprint FROM vault WHERE connection = $1 ORDER BY name";
        let rows = query(LIST).bind(connection.as_str()).fetch_all(&self.inner.reader).await?;
        let mut all = Vec::new();
        for row in rows {
            all.extend(row.try_get::<Vec<u8>>(0)?);
        }
        Ok(self.keyed_hash(&all))
    }

    fn secret_fingerprint(&self, connection: &str, name: &str, plain: &[u8]) -> Vec<u8> {
        self.keyed_hash(&[&place(connection, name), plain].concat()).to_vec()
    }
}

/// The place that a secret is bound to. Keys have no `|`.
pub(crate) fn place(connection: &str, name: &str) -> Vec<u8> {
    format!("vault|{connection}|{name}").into_bytes()
}
