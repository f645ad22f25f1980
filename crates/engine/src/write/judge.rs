//! From what a connector or database says to what the ledger keeps.

use connector::{CallError, WriteEnd};
use datastore::{DatabaseError, Fault, SqlOperation};
use model::{IncompleteReason, Outcome};
use spec::connector_file::Request;
use store::{LedgerEnd, NewJob};

use super::retry::Again;
use super::{Inner, WriteOrder};
use crate::hold::TaskHold;
use crate::units::FIRST_LOOK;

/// The end of one attempt.
pub(super) struct Judged {
    pub(super) end: LedgerEnd,
    /// A fixed word, never text from outside.
    pub(super) detail: String,
    /// The job that it started.
    pub(super) job: Option<StartedJob>,
    /// Whether it had no effect and may be tried again soon.
    pub(super) again: Option<Again>,
}

/// A job that a write started.
pub(super) struct StartedJob {
    pub(super) external_id: String,
    pub(super) place: String,
    pub(super) interval: std::time::Duration,
    pub(super) deadline: std::time::Duration,
}

impl Judged {
    fn applied(outcome: Outcome, detail: String) -> Self {
        Self { end: LedgerEnd::Applied(outcome), detail, job: None, again: None }
    }

    fn not_applied(detail: String, again: Option<Again>) -> Self {
        Self { end: LedgerEnd::NotApplied(Outcome::Failed), detail, job: None, again }
    }

    fn unknown(detail: String) -> Self {
        Self { end: LedgerEnd::Unknown, detail, job: None, again: None }
    }
}

/// The job that `request` started, if it starts one.
pub(super) fn started_job(request: &Request, external_id: String) -> Option<StartedJob> {
    let tracked = request.track.as_deref().map(|track| (track.interval, track.deadline));
    let polled = request.polling().map(|polling| (FIRST_LOOK.min(polling.interval), polling.deadline));
    let (interval, deadline) = tracked.or(polled)?;
    Some(StartedJob { external_id, place: request.place.clone(), interval, deadline })
}

/// `doubt`: an attempt before may have had the effect already.
pub(super) fn judge_http(
    inner: &Inner,
    end: WriteEnd,
    (order, request, later): (&WriteOrder, &Request, Option<StartedJob>),
    doubt: bool,
) -> Judged {
    match end {
        WriteEnd::Taken { status, job_id } => {
            let job = later.or_else(|| started_job(request, job_id.unwrap_or_default()));
            let outcome = if job.is_some() { Outcome::Accepted } else { order.expected };
            Judged { job, ..Judged::applied(outcome, format!("http_{status}")) }
        }
        // What is gone after an attempt in doubt was taken away by that attempt.
        WriteEnd::Absent { status } => Judged::applied(absent(order, doubt), format!("http_{status}")),
        WriteEnd::Ignored { status } => Judged::not_applied(format!("ignored_http_{status}"), None),
        WriteEnd::Refused { status, retry, wait } => {
            let again = (retry == egress::Retry::Yes).then_some(Again::Refused(wait));
            Judged::not_applied(format!("http_{status}"), again)
        }
        WriteEnd::NotSent(error) => {
            let again = (error.retry() == egress::Retry::Yes).then_some(Again::Connection);
            Judged::not_applied(format!("not_sent_{}", word(&error)), again)
        }
        WriteEnd::Unknown(error) => {
            let detail = word(&error);
            if trusts_500(inner) && error.status().is_some_and(|status| status >= 500) {
                return Judged::not_applied(detail, Some(Again::Connection));
            }
            Judged::unknown(detail)
        }
    }
}

/// Held back because somebody else has the task by now.
pub(super) fn judge_lapsed() -> Judged {
    Judged::not_applied("not_sent_lapsed".to_owned(), None)
}

/// Held back because nobody could take the answer that comes later: only a server does.
pub(super) fn judge_no_server() -> Judged {
    Judged::not_applied("not_sent_needs_server".to_owned(), None)
}

/// Held back because it cannot be kept now that an answer is waited for.
pub(super) fn judge_no_state() -> Judged {
    Judged::not_applied("not_sent_state".to_owned(), Some(Again::Connection))
}

/// After every error but one a statement certainly had no effect.
pub(super) fn judge_sql(
    rows: Result<u64, DatabaseError>,
    operation: &SqlOperation,
    order: &WriteOrder,
    doubt: bool,
) -> Judged {
    let keys = operation.keys;
    match rows {
        Ok(0) if keys > 0 => Judged::applied(absent(order, doubt), format!("rows_0_of_{keys}")),
        Ok(rows) if rows < keys => Judged::applied(order.expected, format!("rows_{rows}_of_{keys}")),
        Ok(rows) => Judged::applied(order.expected, format!("rows_{rows}")),
        Err(error) if error.fault == Fault::CommitUnknown => Judged::unknown("commit_unknown".to_owned()),
        Err(error) => {
            let again = match (&error.fault, error.retry()) {
                (Fault::Deadlock, _) => Some(Again::Deadlock),
                (_, egress::Retry::Yes) => Some(Again::Connection),
                (_, egress::Retry::No) => None,
            };
            Judged::not_applied(fault_word(&error.fault).to_owned(), again)
        }
    }
}

