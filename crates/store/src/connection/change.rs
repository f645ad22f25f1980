use crypto::Secret;
use model::ConnectionKey;
use serde_json::{Value, json};

use super::{ConnectionAccess, StoredConnection, StoredConnector};
use crate::sql::query;
use crate::store::Tx;
use crate::{Actor, AuditEvent, DatasetLink, NewDataset, OtherLinks, PutMode, Store, StoreError};

/// The type of connections that have a connector file.
const APPLICATION: &str = "saas";

/// Steps that change one connection, all or none.
#[derive(Debug)]
pub struct ConnectionChange<'a> {
    /// Which connection.
    pub key: &'a ConnectionKey,
    /// Who changes it.
    pub actor: Actor,
    /// What is done, in this order.
    pub steps: Vec<ConnectionStep>,
}

/// One step of a change.
#[derive(Debug)]
pub enum ConnectionStep {
    /// Makes the connection.
    Create(NewConnection),
    /// Changes what is given.
    Update(ConnectionUpdate),
    /// Gives it a connector file, and its history an entry.
    SetConnector {
        /// The file.
        connector: StoredConnector,
        /// The datasets at this time.
        datasets: Option<Value>,
    },
    /// Keeps a dataset and links it to the connection under its own key.
    PutDataset {
        /// The dataset.
        dataset: NewDataset,
        /// Whether one of its key may be there.
        mode: PutMode,
    },
    /// Takes its connector file away, or what else says how it is called; the history stays.
    ClearConnector,
    /// Keeps these secrets and no others.
    ReplaceSecrets(Vec<NamedSecret>),
    /// Keeps these secrets beside the others.
    MergeSecrets(Vec<NamedSecret>),
    /// Removes the secrets with these names.
    RemoveSecrets(Vec<String>),
    /// Removes its access tokens: it has to be authorized anew, and not by who is on their way.
    RemoveTokens,
    /// Removes it, with its secrets, tokens, and history; its datasets, too, if it is an application's,
    /// else only their links.
    Remove,
}

/// A connection to be made.
#[derive(Debug, Clone)]
pub struct NewConnection {
    /// Its name for people.
    pub name: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// What is behind it.
    pub connection_type: String,
    /// What may be done.
    pub access: ConnectionAccess,
    /// Switched off.
    pub disabled: bool,
    /// The system of the data map that it belongs to.
    pub system_key: Option<String>,
}

/// What is to change; what is not given stays.
#[derive(Debug, Clone, Default)]
pub struct ConnectionUpdate {
    /// Its name for people.
    pub name: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// What is behind it.
    pub connection_type: Option<String>,
    /// What may be done.
    pub access: Option<ConnectionAccess>,
    /// Switched off.
    pub disabled: Option<bool>,
    /// The system that it belongs to; `Some(None)`: to none.
    pub system_key: Option<Option<String>>,
    /// Whether only updates that mask may erase; `Some(None)`: as the server's setting says.
    pub masking_strict: Option<Option<bool>>,
}

/// A secret by its name in the connector file or the type's schema. The value is JSON text.
#[derive(Debug)]
pub struct NamedSecret {
    /// The name.
    pub name: String,
    /// The value, as JSON text: `"s3cret"` with its quotes, `5432`, `{…}`.
    pub value: Secret<String>,
}

/// How a change ended. Unless it is done, nothing of it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum ConnectionChanged {
    /// All steps.
    Done,
    /// There is a connection with this key.
    KeyTaken,
    /// Another connection has this name.
    NameTaken,
    /// There is no such connection.
    Absent,
}

impl Store {
    /// Changes one connection: all steps, or none of them.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] for a dataset whose key is taken.
    pub async fn connection_change(
        &self,
        change: ConnectionChange<'_>,
    ) -> Result<ConnectionChanged, StoreError> {
        let mut tx = self.begin().await?;
        for step in &change.steps {
            let done = self.connection_step(&mut tx, (change.key, &change.actor), step).await?;
            if done != ConnectionChanged::Done {
                return Ok(done);
            }
        }
        self.wake_in(&mut tx).await?;
        tx.commit().await?;
        self.wake();
        Ok(ConnectionChanged::Done)
    }

