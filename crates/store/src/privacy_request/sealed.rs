//! What a request holds of the person.

use crypto::Secret;
use model::PrivacyRequestId;

use super::missing;
use crate::sql::query;
use crate::store::Tx;
use crate::{Store, StoreError};

/// A sealed column of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sealed {
    Identities,
    CustomFields,
    EncryptionKey,
    Corrections,
    Reason,
    Words,
}

impl Sealed {
    /// The place that the value is bound to; `id` of a request, or of an entry of its log.
    pub(crate) fn place(self, id: &str) -> Vec<u8> {
        let name = match self {
            Self::Identities => "identities",
            Self::CustomFields => "custom-fields",
            Self::EncryptionKey => "encryption-key",
            Self::Corrections => "corrections",
            Self::Reason => "reason",
            Self::Words => "words",
        };
        format!("privacy-request|{id}|{name}").into_bytes()
    }
}

impl Store {
    /// Who the request is about, as the bytes it was made with.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], also once they were destroyed.
    pub async fn privacy_request_identities(
        &self,
        id: &PrivacyRequestId,
    ) -> Result<Secret<Vec<u8>>, StoreError> {
        const FIND: &str = "SELECT sealed_identities FROM privacy_request WHERE id = $1";
        let gone = || StoreError::NotFound { what: "identities of privacy request", id: id.to_string() };
        self.sealed_find(FIND, Sealed::Identities, id).await?.ok_or_else(gone)
    }

    /// What else was given with the request, as the bytes it was made with.
    pub async fn privacy_request_custom_fields(
        &self,
        id: &PrivacyRequestId,
    ) -> Result<Option<Secret<Vec<u8>>>, StoreError> {
        const FIND: &str = "SELECT sealed_custom_fields FROM privacy_request WHERE id = $1";
        self.sealed_find(FIND, Sealed::CustomFields, id).await
    }

    /// The key that the person wants the packages under.
    pub async fn privacy_request_encryption_key(
        &self,
        id: &PrivacyRequestId,
    ) -> Result<Option<Secret<String>>, StoreError> {
        const FIND: &str = "SELECT sealed_encryption_key FROM privacy_request WHERE id = $1";
        self.sealed_find(FIND, Sealed::EncryptionKey, id).await?.as_ref().map(text).transpose()
    }

    /// Fields with their right values, as the bytes it was made with; `None` if it corrects nothing, and once
    /// they were destroyed ([`PrivacyRequest::corrects`](crate::PrivacyRequest::corrects) tells).
    pub async fn privacy_request_corrections(
        &self,
        id: &PrivacyRequestId,
    ) -> Result<Option<Secret<Vec<u8>>>, StoreError> {
        const FIND: &str = "SELECT sealed_corrections FROM privacy_request WHERE id = $1";
        self.sealed_find(FIND, Sealed::Corrections, id).await
    }

    /// Why it was denied or stopped, in a person's words.
    pub async fn privacy_request_reason(
        &self,
        id: &PrivacyRequestId,
    ) -> Result<Option<Secret<String>>, StoreError> {
        const FIND: &str = "SELECT sealed_reason FROM privacy_request WHERE id = $1";
        self.sealed_find(FIND, Sealed::Reason, id).await?.as_ref().map(text).transpose()
    }

