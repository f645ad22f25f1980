//! Units whose rows are the result of a job that the application is asked about (saas-config 23.8 to 23.15).

use std::sync::Arc;
use std::time::Duration;

use connector::{JobRows, JobStart, PolledUnit, PollingLook};
use egress::Retry;
use jiff::{SignedDuration, Timestamp};
use model::{CallStats, Clock, Completeness, IncompleteReason, kill_point};
use store::Polling;

use super::UnitReader;
use super::tally::{Failures, UnitOutcome};
use crate::Progress;
use crate::job_wait::JobWait;
use crate::row_writer::RowWriter;
use crate::source::ReadFault;
use crate::stop::{Halt, Why};

/// Time to the first look at a job. From then on it is as long again as the job has taken, up to what the
/// connector file says: what is done soon is fetched soon.
pub(crate) const FIRST_LOOK: Duration = Duration::from_secs(10);

/// A job that a unit waits for.
#[derive(Clone)]
pub(super) struct Poll {
    asked_at: Timestamp,
    pub(super) look_at: Timestamp,
    until: Timestamp,
    /// The application's id of it.
    job: String,
    /// Whether it was started just now.
    pub(super) is_new: bool,
}

/// What a step towards the rows of a job came to.
enum Step {
    /// It goes on; why the answer said nothing, if it did.
    Open(Option<String>),
    /// It is done.
    Rows(JobRows),
    /// It ended without rows, for this reason.
    Ended(String),
}

