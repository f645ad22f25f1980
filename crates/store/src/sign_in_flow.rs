//! People who were sent to a provider of accounts and are to come back, once.

use std::time::Duration;

use jiff::SignedDuration;

use crate::sql::query;
use crate::{Store, StoreError};

/// Somebody who is sent to a provider.
#[derive(Debug)]
pub struct NewSignInFlow<'a> {
    /// Hash of what the provider gives back with them.
    pub hash: [u8; 32],
    /// Hash of what only their browser knows.
    pub browser_hash: [u8; 32],
    /// Page that they want to see afterwards.
    pub next_page: &'a str,
    /// How long they may take.
    pub life: Duration,
}

impl Store {
    /// Keeps who was sent away.
    pub async fn sign_in_flow_put(&self, new: NewSignInFlow<'_>) -> Result<(), StoreError> {
        const SWEEP: &str = "DELETE FROM sign_in_flow WHERE expires_at <= $1";
        const PUT: &str =
            "INSERT INTO sign_in_flow (hash, browser_hash, next_page, expires_at) VALUES ($1, $2, $3, $4)";
        let now = self.now();
        let life = SignedDuration::try_from(new.life).unwrap_or(SignedDuration::MAX);
        let expires_at = now.saturating_add(i64::try_from(life.as_micros()).unwrap_or(i64::MAX));
        let mut tx = self.begin().await?;
        query(SWEEP).bind(now).execute(tx.connection()).await?;
        query(PUT)
            .bind(new.hash.to_vec())
            .bind(new.browser_hash.to_vec())
            .bind(new.next_page)
            .bind(expires_at)
            .execute(tx.connection())
            .await?;
        tx.commit().await
    }

    /// Takes out who comes back with the browser that was sent away; gives the page they want to see.
    /// A second time, too late, or with another browser there is none.
    pub async fn sign_in_flow_take(
        &self,
        hash: [u8; 32],
        browser_hash: [u8; 32],
    ) -> Result<Option<String>, StoreError> {
        const TAKE: &str = "DELETE FROM sign_in_flow WHERE hash = $1 AND browser_hash = $2 AND expires_at > $3 RETURNING next_page";
        let mut tx = self.begin().await?;
        let row = query(TAKE)
            .bind(hash.to_vec())
            .bind(browser_hash.to_vec())
            .bind(self.now())
            .fetch_optional(tx.connection())
            .await?;
        let page = row.map(|row| row.try_get(0)).transpose()?;
        tx.commit().await?;
        Ok(page)
    }
}
