//! A trial run on one dataset: one person is read from one connection, apart from all requests.

use axum::Json;
use axum::extract::{Path, State};
use model::Identities;
use privacy::dataset_trial::{self, NewTrial};
use privacy::policy_book::PolicyBook;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use spec::ActionType;
use utoipa::ToSchema;

use crate::body::Body;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::state::ApiState;
use crate::text::Text;
use crate::{ApiError, Invalid};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(test))
}

/// Which values a trial begins with, and the policy it follows.
#[derive(Deserialize, ToSchema)]
struct DatasetTestInput {
    /// Key of the policy: what its access rules deliver is shown.
    #[schema(value_type = String)]
    policy_key: Text,
    /// Who is read. Each name is one that `…/inputs` lists, and its value a text, a whole number, or a list of
    /// those.
    #[schema(value_type = Object)]
    identities: Map<String, Value>,
}

/// A trial that waits for a worker.
#[derive(Debug, Serialize, ToSchema)]
struct Begun {
    /// What `…/filtered-results` and `…/logs` are asked with. It is no privacy request.
    privacy_request_id: String,
}

/// Try a dataset: read one person from its connection, and nothing else.
///
/// A trial is in no list, package or number of privacy requests, reaches nobody, and is gone after an hour.
/// Needs `security.dsr_testing_tools_enabled`.
#[utoipa::path(
    post,
    path = "/connection/{key}/dataset/{dataset}/test",
    tag = "Datasets",
    operation_id = "connection_dataset_test",
    security(("oauth2" = ["dataset:test"])),
    params(
        ("key" = String, Path, description = "Key of the connection"),
        ("dataset" = String, Path, description = "Key of the dataset")
    ),
    request_body = DatasetTestInput,
    responses((status = 200, body = Begun), (status = 403), (status = 404), (status = 422))
)]
async fn test(
    State(state): State<ApiState>,
    caller: Caller,
    Path((key, dataset)): Path<(String, String)>,
    Body(input): Body<DatasetTestInput>,
) -> Result<Json<Begun>, ApiError> {
    let connections = state.connections();
    let owner = connections.dataset_owner(&key).await?;
    let inputs = connections.dataset_inputs(&owner, &dataset).await?;
    tools_on(&state)?;
    let inputs = inputs.map_err(ApiError::Unprocessable)?;
    let identities = read(&inputs.names, &input.identities).map_err(ApiError::Invalid)?;
    let policy = PolicyBook::new(state.store().clone()).document(&input.policy_key.0).await?.policy;
    if !policy.rules.iter().any(|rule| rule.action == ActionType::Access) {
        let text = format!("policy {} has no access rule, so that a trial would show nothing", policy.key);
        return Err(ApiError::Unprocessable(text));
    }
    let new = NewTrial {
        connection: owner.key().clone(),
        dataset: inputs.dataset,
        policy: policy.key,
        identities,
        actor: caller.actor,
    };
    let id = dataset_trial::begin(state.store(), &**state.ids(), new).await?;
    Ok(Json(Begun { privacy_request_id: id.to_string() }))
}

/// Refuses where datasets are not tried.
pub(in crate::routes) fn tools_on(state: &ApiState) -> Result<(), ApiError> {
    if state.settings().configured.server.security.dsr_testing_tools_enabled {
        return Ok(());
    }
    let text = "testing tools are off on this server; `security.dsr_testing_tools_enabled` switches them on";
    Err(ApiError::Refused(text.to_owned()))
}

/// The most values of one name.
const MOST: usize = 50;
/// The longest value, in characters.
const LONGEST: usize = 1_000;

/// Who is read; everything that is wrong with it at once. No value is told again.
fn read(names: &[String], sent: &Map<String, Value>) -> Result<Identities, Vec<Invalid>> {
    let mut identities = Identities::default();
    let mut wrong = Vec::new();
    for (name, value) in sent {
        let values = match value {
            Value::Null => &[],
            Value::Array(list) => list.as_slice(),
            one => std::slice::from_ref(one),
        };
        let kept = if !names.contains(name) {
            Err(format!("this dataset is not read by it; {}", ways_in(names)))
        } else if values.len() > MOST {
            Err(format!("at most {MOST} values"))
        } else {
            values.iter().try_for_each(|value| insert(&mut identities, name, value))
        };
        let loc = || vec![json!("body"), json!("identities"), json!(name)];
        wrong.extend(kept.err().map(|text| Invalid::new("value_error", loc(), text)));
    }
    if wrong.is_empty() && identities.is_empty() {
        let loc = vec![json!("body"), json!("identities")];
        wrong.push(Invalid::new("value_error", loc, format!("give somebody to read; {}", ways_in(names))));
    }
    if wrong.is_empty() { Ok(identities) } else { Err(wrong) }
}

fn ways_in(names: &[String]) -> String {
    if names.is_empty() {
        return "nothing leads into it: none of its fields has an identity or a reference".to_owned();
    }
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    format!("it is read by {}", names.join(", "))
}

fn insert(identities: &mut Identities, name: &str, value: &Value) -> Result<(), String> {
    let fits = match value {
        Value::String(text) => text.chars().count() <= LONGEST,
        Value::Number(number) => number.is_i64() || number.is_u64(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => false,
    };
    let text =
        "write a text of up to 1,000 characters without line breaks, a whole number, or a list of those";
    if !fits {
        return Err(text.to_owned());
    }
    identities.insert(name, value.clone()).map_err(|_| text.to_owned())
}
