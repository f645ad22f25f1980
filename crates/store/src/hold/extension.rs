use crypto::Secret;
use jiff::Timestamp;
use jiff::civil::Date;
use model::PrivacyRequestId;
use serde_json::json;

use crate::sql::query;
use crate::store::{Tx, time};
use crate::{Actor, AuditEvent, NewMessage, Store, StoreError};

/// The longer time that was announced to a person.
#[derive(Debug)]
pub struct DeadlineExtension {
    /// When they were told.
    pub announced_at: Timestamp,
    /// The last day that was named, where the law leaves it to the controller.
    pub named_day: Option<Date>,
    /// Why it takes longer, as they were told.
    pub why: Secret<String>,
    /// Who decided it.
    pub extended_by: String,
}

impl Store {
    /// Keeps the longer time of a request, and its new deadline, none while its clock stands still;
    /// messages tell of it.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if it has one, [`StoreError::NotFound`] without such a request.
    pub async fn deadline_extend(
        &self,
        request: &PrivacyRequestId,
        (extension, due_at, messages): (&DeadlineExtension, Option<Timestamp>, &[NewMessage]),
        actor: Actor,
    ) -> Result<(), StoreError> {
        const DUE: &str = "UPDATE privacy_request SET due_at = $2, version = version + 1 WHERE id = $1";
        const PUT: &str = "INSERT INTO deadline_extension (request, announced_at, named_day, sealed_why, extended_by) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
        let mut tx = self.begin().await?;
        let due = query(DUE).bind(request.as_str()).bind(due_at.map(Timestamp::as_microsecond));
        if due.execute(tx.connection()).await?.rows_affected() == 0 {
            return Err(StoreError::NotFound { what: "privacy request", id: request.to_string() });
        }
        let put = query(PUT)
            .bind(request.as_str())
            .bind(extension.announced_at.as_microsecond())
            .bind(extension.named_day.map(|day| day.to_string()))
            .bind(self.inner.keys.seal(&place(request.as_str()), extension.why.expose().as_bytes()))
            .bind(extension.extended_by.as_str())
            .execute(tx.connection())
            .await?;
        if put.rows_affected() == 0 {
            return Err(StoreError::Conflict {
                what: "the deadline of privacy request",
                id: request.to_string(),
                state: "extended already".to_owned(),
                needs: "a deadline is extended once",
            });
        }
        let details = json!({"due_at": due_at, "named_day": extension.named_day});
        let event = AuditEvent::new(actor, "privacy_request.deadline_extended", request.as_str());
        self.audit_enter_in(&mut tx, &event.with(details)).await?;
        for message in messages {
            self.message_put_in(&mut tx, message).await?;
        }
        tx.commit().await?;
        if !messages.is_empty() {
            self.wake();
        }
        Ok(())
    }

    /// The longer time of a request, if it was given one.
    pub async fn deadline_extension_find(
        &self,
        request: &PrivacyRequestId,
    ) -> Result<Option<DeadlineExtension>, StoreError> {
        const FIND: &str = "SELECT announced_at, named_day, sealed_why, extended_by FROM deadline_extension WHERE request = $1";
        let row = query(FIND).bind(request.as_str()).fetch_optional(&self.inner.reader).await?;
        let Some(row) = row else { return Ok(None) };
        let damaged = || StoreError::Damaged { what: "the extension of a deadline" };
        let named: Option<String> = row.try_get(1)?;
        let why = self
            .inner
            .keys
            .open(&place(request.as_str()), &row.try_get::<Vec<u8>>(2)?)
            .map_err(|source| StoreError::Sealed { what: "the extension of a deadline", source })?;
        Ok(Some(DeadlineExtension {
            announced_at: time(row.try_get(0)?)?,
            named_day: named.map(|day| day.parse().map_err(|_| damaged())).transpose()?,
            why: Secret::new(String::from_utf8(why.expose().clone()).map_err(|_| damaged())?),
            extended_by: row.try_get(3)?,
        }))
    }

    /// Destroys what a person was told about the longer time of their request.
    pub(crate) async fn deadline_extension_forget_in(
        &self,
        tx: &mut Tx,
        request: &PrivacyRequestId,
    ) -> Result<(), StoreError> {
        const FORGET: &str = "DELETE FROM deadline_extension WHERE request = $1";
        query(FORGET).bind(request.as_str()).execute(tx.connection()).await?;
        Ok(())
    }

    /// Brings what people were told under the current master key.
    pub(crate) async fn reseal_extensions(&self, tx: &mut Tx) -> Result<u64, StoreError> {
        const LIST: &str = "SELECT request, sealed_why FROM deadline_extension";
        const PUT: &str = "UPDATE deadline_extension SET sealed_why = $2 WHERE request = $1";
        let mut changed = 0;
        for row in query(LIST).fetch_all(tx.connection()).await? {
            let (request, sealed): (String, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
            if let Some(new) = self.inner.keys.reseal(&place(&request), &sealed)? {
                query(PUT).bind(request).bind(new).execute(tx.connection()).await?;
                changed += 1;
            }
        }
        Ok(changed)
    }
}

fn place(request: &str) -> Vec<u8> {
    format!("deadline-extension|{request}").into_bytes()
}
