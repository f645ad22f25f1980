use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::param_value::FieldReference;

/// A dataset file: the collections of an application and what each field holds.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[schemars(title = "Tutela dataset file")]
pub(crate) struct DatasetDocument {
    /// The datasets; a connector uses the first.
    #[schemars(required)]
    pub(crate) dataset: Option<Vec<DatasetEntry>>,
}

/// One dataset.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub(crate) struct DatasetEntry {
    /// Key; the same as that of the connector file, or `<instance_fides_key>`.
    #[schemars(required, regex(pattern = "^[a-zA-Z0-9_.<>-]+$"))]
    pub(crate) fides_key: Option<String>,
    /// Name that people see.
    pub(crate) name: Option<String>,
    /// What the dataset is.
    pub(crate) description: Option<String>,
    /// Key of the organisation it belongs to.
    pub(crate) organization_fides_key: Option<String>,
    /// Free words to search by.
    pub(crate) tags: Option<Vec<String>>,
    /// Free notes.
    pub(crate) meta: Option<serde_json::Map<String, Value>>,
    /// Categories of the whole dataset.
    pub(crate) data_categories: Option<Vec<String>>,
    /// What the data are used for.
    pub(crate) data_purposes: Option<Vec<String>>,
    /// Settings of the dataset.
    pub(crate) fides_meta: Option<DatasetMeta>,
    /// Older name of `fides_meta`.
    pub(crate) fidesops_meta: Option<DatasetMeta>,
    /// The collections.
    #[schemars(required)]
    pub(crate) collections: Option<Vec<DatasetCollection>>,
}

/// Settings of a dataset.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub(crate) struct DatasetMeta {
    /// Free identifier.
    pub(crate) resource_id: Option<String>,
    /// Datasets that are visited first.
    pub(crate) after: Option<Vec<String>>,
    /// Where the tables are; databases only.
    pub(crate) namespace: Option<serde_json::Map<String, Value>>,
    /// `name` hides the name in reports.
    pub(crate) redact: Option<String>,
}

/// One collection.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub(crate) struct DatasetCollection {
    /// Name; the same as the endpoint's.
    #[schemars(required)]
    pub(crate) name: Option<String>,
    /// What it holds.
    pub(crate) description: Option<String>,
    /// Categories of whole rows.
    pub(crate) data_categories: Option<Vec<String>>,
    /// What the data are used for.
    pub(crate) data_purposes: Option<Vec<String>>,
    /// The fields; may be empty.
    #[schemars(required)]
    pub(crate) fields: Option<Vec<DatasetField>>,
    /// Settings of the collection.
    pub(crate) fides_meta: Option<CollectionMeta>,
    /// Older name of `fides_meta`.
    pub(crate) fidesops_meta: Option<CollectionMeta>,
}

/// Settings of a collection.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub(crate) struct CollectionMeta {
    /// Collections that are read first, each as `dataset.collection`.
    pub(crate) after: Option<Vec<String>>,
    /// Collections that are erased first, each as `dataset.collection`.
    pub(crate) erase_after: Option<Vec<String>>,
    /// Leave the collection out.
    pub(crate) skip_processing: Option<bool>,
    /// `{strategy: delete}` erases rows by deleting them.
    pub(crate) masking_strategy_override: Option<MaskingOverride>,
    /// How to read the collection in parts; databases only.
    pub(crate) partitioning: Option<Value>,
    /// `name` hides the name in reports.
    pub(crate) redact: Option<String>,
}

/// One field.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub(crate) struct DatasetField {
    /// Name.
    #[schemars(required)]
    pub(crate) name: Option<String>,
    /// What it holds.
    pub(crate) description: Option<String>,
    /// Data categories, as in `user.contact.email`.
    pub(crate) data_categories: Option<Vec<String>>,
    /// What the data are used for.
    pub(crate) data_purposes: Option<Vec<String>>,
    /// Fields inside this one.
    pub(crate) fields: Option<Vec<DatasetField>>,
    /// Settings of the field.
    pub(crate) fides_meta: Option<FieldMeta>,
    /// Older name of `fides_meta`.
    pub(crate) fidesops_meta: Option<FieldMeta>,
}

/// Settings of a field.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub(crate) struct FieldMeta {
    /// `string`, `integer`, `float`, `boolean`, `object_id` or `object`, with `[]` behind it for a
    /// list. Needed for masking.
    pub(crate) data_type: Option<String>,
    /// Part of the row's key. Needed for erasure.
    pub(crate) primary_key: Option<bool>,
    /// Longest masked text, in characters.
    pub(crate) length: Option<i64>,
    /// Never masked and never sent in updates.
    pub(crate) read_only: Option<bool>,
    /// Keep all elements of the list, not only those that match the person. Lists only.
    pub(crate) return_all_elements: Option<bool>,
    /// How this field is masked, whatever the rule says.
    pub(crate) masking_strategy_override: Option<MaskingOverride>,
    /// Fields that it is connected with. Not in datasets of connector files.
    pub(crate) references: Option<Vec<FieldReference>>,
    /// Identity that it holds. Not in datasets of connector files.
    pub(crate) identity: Option<String>,
    /// A custom field of requests by whose value rows are found (`dynamic_erasure_email`); it leads nowhere else.
    pub(crate) custom_request_field: Option<String>,
    /// `name` hides the name in reports.
    pub(crate) redact: Option<String>,
}

/// A masking strategy with its settings.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub(crate) struct MaskingOverride {
    /// Name of the strategy.
    #[schemars(required)]
    pub(crate) strategy: Option<String>,
    /// Its settings.
    pub(crate) configuration: Option<serde_json::Map<String, Value>>,
}
