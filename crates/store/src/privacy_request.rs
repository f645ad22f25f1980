//! Requests of people: what is known of each, who works on it, and what happened to it.

mod change;
mod claim;
mod code;
mod count;
mod create;
mod day;
mod filter;
mod forget;
mod held;
mod list;
mod log;
mod sealed;
mod sort;
mod way;

pub use change::{ClaimEnd, PrivacyRequestChange, RunsEnd};
pub use claim::{ClaimedRequest, RequestLease};
pub use code::{CodeChange, CodeCheck, NewCode};
pub(crate) use create::lookup_field;
pub use create::{Intake, Lookup, LookupField, NewPrivacyRequest};
pub(crate) use day::DaysKnown;
pub use filter::{PrivacyRequestFilter, PrivacyRequestOrder, PrivacyRequestSort, TimeRange};
pub use held::Next;
pub use log::{NewRequestLog, RequestLog, RequestLogKind};

use jiff::Timestamp;
use model::{PrivacyRequestId, RunId};

use crate::plan::PlanDigest;
use crate::sql::{Row, query};
use crate::store::{count, time, time_or_none};
use crate::words::text_enum;
use crate::{Store, StoreError};

text_enum! {
    /// How far a request is (privacy-requests 14.1).
    PrivacyRequestStatus "the status of a privacy request" {
        /// Nobody has shown yet that the identity is theirs.
        IdentityUnverified = "identity_unverified",
        /// Waits for a decision.
        Pending = "pending",
        /// Webhooks were asked whether it may be approved.
        AwaitingPreApproval = "awaiting_pre_approval",
        /// One of them said no: a person decides.
        PreApprovalNotEligible = "pre_approval_not_eligible",
        /// The same as another request.
        Duplicate = "duplicate",
        /// May be carried out.
        Approved = "approved",
        /// Refused for good.
        Denied = "denied",
        /// Is carried out.
        InProcessing = "in_processing",
        /// Waits for a person's input or approval.
        RequiresInput = "requires_input",
        /// Waits for somebody outside.
        PendingExternal = "pending_external",
        /// Held by a webhook.
        Paused = "paused",
        /// Waits until e-mails are sent.
        AwaitingEmailSend = "awaiting_email_send",
        /// Done but for what a person does by hand.
        RequiresManualFinalization = "requires_manual_finalization",
        /// Done.
        Complete = "complete",
        /// Went wrong.
        Error = "error",
        /// Stopped by a person for good.
        Canceled = "canceled",
    }
}

text_enum! {
    /// A step of carrying a request out: where it stands, or where it failed.
    RequestStep "the step of a privacy request" {
        /// Webhooks before everything.
        PreWebhooks = "pre_webhooks",
        /// Reading the data.
        Access = "access",
        /// Writing and delivering packages.
        UploadAccess = "upload_access",
        /// Planning what is written.
        Plan = "plan",
        /// Waiting for the approval of the plan.
        ApprovePlan = "approve_plan",
        /// Sending what the plan says.
        Erasure = "erasure",
        /// Following, looking again and the certificate.
        FinalizeErasure = "finalize_erasure",
        /// Writing to vendors that erase by hand.
        EmailPostSend = "email_post_send",
        /// Webhooks after everything.
        PostWebhooks = "post_webhooks",
        /// The end.
        Finalization = "finalization",
    }
}

impl PrivacyRequestStatus {
    /// Every status.
    pub const ALL: [Self; 16] = [
        Self::IdentityUnverified,
        Self::Pending,
        Self::AwaitingPreApproval,
        Self::PreApprovalNotEligible,
        Self::Duplicate,
        Self::Approved,
        Self::Denied,
        Self::InProcessing,
        Self::RequiresInput,
        Self::PendingExternal,
        Self::Paused,
        Self::AwaitingEmailSend,
        Self::RequiresManualFinalization,
        Self::Complete,
        Self::Error,
        Self::Canceled,
    ];

    /// The status with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::parse(name).ok()
    }
}

