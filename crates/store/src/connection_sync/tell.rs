//! Messages to those who own a connection.

use model::ConnectionKey;
use serde_json::Value;

use crate::sql::query;
use crate::store::Tx;
use crate::{LoginId, MessageKind, NewMessage, Store, StoreError};

/// What is told, and of which connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct About<'a> {
    pub(crate) kind: MessageKind,
    pub(crate) connection: &'a ConnectionKey,
}

impl Store {
    /// Tells the owners of a connection, those of its application if it has none, and those who run the
    /// installation if nobody owns either (governance CON-20). `once` keeps the same from being told twice.
    pub(crate) async fn owners_tell(
        &self,
        tx: &mut Tx,
        about: About<'_>,
        (values, once): (&[(&str, Value)], &str),
    ) -> Result<(), StoreError> {
        const CONNECTION: &str =
            "SELECT login_id FROM connection_owner WHERE connection = $1 ORDER BY login_id";
        const APPLICATION: &str = "SELECT login_id FROM system_manager WHERE application = (SELECT system_key FROM connection WHERE key = $1) ORDER BY login_id";
        let key = about.connection.as_str();
        let mut addresses = Vec::new();
        for owners in [CONNECTION, APPLICATION] {
            for row in query(owners).bind(key).fetch_all(tx.connection()).await? {
                let login: String = row.try_get(0)?;
                if let Some(address) = self.owner_address(tx, &login).await? {
                    addresses.push((login, address));
                }
            }
            if !addresses.is_empty() {
                break;
            }
        }
        let filled = |message: NewMessage| {
            let message = message.about(key).with("connection", key);
            values.iter().fold(message, |message, (name, value)| message.with(name, value.clone()))
        };
        if addresses.is_empty() {
            let message = filled(NewMessage::to_staff(about.kind)).once(once);
            self.message_put_in(tx, &message).await?;
        }
        for (login, address) in &addresses {
            let message = filled(NewMessage::to_email(about.kind, address)).once(format!("{once}|{login}"));
            self.message_put_in(tx, &message).await?;
        }
        Ok(())
    }

    /// The address of somebody who may sign in.
    pub(crate) async fn owner_address(&self, tx: &mut Tx, login: &str) -> Result<Option<String>, StoreError> {
        let Some(id) = LoginId::parse(login) else { return Ok(None) };
        let login = self.login_find_in(tx, &id).await?.filter(|login| !login.disabled);
        Ok(login.and_then(|login| login.person.email_address))
    }
}
