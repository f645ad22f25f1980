//! Certificates that were issued; they hold no personal data and stay.

use jiff::Timestamp;
use model::RunId;

use crate::sql::query;
use crate::store::time;
use crate::{Store, StoreError};

/// A signed certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptCertificate {
    /// Its run.
    pub run: RunId,
    /// Its own digest, which the audit log names.
    pub digest: String,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// Whether it says that everything is proven.
    pub is_proven: bool,
    /// The file, byte for byte.
    pub envelope: Vec<u8>,
}

impl Store {
    /// Keeps a certificate. Keeping the same one again changes nothing.
    pub async fn certificate_put(&self, certificate: &KeptCertificate) -> Result<(), StoreError> {
        const PUT: &str = "INSERT INTO certificate (digest, run_id, issued_at, proven, envelope) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (digest) DO NOTHING";
        let mut tx = self.begin().await?;
        query(PUT)
            .bind(certificate.digest.as_str())
            .bind(certificate.run.as_str())
            .bind(certificate.issued_at.as_microsecond())
            .bind(i64::from(certificate.is_proven))
            .bind(certificate.envelope.as_slice())
            .execute(tx.connection())
            .await?;
        tx.commit().await
    }

    /// The certificate that counts: one that proves everything, else the newest.
    pub async fn certificate_find(&self, run: &RunId) -> Result<Option<KeptCertificate>, StoreError> {
        const FIND: &str = "SELECT digest, issued_at, proven, envelope FROM certificate WHERE run_id = $1 ORDER BY proven DESC, issued_at DESC, digest LIMIT 1";
        let row = query(FIND).bind(run.as_str()).fetch_optional(&self.inner.reader).await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(KeptCertificate {
            run: run.clone(),
            digest: row.try_get(0)?,
            issued_at: time(row.try_get(1)?)?,
            is_proven: row.try_get::<i64>(2)? != 0,
            envelope: row.try_get(3)?,
        }))
    }
}
