//! The ledgered write path: the only way in which anything outside is changed (architecture laws 2, 3).
//!
//! For each attempt, in this order: the intent is durable, a permit is made of it, the write is sent
//! once, its end is durable. What a crash leaves behind is an intent without an end; the next worker
//! finds out what became of it before anything is sent again.

#[cfg(feature = "planted-defects")]
mod defect;
mod judge;
mod later;
mod order;
mod outcome;
mod permit;
mod resolve;
mod retry;
mod send;
mod target;

#[cfg(feature = "planted-defects")]
pub use defect::Defect;
pub(crate) use later::told;
pub use order::{Chain, WriteError, WriteOrder, WritePayload, WriteReport};
pub use outcome::operation_outcome;
pub use retry::WriteRetry;
pub(crate) use target::find_write;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use connector::Person;
use model::{Clock, ConnectionKey, kill_point};
use store::{LedgerEntry, Store, StoreError};

use crate::hold::TaskHold;
use crate::{Concurrency, Source};
use outcome::{Situation, situation};
use send::{Sender, Sent};

/// What a [`Writer`] is made of.
#[derive(Debug)]
pub struct WriterParts {
    /// Where the ledger is.
    pub store: Store,
    /// The connections.
    pub sources: HashMap<ConnectionKey, Source>,
    /// Whose data; for the reads that find out what became of a write.
    pub person: Arc<Person>,
    /// Calls in flight, shared with the reads.
    pub limits: Concurrency,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
}

/// Sends writes, each through the ledger. Cheap to clone.
#[derive(Clone)]
pub struct Writer {
    inner: Arc<Inner>,
}

struct Inner {
    parts: WriterParts,
    retry: WriteRetry,
    #[cfg(feature = "planted-defects")]
    defect: Option<Defect>,
}

impl Writer {
    /// A writer; nothing is sent yet.
    pub fn new(parts: WriterParts) -> Self {
        Self::with_retry(parts, WriteRetry::default())
    }

