//! Who is told after so many failed requests.

use serde_json::json;

use crate::sql::query;
use crate::store::{count, signed};
use crate::words::{list_of, list_text};
use crate::{Actor, AuditEvent, Store, StoreError};

/// Who is told, and after how many failures. `Debug` shows no addresses.
#[derive(Clone, PartialEq, Eq)]
pub struct FailureNotice {
    /// Their e-mail addresses.
    pub addresses: Vec<String>,
    /// After how many failures since they were told last; 1 or more.
    pub after: u64,
}

impl std::fmt::Debug for FailureNotice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FailureNotice({} addresses, after {})", self.addresses.len(), self.after)
    }
}

impl Store {
    /// Says who is told; without addresses nobody is. Counting begins anew.
    pub async fn failure_notice_put(&self, notice: &FailureNotice, actor: Actor) -> Result<(), StoreError> {
        const REMOVE: &str = "DELETE FROM failure_notice WHERE id = 1";
        const PUT: &str = "INSERT INTO failure_notice (id, sealed, after, failures) VALUES (1, $1, $2, 0) ON CONFLICT (id) DO UPDATE SET sealed = excluded.sealed, after = excluded.after, failures = 0";
        let mut tx = self.begin().await?;
        if notice.addresses.is_empty() {
            query(REMOVE).execute(tx.connection()).await?;
        } else {
            let plain = list_text(&notice.addresses);
            query(PUT)
                .bind(self.inner.keys.seal(PLACE, plain.as_bytes()))
                .bind(signed(notice.after.max(1)))
                .execute(tx.connection())
                .await?;
        }
        let details = json!({"addresses": notice.addresses.len(), "after": notice.after});
        let event = AuditEvent::new(actor, "failure_notice.put", "failure_notice").with(details);
        self.audit_enter_in(&mut tx, &event).await?;
        tx.commit().await
    }

    /// Who is told; `None` if nobody is.
    pub async fn failure_notice_find(&self) -> Result<Option<FailureNotice>, StoreError> {
        const FIND: &str = "SELECT sealed, after FROM failure_notice WHERE id = 1";
        let Some(row) = query(FIND).fetch_optional(&self.inner.reader).await? else { return Ok(None) };
        let sealed: Vec<u8> = row.try_get(0)?;
        let addresses = self.failure_notice_addresses(&sealed)?;
        Ok(Some(FailureNotice { addresses, after: count(row.try_get(1)?)? }))
    }

    pub(crate) fn failure_notice_addresses(&self, sealed: &[u8]) -> Result<Vec<String>, StoreError> {
        const WHAT: &str = "the addresses that are told of failures";
        let plain = self
            .inner
            .keys
            .open(PLACE, sealed)
            .map_err(|source| StoreError::Sealed { what: WHAT, source })?;
        let text = std::str::from_utf8(plain.expose()).map_err(|_| StoreError::Damaged { what: WHAT })?;
        list_of(text)
    }
}

/// The place that the addresses are bound to.
pub(crate) const PLACE: &[u8] = b"failure_notice|addresses";
