//! Browsers of people who look after their own requests.

use std::time::Duration;

use jiff::Timestamp;
use model::PrivacyRequestId;

use crate::sql::query;
use crate::store::time_or_none;
use crate::task::microseconds;
use crate::{Actor, AuditEvent, Store, StoreError};

/// What a browser may see of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortalVisit {
    /// When a code was given back in it; none: it only made the request.
    pub verified_at: Option<Timestamp>,
    /// When the data were downloaded by it.
    pub downloaded_at: Option<Timestamp>,
}

/// How a browser came to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortalEntry {
    /// It made the request.
    Made,
    /// The code that was sent to an identity was given back in it.
    Verified,
}

impl Store {
    /// Lets the browser with a token of this hash see a request for `life`. Visits whose time is over are
    /// removed.
    pub async fn portal_visit_open(
        &self,
        (hash, request): (&[u8; 32], &PrivacyRequestId),
        entry: PortalEntry,
        life: Duration,
    ) -> Result<(), StoreError> {
        const CLEAN: &str = "DELETE FROM portal_visit WHERE expires_at <= $1";
        const OPEN: &str = "INSERT INTO portal_visit (hash, request, expires_at, verified_at) VALUES ($1, $2, $3, $4) ON CONFLICT (hash, request) DO UPDATE SET expires_at = excluded.expires_at, verified_at = COALESCE(excluded.verified_at, portal_visit.verified_at), downloaded_at = CASE WHEN excluded.verified_at IS NULL THEN portal_visit.downloaded_at ELSE NULL END";
        let now = self.now();
        let mut tx = self.begin().await?;
        query(CLEAN).bind(now).execute(tx.connection()).await?;
        query(OPEN)
            .bind(hash.to_vec())
            .bind(request.as_str())
            .bind(now + microseconds(life))
            .bind(match entry {
                PortalEntry::Made => None,
                PortalEntry::Verified => Some(now),
            })
            .execute(tx.connection())
            .await?;
        tx.commit().await
    }

    /// What the browser may see of a request, if anything.
    pub async fn portal_visit_find(
        &self,
        hash: &[u8; 32],
        request: &PrivacyRequestId,
    ) -> Result<Option<PortalVisit>, StoreError> {
        const FIND: &str = "SELECT verified_at, downloaded_at FROM portal_visit WHERE hash = $1 AND request = $2 AND expires_at > $3";
        let row = query(FIND)
            .bind(hash.to_vec())
            .bind(request.as_str())
            .bind(self.now())
            .fetch_optional(&self.inner.reader)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let (verified_at, downloaded_at) = (row.try_get(0)?, row.try_get(1)?);
        Ok(Some(PortalVisit {
            verified_at: time_or_none(verified_at)?,
            downloaded_at: time_or_none(downloaded_at)?,
        }))
    }

    /// Takes the one download that a code is good for; says whether it was there to take.
    pub async fn portal_visit_download(
        &self,
        hash: &[u8; 32],
        request: &PrivacyRequestId,
    ) -> Result<bool, StoreError> {
        const TAKE: &str = "UPDATE portal_visit SET downloaded_at = $3 WHERE hash = $1 AND request = $2 AND expires_at > $3 AND verified_at IS NOT NULL AND downloaded_at IS NULL";
        let mut tx = self.begin().await?;
        let taken = query(TAKE)
            .bind(hash.to_vec())
            .bind(request.as_str())
            .bind(self.now())
            .execute(tx.connection())
            .await?;
        if taken.rows_affected() == 0 {
            return Ok(false);
        }
        let event = AuditEvent::new(Actor::system(), "privacy_request.downloaded", request.as_str());
        self.audit_enter_in(&mut tx, &event).await?;
        tx.commit().await?;
        Ok(true)
    }
}
