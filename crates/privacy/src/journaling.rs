//! Entries of the erasure journal: who was erased, for the day after a restore.

use model::Identities;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{JournalEntry, JournalError, StoreError};
use thiserror::Error;

use crate::plan::{Correction, Plan};
use crate::{PrivacyService, subject};

/// Whose data, and what they were corrected to; the text that the journal seals.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Journaled {
    identities: Value,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    corrections: Vec<Correction>,
}

/// Why an entry was not written.
#[derive(Debug, Error)]
pub(crate) enum JournalingError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PrivacyService {
    /// Enters the plan, and whose data it changes, into the journal, unless it stands there.
    pub(crate) async fn journal(&self, plan: &Plan, whose: &Identities) -> Result<(), JournalingError> {
        let contents = plan.contents();
        let journaled = Journaled {
            identities: Value::Object(subject::to_row(whose)),
            corrections: contents.corrections.clone(),
        };
        let text = serde_json::to_string(&journaled)
            .map_err(|_| StoreError::Damaged { what: "an entry of the journal" })?;
        let entry = JournalEntry {
            at: self.parts().clock.now(),
            run: contents.run.to_string(),
            policy: contents.policy.clone(),
            plan: plan.digest().to_string(),
            subject: text,
        };
        let service = self.clone();
        let written = tokio::task::spawn_blocking(move || {
            let (journal, keys) = (&service.parts().journal, &service.parts().keys);
            journal.append_once(keys, &entry).map(|_| ())
        });
        match written.await {
            Ok(written) => Ok(written?),
            Err(_) => Err(StoreError::Damaged { what: "the writer of the journal" }.into()),
        }
    }
}

/// What an entry says of the person and the right values; `None` if another version wrote it.
pub(crate) fn read(entry: &JournalEntry) -> Option<(Identities, Vec<(String, Value)>)> {
    let journaled: Journaled = serde_json::from_str(&entry.subject).ok()?;
    let identities = subject::from_bytes(journaled.identities.to_string().as_bytes())?;
    let corrections = journaled.corrections.into_iter().map(|one| (one.field, one.value)).collect();
    Some((identities, corrections))
}
