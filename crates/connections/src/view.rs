use serde_json::{Map, Value};
use store::{ConnectionFilter, Listed, StoreError, StoredConnection, Window};

use crate::{Connections, SecretValues};

/// A connection with its secrets as they may be shown.
#[derive(Debug, Clone, PartialEq)]
pub struct ConnectionView {
    /// The connection.
    pub connection: StoredConnection,
    /// Its secrets, sensitive ones masked; none if there are none, or nothing says which may be shown.
    pub secrets: Option<Map<String, Value>>,
}

impl Connections {
    /// A connection as it may be shown.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
    pub async fn view(&self, connection: StoredConnection) -> Result<ConnectionView, StoreError> {
        let kept = SecretValues::of(self.store(), &connection.key).await?;
        // A connector file that does not pass the checks any more says nothing.
        let source = self.schema_source(&connection).ok().flatten();
        let secrets = source.filter(|_| !kept.is_empty()).map(|source| source.schema().masked(kept.iter()));
        Ok(ConnectionView { connection, secrets })
    }

    /// Connections as they may be shown.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
    pub async fn list(
        &self,
        filter: &ConnectionFilter,
        window: Window,
    ) -> Result<Listed<ConnectionView>, StoreError> {
        let Listed { items, total } = self.store().connection_list(filter, window).await?;
        let mut views = Vec::with_capacity(items.len());
        for connection in items {
            views.push(self.view(connection).await?);
        }
        Ok(Listed { items: views, total })
    }
}
