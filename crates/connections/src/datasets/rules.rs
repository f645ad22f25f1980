use serde_json::Value;
use thiserror::Error;

use super::DatasetOwner;
use crate::DatasetDocument;

/// Why one dataset does not fit its connection, while others may.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DatasetFailure {
    /// Edges of an application stand in its connector file.
    #[error(
        "A dataset for a ConnectionConfig type of 'saas' is not allowed to have references or identities. Please add them to the SaaS config."
    )]
    ReferencesOfApplication,
    /// It is the dataset of something else.
    #[error(
        "The fides_key '{dataset}' of the dataset does not match the fides_key '{connector}' of the connection config"
    )]
    OtherKey {
        /// Key of the dataset.
        dataset: String,
        /// Key of the connector file.
        connector: String,
    },
    /// There is nothing to check it against.
    #[error("Connection config '{connection}' must have a SaaS config before validating or adding a dataset")]
    NoConnectorFile {
        /// The connection.
        connection: String,
    },
    /// An override needs a secret, which a dataset cannot bring.
    #[error("Masking strategy '{strategy}' with required secrets not allowed as an override.")]
    SecretOverride {
        /// The strategy.
        strategy: String,
    },
    /// Nothing says where the tables are.
    #[error(
        "Dataset for {connection_type} connection must either have namespace metadata or the connection must have values for the following fields: {}",
        .fields.join(", ")
    )]
    NoNamespace {
        /// The type of the connection.
        connection_type: String,
        /// Secrets that would say it.
        fields: Vec<String>,
    },
    /// What says where the tables are does not say all.
    #[error("Invalid namespace metadata for {connection_type}: {reason}")]
    BadNamespace {
        /// The type of the connection.
        connection_type: String,
        /// What is missing.
        reason: String,
    },
    /// The key belongs to another connection.
    #[error("Dataset create/update failed.")]
    NotKept,
}

/// What `namespace` must have for a type, each by one of these names, and the secrets that make it
/// unnecessary (privacy-requests ).
struct NamespaceRule {
    types: &'static [&'static str],
    needs: &'static [&'static [&'static str]],
    secrets: &'static [&'static str],
}

const NAMESPACES: [NamespaceRule; 4] = [
    NamespaceRule {
        types: &["postgres", "google_cloud_sql_postgres"],
        needs: &[&["schema", "schema_name"]],
        secrets: &[],
    },
    NamespaceRule {
        types: &["rds_postgres"],
        needs: &[&["database_instance_name", "database_instance_id"], &["database_name", "database"]],
        secrets: &[],
    },
    NamespaceRule {
        types: &["snowflake"],
        needs: &[&["database_name", "database"], &["schema", "schema_name"]],
        secrets: &["database_name", "schema_name"],
    },
    NamespaceRule { types: &["bigquery"], needs: &[&["project_id"], &["dataset_id"]], secrets: &["dataset"] },
];

/// Whether a dataset may be one of a connection (privacy-requests C-14).
pub(super) fn check(owner: &DatasetOwner, document: &DatasetDocument) -> Result<(), DatasetFailure> {
    if let Some(strategy) = document.refused_overrides.first() {
        return Err(DatasetFailure::SecretOverride { strategy: strategy.clone() });
    }
    if owner.is_application() { check_application(owner, document) } else { check_namespace(owner, document) }
}

/// privacy-requests S-14.
fn check_application(owner: &DatasetOwner, document: &DatasetDocument) -> Result<(), DatasetFailure> {
    let Some(file) = &owner.file else {
        return Err(DatasetFailure::NoConnectorFile { connection: owner.key().to_string() });
    };
    let key = &document.dataset.fides_key;
    if *key != file.fides_key {
        return Err(DatasetFailure::OtherKey { dataset: key.clone(), connector: file.fides_key.clone() });
    }
    // As written: settings of object fields are gone from the checked form.
    if has_edges(&document.document) {
        return Err(DatasetFailure::ReferencesOfApplication);
    }
    Ok(())
}

fn has_edges(part: &Value) -> bool {
    let settings = part.get("fides_meta");
    let says = |key: &str| {
        settings.and_then(|settings| settings.get(key)).is_some_and(|value| !model::is_falsy(value))
    };
    let below = |key: &str| part.get(key).and_then(Value::as_array).into_iter().flatten();
    says("identity") || says("references") || below("collections").chain(below("fields")).any(has_edges)
}

/// privacy-requests Q-17.
fn check_namespace(owner: &DatasetOwner, document: &DatasetDocument) -> Result<(), DatasetFailure> {
    let connection_type = owner.connection.connection_type.as_str();
    let Some(rule) = NAMESPACES.iter().find(|rule| rule.types.contains(&connection_type)) else {
        return Ok(());
    };
    let namespace = document.document.pointer("/fides_meta/namespace").and_then(Value::as_object);
    let Some(namespace) = namespace else {
        let is_given = |name: &&str| owner.secrets.iter().any(|secret| secret == name);
        if rule.secrets.iter().all(is_given) {
            return Ok(());
        }
        let fields = rule.secrets.iter().map(|&name| name.to_owned()).collect();
        return Err(DatasetFailure::NoNamespace { connection_type: connection_type.to_owned(), fields });
    };
    let is_there = |names: &&&[&str]| {
        names.iter().any(|name| namespace.get(*name).is_some_and(|value| !model::is_falsy(value)))
    };
    let missing: Vec<&str> = rule
        .needs
        .iter()
        .filter(|names| !is_there(names))
        .filter_map(|names| names.first().copied())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let reason = format!("`{}` is missing", missing.join("` and `"));
    Err(DatasetFailure::BadNamespace { connection_type: connection_type.to_owned(), reason })
}
