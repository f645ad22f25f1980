//! One attempt at one operation: intent, permit, one send, end.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use model::{Outcome, kill_point};
use store::{EndedWrite, Intent, LedgerEnd, LedgerEntry, NewIntent, NewJob, Retry, StoreError, TaskLease};

use super::judge::{Judged, StartedJob, judge_http, judge_lapsed, judge_sql};
use super::permit::{Departure, entry, permit};
use super::target::Target;
use super::{Inner, WriteError, WriteOrder, WriteReport};
use crate::hold::{HoldState, TaskHold, UnderWay};

/// How often the end of a write is tried to be kept, and the wait between.
const KEEP_ATTEMPTS: u32 = 5;
const KEEP_WAIT: Duration = Duration::from_millis(200);

/// Sends one operation after the other under one hold.
pub(super) struct Sender<'a> {
    pub(super) inner: &'a Inner,
    pub(super) hold: &'a TaskHold,
    /// The end of the last attempt, until it is durable.
    pending: Option<EndedWrite>,
    /// The operation that it belongs to.
    pending_of: u32,
}

/// What one attempt led to.
pub(super) enum Sent {
    /// Over for now.
    Ended(WriteReport),
    /// The ledger says how to go on.
    Again,
}

impl<'a> Sender<'a> {
    pub(super) fn new(inner: &'a Inner, hold: &'a TaskHold) -> Self {
        Self { inner, hold, pending: None, pending_of: 0 }
    }