/// What a write means that met nothing.
fn absent(order: &WriteOrder, doubt: bool) -> Outcome {
    if doubt { order.expected } else { Outcome::AlreadyAbsent }
}

#[cfg(feature = "planted-defects")]
fn trusts_500(inner: &Inner) -> bool {
    inner.has_defect(super::Defect::Trust500)
}

#[cfg(not(feature = "planted-defects"))]
fn trusts_500(_inner: &Inner) -> bool {
    false
}

impl Inner {
    /// The job as the store follows it.
    pub(super) fn new_job(&self, hold: &TaskHold, order: &WriteOrder, job: StartedJob) -> NewJob {
        let now = self.parts.clock.now();
        let later = |wait: std::time::Duration| {
            now.checked_add(jiff::SignedDuration::try_from(wait).unwrap_or(jiff::SignedDuration::MAX))
                .unwrap_or(jiff::Timestamp::MAX)
        };
        let connection = match &order.payload {
            super::WritePayload::Http { connection, .. } => connection.clone(),
            super::WritePayload::Sql(operation) => operation.connection.clone(),
        };
        NewJob {
            run: hold.lease().run.clone(),
            plan: order.plan.clone(),
            operation: order.operation,
            connection,
            place: job.place,
            external_id: job.external_id,
            next_poll_at: later(job.interval),
            deadline_at: later(job.deadline),
        }
    }
}

fn word(error: &CallError) -> String {
    if let Some(status) = error.status() {
        return format!("http_{status}");
    }
    match error {
        CallError::Build(_) => "build",
        CallError::Write { .. } => "no_permit",
        CallError::Condition { .. } | CallError::NoVariant { .. } => "condition",
        CallError::Status { .. } => "status",
        CallError::Connection { .. } => match error.reason() {
            IncompleteReason::Truncated => "truncated",
            IncompleteReason::Malformed => "malformed",
            IncompleteReason::PageLoop
            | IncompleteReason::PageCap
            | IncompleteReason::IgnoredError
            | IncompleteReason::Http429
            | IncompleteReason::Http5xx
            | IncompleteReason::Http4xx
            | IncompleteReason::Connection
            | IncompleteReason::Upstream
            | IncompleteReason::Cancelled => "connection",
        },
        CallError::Authentication { .. } => "authentication",
        CallError::Script(_) => "script",
        CallError::NeverReady { .. } => "never_ready",
        CallError::Unusable { .. } => "answer_without_job",
    }
    .to_owned()
}

fn fault_word(fault: &Fault) -> &'static str {
    match fault {
        Fault::NotBuiltIn { .. } => "no_driver",
        Fault::Secrets { .. } => "secrets",
        Fault::Address(_) => "address",
        Fault::File { .. } => "file",
        Fault::OwnState => "own_state",
        Fault::Connect => "connect",
        Fault::Tls => "tls",
        Fault::Credentials => "credentials",
        Fault::NoDatabase => "no_database",
        Fault::NoTable { .. } => "no_table",
        Fault::NoColumn { .. } => "no_column",
        Fault::SchemaChanged => "schema_changed",
        Fault::NotNested { .. } => "not_nested",
        Fault::Denied { .. } => "denied",
        Fault::ReadOnly => "read_only",
        Fault::NoPrimaryKey { .. } => "no_primary_key",
        Fault::IncompleteKey { .. } => "incomplete_key",
        Fault::KeyNotUnique { .. } => "key_not_unique",
        Fault::NotWritable { .. } => "not_writable",
        Fault::BadBatch { .. } => "bad_batch",
        Fault::ForeignKey { .. } => "foreign_key",
        Fault::NotNull { .. } => "not_null",
        Fault::Unique { .. } => "unique",
        Fault::Refused { .. } => "refused",
        Fault::Timeout => "timeout",
        Fault::RowTooLarge { .. } => "row_too_large",
        Fault::Lost => "lost",
        Fault::Deadlock => "deadlock",
        Fault::Busy => "busy",
        Fault::DiskFull => "disk_full",
        Fault::CommitUnknown => "commit_unknown",
        Fault::BadValue { .. } => "bad_value",
        Fault::Code { .. } => "code",
    }
}

#[cfg(test)]
mod tests;
