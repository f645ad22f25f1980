//! The life of a privacy request: the package of an access request, and the way of an erasure or
//! rectification from its plan to its certificate.
//!
//! For: filtering rows by data category and writing packages ([`package::write`]); the plan file, its
//! digest, limits and drift ([`plan`]); carrying it out, following it, looking again and the signed
//! certificate ([`PrivacyService`], [`certificate`]). Not for: reading rows and sending writes
//! (`engine`), or what a person sees of it (`tutela`).
//!
//! ```
//! use privacy::package::{self, Contents, PackageOptions};
//! # use std::collections::BTreeMap;
//! # let folder = tempfile::tempdir()?;
//! let outcome = engine::RunOutcome { collections: BTreeMap::new() };
//!
//! let package = package::write(folder.path(), &outcome, &PackageOptions::new(Contents::Everything))?;
//!
//! assert_eq!(std::fs::read_to_string(&package.access)?, "{}\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod access;
mod apply;
mod as_text;
pub mod callback;
pub mod certificate;
pub mod condition_facts;
pub mod configuration;
pub mod dataset_trial;
pub mod deadline;
pub mod hold;
mod jobs;
mod journaling;
pub mod manual;
pub mod manual_task;
mod outline;
pub mod package;
pub mod plan;
pub mod planning;
pub mod policy_book;
mod preview;
mod published;
mod replay;
mod report;
pub mod request;
mod rereading;
mod resolve;
mod retention;
mod service;
mod status;
pub mod storage;
pub mod storage_book;
pub mod subject;
mod vendor_mail;
mod verify;
pub mod webhooks;
pub mod worker;

pub use apply::{ApplyError, ApplyOptions, ApplyProgress};
pub use planning::{PlanRequest, PlanningError, RaisedLimits};
pub use preview::{PreviewError, PreviewedQuery};
pub use published::{CHECKPOINTS_FILE, LogSigning, PublishError, SIGNING_KEY_FILE, publish};
pub use replay::{Replay, ReplayError, ReplayFailure, Replayed};
pub use report::{CollectionReport, CompletenessReport, Report, ReportOutcome};
pub use resolve::{ResolveDecision, ResolveError};
pub use retention::{Forgotten, Retention, RetentionError, forget_expired};
pub use service::{ConnectionFacts, LeftOut, PrivacyService, ServiceParts};
pub use status::{
    ApplyState, DestinationStatus, OperationState, OperationStatus, RunStatus, StatusError, Verdict,
    VerificationStatus,
};
pub use verify::{Verified, VerifyError, VerifyOptions};
