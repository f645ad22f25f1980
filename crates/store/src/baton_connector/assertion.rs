use std::time::Duration;

use jiff::Timestamp;

use super::BatonCredentialId;
use crate::sql::query;
use crate::task::microseconds;
use crate::{Store, StoreError};

/// How long after its end an assertion is still known: clocks of servers differ.
const KEPT: Duration = Duration::from_hours(1);

/// An assertion that a connector shows for a token.
#[derive(Debug, Clone, Copy)]
pub struct ShownBatonAssertion<'a> {
    /// The credential that it is signed with.
    pub credential: &'a BatonCredentialId,
    /// What it is known by.
    pub nonce: &'a str,
    /// Until when it could be shown again.
    pub until: Timestamp,
}

/// What becomes of an assertion that was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum BatonAssertionTaken {
    /// It is taken, and by nobody else on this store.
    Taken,
    /// It was taken before, here or by another server.
    Repeated,
    /// So many of this credential are known that no more are: forgetting one early would let it in again.
    TooMany,
}

impl Store {
    /// Takes an assertion, if nobody has taken it, and if fewer than `most` of its credential could be shown again.
    pub async fn baton_assertion_take(
        &self,
        shown: ShownBatonAssertion<'_>,
        most: u32,
    ) -> Result<BatonAssertionTaken, StoreError> {
        // One statement, so that of two servers to which it is shown at once only one has changed a row. A nonce whose
        // assertion has ended may be that of another one.
        const TAKE: &str = "INSERT INTO baton_assertion (credential_id, nonce_hash, until) SELECT $1, $2, $3 WHERE (SELECT COUNT(*) FROM baton_assertion WHERE credential_id = $1 AND until >= $4) < $5 ON CONFLICT (credential_id, nonce_hash) DO UPDATE SET until = excluded.until WHERE baton_assertion.until < $4";
        const KNOWN: &str = "SELECT 1 FROM baton_assertion WHERE credential_id = $1 AND nonce_hash = $2";
        let hash = crypto::sha256(shown.nonce.as_bytes()).to_vec();
        let mut tx = self.begin().await?;
        let taken = query(TAKE)
            .bind(shown.credential.as_str())
            .bind(hash.clone())
            .bind(shown.until.as_microsecond())
            .bind(self.now())
            .bind(i64::from(most))
            .execute(tx.connection())
            .await?;
        if taken.rows_affected() > 0 {
            tx.commit().await?;
            return Ok(BatonAssertionTaken::Taken);
        }
        let known = query(KNOWN).bind(shown.credential.as_str()).bind(hash);
        let is_known = known.fetch_optional(tx.connection()).await?.is_some();
        Ok(if is_known { BatonAssertionTaken::Repeated } else { BatonAssertionTaken::TooMany })
    }

    /// Forgets assertions that nobody could show again, by any clock of a server; says how many.
    pub async fn baton_assertion_forget(&self) -> Result<u64, StoreError> {
        const FORGET: &str = "DELETE FROM baton_assertion WHERE until < $1";
        let before = self.now().saturating_sub(microseconds(KEPT));
        let mut tx = self.begin_relaxed().await?;
        let gone = query(FORGET).bind(before).execute(tx.connection()).await?.rows_affected();
        tx.commit().await?;
        Ok(gone)
    }
}
