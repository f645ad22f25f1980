use std::fmt::Write as _;

use crypto::Secret;
use jiff::Timestamp;
use model::{PrivacyRequestId, RunId};
use serde_json::json;

use super::claim::fenced;
use super::create::is_listed;
use super::sealed::Sealed;
use super::{
    CodeChange, Lookup, NewRequestLog, PrivacyRequest, PrivacyRequestStatus, RequestLease, RequestStep,
    columns, missing, request_at,
};
use crate::plan::PlanDigest;
use crate::sql::{Bind as _, Bound, Query, query, query_made};
use crate::store::{Tx, time};
use crate::{Actor, AuditEvent, NewMessage, Store, StoreError};

/// What a change does to a worker's hold on the request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ClaimEnd {
    /// It stays with whoever has it.
    #[default]
    Keep,
    /// Nobody has it any more: its holder lets go, or it is taken away from them.
    End,
}

/// What a change does to the runs that carry the request out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RunsEnd {
    /// They go on.
    #[default]
    Keep,
    /// They stop with the change: nothing that was not sent before is sent after it.
    Cancel,
    /// The same, but the change is refused while nobody knows how one of their writes ended.
    CancelSettled,
}

/// A change of a request: how it is to be afterwards, and what is written with it in one transaction.
#[derive(Debug)]
pub struct PrivacyRequestChange {
    /// The request as it is to be. Its `version` is that of the request that the change was made from;
    /// id, policy, source and all that never changes are of no account.
    pub request: PrivacyRequest,
    /// The hold under which a worker makes the change.
    pub lease: Option<RequestLease>,
    /// What becomes of a worker's hold.
    pub claim: ClaimEnd,
    /// What becomes of the runs that the request has before the change.
    pub runs: RunsEnd,
    /// A run of it that is over with the change; one that is over already stays as it is.
    pub run_over: Option<RunId>,
    /// Who it is about, if that changed.
    pub identities: Option<Secret<Vec<u8>>>,
    /// Why it is denied or stopped, in a person's words.
    pub reason: Option<Secret<String>>,
    /// More that it can be found by.
    pub lookups: Vec<Lookup>,
    /// What becomes of its codes.
    pub codes: CodeChange,
    /// Whether what was entered in its log before goes (privacy-requests L-24).
    pub clears_log: bool,
    /// What is entered in its log.
    pub logs: Vec<NewRequestLog>,
    /// Messages that tell of the change.
    pub messages: Vec<NewMessage>,
}

impl PrivacyRequestChange {
    /// A change of this request, which as yet changes nothing.
    pub fn of(request: &PrivacyRequest) -> Self {
        Self {
            request: request.clone(),
            lease: None,
            claim: ClaimEnd::Keep,
            runs: RunsEnd::Keep,
            run_over: None,
            identities: None,
            reason: None,
            lookups: Vec::new(),
            codes: CodeChange::Keep,
            clears_log: false,
            logs: Vec::new(),
            messages: Vec::new(),
        }
    }
}

/// A request that nobody else changes before the transaction ends.
pub(crate) struct Locked {
    pub(crate) tx: Tx,
    pub(crate) request: PrivacyRequest,
    fence: i64,
    is_held: bool,
    is_listed: bool,
}

impl Locked {
    /// Fails unless a worker still holds it.
    pub(crate) fn check(&self, lease: &RequestLease) -> Result<(), StoreError> {
        let is_theirs = self.is_held && self.fence == lease.fence && self.request.id == lease.request;
        if is_theirs { Ok(()) } else { Err(fenced(lease)) }
    }
}

impl Store {
    /// Changes a request; `action` (`privacy_request.approved`) is what the audit log calls it. Returns
    /// the request as it is now. Workers are told if it is due.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if somebody changed it since it was read: read it again and decide
    /// again; of a `write` if the change needs all writes to be settled ([`RunsEnd::CancelSettled`]). [`StoreError::Fenced`] if a worker makes the change and does not hold it any more.
    pub async fn privacy_request_change(
        &self,
        change: PrivacyRequestChange,
        actor: Actor,
        action: &'static str,
    ) -> Result<PrivacyRequest, StoreError> {
        let locked = self.request_lock(&change.request.id).await?;
        if let Some(lease) = &change.lease {
            locked.check(lease)?;
        }
        if locked.request.version != change.request.version {
            return Err(StoreError::Conflict {
                what: "privacy request",
                id: change.request.id.to_string(),
                state: format!("{} by now", locked.request.status.as_str()),
                needs: "it was changed since it was read; read it again",
            });
        }
        self.request_change(locked, change, (actor, action)).await
    }

    /// Touches the row, so that nobody changes it between this look and our commit.
    pub(crate) async fn request_lock(&self, id: &PrivacyRequestId) -> Result<Locked, StoreError> {
        Self::request_lock_in(self.begin().await?, id).await
    }