    /// Brings what requests hold of people under the current master key.
    pub(crate) async fn reseal_requests(&self, tx: &mut Tx) -> Result<u64, StoreError> {
        const IDENTITIES: [&str; 2] = [
            "SELECT id, sealed_identities FROM privacy_request WHERE sealed_identities IS NOT NULL AND id > $1 ORDER BY id LIMIT 1000",
            "UPDATE privacy_request SET sealed_identities = $2 WHERE id = $1",
        ];
        const CUSTOM_FIELDS: [&str; 2] = [
            "SELECT id, sealed_custom_fields FROM privacy_request WHERE sealed_custom_fields IS NOT NULL AND id > $1 ORDER BY id LIMIT 1000",
            "UPDATE privacy_request SET sealed_custom_fields = $2 WHERE id = $1",
        ];
        const ENCRYPTION_KEY: [&str; 2] = [
            "SELECT id, sealed_encryption_key FROM privacy_request WHERE sealed_encryption_key IS NOT NULL AND id > $1 ORDER BY id LIMIT 1000",
            "UPDATE privacy_request SET sealed_encryption_key = $2 WHERE id = $1",
        ];
        const CORRECTIONS: [&str; 2] = [
            "SELECT id, sealed_corrections FROM privacy_request WHERE sealed_corrections IS NOT NULL AND id > $1 ORDER BY id LIMIT 1000",
            "UPDATE privacy_request SET sealed_corrections = $2 WHERE id = $1",
        ];
        const REASON: [&str; 2] = [
            "SELECT id, sealed_reason FROM privacy_request WHERE sealed_reason IS NOT NULL AND id > $1 ORDER BY id LIMIT 1000",
            "UPDATE privacy_request SET sealed_reason = $2 WHERE id = $1",
        ];
        const WORDS: [&str; 2] = [
            "SELECT id, sealed_words FROM privacy_request_log WHERE sealed_words IS NOT NULL AND id > $1 ORDER BY id LIMIT 1000",
            "UPDATE privacy_request_log SET sealed_words = $2 WHERE id = $1",
        ];
        let mut changed = self.reseal_column(tx, Sealed::Identities, IDENTITIES).await?;
        changed += self.reseal_column(tx, Sealed::CustomFields, CUSTOM_FIELDS).await?;
        changed += self.reseal_column(tx, Sealed::EncryptionKey, ENCRYPTION_KEY).await?;
        changed += self.reseal_column(tx, Sealed::Corrections, CORRECTIONS).await?;
        changed += self.reseal_column(tx, Sealed::Reason, REASON).await?;
        changed += self.reseal_column(tx, Sealed::Words, WORDS).await?;
        Ok(changed)
    }

    async fn reseal_column(
        &self,
        tx: &mut Tx,
        column: Sealed,
        [read, put]: [&'static str; 2],
    ) -> Result<u64, StoreError> {
        let (mut changed, mut after) = (0, String::new());
        loop {
            let rows = query(read).bind(after.as_str()).fetch_all(tx.connection()).await?;
            let Some(last) = rows.last() else { return Ok(changed) };
            after = last.try_get(0)?;
            for row in &rows {
                let (id, sealed): (String, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
                if let Some(new) = self.inner.keys.reseal(&column.place(&id), &sealed)? {
                    query(put).bind(id).bind(new).execute(tx.connection()).await?;
                    changed += 1;
                }
            }
        }
    }

    async fn sealed_find(
        &self,
        sql: &'static str,
        sealed: Sealed,
        id: &PrivacyRequestId,
    ) -> Result<Option<Secret<Vec<u8>>>, StoreError> {
        let row = query(sql).bind(id.as_str()).fetch_optional(&self.inner.reader).await?;
        let bytes: Option<Vec<u8>> = row.ok_or_else(|| missing(id))?.try_get(0)?;
        bytes.map(|bytes| self.unsealed(sealed, id.as_str(), &bytes)).transpose()
    }

    pub(crate) fn seal_value(&self, sealed: Sealed, id: &str, plain: &[u8]) -> Vec<u8> {
        self.inner.keys.seal(&sealed.place(id), plain)
    }

    pub(crate) fn unsealed(
        &self,
        sealed: Sealed,
        id: &str,
        bytes: &[u8],
    ) -> Result<Secret<Vec<u8>>, StoreError> {
        self.inner
            .keys
            .open(&sealed.place(id), bytes)
            .map_err(|source| StoreError::Sealed { what: "what a privacy request holds of a person", source })
    }
}

pub(crate) fn text(bytes: &Secret<Vec<u8>>) -> Result<Secret<String>, StoreError> {
    let text = String::from_utf8(bytes.expose().clone());
    text.map(Secret::new).map_err(|_| StoreError::Damaged { what: "a text of a privacy request" })
}
