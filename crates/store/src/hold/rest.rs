use crypto::Secret;
use jiff::Timestamp;
use model::PrivacyRequestId;
use serde_json::json;

use crate::sql::{Row, query};
use crate::store::{Tx, signed, time_or_none};
use crate::{Actor, AuditEvent, Store, StoreError};

/// What is left of a request until its holds have ended.
#[derive(Debug)]
pub struct HoldRest {
    /// The request that left it.
    pub request: PrivacyRequestId,
    /// Its policy.
    pub policy: String,
    /// Who it is about, as the bytes of the request; kept sealed, and longer than those.
    pub identities: Secret<Vec<u8>>,
    /// When to complete it; none: when somebody lifts the hold.
    pub due_at: Option<Timestamp>,
}

impl Store {
    /// Keeps what is left of a request; what was kept for it before is replaced.
    pub async fn hold_rest_put(&self, rest: &HoldRest) -> Result<(), StoreError> {
        const PUT: &str = "INSERT INTO hold_rest (request, policy, sealed, due_at, created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (request) DO UPDATE SET policy = excluded.policy, sealed = excluded.sealed, due_at = excluded.due_at WHERE hold_rest.follow_up IS NULL";
        let request = rest.request.as_str();
        let mut tx = self.begin().await?;
        query(PUT)
            .bind(request)
            .bind(rest.policy.as_str())
            .bind(self.inner.keys.seal(&place(request), rest.identities.expose()))
            .bind(rest.due_at.map(Timestamp::as_microsecond))
            .bind(self.now())
            .execute(tx.connection())
            .await?;
        let event = AuditEvent::new(Actor::system(), "hold.rest_kept", request);
        self.audit_enter_in(&mut tx, &event.with(json!({"until": rest.due_at}))).await?;
        tx.commit().await
    }

    /// What may be completed now, the oldest first: rests of requests that are complete themselves.
    pub async fn hold_rest_due(&self, most: u32) -> Result<Vec<HoldRest>, StoreError> {
        const LIST: &str = "SELECT r.request, r.policy, r.sealed, r.due_at FROM hold_rest r JOIN privacy_request p ON p.id = r.request WHERE r.follow_up IS NULL AND r.due_at <= $1 AND p.status = 'complete' ORDER BY r.due_at, r.request LIMIT $2";
        let query = query(LIST).bind(self.now()).bind(signed(u64::from(most)));
        query.fetch_all(&self.inner.reader).await?.iter().map(|row| self.rest(row)).collect()
    }

    /// Forgets what was kept as left of a request, if nothing follows it yet.
    pub async fn hold_rest_drop(&self, request: &PrivacyRequestId) -> Result<(), StoreError> {
        const DROP: &str = "DELETE FROM hold_rest WHERE request = $1 AND follow_up IS NULL";
        let mut single = self.single_local().await?;
        query(DROP).bind(request.as_str()).execute(single.connection()).await?;
        Ok(())
    }

    /// Enters the request that completes the rest, and forgets the person here; says whether it was
    /// still open.
    pub async fn hold_rest_followed(
        &self,
        request: &PrivacyRequestId,
        follow_up: &PrivacyRequestId,
    ) -> Result<bool, StoreError> {
        const FOLLOWED: &str =
            "UPDATE hold_rest SET follow_up = $2, sealed = NULL WHERE request = $1 AND follow_up IS NULL";
        let mut tx = self.begin().await?;
        let done =
            query(FOLLOWED).bind(request.as_str()).bind(follow_up.as_str()).execute(tx.connection()).await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        let event = AuditEvent::new(Actor::system(), "hold.rest_followed", request.as_str());
        self.audit_enter_in(&mut tx, &event.with(json!({"by": follow_up.as_str()}))).await?;
        tx.commit().await?;
        Ok(true)
    }

    fn rest(&self, row: &Row) -> Result<HoldRest, StoreError> {
        let damaged = || StoreError::Damaged { what: "what is left of a request" };
        let request: String = row.try_get(0)?;
        let sealed: Option<Vec<u8>> = row.try_get(2)?;
        let opened = self.inner.keys.open(&place(&request), &sealed.ok_or_else(damaged)?);
        Ok(HoldRest {
            identities: opened
                .map_err(|source| StoreError::Sealed { what: "what is left of a request", source })?,
            request: request.parse().map_err(|_| damaged())?,
            policy: row.try_get(1)?,
            due_at: time_or_none(row.try_get(3)?)?,
        })
    }

    /// Brings what is left under the current master key.
    pub(crate) async fn reseal_hold_rests(&self, tx: &mut Tx) -> Result<u64, StoreError> {
        const LIST: &str = "SELECT request, sealed FROM hold_rest WHERE sealed IS NOT NULL";
        const PUT: &str = "UPDATE hold_rest SET sealed = $2 WHERE request = $1";
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
    format!("hold-rest|{request}").into_bytes()
}