    pub(crate) async fn connection_step(
        &self,
        tx: &mut Tx,
        (key, actor): (&ConnectionKey, &Actor),
        step: &ConnectionStep,
    ) -> Result<ConnectionChanged, StoreError> {
        let held = self.connection_hold(tx, key).await?;
        let (done, action, details) = match (step, held) {
            (ConnectionStep::Create(_), Some(_)) => return Ok(ConnectionChanged::KeyTaken),
            (ConnectionStep::Create(new), None) => {
                (self.connection_create_in(tx, key, new).await?, "connection.created", json!({}))
            }
            (_, None) => return Ok(ConnectionChanged::Absent),
            (ConnectionStep::Update(update), Some(held)) => {
                let fields = json!({"fields": update.named()});
                (self.connection_update_in(tx, held, update).await?, "connection.changed", fields)
            }
            (ConnectionStep::SetConnector { connector, datasets }, Some(_)) => {
                self.connector_set_in(tx, key, Some(connector)).await?;
                self.connector_version_put_in(tx, key, (connector, datasets.as_ref())).await?;
                let version = json!({"version": connector.version});
                (ConnectionChanged::Done, "connector.put", version)
            }
            (ConnectionStep::PutDataset { dataset, mode }, Some(_)) => {
                // Both enter themselves in the audit log.
                self.dataset_put_in(tx, (dataset, *mode), actor.clone()).await?;
                let link = DatasetLink { key: dataset.key.clone(), dataset: dataset.key.clone() };
                self.dataset_link_in(tx, (key, &link), actor.clone()).await?;
                return Ok(ConnectionChanged::Done);
            }
            (ConnectionStep::ClearConnector, Some(_)) => {
                self.connector_set_in(tx, key, None).await?;
                self.connection_oauth_remove_in(tx, key).await?;
                (ConnectionChanged::Done, "connector.removed", json!({}))
            }
            (ConnectionStep::ReplaceSecrets(secrets), Some(_)) => {
                self.secrets_clear_in(tx, key).await?;
                self.secrets_put_in(tx, key, secrets).await?;
                (ConnectionChanged::Done, "secret.put", json!({"names": names(secrets), "replaced": true}))
            }
            (ConnectionStep::MergeSecrets(secrets), Some(_)) => {
                self.secrets_put_in(tx, key, secrets).await?;
                (ConnectionChanged::Done, "secret.put", json!({"names": names(secrets)}))
            }
            (ConnectionStep::RemoveSecrets(names), Some(_)) => {
                const REMOVE: &str = "DELETE FROM vault WHERE connection = $1 AND name = $2";
                for name in names {
                    query(REMOVE).bind(key.as_str()).bind(name).execute(tx.connection()).await?;
                }
                (ConnectionChanged::Done, "secret.removed", json!({"names": names}))
            }
            (ConnectionStep::RemoveTokens, Some(_)) => {
                self.tokens_remove_in(tx, key).await?;
                (ConnectionChanged::Done, "token.removed", json!({}))
            }
            (ConnectionStep::Remove, Some(held)) => {
                // Those of an application describe its connector file, and are nothing without it.
                let datasets =
                    if held.connection_type == APPLICATION { OtherLinks::Remove } else { OtherLinks::Keep };
                self.dataset_unlink_in(tx, (key, datasets), actor.clone()).await?;
                self.access_ends_abandon_in(tx, key, actor).await?;
                self.inventory_remove_in(tx, key, actor).await?;
                self.connection_remove_in(tx, key).await?;
                (ConnectionChanged::Done, "connection.removed", json!({}))
            }
        };
        if done == ConnectionChanged::Done {
            let event = AuditEvent::new(actor.clone(), action, key.as_str()).with(details);
            self.audit_enter_in(tx, &event).await?;
        }
        Ok(done)
    }

    /// Reads a connection and holds it until the transaction ends.
    pub(crate) async fn connection_hold(
        &self,
        tx: &mut Tx,
        key: &ConnectionKey,
    ) -> Result<Option<StoredConnection>, StoreError> {
        const HOLD: &str =
            concat!("UPDATE connection SET key = key WHERE key = $1 RETURNING ", super::columns!());
        let row = query(HOLD).bind(key.as_str()).fetch_optional(tx.connection()).await?;
        row.as_ref().map(super::connection).transpose()
    }

    async fn connection_create_in(
        &self,
        tx: &mut Tx,
        key: &ConnectionKey,
        new: &NewConnection,
    ) -> Result<ConnectionChanged, StoreError> {
        const CREATE: &str = "INSERT INTO connection (key, name, description, connection_type, access, disabled, system_key, search_text, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9) ON CONFLICT DO NOTHING";
        const FIND: &str = "SELECT COUNT(*) FROM connection WHERE key = $1";
        let made = query(CREATE)
            .bind(key.as_str())
            .bind(new.name.clone())
            .bind(new.description.clone())
            .bind(new.connection_type.as_str())
            .bind(new.access.as_str())
            .bind(i64::from(new.disabled))
            .bind(new.system_key.clone())
            .bind(search_text(key, new.name.as_deref(), new.description.as_deref()))
            .bind(self.now())
            .execute(tx.connection())
            .await?;
        if made.rows_affected() > 0 {
            return Ok(ConnectionChanged::Done);
        }
        let same_key: i64 = query(FIND).bind(key.as_str()).fetch_one(tx.connection()).await?.try_get(0)?;
        Ok(if same_key > 0 { ConnectionChanged::KeyTaken } else { ConnectionChanged::NameTaken })
    }

