use model::ConnectionKey;

use crate::connector_file::ConnectorFile;
use crate::dataset_file::Dataset;
use crate::diagnostic::Diagnostics;
use crate::project_file::Project;
use crate::source::SourceFile;

/// What a check found, and the checked value if it can be used.
#[derive(Debug, Clone)]
#[must_use = "the diagnostics must be shown"]
pub struct Checked<T> {
    /// The value; `Some` only if no diagnostic is an error.
    pub value: Option<T>,
    /// Everything found, sorted by place.
    pub diagnostics: Diagnostics,
}

/// How values are compared with `allowed_values` (saas-config 4.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DomainValidation {
    /// A mismatch is an error.
    Enabled,
    /// A mismatch is a warning.
    #[default]
    Monitor,
    /// Nothing is compared.
    Disabled,
}

/// Settings of a check.
#[derive(Debug, Clone, Default)]
pub struct CheckOptions {
    /// Replaces `<instance_fides_key>`; without it the placeholder stays.
    pub instance_key: Option<ConnectionKey>,
    /// How defaults are compared with host patterns.
    pub domain_validation: DomainValidation,
}

/// Checks a connector file: its shape, every rule for such files, and static analysis.
pub fn check_connector(source: &SourceFile, options: &CheckOptions) -> Checked<ConnectorFile> {
    todo!()
}

/// Checks a dataset file.
pub fn check_datasets(source: &SourceFile, options: &CheckOptions) -> Checked<Vec<Dataset>> {
    todo!()
}

/// Checks what only shows when connector and dataset are seen together (saas-config 25.11, 25.12).
///
/// `source_of_dataset` is the text that `dataset` was read from; places in it are found again.
pub fn check_pair(connector: &ConnectorFile, dataset: &Dataset, source_of_dataset: &SourceFile) -> Diagnostics {
    todo!()
}

/// Checks a project file.
pub fn check_project(source: &SourceFile) -> Checked<Project> {
    todo!()
}
