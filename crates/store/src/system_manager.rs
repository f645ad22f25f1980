//! Which people look after which applications.

use serde_json::json;

use crate::document::document;
use crate::sql::query;
use crate::{Actor, AuditEvent, Document, LoginId, Store, StoreError};

impl Store {
    /// Applications that somebody looks after, by key.
    pub async fn system_manager_list(&self, login: &LoginId) -> Result<Vec<Document>, StoreError> {
        const LIST: &str = "SELECT key, name, body, created_at, updated_at FROM application WHERE key IN (SELECT application FROM system_manager WHERE login_id = $1) ORDER BY key";
        let rows = query(LIST).bind(login.as_str()).fetch_all(&self.inner.reader).await?;
        rows.iter().map(document).collect()
    }

    /// Whether somebody looks after an application.
    pub async fn system_manager_is(&self, login: &LoginId, application: &str) -> Result<bool, StoreError> {
        const FIND: &str = "SELECT 1 FROM system_manager WHERE login_id = $1 AND application = $2";
        let query = query(FIND).bind(login.as_str()).bind(application);
        Ok(query.fetch_optional(&self.inner.reader).await?.is_some())
    }

    /// Lets somebody look after these applications and no others. The first that is not there is given
    /// back, and nothing changes.
    pub async fn system_manager_set(
        &self,
        login: &LoginId,
        applications: &[String],
        actor: Actor,
    ) -> Result<Option<String>, StoreError> {
        const CLEAR: &str = "DELETE FROM system_manager WHERE login_id = $1";
        const PUT: &str = "INSERT INTO system_manager (login_id, application, since) SELECT $1, key, $3 FROM application WHERE key = $2 ON CONFLICT DO NOTHING";
        let mut tx = self.begin().await?;
        query(CLEAR).bind(login.as_str()).execute(tx.connection()).await?;
        let mut seen = std::collections::BTreeSet::new();
        for application in applications.iter().filter(|key| seen.insert(key.as_str())) {
            let put = query(PUT)
                .bind(login.as_str())
                .bind(application.as_str())
                .bind(self.now())
                .execute(tx.connection())
                .await?;
            if put.rows_affected() == 0 {
                return Ok(Some(application.clone()));
            }
        }
        let event = AuditEvent::new(actor, "login.systems_set", login.as_str());
        self.audit_enter_in(&mut tx, &event.with(json!({"systems": seen}))).await?;
        tx.commit().await?;
        Ok(None)
    }

    /// Somebody does not look after an application any more. Whether they did.
    pub async fn system_manager_remove(
        &self,
        login: &LoginId,
        application: &str,
        actor: Actor,
    ) -> Result<bool, StoreError> {
        const REMOVE: &str = "DELETE FROM system_manager WHERE login_id = $1 AND application = $2";
        let mut tx = self.begin().await?;
        let removed = query(REMOVE)
            .bind(login.as_str())
            .bind(application)
            .execute(tx.connection())
            .await?
            .rows_affected();
        if removed > 0 {
            let event = AuditEvent::new(actor, "login.system_removed", login.as_str());
            self.audit_enter_in(&mut tx, &event.with(json!({"system": application}))).await?;
        }
        tx.commit().await?;
        Ok(removed > 0)
    }
}
