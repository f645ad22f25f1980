//! How long requests keep what is about the person (architecture §13.7, privacy-requests L-34).

use jiff::Timestamp;
use model::PrivacyRequestId;

use crate::sql::query;
use crate::{Actor, AuditEvent, Store, StoreError};

/// Nothing is done about the request any more, and nothing happened to it since `$1`.
macro_rules! due {
    () => {
        "forgotten_at IS NULL AND updated_at < $1 AND work_at IS NULL AND (deleted_at IS NOT NULL OR status IN ('complete', 'denied', 'canceled', 'duplicate', 'identity_unverified'))"
    };
}

impl Store {
    /// Requests that nothing is done about any more, that nothing happened to since `before`, and that
    /// still hold who they are about: those that are over or deleted, and those whose identity nobody
    /// has shown. At most a thousand.
    pub async fn privacy_request_list_to_forget(
        &self,
        before: Timestamp,
    ) -> Result<Vec<PrivacyRequestId>, StoreError> {
        const LIST: &str =
            concat!("SELECT id FROM privacy_request WHERE ", due!(), " ORDER BY updated_at LIMIT 1000");
        let rows = query(LIST).bind(before.as_microsecond()).fetch_all(&self.inner.reader).await?;
        let id = |text: String| text.parse().map_err(|_| StoreError::Damaged { what: "a privacy request" });
        rows.iter().map(|row| id(row.try_get(0)?)).collect()
    }

    /// Destroys what a request holds of the person: identities, custom fields, key, corrections, reason, what it
    /// was found by, people's words in its log. Doing it twice changes nothing. Says whether it did.
    pub async fn privacy_request_forget(
        &self,
        id: &PrivacyRequestId,
        actor: Actor,
    ) -> Result<bool, StoreError> {
        // Compared with nothing: whatever its status.
        const TAKE: &str = "UPDATE privacy_request SET version = version WHERE id = $2 AND forgotten_at IS NULL AND updated_at >= $1";
        self.request_forget((TAKE, Timestamp::MIN), id, actor).await
    }

    /// The same, if it is still due ([`Store::privacy_request_list_to_forget`]).
    pub async fn privacy_request_forget_due(
        &self,
        id: &PrivacyRequestId,
        before: Timestamp,
        actor: Actor,
    ) -> Result<bool, StoreError> {
        const TAKE: &str = concat!("UPDATE privacy_request SET version = version WHERE id = $2 AND ", due!());
        self.request_forget((TAKE, before), id, actor).await
    }

    async fn request_forget(
        &self,
        (take, before): (&'static str, Timestamp),
        id: &PrivacyRequestId,
        actor: Actor,
    ) -> Result<bool, StoreError> {
        const FORGET: &str = "UPDATE privacy_request SET sealed_identities = NULL, sealed_custom_fields = NULL, sealed_encryption_key = NULL, sealed_corrections = NULL, sealed_reason = NULL, forgotten_at = $2, version = version + 1 WHERE id = $1";
        const LOOKUPS: &str = "DELETE FROM privacy_request_lookup WHERE request = $1";
        const CODES: &str = "DELETE FROM privacy_request_code WHERE request = $1";
        const WORDS: &str = "UPDATE privacy_request_log SET sealed_words = NULL WHERE request = $1";
        let mut tx = self.begin().await?;
        let taken = query(take).bind(before.as_microsecond()).bind(id.as_str());
        if taken.execute(tx.connection()).await?.rows_affected() == 0 {
            return Ok(false);
        }
        query(FORGET).bind(id.as_str()).bind(self.now()).execute(tx.connection()).await?;
        for statement in [LOOKUPS, CODES, WORDS] {
            query(statement).bind(id.as_str()).execute(tx.connection()).await?;
        }
        self.manual_input_forget_in(&mut tx, id).await?;
        self.manual_task_forget_in(&mut tx, id).await?;
        self.clarification_forget_in(&mut tx, id).await?;
        self.deadline_extension_forget_in(&mut tx, id).await?;
        let event = AuditEvent::new(actor, "privacy_request.forgotten", id.as_str());
        self.audit_enter_in(&mut tx, &event).await?;
        tx.commit().await?;
        Ok(true)
    }
}
