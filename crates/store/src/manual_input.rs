//! What people brought for a request.

use crypto::Secret;
use model::{ConnectionKey, PrivacyRequestId};
use serde_json::json;

use crate::sql::query;
use crate::store::Tx;
use crate::words::text_enum;
use crate::{Actor, AuditEvent, PrivacyRequestStatus, Store, StoreError};

text_enum! {
    /// What input is for.
    ManualAction "what manual input is for" {
        /// The package.
        Access = "access",
        /// The word that it was erased.
        Erasure = "erasure",
    }
}

/// What somebody brought.
#[derive(Debug)]
pub struct NewManualInput<'a> {
    /// For which request.
    pub request: &'a PrivacyRequestId,
    /// By the form of which connection.
    pub connection: &'a ConnectionKey,
    /// For which of its parts.
    pub action: ManualAction,
    /// The values, as bytes that only the caller reads; kept sealed.
    pub values: &'a Secret<Vec<u8>>,
    /// Who brought it.
    pub actor: Actor,
}

impl Store {
    /// Keeps what somebody brought, over what was brought before, while the request waits for it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] without such a request, [`StoreError::Conflict`] if it does not wait.
    pub async fn manual_input_put(&self, new: NewManualInput<'_>) -> Result<(), StoreError> {
        const HOLD: &str = "UPDATE privacy_request SET id = id WHERE id = $1 RETURNING status";
        const PUT: &str = "INSERT INTO manual_input (request, connection, action, sealed, entered_by, entered_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (request, connection, action) DO UPDATE SET sealed = excluded.sealed, entered_by = excluded.entered_by, entered_at = excluded.entered_at";
        let NewManualInput { request, connection, action, values, actor } = new;
        let mut tx = self.begin().await?;
        let held = query(HOLD).bind(request.as_str()).fetch_optional(tx.connection()).await?;
        let held =
            held.ok_or_else(|| StoreError::NotFound { what: "privacy request", id: request.to_string() })?;
        let status = PrivacyRequestStatus::parse(&held.try_get::<String>(0)?)?;
        if status != PrivacyRequestStatus::RequiresInput {
            return Err(StoreError::Conflict {
                what: "privacy request",
                id: request.to_string(),
                state: status.as_str().to_owned(),
                needs: "input is taken while it is requires_input",
            });
        }
        let place = place(request.as_str(), connection.as_str(), action.as_str());
        query(PUT)
            .bind(request.as_str())
            .bind(connection.as_str())
            .bind(action.as_str())
            .bind(self.inner.keys.seal(&place, values.expose()))
            .bind(actor.as_str())
            .bind(self.now())
            .execute(tx.connection())
            .await?;
        let details = json!({"connection": connection.as_str(), "action": action.as_str()});
        let event = AuditEvent::new(actor, "manual_input.put", request.as_str()).with(details);
        self.audit_enter_in(&mut tx, &event).await?;
        tx.commit().await
    }

    /// What was brought, if anything was.
    pub async fn manual_input_find(
        &self,
        request: &PrivacyRequestId,
        (connection, action): (&ConnectionKey, ManualAction),
    ) -> Result<Option<Secret<Vec<u8>>>, StoreError> {
        const FIND: &str =
            "SELECT sealed FROM manual_input WHERE request = $1 AND connection = $2 AND action = $3";
        let row = query(FIND)
            .bind(request.as_str())
            .bind(connection.as_str())
            .bind(action.as_str())
            .fetch_optional(&self.inner.reader)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let place = place(request.as_str(), connection.as_str(), action.as_str());
        let opened = self.inner.keys.open(&place, &row.try_get::<Vec<u8>>(0)?);
        opened.map(Some).map_err(|source| StoreError::Sealed { what: "manual input", source })
    }

    /// By which forms something was brought, and for what.
    pub async fn manual_input_list(
        &self,
        request: &PrivacyRequestId,
    ) -> Result<Vec<(ConnectionKey, ManualAction)>, StoreError> {
        const LIST: &str =
            "SELECT connection, action FROM manual_input WHERE request = $1 ORDER BY connection, action";
        let rows = query(LIST).bind(request.as_str()).fetch_all(&self.inner.reader).await?;
        let damaged = || StoreError::Damaged { what: "manual input" };
        rows.iter()
            .map(|row| {
                let connection = row.try_get::<String>(0)?.parse().map_err(|_| damaged())?;
                Ok((connection, ManualAction::parse(&row.try_get::<String>(1)?)?))
            })
            .collect()
    }

    /// Destroys all that was brought for a request.
    pub(crate) async fn manual_input_forget_in(
        &self,
        tx: &mut Tx,
        request: &PrivacyRequestId,
    ) -> Result<(), StoreError> {
        const FORGET: &str = "DELETE FROM manual_input WHERE request = $1";
        query(FORGET).bind(request.as_str()).execute(tx.connection()).await?;
        Ok(())
    }

    /// Brings what was brought under the current master key.
    pub(crate) async fn reseal_manual_inputs(&self, tx: &mut Tx) -> Result<u64, StoreError> {
        const LIST: &str = "SELECT request, connection, action, sealed FROM manual_input";
        const PUT: &str =
            "UPDATE manual_input SET sealed = $4 WHERE request = $1 AND connection = $2 AND action = $3";
        let mut changed = 0;
        for row in query(LIST).fetch_all(tx.connection()).await? {
            let [request, connection, action] = [row.try_get(0)?, row.try_get(1)?, row.try_get::<String>(2)?];
            let sealed: Vec<u8> = row.try_get(3)?;
            if let Some(new) = self.inner.keys.reseal(&place(&request, &connection, &action), &sealed)? {
                let put = query(PUT).bind(request).bind(connection).bind(action).bind(new);
                put.execute(tx.connection()).await?;
                changed += 1;
            }
        }
        Ok(changed)
    }
}

/// The place that values are bound to. Ids and keys have no `|`.
fn place(request: &str, connection: &str, action: &str) -> Vec<u8> {
    format!("manual-input|{request}|{connection}|{action}").into_bytes()
}
