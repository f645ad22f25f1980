//! Requests made anew from the journal of erasures, after a restore (architecture §13.9).

use std::collections::BTreeMap;

use model::Row;
use store::{JournalEntry, PrivacyRequest};
use thiserror::Error;

use super::{By, KNOWN_IDENTITIES, NewRequest, PrivacyRequests, RequestError, Submitter};
use crate::journaling;
use crate::planning::RaisedLimits;

/// Where such requests come from.
const SOURCE: &str = "Restore";

/// How requests of a journal are made.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Whether their plans wait for approval, whatever their policies say.
    pub asks_for_plan: bool,
    /// What the caller names this request by ([`NewRequest::repeat_key`]).
    pub repeat_key: Option<String>,
}

/// Why no request was made of an entry.
#[derive(Debug, Error)]
pub enum JournaledError {
    /// The entry is of another form.
    #[error("the entry was written by a newer version")]
    Unreadable,
    /// The request cannot be.
    #[error(transparent)]
    Request(#[from] RequestError),
}

impl PrivacyRequests {
    /// Makes a request for whoever the entry says was erased, or had data corrected, under the same policy.
    /// It is planned and approved like any other.
    ///
    /// # Errors
    /// [`JournaledError`]; nothing was kept.
    pub async fn create_journaled(
        &self,
        entry: &JournalEntry,
        (by, wanted): (By, Wanted),
    ) -> Result<PrivacyRequest, JournaledError> {
        let (identities, corrections) = journaling::read(entry).ok_or(JournaledError::Unreadable)?;
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
            asks_for_plan: wanted.asks_for_plan,
            repeat_key: wanted.repeat_key,
            corrections,
            raised: RaisedLimits::default(),
        };
        Ok(self.create(new, Submitter { caller: Some(by) }).await?)
    }
}
