//! What the ledger's entries of one operation say together.

use model::Outcome;
use store::{Effect, Job, LedgerEntry, LedgerState};

use super::WriteReport;

/// How an operation stands before anything is done.
#[derive(Debug)]
pub(super) enum Situation<'a> {
    /// It is in no plan.
    Missing,
    /// Over.
    Ended(WriteReport),
    /// Sent, and its end is not known.
    Open(&'a LedgerEntry),
    /// It may be sent.
    Free {
        /// Which attempt it will be.
        attempt: u32,
        /// An attempt before may have had an effect all the same; it is sent again because that does no
        /// harm.
        doubt: bool,
    },
}

pub(super) fn situation(attempts: &[LedgerEntry]) -> Situation<'_> {
    let Some(last) = attempts.last() else { return Situation::Missing };
    let doubt = attempts.iter().any(|entry| entry.state == LedgerState::Resolved && entry.effect.is_none());
    match last.state {
        LedgerState::Planned => Situation::Free { attempt: last.attempt, doubt },
        LedgerState::Intent | LedgerState::Unknown => Situation::Open(last),
        LedgerState::Outcome | LedgerState::Resolved => match last.effect {
            Some(Effect::Applied) => Situation::Ended(WriteReport::of_entry(last)),
            Some(Effect::NotApplied) | None => Situation::Free { attempt: last.attempt + 1, doubt },
        },
    }
}

/// What became of one operation, from all attempts at it (`Store::ledger_list`) and the job that it
/// started; `None` while nothing was sent.
///
/// A write that started a job is `accepted` until the job ended, and then what the worst of its
/// destinations says.
pub fn operation_outcome(attempts: &[LedgerEntry], job: Option<&Job>) -> Option<Outcome> {
    let last = attempts.last()?;
    match last.state {
        LedgerState::Planned => None,
        LedgerState::Intent | LedgerState::Unknown => Some(Outcome::Unknown),
        LedgerState::Outcome | LedgerState::Resolved => {
            let outcome = last.outcome.unwrap_or(Outcome::Unknown);
            match job {
                Some(job) if outcome == Outcome::Accepted => Some(job.outcome),
                Some(_) | None => Some(outcome),
            }
        }
    }
}
