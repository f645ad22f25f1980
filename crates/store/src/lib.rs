//! Tutela's own state: runs and their tasks, sealed rows, plans, the ledger of writes, the audit log,
//! secrets, jobs under way, on SQLite or PostgreSQL.
//!
//! For: everything that must survive the process, and the coordination of several processes (leases
//! with fencing numbers, wake-ups). Not for: customers' databases (`datastore`), or deciding what
//! happens next (`engine`). One SQL text serves both databases; what differs is in one file.
//!
//! ```
//! use std::sync::Arc;
//! use store::{Access, Store, StoreParts, StorePlace};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! # let folder = tempfile::tempdir()?;
//! let store = Store::open(StoreParts {
//!     place: StorePlace::File(folder.path().join("state.db")),
//!     keys: crypto::KeyRing::new(crypto::MasterKey::random()),
//!     clock: Arc::new(model::SystemClock),
//!     ids: Arc::new(model::RandomIds),
//!     access: Access::Write,
//!     max_bytes: None,
//! })
//! .await?;
//!
//! assert!(store.task_claim("worker", std::time::Duration::from_secs(5)).await?.is_none());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod access_change;
mod access_end;
mod access_inventory;
mod access_sync;
mod access_token;
mod activity;
mod actor;
mod application;
mod audit;
mod backup;
mod baton_connector;
mod callback;
mod certificate;
mod clarification;
mod client;
mod connection;
mod connection_sync;
mod dataset;
mod dataset_trial;
mod dialect;
mod document;
mod download;
mod error;
mod failure_notice;
mod health;
mod hold;
mod installation;
mod job;
mod job_decision;
mod journal;
mod lease;
mod lease_clock;
mod ledger;
mod listed;
mod login;
mod login_code;
mod manual_attachment;
mod manual_form;
mod manual_input;
mod manual_task;
mod message;
mod message_template;
mod messaging_config;
mod migrations;
mod outline;
mod page;
mod place;
mod plan;
mod policy;
mod polling;
mod portal_visit;
mod privacy_request;
mod rate;
mod redaction_pattern;
mod retention;
mod revision;
mod rotation;
mod row_lease;
mod run;
mod run_hash;
mod session;
mod setting;
mod sign_in_flow;
mod sql;
mod storage;
mod store;
mod system_manager;
mod task;
mod taxonomy;
mod template;
mod token;
mod values;
mod vault;
mod vendor_mail;
mod wake;
mod webhook;
mod webhook_call;
mod words;
mod worker;