    /// Keeps two calls of this process from settling one operation at the same time.
    pub(super) fn alone(&self, order: &WriteOrder) -> Result<UnderWay<'a>, WriteError> {
        let operation = order.operation;
        self.hold.under_way(&order.plan, operation).ok_or(WriteError::UnderWay { operation })
    }

    /// The operation whose end is not durable yet.
    pub(super) fn unkept(&self) -> Option<u32> {
        self.pending.as_ref().map(|_| self.pending_of)
    }

    /// Makes one attempt; `sent` counts those of this call, from 1.
    pub(super) async fn send(
        &mut self,
        (order, target): (&WriteOrder, &Target<'_>),
        (attempt, doubt): (u32, bool),
        sent: u32,
    ) -> Result<Sent, WriteError> {
        let slot = self.inner.parts.limits.slot(target.connection()).await;
        #[cfg(feature = "planted-defects")]
        let (intent, judged) = if self.inner.has_defect(super::Defect::SendBeforeIntent) {
            let early = egress::LedgerRef { id: "led_planted".to_owned(), fence: 0 };
            let judged = self.transmit((order, target), early, doubt).await?;
            (self.intent(order, attempt).await?, judged)
        } else {
            let intent = self.intent(order, attempt).await?;
            let judged = self.transmit((order, target), entry(&intent), doubt).await;
            let judged = self.unless_stopped(&intent, judged).await?;
            (intent, judged)
        };
        #[cfg(not(feature = "planted-defects"))]
        let (intent, judged) = {
            let intent = self.intent(order, attempt).await?;
            let judged = self.transmit((order, target), entry(&intent), doubt).await;
            let judged = self.unless_stopped(&intent, judged).await?;
            (intent, judged)
        };
        drop(slot);
        let Judged { end, detail, job, again } = judged;
        kill_point!("write.answered");
        let report = WriteReport {
            outcome: match &end {
                LedgerEnd::Applied(outcome) | LedgerEnd::NotApplied(outcome) => *outcome,
                LedgerEnd::Unknown => Outcome::Unknown,
            },
            job: None,
            attempts: attempt,
            detail: Some(detail.clone()),
        };
        let is_unknown = end == LedgerEnd::Unknown;
        let job = job.map(|job| self.job(order, job));
        self.pending = Some(EndedWrite { id: intent.id().clone(), end, detail: Some(detail), job });
        self.pending_of = order.operation;
        let retry = &self.inner.retry;
        let wait = again.map(|again| retry.wait(again, sent));
        match wait.or(is_unknown.then_some(retry.before_look)) {
            None => Ok(Sent::Ended(report)),
            Some(wait) => {
                self.flush().await?;
                if sent >= retry.attempts {
                    return Ok(Sent::Ended(report));
                }
                tracing::debug!(
                    connection = %target.connection(), operation = order.operation, attempt,
                    detail = report.detail, wait_ms = wait.as_millis() as u64, "a write will be looked at again"
                );
                self.wait(wait).await?;
                Ok(Sent::Again)
            }
        }
    }

    /// The job that an operation started, as the store follows it.
    pub(super) fn job(&self, order: &WriteOrder, job: StartedJob) -> NewJob {
        self.inner.new_job(self.hold, order, job)
    }

    /// Makes the intent durable, together with the end of the attempt before.
    async fn intent(&mut self, order: &WriteOrder, attempt: u32) -> Result<Intent, WriteError> {
        self.check()?;
        kill_point!("write.before_intent");
        let new = NewIntent {
            lease: self.hold.lease().clone(),
            plan: order.plan.clone(),
            operation: order.operation,
            attempt,
        };
        let store = &self.inner.parts.store;
        let intent = match &self.pending {
            None => store.ledger_intent(new).await,
            Some(ended) => {
                let intent = store.ledger_advance(ended, new).await;
                // Otherwise the end is tried again by itself; keeping it twice changes nothing.
                if intent.is_ok() {
                    let ended = self.pending.take();
                    kill_point!("write.outcome");
                    if ended.is_some_and(|ended| ended.job.is_some()) {
                        kill_point!("job.tracked");
                    }
                }
                intent
            }
        };
        let intent = intent.map_err(|error| self.refused(error))?;
        kill_point!("write.intent", order.operation);
        Ok(intent)
    }

    /// Sends once. Stops at once when the hold is lost; then nobody here knows the end.
    ///
    /// The hold is looked at before each step of the sending, not only when it starts: it may wait for
    /// tokens and budgets, and the process may be stopped meanwhile. Of a cancelled run what is out
    /// already may still bring its answer.
    async fn transmit(
        &self,
        (order, target): (&WriteOrder, &Target<'_>),
        entry: egress::LedgerRef,
        doubt: bool,
    ) -> Result<Judged, WriteError> {
        self.check()?;
        let asked = match self.asked(order, target).await {
            Ok(asked) => asked,
            Err(judged) => return Ok(*judged),
        };
        let departure = Departure::default();
        let permit = permit(entry, self.hold.watch(), &departure);
        kill_point!("write.before_send");
        let answer = async {
            match target {
                Target::Http(http) => {
                    let (token, later) = match asked {
                        Some((token, later)) => (Some(token), Some(later)),
                        None => (None, None),
                    };
                    let with = (permit, token.as_ref());
                    let answer = http.connector.send_write_asking(http.write, http.request, with).await;
                    judge_http(self.inner, answer.end, (order, http.request, later), doubt)
                }
                Target::Sql { database, operation } => {
                    if !permit.holds() {
                        return judge_lapsed();
                    }
                    let rows = database.execute(operation, &permit).await;
                    judge_sql(rows, operation, order, doubt)
                }
            }
        };
        let (mut answer, mut ended) = (pin!(answer), pin!(self.hold.ended()));
        poll_fn(|context| {
            match self.hold.state() {
                HoldState::Held => {}
                HoldState::Cancelled if departure.has_left() => {}
                state @ (HoldState::Lost | HoldState::Cancelled) => {
                    return Poll::Ready(Err(self.stopped(state)));
                }
            }
            if let Poll::Ready(judged) = answer.as_mut().poll(context) {
                let refused = departure.was_refused();
                return Poll::Ready(if refused { Err(self.stopped(self.hold.state())) } else { Ok(judged) });
            }
            ended.as_mut().poll(context).map(|state| Err(self.stopped(state)))
        })
        .await
    }

    /// A cancelled run has nobody else who would note that the end is unknown; of a lost one the next
    /// holder does.
    async fn unless_stopped(
        &mut self,
        intent: &Intent,
        judged: Result<Judged, WriteError>,
    ) -> Result<Judged, WriteError> {
        if let Err(WriteError::Cancelled { .. }) = &judged {
            let detail = Some("interrupted".to_owned());
            self.pending =
                Some(EndedWrite { id: intent.id().clone(), end: LedgerEnd::Unknown, detail, job: None });
            self.flush().await?;
        }
        judged
    }

    /// Makes the end of the last attempt durable. Tries harder than elsewhere: this process alone knows
    /// what was answered.
    pub(super) async fn flush(&mut self) -> Result<(), WriteError> {
        let Some(ended) = &self.pending else { return Ok(()) };
        let mut attempt = 1;
        loop {
            match self.inner.parts.store.ledger_end(ended).await {
                Ok(()) => break,
                Err(error) if error.retry() == Retry::Yes && attempt < KEEP_ATTEMPTS => {
                    tracing::warn!(%error, "the end of a write could not be kept yet");
                    self.inner.parts.clock.sleep(KEEP_WAIT).await;
                    attempt += 1;
                }
                Err(error) => {
                    self.pending = None;
                    return Err(self.refused(error));
                }
            }
        }
        let ended = self.pending.take();
        kill_point!("write.outcome");
        if ended.is_some_and(|ended| ended.job.is_some()) {
            kill_point!("job.tracked");
        }
        Ok(())
    }

    /// Waits, unless the hold ends before.
    pub(super) async fn wait(&self, wait: Duration) -> Result<(), WriteError> {
        tokio::select! {
            biased;
            state = self.hold.ended() => Err(self.stopped(state)),
            () = self.inner.parts.clock.sleep(wait) => Ok(()),
        }
    }

    /// The hold as the store names it.
    pub(super) fn lease(&self) -> &TaskLease {
        self.hold.lease()
    }

    /// For how long the write of `entry` cannot have been sent any more, at least.
    pub(super) fn quiet_for(&self, entry: &LedgerEntry) -> Duration {
        let lease = self.lease();
        if entry.task.as_ref() != Some(&lease.task) || entry.fence != Some(lease.fence) {
            // Whoever sent it had the task until we took it.
            return self.hold.held_for();
        }
        let now = self.inner.parts.clock.now();
        let quiet = entry.outcome_at.map(|ended| now.duration_since(ended));
        quiet.and_then(|quiet| Duration::try_from(quiet).ok()).unwrap_or_default()
    }

    /// Fails unless the task is ours.
    pub(super) fn check(&self) -> Result<(), WriteError> {
        match self.hold.state() {
            HoldState::Held => Ok(()),
            state @ (HoldState::Lost | HoldState::Cancelled) => Err(self.stopped(state)),
        }
    }

    fn stopped(&self, state: HoldState) -> WriteError {
        let run = self.hold.lease().run.clone();
        if state == HoldState::Cancelled { WriteError::Cancelled { run } } else { WriteError::Lost { run } }
    }

    pub(super) fn refused(&self, error: StoreError) -> WriteError {
        match error {
            StoreError::Fenced { .. } => self.stopped(HoldState::Lost),
            other => WriteError::Store(other),
        }
    }
}
