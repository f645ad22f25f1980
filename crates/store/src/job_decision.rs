//! What a person decides about a job of which nobody knows how it ended.

use model::Outcome;
use serde_json::json;

use crate::sql::query;
use crate::words::outcome_text;
use crate::{Actor, AuditEvent, Job, Store, StoreError};

impl Store {
    /// Takes down how a job ended, for one that was given up as unknown. It is [`JobState::Decided`](crate::JobState::Decided)
    /// from then on: nobody saw it end.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if its end is known.
    pub async fn job_decide(&self, job: &Job, outcome: Outcome, actor: Actor) -> Result<(), StoreError> {
        const DECIDE: &str = "UPDATE job SET state = 'decided', outcome = $2 WHERE id = $1 AND state = 'ended' AND outcome = 'unknown'";
        let mut tx = self.begin().await?;
        let decided =
            query(DECIDE).bind(job.id.as_str()).bind(outcome_text(outcome)).execute(tx.connection()).await?;
        if decided.rows_affected() == 0 {
            let (id, state) = (job.id.to_string(), "not unknown".to_owned());
            return Err(StoreError::Conflict { what: "job", id, state, needs: "there is nothing to decide" });
        }
        let details = json!({
            "plan": job.plan.as_str(),
            "operation": job.operation,
            "outcome": outcome_text(outcome),
        });
        let event = AuditEvent::new(actor, "job.decided", job.id.as_str()).with(details);
        self.audit_enter_in(&mut tx, &event).await?;
        tx.commit().await
    }
}
