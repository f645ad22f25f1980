//! What a crash left behind: an intent without an end. Whoever changes the same next is alone with it, and the
//! read decides.

use std::time::Duration;

use engine::{HoldError, HoldRequest, LEASE, TaskHold};
use model::{Outcome, RunId};
use serde_json::Value;
use store::{ACCESS_CHANGE_TASK, Resolution, ResolvedBy};

use super::apply::{give_back, ignore_lost};
use super::live::Live;
use super::plan::AccessPlanContents;
use super::target::Need;
use super::{AccessChange, AccessChanges, ChangeError};

/// After so long nobody waits for a turn any more.
const WAITS_NO_MORE: Duration = Duration::from_mins(10);

impl AccessChanges {
    /// Ends earlier runs about the same subject that a crash left open.
    pub(super) async fn find_out_left_behind(&self, own: &RunId, subject: &str) -> Result<(), ChangeError> {
        for run in self.parts.store.access_change_list_open(subject.as_bytes()).await? {
            if run != *own {
                self.find_out(&run).await?;
            }
        }
        Ok(())
    }

    async fn find_out(&self, run: &RunId) -> Result<(), ChangeError> {
        let store = &self.parts.store;
        let (kind, name) = ACCESS_CHANGE_TASK;
        let request = HoldRequest {
            run: run.clone(),
            kind: kind.to_owned(),
            name: name.to_owned(),
            worker: self.parts.worker.clone(),
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
        let open = store.ledger_unknown(run).await?;
        let Some(plan) = store.plan_of_run(run).await? else {
            // Nothing was planned, so nothing was sent: it waits for its turn, or is gone.
            let age = self.parts.clock.now().duration_since(store.get_run(run).await?.created_at);
            let is_gone = Duration::try_from(age).is_ok_and(|age| age > WAITS_NO_MORE);
            give_back(hold).await?;
            return if is_gone { Ok(store.run_finish(run, Some(Outcome::Failed)).await?) } else { Ok(()) };
        };
        let mut outcome = None;
        if !open.is_empty() {
            let (resolution, found) = match store.plan_find(&plan.digest).await? {
                Some(plan) => self.look(plan.body.expose()).await?,
                None => (Resolution::Repeat, Outcome::Unknown),
            };
            for entry in &open {
                store.ledger_found_out(hold.lease(), &entry.id, &resolution).await?;
            }
            outcome = Some(found);
        }
        hold.finish(None).await.or_else(ignore_lost)?;
        Ok(store.run_finish(run, outcome).await?)
    }

    /// What became of the write of a plan, as far as reading tells.
    async fn look(&self, body: &[u8]) -> Result<(Resolution, Outcome), ChangeError> {
        let contents: Option<AccessPlanContents> =
            serde_json::from_slice::<Value>(body).ok().and_then(|body| serde_json::from_value(body).ok());
        let planned = contents.and_then(|plan| Some((AccessChange::planned(&plan.change)?, plan.repeatable)));
        let Some((change, is_repeatable)) = planned else {
            return Ok((Resolution::Repeat, Outcome::Unknown));
        };
        let is_done = async || {
            let live = Live::new(&self.parts, &self.mapper);
            Ok::<_, ChangeError>(matches!(live.need(&change).await?, Need::Nothing))
        };
        if is_done().await? {
            return Ok((Resolution::Applied(Outcome::Accepted, ResolvedBy::Read), Outcome::Accepted));
        }
        if is_repeatable {
            return Ok((Resolution::Repeat, Outcome::Unknown));
        }
        // For as long as anybody could have waited for its answer, it may still take effect.
        self.parts.clock.sleep(self.parts.connector.read_timeout()).await;
        if is_done().await? {
            return Ok((Resolution::Applied(Outcome::Accepted, ResolvedBy::Read), Outcome::Accepted));
        }
        Ok((Resolution::NotApplied(ResolvedBy::Read), Outcome::Failed))
    }
}
