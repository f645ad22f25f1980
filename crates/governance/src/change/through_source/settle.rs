//! The job of a plan, and what reading back says about it.

use std::pin::pin;
use std::time::Duration;

use engine::{Canceller, HoldState, TaskHold, WriteError};
use model::{Outcome, kill_point};
use store::{LedgerEnd, LedgerId, NewIntent, Resolution, ResolvedBy, StoreError};

use super::{PreparedJob, is_so};
use crate::change::settle::Settled;
use crate::change::{ChangeError, ChangePlace, ChangeResult};
use crate::source::JobEnd;

/// Wait before another reading of something that is done and does not show yet.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

impl PreparedJob<'_> {
    /// Runs the job once and reads it back. What a job that does not say that it is done came to, the reading decides.
    pub(in crate::change) async fn settle(
        &self,
        place: &ChangePlace,
        hold: &TaskHold,
    ) -> Result<Settled, ChangeError> {
        let new = NewIntent {
            lease: hold.lease().clone(),
            plan: self.plan.digest().clone(),
            operation: 0,
            attempt: 1,
        };
        kill_point!("write.before_intent");
        let intent = place.store.ledger_intent(new).await.map_err(|error| self.lost_or(error))?;
        kill_point!("write.intent");
        let end = match hold.state() {
            HoldState::Held => self.run(hold).await?,
            HoldState::Lost | HoldState::Cancelled => {
                let not = LedgerEnd::NotApplied(Outcome::Failed);
                place.store.ledger_outcome(intent.id(), not, Some("not_sent_lapsed")).await?;
                return Err(self.lost());
            }
        };
        kill_point!("write.answered");
        let ended = |end, detail: &str| {
            let (id, detail) = (intent.id().clone(), detail.to_owned());
            async move { place.store.ledger_outcome(&id, end, Some(&detail)).await }
        };
        match end {
            JobEnd::Done => {
                ended(LedgerEnd::Applied(Outcome::Accepted), "exit_0").await?;
                kill_point!("write.outcome");
                let is_visible = self.becomes_visible(place).await;
                let result =
                    if is_visible { ChangeResult::Confirmed } else { ChangeResult::DoneButNotVisible };
                Ok(settled(result, "exit_0"))
            }
            JobEnd::NotBegun(error) => {
                ended(LedgerEnd::NotApplied(Outcome::Failed), "not_begun").await?;
                Err(ChangeError::Source(error))
            }
            JobEnd::Unknown { detail } => {
                ended(LedgerEnd::Unknown, &detail).await?;
                kill_point!("write.outcome");
                self.find_out(place, hold, (intent.id(), detail)).await
            }
        }
    }

    /// Runs the job, and ends it if somebody else has the task by then.
    async fn run(&self, hold: &TaskHold) -> Result<JobEnd, ChangeError> {
        let contents = self.plan.contents();
        let planned = contents.job.as_ref().ok_or(ChangeError::Drift)?;
        let (canceller, stop) = Canceller::new();
        let mut job = pin!(self.hand.carry_out(&planned.job, self.reading.left(), (&contents.run, stop)));
        tokio::select! {
            end = &mut job => return Ok(end),
            _ = hold.ended() => canceller.cancel(),
        }
        Ok(job.await)
    }

    /// Finds out what became of a job that does not say that it is done, and tells the ledger.
    async fn find_out(
        &self,
        place: &ChangePlace,
        hold: &TaskHold,
        (id, detail): (&LedgerId, String),
    ) -> Result<Settled, ChangeError> {
        let mut is_done = is_so(self.source, &self.change).await;
        if matches!(is_done, Ok(false)) {
            // Nothing is said to have failed that may only be late.
            place.clock.sleep(self.hand.late()).await;
            is_done = is_so(self.source, &self.change).await;
        }
        let (resolution, result) = match is_done {
            Ok(true) => (Resolution::Applied(Outcome::Accepted, ResolvedBy::Read), ChangeResult::Confirmed),
            Ok(false) => (Resolution::NotApplied(ResolvedBy::Read), ChangeResult::Failed),
            Err(error) => {
                tracing::warn!(%error, "what became of a change could not be read");
                return Ok(settled(ChangeResult::Unknown, &detail));
            }
        };
        match place.store.ledger_found_out(hold.lease(), id, &resolution).await {
            Ok(()) | Err(StoreError::Conflict { .. }) => Ok(settled(result, &detail)),
            Err(error) => Err(self.lost_or(error)),
        }
    }

    async fn becomes_visible(&self, place: &ChangePlace) -> bool {
        for wait in [Some(LOOK_AGAIN), None] {
            match is_so(self.source, &self.change).await {
                Ok(true) => return true,
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "a change could not be read back"),
            }
            if let Some(wait) = wait {
                place.clock.sleep(wait).await;
            }
        }
        false
    }

    fn lost(&self) -> ChangeError {
        WriteError::Lost { run: self.plan.contents().run.clone() }.into()
    }

    fn lost_or(&self, error: StoreError) -> ChangeError {
        match error {
            StoreError::Fenced { .. } => self.lost(),
            other => other.into(),
        }
    }
}

fn settled(result: ChangeResult, detail: &str) -> Settled {
    Settled { result, attempts: 1, detail: Some(detail.to_owned()) }
}
