//! Programs that use the API.

use std::fmt;

use crypto::AccessToken;
use jiff::Timestamp;
use serde_json::json;

use crate::sql::{Row, query};
use crate::store::{Tx, count, signed, time};
use crate::words::{list_of, list_text};
use crate::{Actor, AuditEvent, Listed, Store, StoreError, Window};

/// Id of a program that uses the API, `cli_` + UUID v7.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientId(String);

impl ClientId {
    /// Takes up an id from outside; `None` for a text that no id can be.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (!text.is_empty() && text.len() <= 64 && text.bytes().all(fits)).then(|| Self(text.to_owned()))
    }

    /// The id's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A client to be made.
#[derive(Debug)]
pub struct NewClient {
    /// What people call it.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// What it may do.
    pub scopes: Vec<String>,
    /// Who makes it.
    pub actor: Actor,
}

/// What is to be changed in a client; `None` stays.
#[derive(Debug, Default)]
pub struct ClientChange {
    /// What people call it.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// What it may do.
    pub scopes: Option<Vec<String>>,
}

/// A program that uses the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Its id.
    pub id: ClientId,
    /// What people call it.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// What it may do.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// What is kept of its secret.
    pub secret_hash: Vec<u8>,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, description, scopes, created_at, updated_at, secret_hash FROM client ",
            $rest
        )
    };
}

impl Store {
    /// Makes a client; the secret is seen this once.
    pub async fn client_create(&self, new: NewClient) -> Result<(Client, AccessToken), StoreError> {
        const INSERT: &str = "INSERT INTO client (id, name, description, scopes, secret_hash, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $6)";
        let id = ClientId(format!("cli_{}", self.inner.ids.next_uuid()));
        let (secret, now) = (AccessToken::random(), self.now());
        let mut tx = self.begin().await?;
        query(INSERT)
            .bind(id.as_str())
            .bind(new.name.as_deref())
            .bind(new.description.as_deref())
            .bind(list_text(&new.scopes))
            .bind(secret.hash().to_vec())
            .bind(now)
            .execute(tx.connection())
            .await?;
        let event = AuditEvent::new(new.actor, "client.created", id.as_str());
        self.audit_enter_in(&mut tx, &event.with(json!({"scopes": new.scopes}))).await?;
        let client = find_in(&mut tx, &id).await?;
        tx.commit().await?;
        Ok((client.ok_or(StoreError::Damaged { what: "a client" })?, secret))
    }

    /// The client, if there is one.
    pub async fn client_find(&self, id: &ClientId) -> Result<Option<Client>, StoreError> {
        let row = query(FIND).bind(id.as_str()).fetch_optional(&self.inner.reader).await?;
        row.map(|row| client(&row)).transpose()
    }

    /// Clients, oldest first.
    pub async fn client_list(&self, window: Window) -> Result<Listed<Client>, StoreError> {
        const LIST: &str = select!("ORDER BY created_at, id LIMIT $1 OFFSET $2");
        const COUNT: &str = "SELECT COUNT(*) FROM client";
        let total = count(query(COUNT).fetch_one(&self.inner.reader).await?.try_get(0)?)?;
        let rows = query(LIST)
            .bind(i64::from(window.limit))
            .bind(signed(window.offset))
            .fetch_all(&self.inner.reader)
            .await?;
        Ok(Listed { items: rows.iter().map(client).collect::<Result<_, _>>()?, total })
    }

    /// Changes a client; `None` if there is none. What its tokens may do changes with it.
    pub async fn client_change(
        &self,
        id: &ClientId,
        change: ClientChange,
        actor: Actor,
    ) -> Result<Option<Client>, StoreError> {
        const CHANGE: &str = "UPDATE client SET name = COALESCE($2, name), description = COALESCE($3, description), scopes = COALESCE($4, scopes), updated_at = $5 WHERE id = $1";
        let mut tx = self.begin().await?;
        let changed = query(CHANGE)
            .bind(id.as_str())
            .bind(change.name.as_deref())
            .bind(change.description.as_deref())
            .bind(change.scopes.as_deref().map(list_text))
            .bind(self.now())
            .execute(tx.connection())
            .await?
            .rows_affected();
        if changed == 0 {
            return Ok(None);
        }
        let event = AuditEvent::new(actor, "client.changed", id.as_str());
        self.audit_enter_in(&mut tx, &event.with(json!({"scopes": change.scopes}))).await?;
        let client = find_in(&mut tx, id).await?;
        tx.commit().await?;
        Ok(client)
    }

    /// Gives a client another secret, seen this once; the old one and the tokens got with it end.
    /// `None` if there is no such client.
    pub async fn client_secret_change(
        &self,
        id: &ClientId,
        actor: Actor,
    ) -> Result<Option<AccessToken>, StoreError> {
        const CHANGE: &str = "UPDATE client SET secret_hash = $2, updated_at = $3 WHERE id = $1";
        const END: &str = "DELETE FROM access_token WHERE client_id = $1";
        let secret = AccessToken::random();
        let mut tx = self.begin().await?;
        let changed = query(CHANGE)
            .bind(id.as_str())
            .bind(secret.hash().to_vec())
            .bind(self.now())
            .execute(tx.connection())
            .await?
            .rows_affected();
        if changed == 0 {
            return Ok(None);
        }
        query(END).bind(id.as_str()).execute(tx.connection()).await?;
        self.audit_enter_in(&mut tx, &AuditEvent::new(actor, "client.secret_changed", id.as_str())).await?;
        tx.commit().await?;
        Ok(Some(secret))
    }

    /// Removes a client with its tokens; whether there was one.
    pub async fn client_remove(&self, id: &ClientId, actor: Actor) -> Result<bool, StoreError> {
        const REMOVE: &str = "DELETE FROM client WHERE id = $1";
        let mut tx = self.begin().await?;
        let removed = query(REMOVE).bind(id.as_str()).execute(tx.connection()).await?.rows_affected() > 0;
        if removed {
            self.audit_enter_in(&mut tx, &AuditEvent::new(actor, "client.removed", id.as_str())).await?;
        }
        tx.commit().await?;
        Ok(removed)
    }
}

const FIND: &str = select!("WHERE id = $1");

async fn find_in(tx: &mut Tx, id: &ClientId) -> Result<Option<Client>, StoreError> {
    let row = query(FIND).bind(id.as_str()).fetch_optional(tx.connection()).await?;
    row.map(|row| client(&row)).transpose()
}

fn client(row: &Row) -> Result<Client, StoreError> {
    Ok(Client {
        id: ClientId(row.try_get(0)?),
        name: row.try_get(1)?,
        description: row.try_get(2)?,
        scopes: list_of(&row.try_get::<String>(3)?)?,
        created_at: time(row.try_get(4)?)?,
        updated_at: time(row.try_get(5)?)?,
        secret_hash: row.try_get(6)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_no_id_can_be_are_not_looked_for() {
        assert_eq!(ClientId::parse("cli_01-a").unwrap().as_str(), "cli_01-a");
        for text in ["", "a\0b", "a/b", "ü", &"x".repeat(65)] {
            assert_eq!(ClientId::parse(text), None, "{text}");
        }
    }
}