    /// The same with other attempts and waits.
    pub fn with_retry(parts: WriterParts, retry: WriteRetry) -> Self {
        #[cfg(feature = "planted-defects")]
        let defect = Defect::chosen();
        #[cfg(feature = "planted-defects")]
        if defect == Some(Defect::ForgetFences) {
            parts.store.forget_fences();
        }
        let inner = Inner {
            parts,
            retry,
            #[cfg(feature = "planted-defects")]
            defect,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Brings one operation of an approved plan to its end, as far as that can be known now.
    ///
    /// Looks at the ledger first. What ended is not sent again. What was sent without an end, or with
    /// one that nobody knows, is found out: by looking for an equal job, by sending again where that is
    /// harmless, by the read that proves the write; else it stays unknown for a person. What certainly
    /// had no effect is tried again, a few times, each with an intent of its own.
    ///
    /// # Errors
    /// [`WriteError`] if nothing can be said now. What went wrong at the other side is part of the
    /// report.
    ///
    /// # Cancel safety
    /// Dropping the future is like a crash: nothing is lost and nothing is done twice, but the fate of a
    /// write under way must be found out.
    pub async fn settle(&self, hold: &TaskHold, order: &WriteOrder) -> Result<WriteReport, WriteError> {
        let mut chain = self.settle_all(hold, std::slice::from_ref(order)).await;
        match (chain.reports.pop(), chain.stopped) {
            (_, Some(error)) => Err(error),
            (Some(report), None) => Ok(report),
            (None, None) => Err(WriteError::Stopped),
        }
    }

    /// The same for operations that follow one another: the end of one and the intent of the next share
    /// a commit, so that each write waits for the disk once.
    ///
    /// One that fails does not stop those after it. An error does: the reports are those of the orders
    /// before it.
    pub async fn settle_all(&self, hold: &TaskHold, orders: &[WriteOrder]) -> Chain {
        let mut sender = Sender::new(&self.inner, hold);
        let mut chain = Chain { reports: Vec::with_capacity(orders.len()), stopped: None };
        for order in orders {
            // Boxed: callers hold many of these futures at once.
            match Box::pin(self.inner.settle(&mut sender, order)).await {
                Ok(report) => chain.reports.push(report),
                Err(error) => {
                    chain.stopped = Some(error);
                    break;
                }
            }
        }
        let unkept = sender.unkept();
        if let Err(error) = sender.flush().await {
            // Sent, and its end could not be kept: nobody may rely on the report.
            let place = orders.iter().position(|order| Some(order.operation) == unkept);
            chain.reports.truncate(place.unwrap_or_default());
            chain.stopped.get_or_insert(error);
        }
        for (order, report) in orders.iter().zip(&mut chain.reports) {
            if report.outcome == model::Outcome::Accepted
                && let Err(error) = self.inner.name_job(order, report).await
            {
                chain.stopped.get_or_insert(error);
            }
        }
        chain
    }
}

impl Inner {
    async fn settle(&self, sender: &mut Sender<'_>, order: &WriteOrder) -> Result<WriteReport, WriteError> {
        let target = self.target(order)?;
        let _alone = sender.alone(order)?;
        // What the ledger says of a task that somebody else may have by now is not ours to judge.
        sender.check()?;
        let mut attempts = self.parts.store.ledger_find(&order.plan, order.operation).await?;
        let mut sent = 0;
        loop {
            match situation(&attempts) {
                Situation::Missing => return Err(WriteError::NotInPlan { operation: order.operation }),
                Situation::Ended(report) => return Ok(report),
                Situation::Open(entry) => {
                    if let Some(entry) = self.unknown(sender, entry).await?
                        && (sent >= self.retry.attempts
                            || !self.resolve(sender, (order, &target), &entry).await?)
                    {
                        return Ok(WriteReport::of_entry(&entry));
                    }
                }
                Situation::Free { attempt, doubt } => {
                    if sent >= self.retry.attempts {
                        return Ok(attempts.last().map(WriteReport::of_entry).unwrap_or_default());
                    }
                    sent += 1;
                    match sender.send((order, &target), (attempt, doubt), sent).await? {
                        Sent::Ended(report) => return Ok(report),
                        Sent::Again => {}
                    }
                }
            }
            attempts = self.parts.store.ledger_find(&order.plan, order.operation).await?;
        }
    }

    /// The entry of a write whose end is open, marked as unknown; `None` if its end is known by now.
    async fn unknown(
        &self,
        sender: &Sender<'_>,
        entry: &LedgerEntry,
    ) -> Result<Option<LedgerEntry>, WriteError> {
        let store = &self.parts.store;
        if entry.state == store::LedgerState::Unknown {
            return Ok(Some(entry.clone()));
        }
        let unknown = store.ledger_unknown(&entry.run).await?;
        if let Some(found) = unknown.into_iter().find(|found| found.id == entry.id) {
            return Ok(Some(found));
        }
        // Sent under this very hold, and given up by whoever waited for the answer. If it was not, the
        // task is not ours any more and the store refuses.
        match store.ledger_give_up(sender.lease(), &entry.id).await {
            Ok(()) => {}
            Err(StoreError::Conflict { .. }) => return Ok(None),
            Err(error) => return Err(sender.refused(error)),
        }
        kill_point!("write.outcome");
        Ok(Some(LedgerEntry {
            state: store::LedgerState::Unknown,
            outcome: Some(model::Outcome::Unknown),
            outcome_at: Some(self.parts.clock.now()),
            ..entry.clone()
        }))
    }

    /// Puts the job into the report of a write that started one, and how it ended.
    async fn name_job(&self, order: &WriteOrder, report: &mut WriteReport) -> Result<(), WriteError> {
        if let Some(job) = self.parts.store.job_find(&order.plan, order.operation).await? {
            report.outcome = job.outcome;
            report.job = Some(job.id);
        }
        Ok(())
    }

    #[cfg(feature = "planted-defects")]
    fn has_defect(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("sources", &self.inner.parts.sources.keys()).finish_non_exhaustive()
    }
}