    async fn connection_update_in(
        &self,
        tx: &mut Tx,
        held: StoredConnection,
        update: &ConnectionUpdate,
    ) -> Result<ConnectionChanged, StoreError> {
        const SAME_NAME: &str = "SELECT COUNT(*) FROM connection WHERE name = $1 AND key <> $2";
        const UPDATE: &str = "UPDATE connection SET name = $2, description = $3, connection_type = $4, access = $5, disabled = $6, system_key = $7, masking_strict = $8, search_text = $9, updated_at = $10 WHERE key = $1";
        let key = held.key;
        let name = update.name.clone().or(held.name);
        let description = update.description.clone().or(held.description);
        let others: i64 = query(SAME_NAME)
            .bind(name.clone())
            .bind(key.as_str())
            .fetch_one(tx.connection())
            .await?
            .try_get(0)?;
        if others > 0 {
            return Ok(ConnectionChanged::NameTaken);
        }
        let search_text = search_text(&key, name.as_deref(), description.as_deref());
        query(UPDATE)
            .bind(key.as_str())
            .bind(name)
            .bind(description)
            .bind(update.connection_type.clone().unwrap_or(held.connection_type))
            .bind(update.access.unwrap_or(held.access).as_str())
            .bind(i64::from(update.disabled.unwrap_or(held.disabled)))
            .bind(update.system_key.clone().unwrap_or(held.system_key))
            .bind(update.masking_strict.unwrap_or(held.masking_strict).map(i64::from))
            .bind(search_text)
            .bind(self.now())
            .execute(tx.connection())
            .await?;
        Ok(ConnectionChanged::Done)
    }

    async fn connector_set_in(
        &self,
        tx: &mut Tx,
        key: &ConnectionKey,
        connector: Option<&StoredConnector>,
    ) -> Result<(), StoreError> {
        const SET: &str = "UPDATE connection SET connector_key = $2, connector_name = $3, connector_type = $4, connector_version = $5, connector_document = $6, connector_scripts = $7, updated_at = $8 WHERE key = $1";
        query(SET)
            .bind(key.as_str())
            .bind(connector.map(|connector| connector.fides_key.clone()))
            .bind(connector.map(|connector| connector.name.clone()))
            .bind(connector.map(|connector| connector.connector_type.clone()))
            .bind(connector.map(|connector| connector.version.clone()))
            .bind(connector.map(|connector| connector.document.to_string()))
            .bind(connector.map(|connector| json!(connector.scripts).to_string()))
            .bind(self.now())
            .execute(tx.connection())
            .await?;
        Ok(())
    }

    async fn secrets_put_in(
        &self,
        tx: &mut Tx,
        key: &ConnectionKey,
        secrets: &[NamedSecret],
    ) -> Result<(), StoreError> {
        for secret in secrets {
            self.vault_put_in(tx, (key, &secret.name), &secret.value).await?;
        }
        Ok(())
    }

    async fn secrets_clear_in(&self, tx: &mut Tx, key: &ConnectionKey) -> Result<(), StoreError> {
        const CLEAR: &str = "DELETE FROM vault WHERE connection = $1";
        query(CLEAR).bind(key.as_str()).execute(tx.connection()).await?;
        Ok(())
    }

    async fn tokens_remove_in(&self, tx: &mut Tx, key: &ConnectionKey) -> Result<(), StoreError> {
        const REMOVE: &str = "DELETE FROM token WHERE connection = $1";
        query(REMOVE).bind(key.as_str()).execute(tx.connection()).await?;
        self.authorizations_remove_in(tx, key).await
    }

    async fn connection_remove_in(&self, tx: &mut Tx, key: &ConnectionKey) -> Result<(), StoreError> {
        const HISTORY: &str = "DELETE FROM connector_version WHERE connection = $1";
        // Its credentials, tasks and log go with it, so that no process of it is let in any more.
        const SELF_HOSTED: &str = "DELETE FROM baton_connector WHERE connection = $1";
        const REMOVE: &str = "DELETE FROM connection WHERE key = $1";
        self.secrets_clear_in(tx, key).await?;
        self.tokens_remove_in(tx, key).await?;
        self.manual_form_remove_in(tx, key).await?;
        self.manual_task_config_remove_in(tx, key).await?;
        self.connection_oauth_remove_in(tx, key).await?;
        for sql in [HISTORY, SELF_HOSTED, REMOVE] {
            query(sql).bind(key.as_str()).execute(tx.connection()).await?;
        }
        Ok(())
    }
}

impl ConnectionUpdate {
    /// Names of what is given.
    fn named(&self) -> Vec<&'static str> {
        let given = [
            ("name", self.name.is_some()),
            ("description", self.description.is_some()),
            ("connection_type", self.connection_type.is_some()),
            ("access", self.access.is_some()),
            ("disabled", self.disabled.is_some()),
            ("system_key", self.system_key.is_some()),
            ("masking_strict", self.masking_strict.is_some()),
        ];
        given.into_iter().filter(|(_, given)| *given).map(|(name, _)| name).collect()
    }
}

fn names(secrets: &[NamedSecret]) -> Vec<&str> {
    secrets.iter().map(|secret| secret.name.as_str()).collect()
}

/// What a search looks through: one line each, so that nothing is found across their ends.
fn search_text(key: &ConnectionKey, name: Option<&str>, description: Option<&str>) -> String {
    let lines = [Some(key.as_str()), name, description];
    lines.into_iter().flatten().map(str::to_lowercase).collect::<Vec<_>>().join("\n")
}