impl RequestStep {
    /// Every step, in the order in which they are done.
    pub const ALL: [Self; 10] = [
        Self::PreWebhooks,
        Self::Access,
        Self::UploadAccess,
        Self::Plan,
        Self::ApprovePlan,
        Self::Erasure,
        Self::FinalizeErasure,
        Self::EmailPostSend,
        Self::PostWebhooks,
        Self::Finalization,
    ];

    /// Whether it is done earlier than another.
    pub fn is_before(self, other: Self) -> bool {
        let position = |step| Self::ALL.iter().position(|one| *one == step);
        position(self) < position(other)
    }
}

/// A request as the store knows it; holds no personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrivacyRequest {
    /// Its id.
    pub id: PrivacyRequestId,
    /// Key of its policy.
    pub policy: String,
    /// How far it is.
    pub status: PrivacyRequestStatus,
    /// Where it stands, or where it failed.
    pub step: Option<RequestStep>,
    /// Who made it, as far as that counts.
    pub intake: Intake,
    /// Where it came from (`Privacy Center`).
    pub source: Option<String>,
    /// The caller's own id for it.
    pub external_id: Option<String>,
    /// Where the person lives, ISO 3166.
    pub location: Option<String>,
    /// The property it was made on.
    pub property_id: Option<String>,
    /// When it was taken in.
    pub created_at: Timestamp,
    /// When anything about it changed last.
    pub updated_at: Timestamp,
    /// When the person asked.
    pub requested_at: Timestamp,
    /// When work on it began.
    pub started_at: Option<Timestamp>,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
    /// When it was approved or denied.
    pub reviewed_at: Option<Timestamp>,
    /// When an identity was first shown to be theirs.
    pub identity_verified_at: Option<Timestamp>,
    /// When the use of its custom fields was approved.
    pub custom_fields_approved_at: Option<Timestamp>,
    /// When it was held.
    pub paused_at: Option<Timestamp>,
    /// When it was stopped.
    pub canceled_at: Option<Timestamp>,
    /// When it was deleted; it stays, hidden.
    pub deleted_at: Option<Timestamp>,
    /// When it was finalized by hand.
    pub finalized_at: Option<Timestamp>,
    /// When everything about the person was destroyed.
    pub forgotten_at: Option<Timestamp>,
    /// Its deadline.
    pub due_at: Option<Timestamp>,
    /// Who approved or denied it.
    pub reviewed_by: Option<String>,
    /// Who made it on behalf of the person.
    pub submitted_by: Option<String>,
    /// Who approved the use of its custom fields.
    pub custom_fields_approved_by: Option<String>,
    /// Who deleted it.
    pub deleted_by: Option<String>,
    /// Who finalized it.
    pub finalized_by: Option<String>,
    /// Who asked for its plan, if a person did.
    pub planned_by: Option<String>,
    /// Whether its data are to be corrected, not erased.
    pub corrects: bool,
    /// Limits that are raised for its plan, as text that only who made it reads.
    pub raised_limits: Option<String>,
    /// The group of requests that are the same.
    pub duplicate_group: Option<String>,
    /// The run that reads.
    pub access_run: Option<RunId>,
    /// The run that writes.
    pub change_run: Option<RunId>,
    /// The plan that counts.
    pub plan: Option<PlanDigest>,
    /// Why it waits or failed: a fixed word.
    pub attention: Option<String>,
    /// Which writing of it this is. A change names the one it was made from.
    pub version: u64,
    /// From when on a worker is to take it; none: it waits for somebody else.
    pub work_at: Option<Timestamp>,
    /// Who has it now, or had it last.
    pub worker: Option<String>,
    /// How often it was taken since it was last let go in peace.
    pub attempts: u64,
}