pub use access_change::ACCESS_CHANGE_TASK;
pub use access_end::{
    AccessEnd, AccessEndFilter, AccessEndLease, AccessEndRetry, AccessEndState, ClaimedAccessEnd, HeldAccess,
    NewAccessEnd,
};
pub use access_inventory::{
    InventoryChunkId, InventoryCounts, InventoryCursor, InventoryForgotten, InventoryKey, InventoryKind,
    InventoryKindStatus, InventoryOrigin, InventoryPart, InventoryPartId, InventoryStanding, InventoryState,
    InventoryStateId, NewInventoryPart, NewInventoryState, SealedChunk, SeenInventory,
};
pub use access_sync::{AccessSync, BegunSync, NewSync, SYNC_TASK, SyncEnd, SyncState};
pub use access_token::{IssuedToken, LiveToken, NewAccessToken, TokenEnd, TokenFor, TokenHolder};
pub use activity::{ActivitySpan, ActivityState, ActivityUse, NewActivity};
pub use actor::Actor;
pub use application::{ApplicationKind, ApplicationState, ApplicationStep, NewApplication};
pub use audit::{
    AUDIT_LEASE, AuditEntry, AuditError, AuditEvent, AuditExport, AuditId, AuditLine, AuditProof,
    AuditReport, CHECKPOINT_TYPE, Checkpoint, ConsistencyProof, LogCheck,
};
pub use backup::{Restored, SentSince};
pub use baton_connector::{
    BatonAsk, BatonAssertionTaken, BatonConnector, BatonConnectorId, BatonContact, BatonCounts,
    BatonCredential, BatonCredentialId, BatonHeartbeat, BatonHost, BatonLogLine, BatonTask, BatonTaskEnd,
    BatonTaskEnded, BatonTaskId, BatonTaskState, BatonUpload, BatonUploadState, FinishedBatonTask,
    LeasedBatonTask, NewBatonCredential, NewBatonTask, NewBatonUpload, ShownBatonAssertion,
};
pub use callback::{Callback, CallbackAction, CallbackAnswer, CallbackId, CallbackState, NewCallback};
pub use certificate::KeptCertificate;
pub use clarification::{Clarification, ClarificationChange};
pub use client::{Client, ClientChange, ClientId, NewClient};
pub use connection::{
    Authorization, ConnectionAccess, ConnectionChange, ConnectionChanged, ConnectionFilter, ConnectionStep,
    ConnectionUpdate, ConnectorVersion, LastTest, NamedSecret, NewAuthorization, NewConnection,
    StoredConnection, StoredConnector, TestStatus, WebHookGrant, WebHookToken,
};
pub use connection_sync::{
    ClaimedSync, ConnectionSync, Owner, OwnersSet, PauseCategory, SYNC_EVERY, SYNC_UNSEEN, SyncBeat,
    SyncLease, SyncLogLevel, SyncLogLine, SyncPause, SyncResult, SyncSchedule, SyncSettled, sync_retry,
};
pub use dataset::{DatasetFilter, DatasetLink, DatasetLinks, NewDataset, OtherLinks};
pub use dataset_trial::{
    ClaimedDatasetTrial, DatasetTrial, DatasetTrialEnd, DatasetTrialLease, DatasetTrialLevel,
    DatasetTrialLog, DatasetTrialState, NewDatasetTrial,
};
pub use dialect::Access;
pub use document::{Document, Put, PutMode};
pub use download::{Download, IssuedDownload};
pub use error::{Retry, StoreError};
pub use failure_notice::FailureNotice;
pub use health::{DatabaseHealth, PoolHealth};
pub use hold::{DeadlineExtension, Hold, HoldRest, NewHold};
pub use job::{Destination, Job, JobEnd, JobFilter, JobId, JobState, NewJob, Observation};
pub use journal::{ErasureJournal, JournalEntry, JournalError, JournalReading};
pub use lease::NamedLease;
pub use ledger::{
    Effect, EndedWrite, Intent, LedgerCounts, LedgerEnd, LedgerEntry, LedgerId, LedgerState, NewIntent,
    Resolution, ResolvedBy,
};
pub use listed::{Listed, Window};
pub use login::{
    Login, LoginChange, LoginId, LoginPerson, LoginPut, LoginRemoval, NewLogin, ProviderPerson,
    ProviderSignIn,
};
pub use login_code::{LoginCodePurpose, LoginCodeUse, NewLoginCode, OpenInvitation};
pub use manual_attachment::{AttachmentLimits, AttachmentOwner, ManualAttachment, NewManualAttachment};
pub use manual_form::{ManualField, ManualForm};
pub use manual_input::{ManualAction, NewManualInput};
pub use manual_task::{
    ManualTask, ManualTaskConfig, ManualTaskEnd, ManualTaskFilter, ManualTaskId, ManualTaskIdError,
    ManualTaskState, NewManualTask,
};
pub use message::{
    ClaimedMessage, MessageChannel, MessageFilter, MessageId, MessageKind, MessagePerson, MessageState,
    MessageTo, NewMessage, StoredMessage,
};
pub use message_template::MessageTemplate;
pub use messaging_config::{MessagingConfig, MessagingSecrets, MessagingService};
pub use page::{NewPage, PackedRows, PageCursor, PagePlace, RowCount};
pub use place::StorePlace;
pub use plan::{NewPlan, Plan, PlanDigest, PlanDigestError, PlanHead};
pub use policy::{Approval, DrpAction, Policy, PolicyRule, PolicyTarget, RuleAction, RuleMasking};
pub use polling::{OpenPolling, Polling};
pub use portal_visit::{PortalEntry, PortalVisit};
pub use privacy_request::{
    ClaimEnd, ClaimedRequest, CodeChange, CodeCheck, Intake, Lookup, LookupField, NewCode, NewPrivacyRequest,
    NewRequestLog, Next, PrivacyRequest, PrivacyRequestChange, PrivacyRequestFilter, PrivacyRequestOrder,
    PrivacyRequestSort, PrivacyRequestStatus, RequestLease, RequestLog, RequestLogKind, RequestStep, RunsEnd,
    TimeRange,
};
pub use rate::{RateScope, RateWindow};
pub use rotation::Resealed;
pub use run::{NewRun, Run, RunKind, RunState};
pub use session::{NewSession, SessionFor};
pub use setting::OtherSettings;
pub use sign_in_flow::NewSignInFlow;
pub use sql::DatabaseError;
pub use storage::{StorageDestination, StorageFilter, StorageFormat, StorageKind, StorageSecrets};
pub use store::{Store, StoreParts};
pub use task::{ClaimedTask, Heartbeat, NewTask, Task, TaskFailure, TaskId, TaskLease, TaskName, TaskState};
pub use taxonomy::{NewTaxonomyEntry, TaxonomyKind, TaxonomyRemoval, TaxonomyUser};
pub use template::{InstanceChange, InstanceUpdate, NewTemplate, StoredTemplate};
pub use vault::NewSecret;
pub use vendor_mail::{VendorMail, VendorMailEnd, VendorRecipient};
pub use wake::WakeListener;
pub use webhook::{Webhook, WebhookDirection, WebhookList};
pub use webhook_call::{NewWebhookCall, WebhookCall, WebhookCallState, WebhookStage};
pub use worker::{SeenWorker, WorkerReport};
