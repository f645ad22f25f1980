//! What a person gets: the package of an access request, with its report and its readable page.
//!
//! For: filtering rows by data category and writing `access.json`, `report.json` and `index.html`
//! ([`package::write`]). Not for: reading rows (`engine`). Erasure plans come with a later version.
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

pub mod package;
mod report;

pub use report::{CollectionReport, CompletenessReport, Report, ReportOutcome};
