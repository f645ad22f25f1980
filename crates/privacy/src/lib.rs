//! What a privacy request results in: the package of an access request, the plan of an erasure or
//! rectification, and the certificate at its end.
//!
//! For: filtering rows by data category and writing `access.json`, `report.json` and `index.html`
//! ([`package::write`]); the plan file, its digest, limits and drift ([`plan`]); the signed
//! certificate ([`certificate`]). Not for: reading rows or sending anything (`engine`).
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

mod as_text;
pub mod certificate;
pub mod package;
pub mod plan;
pub mod planning;
mod report;
mod service;
pub mod storage;
pub mod subject;

pub use planning::{PlanRequest, PlanningError, RaisedLimits};
pub use report::{CollectionReport, CompletenessReport, Report, ReportOutcome};
pub use service::{ConnectionFacts, PrivacyService, ServiceParts};
