//! Requests made anew from the journal of erasures, after a restore (architecture §13.9).

use std::collections::BTreeMap;

use model::Row;
use store::{JournalEntry, PrivacyRequest};
use thiserror::Error;

use super::{By, KNOWN_IDENTITIES, NewRequest, PrivacyRequests, RequestError, Submitter};
use crate::journaling;

/// Where such requests come from.
const SOURCE: &str = "Restore";

/// Why no request was made of an entry.
#[derive(Debug, Error)]
pub enum JournaledError {
    /// The entry is of another form.
    #[error("the entry was written by a newer version")]
    Unreadable,
    /// The person's data were corrected, not erased.
    #[error("it was a rectification; plan it with `tutela privacy replay`")]
    Rectification,
    /// The request cannot be.
    #[error(transparent)]
    Request(#[from] RequestError),
}

impl PrivacyRequests {
    /// Makes a request for whoever the entry says was erased, under the same policy. It is planned and
    /// approved like any other.
    ///
    /// # Errors
    /// [`JournaledError`]; nothing was kept.
    pub async fn create_journaled(
        &self,
        entry: &JournalEntry,
        by: By,
    ) -> Result<PrivacyRequest, JournaledError> {
        let (identities, corrections) = journaling::read(entry).ok_or(JournaledError::Unreadable)?;
        if !corrections.is_empty() {
            return Err(JournaledError::Rectification);
        }
        let unknown = identities.kinds().filter(|kind| !KNOWN_IDENTITIES.contains(kind));
        let labels: BTreeMap<String, String> =
            unknown.map(|kind| (kind.to_owned(), kind.to_owned())).collect();
        let new = NewRequest {
            policy: entry.policy.clone(),
            identities,
            labels,
            custom_fields: Row::new(),
            external_id: None,
            requested_at: None,
            encryption_key: None,
            source: Some(SOURCE.to_owned()),
            location: None,
            property_id: None,
            asks_for_plan: false,
            repeat_key: None,
        };
        Ok(self.create(new, Submitter { caller: Some(by) }).await?)
    }
}
