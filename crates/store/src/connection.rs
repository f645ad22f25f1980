//! Connections that are kept in the store, not in a project file.

mod authorization;
mod change;
mod connector;
mod enabled_actions;
mod list;
mod oauth;

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::ConnectionKey;
use serde_json::Value;

use crate::sql::{Row, query};
use crate::store::{time, time_or_none};
use crate::words::text_enum;
use crate::{MessageKind, NewMessage, Store, StoreError};

pub use authorization::{Authorization, NewAuthorization};
pub use change::{
    ConnectionChange, ConnectionChanged, ConnectionStep, ConnectionUpdate, NamedSecret, NewConnection,
};
pub use connector::{ConnectorVersion, StoredConnector};
pub use list::{ConnectionFilter, TestStatus};
pub use oauth::{WebHookGrant, WebHookToken};

text_enum! {
    /// What may be done through a connection.
    ConnectionAccess "the access of a connection" {
        /// Rows are read.
        Read = "read",
        /// Rows are read, changed and deleted.
        Write = "write",
    }
}

/// A connection as the store knows it; its secrets stay where they are.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredConnection {
    /// Its key, also the key of its dataset.
    pub key: ConnectionKey,
    /// Its name for people.
    pub name: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// What is behind it: `postgres`, `saas`, ….
    pub connection_type: String,
    /// What may be done.
    pub access: ConnectionAccess,
    /// Switched off.
    pub disabled: bool,
    /// The kinds of requests it serves; none: all.
    pub enabled_actions: Option<Vec<String>>,
    /// The system of the data map that it belongs to.
    pub system_key: Option<String>,
    /// Whether only updates that mask may erase; none: as the server's setting says.
    pub masking_strict: Option<bool>,
    /// Its connector file.
    pub connector: Option<StoredConnector>,
    /// When it was tested last, and whether that went well.
    pub last_test: Option<LastTest>,
    /// Whether an access token is kept for it.
    pub authorized: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

impl StoredConnection {
    /// Whether an application behind a connector file is what it leads to.
    pub fn is_saas(&self) -> bool {
        self.connection_type == "saas"
    }
}

/// The last test that had a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastTest {
    /// When.
    pub at: Timestamp,
    /// With which result.
    pub succeeded: bool,
}

/// What is read of a connection, for `SELECT` and in the order of [`connection`].
macro_rules! columns {
    () => {
        "key, name, description, connection_type, access, disabled, enabled_actions, system_key, masking_strict, connector_key, connector_name, connector_type, connector_version, connector_document, connector_scripts, tested_at, test_succeeded, created_at, updated_at, (SELECT COUNT(*) FROM token WHERE token.connection = connection.key)"
    };
}
use columns;

impl Store {
    /// The connection, if there is one.
    pub async fn connection_find(&self, key: &ConnectionKey) -> Result<Option<StoredConnection>, StoreError> {
        const FIND: &str = concat!("SELECT ", columns!(), " FROM connection WHERE key = $1");
        let row = query(FIND).bind(key.as_str()).fetch_optional(&self.inner.reader).await?;
        row.as_ref().map(connection).transpose()
    }

    /// Notes the result of a test.
    pub async fn connection_tested(&self, key: &ConnectionKey, succeeded: bool) -> Result<(), StoreError> {
        const BEFORE: &str = "SELECT test_succeeded FROM connection WHERE key = $1";
        const TESTED: &str = "UPDATE connection SET tested_at = $2, test_succeeded = $3 WHERE key = $1";
        let mut tx = self.begin().await?;
        let before = query(BEFORE).bind(key.as_str()).fetch_optional(tx.connection()).await?;
        let worked = before.map(|row| row.try_get::<Option<i64>>(0)).transpose()?.flatten() == Some(1);
        query(TESTED)
            .bind(key.as_str())
            .bind(self.now())
            .bind(i64::from(succeeded))
            .execute(tx.connection())
            .await?;
        if worked && !succeeded {
            let broken = NewMessage::to_staff(MessageKind::ConnectionBroken).about(key.as_str());
            self.message_put_in(&mut tx, &broken.with("connection", key.as_str())).await?;
        }
        tx.commit().await
    }
}

/// Reads the columns of [`columns`].
fn connection(row: &Row) -> Result<StoredConnection, StoreError> {
    let last_test = match (time_or_none(row.try_get(15)?)?, row.try_get::<Option<i64>>(16)?) {
        (Some(at), Some(succeeded)) => Some(LastTest { at, succeeded: succeeded != 0 }),
        (None, _) | (_, None) => None,
    };
    Ok(StoredConnection {
        key: key(row, 0)?,
        name: row.try_get(1)?,
        description: row.try_get(2)?,
        connection_type: row.try_get(3)?,
        access: ConnectionAccess::parse(&row.try_get::<String>(4)?)?,
        disabled: row.try_get::<i64>(5)? != 0,
        enabled_actions: json_or_none(row.try_get(6)?, "the actions of a connection")?,
        system_key: row.try_get(7)?,
        masking_strict: row.try_get::<Option<i64>>(8)?.map(|strict| strict != 0),
        connector: stored_connector(row)?,
        last_test,
        authorized: row.try_get::<i64>(19)? > 0,
        created_at: time(row.try_get(17)?)?,
        updated_at: time(row.try_get(18)?)?,
    })
}

fn stored_connector(row: &Row) -> Result<Option<StoredConnector>, StoreError> {
    let document: Option<Value> = json_or_none(row.try_get(13)?, "a connector file")?;
    let Some(document) = document else { return Ok(None) };
    let text = |column| Ok::<String, StoreError>(row.try_get::<Option<String>>(column)?.unwrap_or_default());
    Ok(Some(StoredConnector {
        fides_key: text(9)?,
        name: text(10)?,
        connector_type: text(11)?,
        version: text(12)?,
        document,
        scripts: scripts(row.try_get(14)?)?,
    }))
}

fn scripts(text: Option<String>) -> Result<BTreeMap<String, String>, StoreError> {
    Ok(json_or_none(text, "the scripts of a connector")?.unwrap_or_default())
}

fn key(row: &Row, column: usize) -> Result<ConnectionKey, StoreError> {
    let text: String = row.try_get(column)?;
    text.parse().map_err(|_| StoreError::Damaged { what: "the key of a connection" })
}

fn json_or_none<T: serde::de::DeserializeOwned>(
    text: Option<String>,
    what: &'static str,
) -> Result<Option<T>, StoreError> {
    let Some(text) = text else { return Ok(None) };
    serde_json::from_str(&text).map(Some).map_err(|_| StoreError::Damaged { what })
}
