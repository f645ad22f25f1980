use connections::{DatasetFailure, DatasetWarning, PreparedDataset, WarningAction};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::bulk::Failure;

/// A dataset that may be kept.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DatasetValidated {
    /// As it would be kept.
    #[schema(value_type = Object)]
    pub(super) dataset: Value,
    /// Whether all of it can be reached.
    pub(super) traversal_details: TraversalDetails,
    /// What was put back or taken out.
    pub(super) warnings: Vec<ProtectedPartWarning>,
}

/// Whether all collections of a dataset can be reached, taken by itself.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TraversalDetails {
    /// They can.
    pub(super) is_traversable: bool,
    /// What stands in the way.
    pub(super) msg: Option<String>,
}

/// What became of datasets that were sent.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct DatasetsUpserted {
    /// Those that were kept, as they were kept.
    #[schema(value_type = Vec<Object>)]
    pub(super) succeeded: Vec<Value>,
    /// Those that were not.
    pub(super) failed: Vec<Failure>,
    /// What was put back or taken out.
    pub(super) warnings: Vec<ProtectedPartWarning>,
}

impl DatasetsUpserted {
    pub(super) fn succeed(&mut self, prepared: PreparedDataset) {
        self.succeeded.push(prepared.document.document);
        self.warnings.extend(prepared.warnings.into_iter().map(ProtectedPartWarning::from));
    }

    pub(super) fn fail(&mut self, failure: &DatasetFailure, data: Value) {
        self.failed.push(Failure { message: failure.to_string(), data });
    }
}

/// A protected part of an application's dataset that was changed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProtectedPartWarning {
    /// The collection.
    collection: String,
    /// The field; null: the whole collection.
    field: Option<String>,
    /// `restored` or `removed`.
    action: &'static str,
    /// Why.
    message: String,
}

impl From<DatasetWarning> for ProtectedPartWarning {
    fn from(warning: DatasetWarning) -> Self {
        let action = match warning.action {
            WarningAction::Restored => "restored",
            WarningAction::Removed => "removed",
        };
        Self { collection: warning.collection, field: warning.field, action, message: warning.message }
    }
}
