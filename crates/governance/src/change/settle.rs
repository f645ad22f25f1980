//! The write, and what reading back says about it.

use std::time::Duration;

use engine::{TaskHold, WriteOrder, WritePayload, Writer};
use model::Outcome;
use store::{LedgerState, Resolution, ResolvedBy, StoreError};

use super::live::Live;
use super::prepare::Prepared;
use super::{Action, ChangeError, ChangeResult};

/// Waits between looks at something that was taken and does not show yet.
const LOOKS: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(2), Duration::from_secs(5)];
/// How often what certainly had no effect, although its answer was lost, is sent again.
const SENDS: u32 = 3;

/// How the write of a plan ended.
pub(super) struct Settled {
    pub(super) result: ChangeResult,
    pub(super) attempts: u32,
    pub(super) detail: Option<String>,
}

/// What a lost answer comes to.
enum Lost {
    /// It had its effect.
    Applied,
    /// It had none, and may be sent again.
    Again,
    /// It had none, and has been sent often enough.
    NotApplied,
    /// Nobody knows.
    Unknown,
}

impl Live<'_> {
    /// Sends the write of a plan and reads it back. A lost answer is decided by the read; nothing is sent
    /// twice before that.
    pub(super) async fn settle(
        &self,
        writer: &Writer,
        hold: &TaskHold,
        prepared: &Prepared<'_>,
    ) -> Result<Settled, ChangeError> {
        let order = WriteOrder {
            plan: prepared.plan.digest().clone(),
            operation: 0,
            payload: WritePayload::Http {
                connection: self.parts.connector.connection().key.clone(),
                write: prepared.request.clone(),
            },
            // Whether it has to be sent again, the read says: it knows what became of it.
            repeatable: false,
            // Taken; that it is so, only reading shows.
            expected: Outcome::Accepted,
        };
        let mut sends = 0;
        loop {
            let report = writer.settle(hold, &order).await?;
            sends += 1;
            let settled =
                |result| Settled { result, attempts: report.attempts, detail: report.detail.clone() };
            match report.outcome {
                Outcome::Unknown => match self.lost(hold, prepared, sends).await? {
                    Lost::Applied => return Ok(settled(ChangeResult::Confirmed)),
                    Lost::Again => {}
                    Lost::NotApplied => return Ok(settled(ChangeResult::Failed)),
                    Lost::Unknown => return Ok(settled(ChangeResult::Unknown)),
                },
                Outcome::Failed => {
                    // Somebody else may have done it.
                    let is_done = self.is_done(prepared).await.unwrap_or(false);
                    return Ok(settled(if is_done { ChangeResult::Already } else { ChangeResult::Failed }));
                }
                Outcome::Accepted
                | Outcome::Unsupported
                | Outcome::Exempt
                | Outcome::Suppressed
                | Outcome::Masked
                | Outcome::Erased
                | Outcome::AlreadyAbsent
                | Outcome::NotFound => {
                    let is_visible = self.becomes_visible(prepared).await;
                    let result =
                        if is_visible { ChangeResult::Confirmed } else { ChangeResult::DoneButNotVisible };
                    return Ok(settled(result));
                }
            }
        }
    }

    /// Finds out what became of a write whose answer was lost, and tells the ledger.
    async fn lost(&self, hold: &TaskHold, prepared: &Prepared<'_>, sends: u32) -> Result<Lost, ChangeError> {
        let store = &self.parts.store;
        let attempts = store.ledger_find(prepared.plan.digest(), 0).await?;
        let Some(entry) = attempts.last().filter(|entry| entry.state == LedgerState::Unknown) else {
            return Ok(Lost::Unknown);
        };
        let mut is_done = self.is_done(prepared).await;
        let is_last = sends >= SENDS;
        // Nothing is said to have failed that may only be late.
        let is_repeatable = prepared.plan.contents().repeatable && !is_last;
        let replaces_list = prepared.target.write.rest.is_some();
        if matches!(is_done, Ok(false)) && (!is_repeatable || replaces_list) {
            // For as long as anybody waits for an answer, what was sent may still take effect; a list that comes
            // late would undo what somebody changes after this.
            self.parts.clock.sleep(self.parts.connector.read_timeout()).await;
            is_done = self.is_done(prepared).await;
        }
        let (resolution, lost) = match is_done {
            Ok(true) => (Resolution::Applied(Outcome::Accepted, ResolvedBy::Read), Lost::Applied),
            Ok(false) if is_last => (Resolution::NotApplied(ResolvedBy::Read), Lost::NotApplied),
            Ok(false) => match self.is_same(prepared).await {
                Ok(true) if is_repeatable => (Resolution::Repeat, Lost::Again),
                Ok(true) => (Resolution::NotApplied(ResolvedBy::Read), Lost::Again),
                // What it was made of has changed since: it must not be sent as it is.
                Ok(false) => return Ok(Lost::Unknown),
                // It was sent, so this is no error that says that nothing was.
                Err(error) => {
                    tracing::warn!(%error, "what a change is made of could not be read again");
                    return Ok(Lost::Unknown);
                }
            },
            Err(error) => {
                tracing::warn!(%error, "what became of a change could not be read");
                return Ok(Lost::Unknown);
            }
        };
        match store.ledger_found_out(hold.lease(), &entry.id, &resolution).await {
            Ok(()) | Err(StoreError::Conflict { .. }) => Ok(lost),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the call would be the same if it were made now.
    async fn is_same(&self, prepared: &Prepared<'_>) -> Result<bool, ChangeError> {
        let target = &prepared.target;
        let (Some(principal), Some(_)) = (&target.principal, target.rule) else { return Ok(true) };
        let Some(principal) = self.find(&principal.name).await? else { return Ok(false) };
        let again = super::target::Target { principal: Some(principal), ..(**target).clone() };
        Ok(self.write(&again)?.request == prepared.request)
    }

    /// Whether what was wanted is so.
    async fn is_done(&self, prepared: &Prepared<'_>) -> Result<bool, ChangeError> {
        let is_so = self.is_so(&prepared.target.proof).await?;
        Ok(match prepared.target.action {
            Action::Grant | Action::Create => is_so,
            Action::Revoke | Action::Delete => !is_so,
        })
    }

    async fn becomes_visible(&self, prepared: &Prepared<'_>) -> bool {
        for wait in LOOKS {
            match self.is_done(prepared).await {
                Ok(true) => return true,
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "a change could not be read back"),
            }
            self.parts.clock.sleep(wait).await;
        }
        self.is_done(prepared).await.unwrap_or(false)
    }
}