    pub(super) async fn request_lock_in(mut tx: Tx, id: &PrivacyRequestId) -> Result<Locked, StoreError> {
        const LOCK: &str = concat!(
            "UPDATE privacy_request SET version = version WHERE id = $1 RETURNING fence, lease_until, listed, ",
            columns!()
        );
        let row = query(LOCK).bind(id.as_str()).fetch_optional(tx.connection()).await?;
        let row = row.ok_or_else(|| missing(id))?;
        Ok(Locked {
            tx,
            fence: row.try_get(0)?,
            is_held: row.try_get::<Option<i64>>(1)?.is_some(),
            is_listed: row.try_get::<i64>(2)? != 0,
            request: request_at(&row, 3)?,
        })
    }

    /// Writes a change of a locked request, and all that belongs to it.
    pub(crate) async fn request_change(
        &self,
        locked: Locked,
        change: PrivacyRequestChange,
        (actor, action): (Actor, &'static str),
    ) -> Result<PrivacyRequest, StoreError> {
        let (mut tx, before, now) = (locked.tx, locked.request, time(self.now())?);
        for run in [&before.access_run, &before.change_run].into_iter().flatten() {
            self.request_run_end(&mut tx, run, (change.runs, &actor)).await?;
        }
        if let Some(run) = &change.run_over {
            self.run_finish_in(&mut tx, run, None).await?;
        }
        let after = PrivacyRequest {
            version: before.version + 1,
            updated_at: now,
            attempts: if change.claim == ClaimEnd::End { 0 } else { before.attempts },
            id: before.id.clone(),
            policy: before.policy.clone(),
            intake: before.intake,
            source: before.source.clone(),
            external_id: before.external_id.clone(),
            property_id: before.property_id.clone(),
            created_at: before.created_at,
            requested_at: before.requested_at,
            forgotten_at: before.forgotten_at,
            submitted_by: before.submitted_by.clone(),
            worker: before.worker.clone(),
            ..change.request
        };
        let change = PrivacyRequestChange { request: after, ..change };
        let (after, id) = (&change.request, &change.request.id);
        let is_listed = after.deleted_at.is_none() && is_listed(after.source.as_deref());
        let (old, new) = ((&before, locked.is_listed), (after, is_listed));
        self.request_write(&mut tx, [old, new], change.claim).await?;
        let moved = (locked.is_listed.then_some(before.status), is_listed.then_some(after.status));
        self.request_counted(&mut tx, (id, after.created_at.as_microsecond()), moved).await?;
        self.request_seal(&mut tx, &change).await?;
        self.lookups_put(&mut tx, id, &change.lookups).await?;
        self.codes_change(&mut tx, id, &change.codes).await?;
        self.request_logs_change(&mut tx, &change).await?;
        let is_stopped =
            matches!(after.status, PrivacyRequestStatus::Canceled | PrivacyRequestStatus::Denied);
        if is_stopped || after.deleted_at.is_some() {
            self.manual_task_stop_in(&mut tx, id).await?;
        }
        for message in &change.messages {
            self.message_put_in(&mut tx, message).await?;
        }
        let details = json!({
            "from": before.status.as_str(),
            "to": after.status.as_str(),
            "step": after.step.map(RequestStep::as_str),
            "attention": after.attention,
        });
        self.audit_enter_in(&mut tx, &AuditEvent::new(actor, action, id.as_str()).with(details)).await?;
        // While a worker holds it, nobody else can take it.
        let is_free = !locked.is_held || change.claim == ClaimEnd::End;
        // Whoever lets go of it until later knows when that is; the others look now and then. Times are
        // kept to the microsecond, which is when it is taken.
        let is_due = is_free && after.work_at.is_some_and(|at| at.as_microsecond() <= now.as_microsecond());
        if is_due {
            self.wake_in(&mut tx).await?;
        }
        tx.commit().await?;
        if is_due || !change.messages.is_empty() {
            self.wake();
        }
        Ok(change.request)
    }

    /// Stops a run of a request in the transaction that changes the request. One that is over, or has not
    /// begun, stays as it is.
    async fn request_run_end(
        &self,
        tx: &mut Tx,
        run: &RunId,
        (end, actor): (RunsEnd, &Actor),
    ) -> Result<(), StoreError> {
        const OPEN: &str =
            "SELECT state FROM ledger WHERE run_id = $1 AND state IN ('intent', 'unknown') LIMIT 1";
        if end == RunsEnd::Keep {
            return Ok(());
        }
        self.run_cancel_in(tx, run, actor.clone()).await?;
        if end == RunsEnd::CancelSettled
            && let Some(open) = query(OPEN).bind(run.as_str()).fetch_optional(tx.connection()).await?
        {
            let needs = "nobody knows yet whether it took effect; settle that first";
            let (id, state) = (run.to_string(), open.try_get(0)?);
            return Err(StoreError::Conflict { what: "write", id, state, needs });
        }
        Ok(())
    }

    /// Writes what is different of a request: each column that is said costs the indexes it stands in.
    async fn request_write(
        &self,
        tx: &mut Tx,
        [before, after]: [(&PrivacyRequest, bool); 2],
        claim: ClaimEnd,
    ) -> Result<(), StoreError> {
        let differs = columns_of(before).into_iter().zip(columns_of(after)).filter(|(old, new)| old != new);
        let (mut text, mut values) = ("UPDATE privacy_request SET ".to_owned(), Vec::new());
        for (_, (column, value)) in differs {
            values.push(value);
            let _ = write!(text, "{column} = ${}, ", values.len() + 1);
        }
        if claim == ClaimEnd::End {
            text.push_str("fence = fence + 1, lease_from = NULL, lease_until = NULL, attempts = 0, ");
        }
        text.push_str("version = version + 1 WHERE id = $1");
        let start = query_made(text).bind(after.0.id.as_str());
        values.into_iter().fold(start, Query::bind).execute(tx.connection()).await?;
        Ok(())
    }

    async fn request_seal(&self, tx: &mut Tx, change: &PrivacyRequestChange) -> Result<(), StoreError> {
        // What was destroyed does not come back.
        const IDENTITIES: &str =
            "UPDATE privacy_request SET sealed_identities = $2 WHERE id = $1 AND forgotten_at IS NULL";
        const REASON: &str = "UPDATE privacy_request SET sealed_reason = $2 WHERE id = $1";
        let id: &PrivacyRequestId = &change.request.id;
        if let Some(identities) = &change.identities {
            let sealed = self.seal_value(Sealed::Identities, id.as_str(), identities.expose());
            query(IDENTITIES).bind(id.as_str()).bind(sealed).execute(tx.connection()).await?;
        }
        if let Some(reason) = &change.reason {
            let sealed = self.seal_value(Sealed::Reason, id.as_str(), reason.expose().as_bytes());
            query(REASON).bind(id.as_str()).bind(sealed).execute(tx.connection()).await?;
        }
        Ok(())
    }

    async fn request_logs_change(
        &self,
        tx: &mut Tx,
        change: &PrivacyRequestChange,
    ) -> Result<(), StoreError> {
        const CLEAR: &str = "DELETE FROM privacy_request_log WHERE request = $1";
        if change.clears_log {
            query(CLEAR).bind(change.request.id.as_str()).execute(tx.connection()).await?;
            // It begins anew: webhooks are called and vendors written to again.
            self.webhook_call_forget_in(tx, &change.request.id).await?;
            // And people are asked again.
            self.manual_task_remove_in(tx, &change.request.id).await?;
            self.vendor_mail_forget_in(tx, &change.request.id).await?;
        }
        self.request_logs_put(tx, &change.request.id, &change.logs).await
    }
}

/// The columns of a request that may change, with their values; `listed` says whether lists show it.
fn columns_of((request, listed): (&PrivacyRequest, bool)) -> [(&'static str, Bound<'_>); 26] {
    fn text(text: Option<&String>) -> Bound<'_> {
        text.map(String::as_str).bound()
    }
    fn run(run: Option<&RunId>) -> Bound<'_> {
        run.map(RunId::as_str).bound()
    }
    let time = |at: Option<Timestamp>| at.map(Timestamp::as_microsecond).bound();
    [
        ("status", request.status.as_str().bound()),
        ("step", request.step.map(RequestStep::as_str).bound()),
        ("listed", i64::from(listed).bound()),
        ("location", text(request.location.as_ref())),
        ("started_at", time(request.started_at)),
        ("finished_at", time(request.finished_at)),
        ("reviewed_at", time(request.reviewed_at)),
        ("identity_verified_at", time(request.identity_verified_at)),
        ("custom_fields_approved_at", time(request.custom_fields_approved_at)),
        ("paused_at", time(request.paused_at)),
        ("canceled_at", time(request.canceled_at)),
        ("deleted_at", time(request.deleted_at)),
        ("finalized_at", time(request.finalized_at)),
        ("due_at", time(request.due_at)),
        ("reviewed_by", text(request.reviewed_by.as_ref())),
        ("custom_fields_approved_by", text(request.custom_fields_approved_by.as_ref())),
        ("deleted_by", text(request.deleted_by.as_ref())),
        ("finalized_by", text(request.finalized_by.as_ref())),
        ("planned_by", text(request.planned_by.as_ref())),
        ("duplicate_group", text(request.duplicate_group.as_ref())),
        ("access_run", run(request.access_run.as_ref())),
        ("change_run", run(request.change_run.as_ref())),
        ("plan", request.plan.as_ref().map(PlanDigest::as_str).bound()),
        ("attention", text(request.attention.as_ref())),
        ("work_at", time(request.work_at)),
        ("updated_at", time(Some(request.updated_at))),
    ]
}
