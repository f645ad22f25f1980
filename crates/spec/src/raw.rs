//! The files as written: one type for each mapping of the format.
//!
//! These types are the one description of shape. Their doc comments become the JSON Schema and the
//! reference pages; `shape` checks files against that schema and fills the types from what passed,
//! so filling cannot fail: whatever was wrong is absent here and already reported.

mod authentication;
mod baton;
mod client_config;
mod connector_param;
mod dataset;
mod document;
mod endpoint;
mod extension;
mod governance;
mod messages;
mod pagination;
mod param_value;
mod polling;
mod postprocessor;
mod project;
mod rate_limit;
mod request;
mod self_hosted;
mod server;
mod text_or;

pub(crate) use authentication::{
    ApiKeyConfiguration, Authentication, BasicConfiguration, BearerConfiguration, GoogleConfiguration,
    OAuth2Configuration, QueryParamConfiguration, STRATEGIES as AUTHENTICATION_STRATEGIES,
    ScriptConfiguration,
};
pub(crate) use baton::ServerBatonSection;
pub(crate) use client_config::ClientConfig;
pub(crate) use connector_param::{ConnectorParam, ExternalReference, ServiceWord};
pub(crate) use dataset::{DatasetCollection, DatasetDocument, DatasetEntry, DatasetField, MaskingOverride};
pub(crate) use document::{ConnectorDocument, DisplayInfo, SaasConfig};
pub(crate) use endpoint::Endpoint;
pub(crate) use extension::{
    Batch, Destinations, EffectWord, PerWord, Rectify, Retry, Same, StateWord, Track, Verify,
};
pub(crate) use governance::{
    AccessWrite, Activity, CreateParam, Entitlement, EntitlementGrants, EntitlementText, Governance, Guard,
    HeldGrants, NamedExpressions, PurposeWord, ResourceCreate, ResourceGet, ResourceList, ResourceType,
    SkipWord, StaticResource, TraitWord, TypedId, UserTrait,
};
pub(crate) use messages::{MessagesSection, NotificationsSection, SmtpSection, WebhookSection};
pub(crate) use pagination::{
    CursorConfiguration, LinkConfiguration, LinkSourceWord, OffsetConfiguration, Pagination, ParamName,
};
pub(crate) use param_value::{DirectionWord, FieldReference, ParamValue, Reference};
pub(crate) use polling::{AsyncConfig, PollingConfiguration};
pub(crate) use postprocessor::{
    ExtractConfiguration, FilterConfiguration, Postprocessor, UnwrapConfiguration, Wanted,
};
pub(crate) use project::{
    AccessWord, ActionWord, BatonSection, Connection, EgressSection, FormatWord, LimitsSection,
    PolicySection, ProjectDocument, ReadingSection, RuleSection, StorageSection, StorageWord,
};
pub(crate) use rate_limit::{PeriodWord, RateLimitConfig};
pub(crate) use request::{MethodWord, NameValue, QueryParam, Request};
pub(crate) use self_hosted::SelfHostedSection;
pub(crate) use server::{
    DeadlinesSection, ExecutionSection, OidcSection, PortalSection, RetentionSection, SecuritySection,
    ServerDocument,
};
pub(crate) use text_or::{OneOrMany, Scalar, TextOrParam};

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Value, json};

/// The schema of `T`, JSON Schema draft 2020-12.
pub(crate) fn schema_of<T: JsonSchema>() -> Value {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>().into()
}

/// Names and shape of one strategy: the first name is today's, the others are older.
pub(crate) struct Strategy {
    /// Accepted names.
    pub(crate) names: &'static [&'static str],
    /// What it does, one sentence.
    pub(crate) description: &'static str,
    /// Schema of its `configuration`.
    pub(crate) configuration: fn(&mut SchemaGenerator) -> Schema,
    /// Whether `configuration` may be left out.
    pub(crate) optional: bool,
}

/// What happens to a strategy that is not in the list.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Others {
    /// The file loads; a call fails.
    Accepted,
    /// The file is refused.
    Refused,
}

/// Schema of `{strategy, configuration}`, one branch for each strategy.
fn strategy_schema(generator: &mut SchemaGenerator, strategies: &[Strategy], others: Others) -> Schema {
    let mut branches: Vec<Value> = Vec::new();
    for strategy in strategies {
        let configuration = (strategy.configuration)(generator);
        let required =
            if strategy.optional { json!(["strategy"]) } else { json!(["strategy", "configuration"]) };
        branches.push(json!({
            "type": "object",
            "description": strategy.description,
            "properties": {
                "strategy": {"type": "string", "enum": strategy.names, "description": "Name of the strategy."},
                "configuration": configuration,
            },
            "required": required,
        }));
    }
    if others == Others::Accepted {
        let known: Vec<&str> = strategies.iter().flat_map(|strategy| strategy.names).copied().collect();
        branches.push(json!({
            "type": "object",
            "description": "A strategy that is not built in: the file loads, and a call that needs it fails.",
            "properties": {
                "strategy": {"type": "string", "not": {"enum": known}, "description": "Name of the strategy."},
                "configuration": {"type": ["object", "null"], "description": "Its settings."},
            },
            "required": ["strategy"],
        }));
    }
    schemars::json_schema!({"oneOf": branches})
}