impl UnitReader {
    /// Starts the job if nobody did; takes over its rows if it is done; else leaves the unit waiting, with
    /// nothing held. `known` is the job as this process knows it from an earlier look.
    pub(super) async fn read_polled(
        this: &Arc<Self>,
        (unit, known): (PolledUnit<'_>, Option<Poll>),
        outcome: &mut UnitOutcome,
        failures: &Failures,
    ) -> Result<(), Halt> {
        let Some(clock) = this.reading.clock() else { return Ok(()) };
        if this.waiting == JobWait::Refused {
            outcome.fail(refused(unit.place), failures);
            return Ok(());
        }
        let kept = match known {
            Some(known) => Some(known),
            None => this.kept_job(outcome).await?,
        };
        let Some(mut poll) = kept else {
            if let Some(poll) = Box::pin(this.start_job((unit, clock), outcome, failures)).await? {
                outcome.wait_for_job(poll);
            }
            return Ok(());
        };
        poll.is_new = false;
        if poll.look_at > clock.now() {
            outcome.wait_for_job(poll);
            return Ok(());
        }
        let Some(step) = Box::pin(this.look((unit, &poll), outcome)).await? else { return Ok(()) };
        let trouble = match step {
            Ok(Step::Rows(rows)) => return this.keep_result(rows, outcome).await,
            Ok(Step::Ended(detail)) => return this.end_job(fault(detail), outcome, failures).await,
            Ok(Step::Open(trouble)) => trouble,
            // It may be better at the next look.
            Err(fault) if fault.retry == Retry::Yes => Some(fault.detail),
            Err(fault) => return this.end_job(fault, outcome, failures).await,
        };
        let now = clock.now();
        if now >= poll.until {
            let detail = overdue(unit, trouble.as_deref());
            return this.end_job(fault(detail), outcome, failures).await;
        }
        poll.look_at = next_look(&poll, (now, unit.interval));
        this.keep_job(&poll, outcome).await?;
        kill_point!("polling.looked");
        outcome.wait_for_job(poll);
        Ok(())
    }

    /// Starts the job; `None` if there is none to wait for. One that broke off before it is known that the
    /// application began is started again: it reads and changes nothing.
    async fn start_job(
        &self,
        (unit, clock): (PolledUnit<'_>, &dyn Clock),
        outcome: &mut UnitOutcome,
        failures: &Failures,
    ) -> Result<Option<Poll>, Halt> {
        let mut stats = CallStats::default();
        let starting = Box::pin(self.reading.start_job(outcome.unit, &mut stats));
        let started = self.called(starting, outcome).await?;
        outcome.state.stats += stats;
        match started {
            None => Ok(None),
            Some(Ok(JobStart::Begun(job))) => {
                let now = clock.now();
                let until = after(now, unit.deadline);
                let look_at = after(now, FIRST_LOOK.min(unit.interval)).min(until);
                let poll = Poll { asked_at: now, look_at, until, job, is_new: true };
                kill_point!("polling.before_started");
                self.keep_job(&poll, outcome).await?;
                kill_point!("polling.started");
                Ok(Some(poll))
            }
            Some(Ok(JobStart::Over(completeness))) => {
                outcome.state.end = Some(completeness.clone().into());
                outcome.completeness = completeness;
                self.writer.note(outcome.unit, &outcome.state).await?;
                Ok(None)
            }
            Some(Err(fault)) => {
                outcome.fail(fault, failures);
                Ok(None)
            }
        }
    }

    /// One look, and the rows if the job is done; `None` if it was stopped.
    async fn look(
        &self,
        (polled, poll): (PolledUnit<'_>, &Poll),
        outcome: &mut UnitOutcome,
    ) -> Result<Option<Result<Step, ReadFault>>, Halt> {
        let (unit, place) = (outcome.unit, polled.place);
        let mut stats = CallStats::default();
        let steps = Box::pin(async {
            Ok(match self.reading.look_at_job(unit, &poll.job, &mut stats).await? {
                PollingLook::Open { trouble } => Step::Open(trouble),
                PollingLook::Complete => {
                    kill_point!("polling.complete");
                    Step::Rows(self.reading.fetch_result(unit, &poll.job, &mut stats).await?)
                }
                PollingLook::Empty => {
                    Step::Rows(JobRows { rows: Vec::new(), completeness: Completeness::Complete })
                }
                PollingLook::Failed(end) => {
                    Step::Ended(format!("the job that {place} started ended as `{end}`; try again"))
                }
                PollingLook::Gone => Step::Ended(format!(
                    "the application does not know the job any more that {place} started; try again"
                )),
            })
        });
        let step = self.called(steps, outcome).await?;
        outcome.state.stats += stats;
        Ok(step)
    }

    /// Makes calls in a slot of the connection; `None` if something asked to stop.
    async fn called<T>(
        &self,
        call: impl Future<Output = T>,
        outcome: &mut UnitOutcome,
    ) -> Result<Option<T>, Halt> {
        let in_slot = async {
            let _slot = self.limits.slot(&self.connection).await;
            call.await
        };
        tokio::select! {
            biased;
            halt = self.writer.lost() => Err(halt),
            why = self.stop.wait() => {
                outcome.stop(why);
                Ok(None)
            }
            called = in_slot => Ok(Some(called)),
        }
    }

    /// Keeps the rows of a job as the only page of its unit.
    async fn keep_result(self: &Arc<Self>, result: JobRows, outcome: &mut UnitOutcome) -> Result<(), Halt> {
        let JobRows { rows, completeness } = result;
        Self::keep_only_page(self, (rows, completeness), outcome).await?;
        kill_point!("polling.kept");
        self.drop_job(outcome.unit).await
    }

    /// The job ended without rows.
    async fn end_job(
        &self,
        fault: ReadFault,
        outcome: &mut UnitOutcome,
        failures: &Failures,
    ) -> Result<(), Halt> {
        self.drop_job(outcome.unit).await?;
        outcome.fail(fault, failures);
        Ok(())
    }

    /// The job that an earlier worker started to answer the same question.
    async fn kept_job(&self, outcome: &UnitOutcome) -> Result<Option<Poll>, Halt> {
        let RowWriter::Store(writer) = &self.writer else { return Ok(None) };
        let find = || writer.stage.store.polling_find(writer.lease(), outcome.unit as u64);
        let found = writer.stage.retried(find).await.map_err(|error| writer.failed(error))?;
        let basis = outcome.state.basis.as_ref().map(crate::basis::Basis::as_str);
        let found = found.filter(|found| Some(found.basis.as_str()) == basis);
        Ok(found.map(|Polling { asked_at, look_at, until, job, .. }| Poll {
            asked_at,
            look_at,
            until,
            job,
            is_new: false,
        }))
    }

    /// Makes the job durable as it is now; in a spool this process alone knows it.
    async fn keep_job(&self, poll: &Poll, outcome: &UnitOutcome) -> Result<(), Halt> {
        let RowWriter::Store(writer) = &self.writer else { return Ok(()) };
        let lease = writer.lease();
        let polling = Polling {
            task: lease.task.to_string(),
            unit: outcome.unit as u64,
            run: lease.run.clone(),
            name: self.address.to_string(),
            basis: outcome.state.basis.as_ref().map(|basis| basis.as_str().to_owned()).unwrap_or_default(),
            asked_at: poll.asked_at,
            look_at: poll.look_at,
            until: poll.until,
            job: poll.job.clone(),
        };
        let put = || writer.stage.store.polling_put(lease, &polling);
        writer.stage.retried(put).await.map_err(|error| writer.failed(error))
    }

    /// Waits for the job of a unit no longer.
    pub(super) async fn drop_job(&self, unit: usize) -> Result<(), Halt> {
        let RowWriter::Store(writer) = &self.writer else { return Ok(()) };
        let drop = || writer.stage.store.polling_drop(writer.lease(), unit as u64);
        writer.stage.retried(drop).await.map_err(|error| writer.failed(error))
    }

    /// Tells that units wait for jobs, and stays until one of them is to be looked at if that is this
    /// reading's way. Gives why, if something asked to stop.
    pub(super) async fn stay(&self, waiting: &[(usize, &Poll)]) -> Result<Option<Why>, Halt> {
        let Some(until) = waiting.iter().map(|(_, poll)| poll.look_at).min() else { return Ok(None) };
        let (jobs, started) = (waiting.len(), waiting.iter().filter(|(_, poll)| poll.is_new).count());
        tracing::info!(collection = %self.address, jobs, %until, "jobs of an application are waited for");
        let event = Progress::Waits { collection: self.address.clone(), jobs, started, until };
        let _ = self.progress.send(event).await;
        let Some(clock) = self.reading.clock().filter(|_| self.waiting == JobWait::Here) else {
            return Ok(None);
        };
        let left = Duration::try_from(until.duration_since(clock.now())).unwrap_or_default();
        tokio::select! {
            biased;
            halt = self.writer.lost() => Err(halt),
            why = self.stop.wait() => Ok(Some(why)),
            () = clock.sleep(left) => Ok(None),
        }
    }
}

/// As long again as the job has taken, at most the interval and never past its end.
fn next_look(poll: &Poll, (now, interval): (Timestamp, Duration)) -> Timestamp {
    let taken = Duration::try_from(now.duration_since(poll.asked_at)).unwrap_or_default();
    after(now, taken.max(FIRST_LOOK).min(interval)).min(poll.until)
}

fn after(now: Timestamp, wait: Duration) -> Timestamp {
    now.checked_add(SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX)).unwrap_or(Timestamp::MAX)
}

fn overdue(unit: PolledUnit<'_>, trouble: Option<&str>) -> String {
    let hours = unit.deadline.as_secs() / 3600;
    let took = match hours {
        0 => format!("{} s", unit.deadline.as_secs()),
        1..48 => format!("{hours} hours"),
        _ => format!("{} days", hours / 24),
    };
    let last = trouble.map(|trouble| format!(" (last: {trouble})")).unwrap_or_default();
    format!("the job that {} started was not done after {took}{last}; try again", unit.place)
}

fn refused(place: &str) -> ReadFault {
    let detail = format!(
        "the rows that {place} asks for come from a job of the application, and none is waited for here"
    );
    ReadFault { reason: IncompleteReason::Connection, detail, retry: Retry::No }
}

fn fault(detail: String) -> ReadFault {
    ReadFault { reason: IncompleteReason::Connection, detail, retry: Retry::Yes }
}
