use crypto::{Secret, constant_time_eq};
use jiff::Timestamp;
use model::PrivacyRequestId;

use crate::sql::query;
use crate::store::{Tx, signed};
use crate::{Store, StoreError};

/// A code that is sent to an identity.
#[derive(Debug)]
pub struct NewCode {
    /// The kind of identity it is sent to (`email`).
    pub kind: String,
    /// The code.
    pub code: Secret<String>,
    /// How long it is good for.
    pub expires_at: Timestamp,
}

/// What a change does to the codes of its request.
#[derive(Debug, Default)]
pub enum CodeChange {
    /// They stay.
    #[default]
    Keep,
    /// The one of this kind was given back, and is used up. The change is refused if it is gone.
    Used(String),
    /// New ones take the place of those of the same kinds.
    Sent(Vec<NewCode>),
    /// All of them go.
    Clear,
}

/// What came of giving a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CodeCheck {
    /// It is the one that was sent to the identity of this kind.
    Right {
        /// The kind.
        kind: String,
    },
    /// It is not; there are attempts left.
    Wrong,
    /// The attempts were used up before. The code is of no use any more.
    Spent,
    /// There is no code, it has expired, or it was spent before.
    Absent,
}

impl Store {
    /// Compares a code with those that were sent. Each attempt counts for all of them, right or wrong;
    /// the one after `limit` attempts spends them, until they end, whatever is sent meanwhile. A right
    /// one is used up by [`CodeChange::Used`].
    pub async fn privacy_request_code_check(
        &self,
        id: &PrivacyRequestId,
        code: &str,
        limit: u32,
    ) -> Result<CodeCheck, StoreError> {
        // What is spent stays there with its count: without it a new code would bring new attempts.
        const TRY: &str = "UPDATE privacy_request_code SET attempts = attempts + 1 WHERE request = $1 AND expires_at > $2 AND attempts <= $3 RETURNING kind, hash, attempts";
        let mut tx = self.begin().await?;
        let rows = query(TRY)
            .bind(id.as_str())
            .bind(self.now())
            .bind(signed(u64::from(limit)))
            .fetch_all(tx.connection())
            .await?;
        if rows.is_empty() {
            return Ok(CodeCheck::Absent);
        }
        let (mut right, mut left) = (None, false);
        for row in &rows {
            let (kind, hash): (String, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
            let attempts: i64 = row.try_get(2)?;
            let counts = attempts <= i64::from(limit);
            left |= counts;
            if counts && constant_time_eq(&hash, &self.code_hash(id, &kind, code)) {
                right = Some(kind);
            }
        }
        tx.commit().await?;
        Ok(match right {
            Some(kind) => CodeCheck::Right { kind },
            None if left => CodeCheck::Wrong,
            None => CodeCheck::Spent,
        })
    }

    /// The kinds of identities that codes were sent to which have not ended, spent ones too.
    pub async fn privacy_request_codes_open(&self, id: &PrivacyRequestId) -> Result<Vec<String>, StoreError> {
        const LIST: &str =
            "SELECT kind FROM privacy_request_code WHERE request = $1 AND expires_at > $2 ORDER BY kind";
        let query = query(LIST).bind(id.as_str()).bind(self.now());
        query.fetch_all(&self.inner.reader).await?.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    pub(crate) async fn code_put(
        &self,
        tx: &mut Tx,
        id: &PrivacyRequestId,
        new: &NewCode,
    ) -> Result<(), StoreError> {
        // Attempts count on while the code before would have lived. Once there were any, the new one
        // ends with it, so that whoever has none left has some again after that time.
        const PUT: &str = "INSERT INTO privacy_request_code (request, kind, hash, expires_at, attempts) VALUES ($1, $2, $3, $4, 0) ON CONFLICT (request, kind) DO UPDATE SET hash = excluded.hash, expires_at = CASE WHEN privacy_request_code.expires_at > $5 AND privacy_request_code.attempts > 0 THEN privacy_request_code.expires_at ELSE excluded.expires_at END, attempts = CASE WHEN privacy_request_code.expires_at > $5 THEN privacy_request_code.attempts ELSE 0 END";
        query(PUT)
            .bind(id.as_str())
            .bind(new.kind.as_str())
            .bind(self.code_hash(id, &new.kind, new.code.expose()).to_vec())
            .bind(new.expires_at.as_microsecond())
            .bind(self.now())
            .execute(tx.connection())
            .await?;
        Ok(())
    }

    pub(crate) async fn codes_change(
        &self,
        tx: &mut Tx,
        id: &PrivacyRequestId,
        change: &CodeChange,
    ) -> Result<(), StoreError> {
        const USE: &str = "DELETE FROM privacy_request_code WHERE request = $1 AND kind = $2";
        const CLEAR: &str = "DELETE FROM privacy_request_code WHERE request = $1";
        match change {
            CodeChange::Keep => {}
            CodeChange::Used(kind) => {
                let used = query(USE).bind(id.as_str()).bind(kind.as_str());
                if used.execute(tx.connection()).await?.rows_affected() == 0 {
                    return Err(StoreError::NotFound { what: "code of privacy request", id: id.to_string() });
                }
            }
            CodeChange::Sent(codes) => {
                for code in codes {
                    self.code_put(tx, id, code).await?;
                }
            }
            CodeChange::Clear => {
                query(CLEAR).bind(id.as_str()).execute(tx.connection()).await?;
            }
        }
        Ok(())
    }

    fn code_hash(&self, id: &PrivacyRequestId, kind: &str, code: &str) -> [u8; 32] {
        self.keyed_hash(format!("code|{id}|{kind}|{code}").as_bytes())
    }
}
