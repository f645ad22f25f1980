//! After a restore: new plans for those who were erased since the backup (architecture §13.9).

use engine::{Cancellation, Progress};
use jiff::Timestamp;
use store::{Actor, JournalEntry, JournalError, JournalReading};
use thiserror::Error;

use crate::plan::Plan;
use crate::planning::{PlanRequest, PlanningError, RaisedLimits};
use crate::{PrivacyService, journaling};

impl PrivacyService {
    /// Makes a new plan for everybody in the erasure journal since `since`: what a restored database
    /// brought back is found and planned. Nothing is applied.
    ///
    /// # Errors
    /// [`ReplayError`] if the journal cannot be read. An entry that cannot be planned is part of the
    /// result.
    #[expect(
        clippy::too_many_arguments,
        reason = "each is of another kind, and a struct would be named once"
    )]
    pub async fn replay(
        &self,
        since: Timestamp,
        actor: Actor,
        cancellation: Cancellation,
        on_progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<Replay, ReplayError> {
        let reading = self.journaled_since(since).await?;
        let mut replayed = Vec::with_capacity(reading.entries.len());
        for entry in reading.entries {
            if cancellation.is_cancelled() {
                return Err(ReplayError::Stopped);
            }
            let plan = self.plan_again(&entry, (&actor, &cancellation), on_progress).await;
            let JournalEntry { at, run, policy, .. } = entry;
            replayed.push(Replayed { run, at, policy, plan });
        }
        Ok(Replay { replayed, cut_lines: reading.cut })
    }

    /// What the erasure journal of this data folder holds since `since`, the oldest first.
    ///
    /// # Errors
    /// [`ReplayError`] if it cannot be read.
    pub async fn journaled_since(&self, since: Timestamp) -> Result<JournalReading, ReplayError> {
        let service = self.clone();
        let read =
            tokio::task::spawn_blocking(move || service.parts().journal.since(&service.parts().keys, since));
        Ok(read.await.map_err(|_| ReplayError::Stopped)??)
    }

    async fn plan_again(
        &self,
        entry: &JournalEntry,
        (actor, cancellation): (&Actor, &Cancellation),
        on_progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<Plan, ReplayFailure> {
        let (identities, rectify) = journaling::read(entry).ok_or(ReplayFailure::Unreadable)?;
        let request = PlanRequest {
            policy: entry.policy.clone(),
            identities,
            rectify,
            raised: RaisedLimits::default(),
            actor: actor.clone(),
        };
        Ok(self.plan(request, cancellation.clone(), on_progress).await?)
    }
}

/// The erasure journal, planned again.
#[derive(Debug)]
pub struct Replay {
    /// Its entries, oldest first.
    pub replayed: Vec<Replayed>,
    /// Lines that a crash cut off: what stood there is not known. Nothing is sent before its line is
    /// whole, but somebody should look.
    pub cut_lines: u64,
}

/// One entry of the erasure journal, planned again. Nothing of it is applied.
#[derive(Debug)]
pub struct Replayed {
    /// The run that erased then.
    pub run: String,
    /// When.
    pub at: Timestamp,
    /// The policy.
    pub policy: String,
    /// The new plan, or why there is none.
    pub plan: Result<Plan, ReplayFailure>,
}

/// Why one entry was not planned again.
#[derive(Debug, Error)]
pub enum ReplayFailure {
    /// No plan could be made.
    #[error(transparent)]
    Planning(#[from] PlanningError),
    /// The entry is of another form.
    #[error("the entry was written by a newer version")]
    Unreadable,
}

/// Why nothing was replayed.
#[derive(Debug, Error)]
pub enum ReplayError {
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A person stopped it.
    #[error("the replay was stopped; run it again")]
    Stopped,
}
