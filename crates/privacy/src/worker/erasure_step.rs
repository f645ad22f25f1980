//! Sending what a plan says, following it, and looking again.

use std::time::Duration;

use model::Outcome;
use store::{NewRequestLog, PlanDigest, PrivacyRequestStatus, RequestStep, RunState, StoreError};

use super::ending::{Ending, ending};
use super::halt::{Halt, WRITE_UNKNOWN};
use super::journey::Journey;
use super::log;
use super::means::Means;
use super::plan_step::{Approved, Planned};
use crate::apply::{ApplyError, ApplyOptions, ApplyProgress};
use crate::certificate::VerificationState;
use crate::request::Waits;
use crate::status::{RunStatus, StatusError};
use crate::verify::{VerifyError, VerifyOptions};

/// How long a worker waits on the spot for a quiet period to pass; a longer one is waited for without a
/// worker.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two looks at a job that names no time of its own.
const LOOK_AGAIN: Duration = Duration::from_mins(1);
/// How often a plan is made anew because what it was made from changed before anything was sent.
const MOST_PLANS: u32 = 3;

const SEND: RequestStep = RequestStep::Erasure;
const FOLLOW: RequestStep = RequestStep::FinalizeErasure;

impl Journey<'_> {
    /// Carries out a plan to its end.
    pub(super) async fn erase(&mut self, means: &Means, approved: Box<Approved>) -> Result<(), Halt> {
        let mut approved = approved;
        for _ in 0..MOST_PLANS {
            match self.send(means, &approved).await? {
                Sent::Status(status) => {
                    if let Err(halt) = self.judge(means, &approved, &status) {
                        return Err(self.unless_called_back(halt, &approved).await?);
                    }
                    self.may_go_on()?;
                    return self.look_again(means, &approved).await;
                }
                Sent::Proven => return Ok(()),
                Sent::Drifted => {
                    // Nothing was sent. Whoever approved this plan did not approve the next.
                    self.leave_change_run(means).await?;
                    match self.plan(means).await? {
                        Planned::Writes(next) => approved = next,
                        Planned::Nothing => return Ok(()),
                    }
                }
            }
        }
        let text = "what the plan is made from changes faster than it can be carried out; try again later";
        Err(Halt::failed(SEND, "drift", text))
    }

    async fn send(&mut self, means: &Means, approved: &Approved) -> Result<Sent, Halt> {
        let Approved { plan, actor } = approved;
        if self.request.step != Some(SEND) {
            self.stand_at(SEND, |_| {}).await?;
        }
        let options = ApplyOptions { cancellation: self.cancellation(), ..ApplyOptions::new(actor.clone()) };
        let applied = {
            let journey = &*self;
            let on_progress = |progress| {
                if let ApplyProgress::Reading(progress) = progress {
                    journey.note(&progress);
                }
            };
            means.service.apply(plan, plan.digest(), options, &on_progress).await
        };
        match applied {
            Ok(status) => Ok(Sent::Status(Box::new(status))),
            Err(ApplyError::Drift(_)) if !self.has_begun(approved.plan.digest()).await? => Ok(Sent::Drifted),
            Err(
                ApplyError::NotActive { .. }
                | ApplyError::Forgotten { .. }
                | ApplyError::Store(StoreError::Forgotten { .. }),
            ) if self.is_proven().await? => Ok(Sent::Proven),
            Err(error) => Err(self.not_sent(&error)),
        }
    }

    /// Whether a write of the plan was sent, or may have been.
    pub(super) async fn has_begun(&self, digest: &PlanDigest) -> Result<bool, Halt> {
        let ledger = self.store().ledger_list(digest).await;
        let ledger = ledger.map_err(|error| Halt::of_store(&error, SEND))?;
        Ok(ledger.iter().any(|entry| entry.state != store::LedgerState::Planned))
    }

    fn not_sent(&self, error: &ApplyError) -> Halt {
        let attention = match error {
            ApplyError::Stopped { .. } => return Halt::Stopped,
            ApplyError::Lost { .. } | ApplyError::HeldByAnother { .. } => return Halt::in_the_way(),
            ApplyError::Store(error) => return Halt::of_store(error, SEND),
            ApplyError::Reading(error) => match Halt::of_planning(error, SEND) {
                Some(halt) => return halt,
                None => "reading",
            },
            ApplyError::NotActive {
                state: RunState::Cancelled | RunState::Paused | RunState::Finished,
                ..
            }
            | ApplyError::NotActive { state: RunState::Active, .. } => "run_over",
            ApplyError::Drift(_) => "drift",
            ApplyError::Limits(_) => "limits",
            ApplyError::WrongDigest(_) | ApplyError::NotKnownHere | ApplyError::Forgotten { .. } => "plan",
            ApplyError::Write(_) => "write",
            ApplyError::Journal(_) => "journal",
        };
        tracing::warn!(request = %self.request.id, %error, "a plan was not carried out");
        Halt::failed(SEND, attention, &error.to_string())
    }

    /// Whether something stays that a person has to deal with, as the store has it.
    pub(super) async fn something_stays(&self, means: &Means) -> Result<bool, Halt> {
        let Some(run) = &self.request.change_run else { return Ok(false) };
        let known = means.service.known(run).await.map_err(|error| Halt::of_store(&error, FOLLOW))?;
        // Without an outline there was never a plan that anything could have come of.
        let Some(known) = known else { return Ok(false) };
        let status = match means.service.status_of(&known, Vec::new()).await {
            Ok(status) => status,
            Err(StatusError::Store(error)) => return Err(Halt::of_store(&error, FOLLOW)),
            Err(error @ StatusError::NotKnownHere { .. }) => {
                return Err(Halt::failed(FOLLOW, "state", &error.to_string()));
            }
        };
        let ended = ending(status.operations.iter().map(|one| one.outcome), &status.not_covered);
        Ok(ended != Ending::Good || status.verification.state == VerificationState::StillPresent)
    }

    /// What the operations came to, if all of it is over.
    fn judge(&self, means: &Means, approved: &Approved, status: &RunStatus) -> Result<(), Halt> {
        let ended = ending(status.operations.iter().map(|one| one.outcome), &status.not_covered);
        if ended != Ending::Open {
            let contents = approved.plan.contents();
            let logs = log::of_change(&means.service, &means.policy.policy, contents, Some(status));
            for log in logs {
                self.hold.tell(log);
            }
        }
        match ended {
            // What stays is found again in the store when the request is to end.
            Ending::Good | Ending::ByHand => Ok(()),
            Ending::Open => {
                let now = self.clock().now();
                let next = status.operations.iter().filter_map(|one| one.next_poll_at).min();
                let default = now.saturating_add(LOOK_AGAIN).unwrap_or(now);
                Err(Halt::waits(Waits {
                    status: PrivacyRequestStatus::InProcessing,
                    step: SEND,
                    attention: Some("job_open"),
                    until: Some(next.unwrap_or(default).max(now)),
                }))
            }
            Ending::Unknown => Err(Halt::waits(Waits {
                status: PrivacyRequestStatus::RequiresInput,
                step: SEND,
                attention: Some(WRITE_UNKNOWN),
                until: None,
            })),
            Ending::Failed => {
                let failed =
                    status.operations.iter().filter(|one| one.outcome == Some(Outcome::Failed)).count();
                let text = format!("{failed} of {} writes went wrong", status.operations.len());
                Err(Halt::failed(SEND, "write_failed", &text))
            }
        }
    }

    /// Looks for what should have gone, and has the certificate made.
    async fn look_again(&mut self, means: &Means, approved: &Approved) -> Result<(), Halt> {
        let run = &approved.plan.contents().run;
        let options = VerifyOptions {
            patience: PATIENCE,
            cancellation: self.cancellation(),
            ..VerifyOptions::new(store::Actor::system())
        };
        let verified = {
            let journey = &*self;
            let on_progress = |progress| journey.note(&progress);
            means.service.verify(run, options, &on_progress).await
        };
        match verified {
            Ok(verified) if verified.is_proven() => Ok(()),
            Ok(verified)
                if verified.certificate.conclusion.verification == Some(VerificationState::StillPresent) =>
            {
                let text =
                    "reading again found data that should have gone or be right; the certificate says where";
                self.hold.tell(NewRequestLog::of_work("Erasure certificate", "error", text));
                Ok(())
            }
            Ok(_) => {
                let text = "the certificate does not prove everything; it says what is not";
                self.hold.tell(NewRequestLog::of_work("Erasure certificate", "complete", text));
                Ok(())
            }
            Err(
                VerifyError::NotActive { .. }
                | VerifyError::Forgotten { .. }
                | VerifyError::Store(StoreError::Forgotten { .. }),
            ) if self.is_proven().await? => Ok(()),
            Err(error) => Err(self.not_verified(&error)),
        }
    }

    fn not_verified(&self, error: &VerifyError) -> Halt {
        let attention = match error {
            VerifyError::TooEarly { until, .. } => {
                return Halt::waits(Waits {
                    status: PrivacyRequestStatus::InProcessing,
                    step: FOLLOW,
                    attention: Some("quiet_period"),
                    until: Some(*until),
                });
            }
            VerifyError::Stopped { .. } => return Halt::Stopped,
            VerifyError::HeldByAnother { .. } | VerifyError::NotSequenced => return Halt::in_the_way(),
            VerifyError::Store(error @ StoreError::Forgotten { .. }) => return Halt::of_store(error, FOLLOW),
            VerifyError::Store(error) => return Halt::of_store(error, FOLLOW),
            VerifyError::Reading(error) => match Halt::of_planning(error, FOLLOW) {
                Some(halt) => return halt,
                None => "reading",
            },
            VerifyError::NotKnownHere { .. }
            | VerifyError::NotApplied { .. }
            | VerifyError::Forgotten { .. }
            | VerifyError::NotActive { .. }
            | VerifyError::Damaged { .. }
            | VerifyError::Page(_) => "verification",
        };
        tracing::warn!(request = %self.request.id, %error, "an erasure was not verified");
        Halt::failed(FOLLOW, attention, &error.to_string())
    }
}

/// What sending came to.
enum Sent {
    /// How far it is.
    Status(Box<RunStatus>),
    /// The world changed since the plan was made, and nothing was sent.
    Drifted,
    /// Whoever had the request before came to the end of it meanwhile.
    Proven,
}
