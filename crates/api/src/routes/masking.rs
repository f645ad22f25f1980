//! Masking strategies, tried on values that the caller brings.

use axum::Json;
use crypto::MaskSecrets;
use graph::{STRATEGIES, Strategy, StrategyError, mask_values};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use spec::dataset_file::MaskingStrategy;
use utoipa::ToSchema;

use crate::ApiError;
use crate::body::{Body, from_value};
use crate::documented::{OpenApiRouter, routes};
use crate::state::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(mask)).routes(routes!(list))
}

/// The most that all masks of one call may come to.
const MOST_BYTES: usize = 16 << 20;
/// The most strategies of one call.
const MOST_STRATEGIES: usize = 10;

/// Values, and how they are to be masked.
#[derive(Deserialize, ToSchema)]
struct MaskRequest {
    /// The values.
    values: Vec<String>,
    /// One strategy, or a list of them that are taken from left to right.
    #[schema(value_type = StrategyInput)]
    masking_strategy: Value,
}

/// A masking strategy.
#[derive(Deserialize, ToSchema)]
struct StrategyInput {
    /// Its name.
    strategy: String,
    /// What it needs; `GET /masking/strategy` says what that is.
    #[serde(default)]
    configuration: Value,
}

/// Values, and their masks in the same order.
#[derive(Serialize, ToSchema)]
struct MaskReply {
    /// As they came.
    plain: Vec<String>,
    /// Their masks.
    masked_values: Vec<Value>,
}

/// A masking strategy, described.
#[derive(Serialize, ToSchema)]
struct StrategyReply {
    /// Its name.
    name: &'static str,
    /// What it does.
    description: &'static str,
    /// What its configuration may hold.
    configurations: Vec<KeyReply>,
}

/// One key of a strategy's configuration.
#[derive(Serialize, ToSchema)]
struct KeyReply {
    /// The key.
    key: &'static str,
    /// Whether it may be left out.
    optional: bool,
    /// What it says.
    description: &'static str,
}

/// Masks values, with secrets that are made for this call and thrown away.
#[utoipa::path(
    put,
    path = "/masking/mask",
    tag = "Masking",
    security(("oauth2" = ["masking:exec"])),
    request_body = MaskRequest,
    responses(
        (status = 200, description = "The masks", body = MaskReply),
        (status = 400, description = "The configuration of a strategy cannot be used"),
        (status = 404, description = "There is no such strategy")
    )
)]
async fn mask(Body(request): Body<MaskRequest>) -> Result<Json<MaskReply>, ApiError> {
    let strategies = strategies(&request.masking_strategy)?;
    if expected_bytes(&strategies, &request.values) > MOST_BYTES {
        return Err(ApiError::BadRequest(format!(
            "the masks would come to more than {MOST_BYTES} bytes; send fewer values at once"
        )));
    }
    let values: Vec<Value> = request.values.iter().map(|value| json!(value)).collect();
    let masked_values = mask_values(&strategies, Some(&values), &MaskSecrets::random()).unwrap_or_default();
    Ok(Json(MaskReply { plain: request.values, masked_values }))
}

/// Lists the masking strategies.
#[utoipa::path(
    get,
    path = "/masking/strategy",
    tag = "Masking",
    security(("oauth2" = ["masking:read"])),
    responses((status = 200, description = "All of them", body = Vec<StrategyReply>))
)]
async fn list() -> Json<Vec<StrategyReply>> {
    let key = |key: &graph::StrategyKey| KeyReply {
        key: key.key,
        optional: key.optional,
        description: key.description,
    };
    let all = STRATEGIES.iter().map(|strategy| StrategyReply {
        name: strategy.name,
        description: strategy.description,
        configurations: strategy.keys.iter().map(key).collect(),
    });
    Json(all.collect())
}

/// One strategy or a list of them.
fn strategies(written: &Value) -> Result<Vec<Strategy>, ApiError> {
    let place = [json!("body"), json!("masking_strategy")];
    let Value::Array(list) = written else { return Ok(vec![strategy(&place, written)?]) };
    if list.is_empty() || list.len() > MOST_STRATEGIES {
        let text = format!("expected from 1 to {MOST_STRATEGIES} strategies");
        return Err(ApiError::invalid("value_error", place.to_vec(), text));
    }
    let one = |(at, written): (usize, &Value)| strategy(&[place.as_slice(), &[json!(at)]].concat(), written);
    list.iter().enumerate().map(one).collect()
}

fn strategy(place: &[Value], written: &Value) -> Result<Strategy, ApiError> {
    let StrategyInput { strategy, configuration } =
        from_value(place, written).map_err(|invalid| ApiError::Invalid(vec![invalid]))?;
    Strategy::parse(&MaskingStrategy { strategy, configuration }).map_err(|error| match error {
        StrategyError::Unknown { .. } => ApiError::NotFound(error.to_string()),
        StrategyError::Missing { .. } | StrategyError::WrongValue { .. } => {
            ApiError::BadRequest(error.to_string())
        }
    })
}

/// No less than what the masks will come to.
fn expected_bytes(strategies: &[Strategy], values: &[String]) -> usize {
    /// The hexadecimal digits of SHA-512.
    const DIGEST: usize = 128;
    let longest = strategies.iter().fold(0_usize, |longest, strategy| match strategy {
        Strategy::NullRewrite | Strategy::Preserve => longest,
        Strategy::StringRewrite { rewrite_value, suffix } => longest.max(rewrite_value.len() + suffix.len()),
        Strategy::RandomStringRewrite { length, suffix } => longest.max(length + suffix.len()),
        Strategy::Hash { suffix, .. } | Strategy::Hmac { suffix, .. } => longest.max(DIGEST + suffix.len()),
        // Base64 of what came, and of the tag.
        Strategy::AesEncrypt { suffix } => longest.saturating_mul(2) + 32 + suffix.len(),
    });
    let plain = values.iter().map(String::len).sum::<usize>();
    plain.saturating_add(values.len().saturating_mul(longest))
}
