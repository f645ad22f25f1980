//! Asking a person what they mean: the clock of their request stands still until they say it, where the
//! law allows it.

use crypto::Secret;
use jiff::Timestamp;
use model::PrivacyRequestId;
use store::{Clarification, ClarificationChange, MessageKind, NewRequestLog, PrivacyRequest, StoreError};

use super::review::audit;
use super::status::is_over;
use super::{By, PrivacyRequests, RequestError, message};
use crate::deadline::{Pause, PauseReason};

impl PrivacyRequests {
    /// Asks the person of a request what they mean, and stops its clock. They are written to if there is
    /// an address that is known to be theirs.
    ///
    /// # Errors
    /// [`RequestError::Over`]; [`RequestError::StillWaits`] while another question is open.
    pub async fn ask_what_is_meant(
        &self,
        id: &PrivacyRequestId,
        question: Secret<String>,
        by: &By,
    ) -> Result<PrivacyRequest, RequestError> {
        let request = self.get_live(id).await?;
        if is_over(request.status) {
            return Err(RequestError::Over { id: id.clone(), status: request.status });
        }
        let now = self.now();
        let opened = Pause { reason: PauseReason::Clarification, from: now, until: None };
        let due_at = self.due_with(&request, Some(opened), now).await?;
        let identities = self.identities(id).await?;
        let told = message::to_person(MessageKind::ClarificationNeeded, &request, &identities)
            .map(|told| told.with("question", question.expose().as_str()));
        let change = ClarificationChange {
            due_at,
            logs: vec![log("clarification_asked", by)],
            messages: told.into_iter().collect(),
        };
        let name = by.name();
        let asked = (&question, change, name.as_str());
        self.store().clarification_ask(id, asked, by.actor.clone()).await.map_err(|error| match error {
            StoreError::Conflict { what: "clarification", .. } => {
                RequestError::StillWaits { reason: "The person has not answered the question before." }
            }
            error => error.into(),
        })
    }

    /// Keeps what the person said, and lets the clock of their request go on.
    ///
    /// # Errors
    /// [`RequestError::Store`] with `NotFound` if they were not asked.
    pub async fn say_what_is_meant(
        &self,
        id: &PrivacyRequestId,
        answer: Secret<String>,
        by: &By,
    ) -> Result<PrivacyRequest, RequestError> {
        let request = self.get_live(id).await?;
        let now = self.now();
        let due_at = self.due_closed(&request, now).await?;
        let change = ClarificationChange { due_at, logs: vec![log("clarified", by)], messages: Vec::new() };
        let name = by.name();
        let said = (&answer, change, name.as_str());
        Ok(self.store().clarification_answer(id, said, by.actor.clone()).await?)
    }

    /// What the person of a request was asked, and what they said.
    ///
    /// # Errors
    /// [`RequestError::Store`].
    pub async fn clarifications(&self, id: &PrivacyRequestId) -> Result<Vec<Clarification>, RequestError> {
        Ok(self.store().clarification_list(id).await?)
    }
}

fn log(action: &str, by: &By) -> NewRequestLog {
    audit(action, by, "")
}

/// When the controller waited for the person to say what they mean.
pub(super) fn pauses(clarifications: &[Clarification]) -> impl Iterator<Item = Pause> + '_ {
    clarifications.iter().map(|one| Pause {
        reason: PauseReason::Clarification,
        from: one.asked_at,
        until: one.answered_at,
    })
}

/// The same as if the open question were answered now.
pub(super) fn closed(clarifications: &[Clarification], now: Timestamp) -> Vec<Pause> {
    pauses(clarifications).map(|pause| Pause { until: pause.until.or(Some(now)), ..pause }).collect()
}