/// What is read of a request, in the order of [`request_of`].
macro_rules! columns {
    () => {
        "id, policy, status, step, authenticated, source, external_id, location, property_id, created_at, updated_at, requested_at, started_at, finished_at, reviewed_at, identity_verified_at, custom_fields_approved_at, paused_at, canceled_at, deleted_at, finalized_at, forgotten_at, due_at, reviewed_by, submitted_by, custom_fields_approved_by, deleted_by, finalized_by, planned_by, duplicate_group, access_run, change_run, plan, attention, version, work_at, worker, attempts, corrects, raised_limits"
    };
}
pub(crate) use columns;

const FIND: &str = concat!("SELECT ", columns!(), " FROM privacy_request WHERE id = $1");

impl Store {
    /// The request, if there is one; deleted ones too.
    pub async fn privacy_request_find(
        &self,
        id: &PrivacyRequestId,
    ) -> Result<Option<PrivacyRequest>, StoreError> {
        let row = query(FIND).bind(id.as_str()).fetch_optional(&self.inner.reader).await?;
        row.map(|row| request_of(&row)).transpose()
    }

    /// The request, which must be there.
    pub async fn get_privacy_request(&self, id: &PrivacyRequestId) -> Result<PrivacyRequest, StoreError> {
        self.privacy_request_find(id).await?.ok_or_else(|| missing(id))
    }
}

pub(crate) fn request_of(row: &Row) -> Result<PrivacyRequest, StoreError> {
    request_at(row, 0)
}

/// The same, of columns that begin at `from`.
fn request_at(row: &Row, from: usize) -> Result<PrivacyRequest, StoreError> {
    let damaged = || StoreError::Damaged { what: "a privacy request" };
    let text = |at: usize| -> Result<Option<String>, StoreError> { Ok(row.try_get(from + at)?) };
    let moment =
        |at: usize| -> Result<Option<Timestamp>, StoreError> { time_or_none(row.try_get(from + at)?) };
    let run = |at: usize| -> Result<Option<RunId>, StoreError> {
        text(at)?.map(|text| text.parse().map_err(|_| damaged())).transpose()
    };
    Ok(PrivacyRequest {
        id: row.try_get::<String>(from)?.parse().map_err(|_| damaged())?,
        policy: row.try_get(from + 1)?,
        status: PrivacyRequestStatus::parse(&row.try_get::<String>(from + 2)?)?,
        step: text(3)?.map(|text| RequestStep::parse(&text)).transpose()?,
        intake: if row.try_get::<i64>(from + 4)? == 0 { Intake::Public } else { Intake::Authenticated },
        source: text(5)?,
        external_id: text(6)?,
        location: text(7)?,
        property_id: text(8)?,
        created_at: time(row.try_get(from + 9)?)?,
        updated_at: time(row.try_get(from + 10)?)?,
        requested_at: time(row.try_get(from + 11)?)?,
        started_at: moment(12)?,
        finished_at: moment(13)?,
        reviewed_at: moment(14)?,
        identity_verified_at: moment(15)?,
        custom_fields_approved_at: moment(16)?,
        paused_at: moment(17)?,
        canceled_at: moment(18)?,
        deleted_at: moment(19)?,
        finalized_at: moment(20)?,
        forgotten_at: moment(21)?,
        due_at: moment(22)?,
        reviewed_by: text(23)?,
        submitted_by: text(24)?,
        custom_fields_approved_by: text(25)?,
        deleted_by: text(26)?,
        finalized_by: text(27)?,
        planned_by: text(28)?,
        duplicate_group: text(29)?,
        access_run: run(30)?,
        change_run: run(31)?,
        plan: text(32)?.map(|text| text.parse().map_err(|_| damaged())).transpose()?,
        attention: text(33)?,
        version: count(row.try_get(from + 34)?)?,
        work_at: moment(35)?,
        worker: text(36)?,
        attempts: count(row.try_get(from + 37)?)?,
        corrects: row.try_get::<i64>(from + 38)? != 0,
        raised_limits: text(39)?,
    })
}

pub(crate) fn missing(id: &PrivacyRequestId) -> StoreError {
    StoreError::NotFound { what: "privacy request", id: id.to_string() }
}
