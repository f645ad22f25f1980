//! Whether an application is looked after here, or was found inside another one (governance 2.1).

use jiff::Timestamp;
use serde_json::json;

use crate::sql::{Row, query};
use crate::store::time_or_none;
use crate::words::text_enum;
use crate::{Actor, AuditEvent, Store, StoreError};

text_enum! {
    /// Whether an application is looked after here.
    ApplicationKind "the kind of an application" {
        /// It is.
        Managed = "managed",
        /// It was found inside another one, and is only listed until somebody promotes it.
        Unmanaged = "unmanaged",
    }
}

/// What an application is, beside its document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicationState {
    /// Its key.
    pub key: String,
    /// Its name for people; empty if it has none.
    pub name: String,
    /// Whether it is looked after here.
    pub kind: ApplicationKind,
    /// The application that it was found in, as a provider of identities.
    pub parent: Option<String>,
    /// When it was promoted, if it was.
    pub promoted_at: Option<Timestamp>,
}

/// What becomes of what an application is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApplicationStep {
    /// It was found inside this application, and is only listed.
    Found {
        /// Key of that application.
        parent: String,
    },
    /// It is looked after from now on (governance APP-5).
    Promote,
    /// It does not belong to the application that it was found in any more.
    Detach,
}

const FIND: &str = "SELECT key, name, kind, parent, promoted_at FROM application WHERE key = $1";

impl Store {
    /// What an application is, if there is one.
    pub async fn application_state_find(&self, key: &str) -> Result<Option<ApplicationState>, StoreError> {
        let row = query(FIND).bind(key).fetch_optional(&self.inner.reader).await?;
        row.as_ref().map(state).transpose()
    }

    /// What these applications are, by key.
    pub async fn application_state_list(&self) -> Result<Vec<ApplicationState>, StoreError> {
        const LIST: &str = "SELECT key, name, kind, parent, promoted_at FROM application ORDER BY key";
        let rows = query(LIST).fetch_all(&self.inner.reader).await?;
        rows.iter().map(state).collect()
    }

    /// Applications that were found inside this one, by key.
    pub async fn application_child_list(&self, parent: &str) -> Result<Vec<ApplicationState>, StoreError> {
        const LIST: &str =
            "SELECT key, name, kind, parent, promoted_at FROM application WHERE parent = $1 ORDER BY key";
        let rows = query(LIST).bind(parent).fetch_all(&self.inner.reader).await?;
        rows.iter().map(state).collect()
    }

    /// Changes what an application is.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if it or its parent is not there, [`StoreError::Conflict`] if it is looked after
    /// already, or would be its own parent.
    pub async fn application_step(
        &self,
        key: &str,
        step: &ApplicationStep,
        actor: Actor,
    ) -> Result<ApplicationState, StoreError> {
        const FOUND: &str =
            "UPDATE application SET kind = 'unmanaged', parent = $2, promoted_at = NULL WHERE key = $1";
        const ABOVE: &str = "UPDATE application SET parent = parent WHERE key = $1 RETURNING key, name, kind, parent, promoted_at";
        const PROMOTE: &str = "UPDATE application SET kind = 'managed', promoted_at = $2 WHERE key = $1";
        const DETACH: &str = "UPDATE application SET parent = NULL WHERE key = $1";
        let conflict = |state: &str, needs| StoreError::Conflict {
            what: "application",
            id: key.to_owned(),
            state: state.to_owned(),
            needs,
        };
        let absent = |key: &str| StoreError::NotFound { what: "application", id: key.to_owned() };
        let mut tx = self.begin().await?;
        let row = query(FIND).bind(key).fetch_optional(tx.connection()).await?;
        let before = row.as_ref().map(state).transpose()?.ok_or_else(|| absent(key))?;
        let action = match step {
            ApplicationStep::Found { parent } => {
                // First, and each one above is held too: of two who would make a circle together one has to wait.
                query(FOUND).bind(key).bind(parent.as_str()).execute(tx.connection()).await?;
                let mut above = Some(parent.clone());
                // A parent that lies below would make a circle.
                while let Some(one) = above {
                    if one == key {
                        return Err(conflict("its own parent", "name the application that it was found in"));
                    }
                    let row = query(ABOVE).bind(one.as_str()).fetch_optional(tx.connection()).await?;
                    above = row.as_ref().map(state).transpose()?.ok_or_else(|| absent(&one))?.parent;
                }
                "application.found"
            }
            ApplicationStep::Promote if before.kind == ApplicationKind::Managed => {
                return Err(conflict("managed", "it is looked after already; read it to learn its owners"));
            }
            ApplicationStep::Promote => {
                query(PROMOTE).bind(key).bind(self.now()).execute(tx.connection()).await?;
                "application.promoted"
            }
            ApplicationStep::Detach => {
                query(DETACH).bind(key).execute(tx.connection()).await?;
                "application.detached"
            }
        };
        let row = query(FIND).bind(key).fetch_one(tx.connection()).await?;
        let after = state(&row)?;
        let details = json!({"kind": after.kind.as_str(), "parent": after.parent});
        self.audit_enter_in(&mut tx, &AuditEvent::new(actor, action, key).with(details)).await?;
        tx.commit().await?;
        Ok(after)
    }
}

fn state(row: &Row) -> Result<ApplicationState, StoreError> {
    Ok(ApplicationState {
        key: row.try_get(0)?,
        name: row.try_get(1)?,
        kind: ApplicationKind::parse(row.try_get(2)?)?,
        parent: row.try_get(3)?,
        promoted_at: time_or_none(row.try_get(4)?)?,
    })
}
