//! What a crash left behind: an intent without an end. Whoever changes the same next is alone with it, and the
//! read decides.

use std::time::Duration;

use engine::{HoldError, HoldRequest, LEASE, TaskHold, operation_outcome};
use model::{Outcome, RunId};
use store::{ACCESS_CHANGE_TASK, Resolution, ResolvedBy};

use super::apply::{give_back, ignore_lost};
use super::plan::AccessPlanContents;
use super::{AccessChange, AccessChanges, ChangeError};

/// After so long nobody waits for a turn any more.
const WAITS_NO_MORE: Duration = Duration::from_mins(10);

impl AccessChanges {
    /// Ends earlier runs about the same subject that a crash left open.
    pub(super) async fn find_out_left_behind(&self, own: &RunId, subject: &str) -> Result<(), ChangeError> {
        for run in self.place.store.access_change_list_open(subject.as_bytes()).await? {
            if run != *own {
                self.find_out(&run).await?;
            }
        }
        Ok(())
    }

    async fn find_out(&self, run: &RunId) -> Result<(), ChangeError> {
        let store = &self.place.store;
        let (kind, name) = ACCESS_CHANGE_TASK;
        let request = HoldRequest {
            run: run.clone(),
            kind: kind.to_owned(),
            name: name.to_owned(),
            worker: self.place.worker.clone(),
            wait: Some(LEASE * 2),
        };
        let hold = match TaskHold::claim(store, &request).await {
            Ok(hold) => hold,
            // It is going to wait for us, and has sent nothing.
            Err(HoldError::HeldByAnother { .. } | HoldError::NotReady { .. }) => return Ok(()),
            Err(HoldError::Over { .. } | HoldError::Missing { .. }) => {
                return Ok(store.run_finish(run, Some(Outcome::Unknown)).await?);
            }
            Err(HoldError::Store(error)) => return Err(error.into()),
        };
        // Whatever it started and left behind sends nothing more.
        self.end_left_behind(run).await;
        let open = store.ledger_unknown(run).await?;
        let Some(plan) = store.plan_of_run(run).await? else {
            // Nothing was planned, so nothing was sent: it waits for its turn, or is gone.
            let age = self.place.clock.now().duration_since(store.get_run(run).await?.created_at);
            let is_gone = Duration::try_from(age).is_ok_and(|age| age > WAITS_NO_MORE);
            give_back(hold).await?;
            return if is_gone { Ok(store.run_finish(run, Some(Outcome::Failed)).await?) } else { Ok(()) };
        };
        let body = store.plan_find(&plan.digest).await?;
        let change = body.as_ref().and_then(|plan| planned(plan.body.expose()));
        let outcome = if open.is_empty() {
            // What was planned and never sent has failed.
            let attempts = store.ledger_find(&plan.digest, 0).await?;
            operation_outcome(&attempts, None).unwrap_or(Outcome::Failed)
        } else {
            let (resolution, found) = match &change {
                Some(change) => self.look(change).await?,
                None => (Resolution::Repeat, Outcome::Unknown),
            };
            for entry in &open {
                store.ledger_found_out(hold.lease(), &entry.id, &resolution).await?;
            }
            found
        };
        if let Some(change) = change.filter(|_| outcome == Outcome::Accepted) {
            self.close_end_left_behind(run, &change).await?;
        }
        hold.finish(None).await.or_else(ignore_lost)?;
        Ok(store.run_finish(run, Some(outcome)).await?)
    }

    /// What became of the write of a change, as far as reading tells.
    async fn look(&self, change: &AccessChange) -> Result<(Resolution, Outcome), ChangeError> {
        if self.is_done(change).await? {
            return Ok((Resolution::Applied(Outcome::Accepted, ResolvedBy::Read), Outcome::Accepted));
        }
        // For as long as anybody could have waited for its answer, it may still take effect: a list that comes
        // late would undo what is sent next, also if sending the same twice is harmless.
        self.place.clock.sleep(self.late()).await;
        if self.is_done(change).await? {
            return Ok((Resolution::Applied(Outcome::Accepted, ResolvedBy::Read), Outcome::Accepted));
        }
        Ok((Resolution::NotApplied(ResolvedBy::Read), Outcome::Failed))
    }
}

/// The change that a plan is about.
fn planned(body: &[u8]) -> Option<AccessChange> {
    let contents: AccessPlanContents = serde_json::from_slice(body).ok()?;
    AccessChange::planned(&contents.change)
}
