use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::Value;

use super::{Others, QueryParam, Request, Strategy, TextOrParam, strategy_schema};

/// How requests prove who asks.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Authentication {
    /// Name of the strategy.
    pub(crate) strategy: Option<String>,
    /// Its settings, of the type that belongs to the strategy.
    pub(crate) configuration: Option<Value>,
}

/// The strategies that are built in.
pub(crate) const STRATEGIES: &[Strategy] = &[
    Strategy {
        names: &["basic", "basic_authentication"],
        description: "User name and password in the `Authorization` header.",
        configuration: SchemaGenerator::subschema_for::<BasicConfiguration>,
        optional: false,
    },
    Strategy {
        names: &["bearer", "bearer_authentication"],
        description: "A token in the `Authorization` header.",
        configuration: SchemaGenerator::subschema_for::<BearerConfiguration>,
        optional: false,
    },
    Strategy {
        names: &["api_key", "api_key_authentication"],
        description: "Values in headers, query or body.",
        configuration: SchemaGenerator::subschema_for::<ApiKeyConfiguration>,
        optional: false,
    },
    Strategy {
        names: &["query_param", "query_param_authentication"],
        description: "A value in the query.",
        configuration: SchemaGenerator::subschema_for::<QueryParamConfiguration>,
        optional: false,
    },
    Strategy {
        names: &["oauth2_client_credentials", "oauth2_client_credentials_authentication"],
        description: "OAuth 2: a token from client id and client secret.",
        configuration: SchemaGenerator::subschema_for::<OAuth2Configuration>,
        optional: false,
    },
    Strategy {
        names: &["oauth2_authorization_code", "oauth2_authorization_code_authentication", "oauth2"],
        description: "OAuth 2: a token that a person authorized.",
        configuration: SchemaGenerator::subschema_for::<OAuth2Configuration>,
        optional: false,
    },
    Strategy {
        names: &["google_cloud_service_account", "google_cloud_service_account_authentication"],
        description: "A Google service account that signs its own requests for tokens.",
        configuration: SchemaGenerator::subschema_for::<GoogleConfiguration>,
        optional: true,
    },
    Strategy {
        names: &["script"],
        description: "Headers that a Starlark function makes of each request, as in HMAC signatures.",
        configuration: SchemaGenerator::subschema_for::<ScriptConfiguration>,
        optional: false,
    },
];

impl JsonSchema for Authentication {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Authentication".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        strategy_schema(generator, STRATEGIES, Others::Accepted)
    }
}

/// Settings of `basic`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub(crate) struct BasicConfiguration {
    /// User name.
    #[schemars(required)]
    pub(crate) username: Option<TextOrParam>,
    /// Password; empty if absent.
    pub(crate) password: Option<TextOrParam>,
}

/// Settings of `bearer`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub(crate) struct BearerConfiguration {
    /// The token.
    #[schemars(required)]
    pub(crate) token: Option<TextOrParam>,
}

/// Settings of `api_key`; at least one of the three is needed.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub(crate) struct ApiKeyConfiguration {
    /// Headers to set.
    pub(crate) headers: Option<Vec<QueryParam>>,
    /// Query params to set.
    pub(crate) query_params: Option<Vec<QueryParam>>,
    /// JSON object whose members are put into the body of the request.
    pub(crate) body: Option<String>,
}

/// Settings of `query_param`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub(crate) struct QueryParamConfiguration {
    /// Name of the query param.
    #[schemars(required)]
    pub(crate) name: Option<String>,
    /// Its value.
    #[schemars(required)]
    pub(crate) value: Option<TextOrParam>,
}

/// Settings of the OAuth 2 strategies.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub(crate) struct OAuth2Configuration {
    /// Where a person is sent to authorize; needed by `oauth2_authorization_code`. `<state>` comes back with
    /// them. With `<code_challenge>` (its method is `S256`) here and `<code_verifier>` in `token_request`,
    /// nobody else can use the code (PKCE).
    pub(crate) authorization_request: Option<Request>,
    /// Gets the first token.
    #[schemars(required)]
    pub(crate) token_request: Option<Request>,
    /// Gets the next token from the refresh token.
    pub(crate) refresh_request: Option<Request>,
    /// Lifetime of a token in seconds; wins over what the answer says.
    pub(crate) expires_in: Option<i64>,
}

/// Settings of `google_cloud_service_account`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub(crate) struct GoogleConfiguration {
    /// Scopes to ask for; without them the whole cloud platform.
    pub(crate) scopes: Option<Vec<String>>,
}

/// Settings of `script`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub(crate) struct ScriptConfiguration {
    /// The function, as in `sign.star:sign`; it gets the request and the name of the secret, and
    /// returns headers.
    #[schemars(required)]
    pub(crate) script: Option<String>,
    /// Name of the connector param that holds the key.
    #[schemars(required)]
    pub(crate) secret: Option<String>,
}
