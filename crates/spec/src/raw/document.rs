use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{
    Activity, ClientConfig, ConnectorParam, Endpoint, ExternalReference, Governance, OneOrMany,
    RateLimitConfig, Request,
};

/// A connector file: how to reach one application and what it holds about people.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[schemars(title = "Tutela connector file")]
pub(crate) struct ConnectorDocument {
    /// The connector.
    #[schemars(required)]
    pub(crate) saas_config: Option<SaasConfig>,
}

/// One connector.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub(crate) struct SaasConfig {
    /// Identity of the instance and of its dataset: letters, digits, `_`, `.`, `-`. In a file that
    /// is used for several connections write `<instance_fides_key>`.
    #[schemars(required, regex(pattern = "^[a-zA-Z0-9_.<>-]+$"))]
    pub(crate) fides_key: Option<String>,
    /// Name that people see.
    #[schemars(required)]
    pub(crate) name: Option<String>,
    /// Kind of application, compared in lower case. Absent in files of the older dialect, where
    /// `fides_key` takes its place.
    pub(crate) r#type: Option<String>,
    /// What the connector is for.
    #[schemars(required)]
    pub(crate) description: Option<String>,
    /// Version of this file, as in `1.0.2`.
    #[schemars(required)]
    pub(crate) version: Option<String>,
    /// Version of the keys that Tutela adds to the format; today 1.
    pub(crate) format: Option<i64>,
    /// Settings and secrets that a connection must bring; may be empty.
    #[schemars(required)]
    pub(crate) connector_params: Option<Vec<ConnectorParam>>,
    /// Fields of other datasets that the operator chooses per connection.
    pub(crate) external_references: Option<Vec<ExternalReference>>,
    /// Base URL and authentication of every request that brings none of its own.
    #[schemars(required)]
    pub(crate) client_config: Option<ClientConfig>,
    /// One entry for each collection; may be empty.
    #[schemars(required)]
    pub(crate) endpoints: Option<Vec<Endpoint>>,
    /// The call that tests a connection. Placeholders take their values from the connection's
    /// settings directly. A list holds variants: the first whose `when` holds is sent.
    #[schemars(required)]
    pub(crate) test_request: Option<OneOrMany<Request>>,
    /// A call that erases a person everywhere at once. A list holds variants: the first whose
    /// `when` holds is sent.
    pub(crate) data_protection_request: Option<OneOrMany<Request>>,
    /// Limits of all requests that bring none of their own.
    pub(crate) rate_limit_config: Option<RateLimitConfig>,
    /// Calls that carry a person's consent to the application.
    pub(crate) consent_requests: Option<ConsentRequests>,
    /// Address of a page that explains how to set up a connection.
    pub(crate) user_guide: Option<String>,
    /// How the catalogue shows the connector.
    pub(crate) display_info: Option<DisplayInfo>,
    /// Who has access: accounts, groups, roles, resources, entitlements, grants.
    pub(crate) governance: Option<Governance>,
    /// Events of use: who did what to which resource, and when.
    pub(crate) activity: Option<Activity>,
    /// Cassettes that prove the file, and what is expected of them.
    pub(crate) tests: Option<Vec<serde_json::Map<String, Value>>>,
}

/// Calls that carry a person's consent.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub(crate) struct ConsentRequests {
    /// Sent when the person agrees: one request or a list.
    pub(crate) opt_in: Option<OneOrMany<Request>>,
    /// Sent when the person declines: one request or a list.
    pub(crate) opt_out: Option<OneOrMany<Request>>,
}

/// How the catalogue shows the connector.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub(crate) struct DisplayInfo {
    /// Shelf of the catalogue.
    #[schemars(with = "Option<CategoryWord>")]
    pub(crate) category: Option<String>,
    /// Free words to search by.
    pub(crate) tags: Option<Vec<String>>,
    /// What else the connector is good for.
    #[schemars(with = "Option<Vec<FeatureWord>>")]
    pub(crate) enabled_features: Option<Vec<String>>,
}

/// Shelves of the catalogue.
#[derive(JsonSchema)]
#[schemars(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(dead_code, reason = "only its schema is used")]
enum CategoryWord {
    DataCatalog,
    DataWarehouse,
    Database,
    IdentityProvider,
    Website,
    Crm,
    Manual,
    Marketing,
    Analytics,
    Ecommerce,
    Communication,
    CloudInfrastructure,
    Custom,
}

/// Further uses of a connector.
#[derive(JsonSchema)]
#[schemars(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(dead_code, reason = "only its schema is used")]
enum FeatureWord {
    DataDiscovery,
    DataSync,
    Tasks,
    WithoutConnection,
    DsrAutomation,
    Conditions,
    QueryLogging,
    IdentityResolution,
}
