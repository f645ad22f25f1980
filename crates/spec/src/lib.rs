//! Connector, dataset, project and server files: from YAML text to checked types, with located diagnostics.
//!
//! For: reading a file once, at the edge, into a type that cannot be wrong, and telling its author
//! everything that is wrong with it in one run, with file, line and column.
//! Not for: reading files from disk, running requests, or drawing messages.
//!
//! ```
//! use spec::{CheckOptions, SourceFile, check_connector};
//!
//! let source = SourceFile::new("shop.yml", "saas_config:\n  fides_key: shop\n  nane: Shop\n");
//! let checked = check_connector(&source, &CheckOptions::default());
//!
//! assert!(checked.value.is_none());
//! let first = checked.diagnostics.iter().find(|found| found.code == "spec::unknown_key").unwrap();
//! assert_eq!((first.line, first.column), (3, 3));
//! assert_eq!(first.help.as_deref(), Some("did you mean `name`?"));
//! ```

mod baton_setting;
pub mod categories;
mod check;
pub mod condition;
pub mod connector_file;
pub mod dataset_file;
mod diagnostic;
mod duration;
pub mod expression;
mod flat_file;
pub mod library;
pub mod lint;
mod location;
mod lower;
pub mod project_file;
#[expect(dead_code, reason = "keys are described before the step that reads them is built")]
mod raw;
mod redaction;
pub mod reference;
pub mod reference_docs;
pub mod schedule;
mod schema;
pub mod script;
pub mod secrets;
pub mod server_file;
pub mod server_settings;
mod shape;
mod source;
mod span_index;
pub mod taxonomy;
pub mod template;
mod yaml;

pub use baton_setting::{BatonSettingError, check_baton_setting};
pub use check::{
    CheckOptions, Checked, DomainValidation, check_connector, check_datasets, check_pair, check_project,
};
pub use condition::{Condition, ConditionError};
pub use connector_file::ConnectorFile;
pub use dataset_file::Dataset;
pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use expression::{Expression, ExpressionError, Scope};
pub use flat_file::{FlatSetting, FlatValue, read_flat};
pub use location::{Locator, Step, document};
pub use project_file::{
    Access, ActionType, BatonConnector, ConnectionEntry, DatabaseKind, EgressSettings, PackageFormat,
    PlanLimits, Policy, Project, ReadingSettings, Rule, SecretValue, StorageDestination, StoragePlace,
};
pub use schema::{connector_schema, dataset_schema, project_schema, server_schema};
pub use secrets::{
    CheckedSecrets, SecretInputs, SecretProblem, SecretsError, UnknownSecret, check_secrets,
    check_secrets_for,
};
pub use server_file::Server;
pub use server_settings::{Origin, ServerInputs, ServerSettings, Setting, check_server, server_settings};
pub use source::SourceFile;
pub use span_index::SpanIndex;
