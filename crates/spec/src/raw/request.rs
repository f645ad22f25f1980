use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::Value;

use super::extension::Verify;
use super::{
    AsyncConfig, Batch, ClientConfig, EffectWord, Pagination, ParamValue, PerWord, Postprocessor,
    RateLimitConfig, Retry, Scalar, TextOrParam, Track,
};

/// One HTTP request with what is done to its answer.
///
/// A request needs `method` and `path`; a read request may have `output` instead. Other keys than
/// these are refused.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    /// HTTP method, upper case.
    pub(crate) method: Option<MethodWord>,
    /// Path below the base URL, with placeholders.
    pub(crate) path: Option<String>,
    /// Headers; one whose placeholder has no value is left out.
    pub(crate) headers: Option<Vec<NameValue>>,
    /// Query params; one whose placeholder has no value is left out.
    pub(crate) query_params: Option<Vec<QueryParam>>,
    /// Body, with placeholders. Text, not a mapping: use `|` and write JSON.
    pub(crate) body: Option<String>,
    /// Where the values of placeholders come from.
    pub(crate) param_values: Option<Vec<ParamValue>>,
    /// Another base URL or authentication, in place of the file's as a whole.
    pub(crate) client_config: Option<ClientConfig>,
    /// Path of the rows in the answer.
    pub(crate) data_path: Option<String>,
    /// Steps between the answer and the rows, in order.
    pub(crate) postprocessors: Option<Vec<Postprocessor>>,
    /// How to get the next page.
    pub(crate) pagination: Option<Pagination>,
    /// Names of param values that belong together row by row.
    pub(crate) grouped_inputs: Option<Vec<String>>,
    /// `true`, or a list of status codes that are no errors.
    #[serde(default)]
    #[schemars(schema_with = "ignore_errors_schema")]
    pub(crate) ignore_errors: Option<Value>,
    /// Limits of this request, in place of the file's.
    pub(crate) rate_limit_config: Option<RateLimitConfig>,
    /// A missing value leaves this request out instead of failing it.
    pub(crate) skip_missing_param_values: Option<bool>,
    /// The application answers later.
    pub(crate) async_config: Option<AsyncConfig>,
    /// With `async_config: polling`: path of the job's id in the first answer.
    pub(crate) correlation_id_path: Option<String>,
    /// Name of a function of another engine; here such a request fails when it runs.
    pub(crate) request_override: Option<String>,
    /// Read requests only: template of each row, in place of the answer's.
    pub(crate) output: Option<String>,
    /// Polling status requests only: path of the state.
    pub(crate) status_path: Option<String>,
    /// Polling status requests only: the state that means done.
    #[serde(default)]
    #[schemars(schema_with = "completed_value_schema")]
    pub(crate) status_completed_value: Option<Value>,
    /// Polling result requests only: path of the rows.
    pub(crate) result_path: Option<String>,
    /// CEL condition over the connection's settings: whether this variant of the request applies.
    pub(crate) when: Option<String>,
    /// What the request does to the other side, where method and place say it wrongly.
    pub(crate) effect: Option<EffectWord>,
    /// Write requests only: sending it twice does no harm.
    pub(crate) repeatable: Option<bool>,
    /// Write requests only: once per row (default) or once per person.
    pub(crate) per: Option<PerWord>,
    /// Write requests only: many values in one call.
    pub(crate) batch: Option<Batch>,
    /// Status codes that mean "not there": a complete and empty answer.
    pub(crate) gone: Option<Vec<i64>>,
    /// Write requests only: the read that proves the write.
    pub(crate) verify: Option<Verify>,
    /// Write requests only: how to follow the job that the write starts.
    pub(crate) track: Option<Track>,
    /// Answers that mean "try again".
    pub(crate) retry: Option<Retry>,
    /// A Starlark function in the connector's folder, in place of `request_override`.
    pub(crate) script: Option<String>,
}

fn ignore_errors_schema(_: &mut SchemaGenerator) -> Schema {
    schemars::json_schema!({
        "anyOf": [{"type": ["boolean", "null"]}, {"type": "array", "items": {"type": "integer"}}]
    })
}

fn completed_value_schema(_: &mut SchemaGenerator) -> Schema {
    schemars::json_schema!({"type": ["string", "integer", "boolean", "null"]})
}

/// HTTP methods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum MethodWord {
    Get,
    Post,
    Put,
    Patch,
    Delete,
    Options,
    Head,
}

/// A header.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub(crate) struct NameValue {
    /// Its name.
    #[schemars(required)]
    pub(crate) name: Option<String>,
    /// Its value, with placeholders.
    #[schemars(required)]
    pub(crate) value: Option<TextOrParam>,
}

/// A query param.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub(crate) struct QueryParam {
    /// Its name.
    #[schemars(required)]
    pub(crate) name: Option<String>,
    /// Its value: text with placeholders, or an integer.
    pub(crate) value: Option<Scalar>,
    /// Older spelling of `value`.
    pub(crate) default_value: Option<Scalar>,
    /// Older spelling of a value that is one connector param.
    pub(crate) connector_param: Option<String>,
}
