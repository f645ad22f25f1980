//! Links to the data of a person that are good once. Of each only the hash of its token is kept.

use std::time::Duration;

use crypto::AccessToken;
use jiff::{SignedDuration, Timestamp};
use model::PrivacyRequestId;
use serde_json::json;

use crate::sql::{Row, query};
use crate::{Actor, AuditEvent, Store, StoreError};

/// A link that was made.
#[derive(Debug)]
pub struct IssuedDownload {
    /// Its token, seen this once.
    pub token: AccessToken,
    /// When it ends, used or not.
    pub expires_at: Timestamp,
}

/// What a link stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    /// Whose data.
    pub request: PrivacyRequestId,
    /// The package of this rule; none: the package of the first rule.
    pub rule: Option<String>,
}

impl Store {
    /// Makes a link to what was found for a request, good once and for `life`.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such request.
    pub async fn download_issue(
        &self,
        download: &Download,
        life: Duration,
        actor: Actor,
    ) -> Result<IssuedDownload, StoreError> {
        const SWEEP: &str = "DELETE FROM download WHERE expires_at <= $1";
        const INSERT: &str = "INSERT INTO download (hash, request, rule, expires_at) SELECT $1, id, CAST($3 AS TEXT), $4 FROM privacy_request WHERE id = $2";
        let token = AccessToken::random();
        let life = SignedDuration::try_from(life).unwrap_or(SignedDuration::MAX);
        let expires_at = self.inner.clock.now().saturating_add(life).unwrap_or(Timestamp::MAX);
        let id = download.request.as_str();
        let mut tx = self.begin().await?;
        query(SWEEP).bind(self.now()).execute(tx.connection()).await?;
        let inserted = query(INSERT)
            .bind(token.hash().to_vec())
            .bind(id)
            .bind(download.rule.as_deref())
            .bind(expires_at.as_microsecond())
            .execute(tx.connection())
            .await?;
        if inserted.rows_affected() == 0 {
            return Err(StoreError::NotFound { what: "privacy request", id: id.to_owned() });
        }
        let event = AuditEvent::new(actor, "download.issued", id).with(json!({"rule": download.rule}));
        self.audit_enter_in(&mut tx, &event).await?;
        tx.commit().await?;
        Ok(IssuedDownload { token, expires_at })
    }

    /// What a link stands for, without using it up; `None` if it was used, has ended, or never was one.
    pub async fn download_find(&self, token: &str) -> Result<Option<Download>, StoreError> {
        const FIND: &str = "SELECT request, rule FROM download WHERE hash = $1 AND expires_at > $2";
        let row = query(FIND)
            .bind(AccessToken::hash_of(token).to_vec())
            .bind(self.now())
            .fetch_optional(&self.inner.reader)
            .await?;
        row.as_ref().map(download).transpose()
    }

    /// Uses a link up; `None` if it was used before, has ended, or never was one.
    pub async fn download_take(&self, token: &str, actor: Actor) -> Result<Option<Download>, StoreError> {
        const TAKE: &str = "DELETE FROM download WHERE hash = $1 AND expires_at > $2 RETURNING request, rule";
        let mut tx = self.begin().await?;
        let row = query(TAKE)
            .bind(AccessToken::hash_of(token).to_vec())
            .bind(self.now())
            .fetch_optional(tx.connection())
            .await?;
        let Some(row) = row else { return Ok(None) };
        let download = download(&row)?;
        let event = AuditEvent::new(actor, "download.used", download.request.as_str())
            .with(json!({"rule": download.rule}));
        self.audit_enter_in(&mut tx, &event).await?;
        tx.commit().await?;
        Ok(Some(download))
    }
}

fn download(row: &Row) -> Result<Download, StoreError> {
    let damaged = |_| StoreError::Damaged { what: "a link to a download" };
    Ok(Download { request: row.try_get::<String>(0)?.parse().map_err(damaged)?, rule: row.try_get(1)? })
}
