use connections::{ConnectionType, PutConnection, PutRefused, SecretsRefused};
use model::ConnectionKey;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use store::ConnectionAccess;
use utoipa::ToSchema;

use super::ConnectionReply;
use crate::ApiError;
use crate::bulk::{BulkReply, Element};
use crate::caller::Caller;
use crate::problems::invalid_list;
use crate::state::ApiState;

/// A connection as it is to be; what is not sent stays.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ConnectionInput {
    /// Its name for people.
    name: Option<String>,
    /// Its key; made of the name if not sent.
    #[schema(value_type = Option<String>)]
    key: Option<ConnectionKey>,
    /// What is behind it.
    #[schema(value_type = String)]
    connection_type: ConnectionType,
    /// What may be done.
    access: AccessInput,
    /// Whether it is switched off.
    disabled: Option<bool>,
    /// Free text.
    description: Option<String>,
    /// Whether only updates that mask may erase.
    masking_strict: Option<bool>,
    /// Its secrets, all of them.
    #[schema(value_type = Option<Object>)]
    secrets: Option<Map<String, Value>>,
    /// The template, for a new connection of type `saas` with secrets.
    saas_connector_type: Option<String>,
}

/// What may be done through a connection.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum AccessInput {
    Read,
    Write,
}

impl ConnectionInput {
    fn into_put(self, system_key: Option<&str>) -> PutConnection {
        PutConnection {
            key: self.key,
            name: self.name.filter(|name| !name.is_empty()),
            description: self.description,
            connection_type: self.connection_type,
            access: match self.access {
                AccessInput::Read => ConnectionAccess::Read,
                AccessInput::Write => ConnectionAccess::Write,
            },
            disabled: self.disabled,
            masking_strict: self.masking_strict,
            system_key: system_key.map(str::to_owned),
            secrets: self.secrets,
            connector_type: self.saas_connector_type,
        }
    }
}

/// Makes or changes connections one by one, and links them to a system if one is given.
///
/// Secrets that do not fit end the call; what stands before them in the list is done by then.
pub(crate) async fn put_all(
    state: &ApiState,
    caller: &Caller,
    (elements, system_key): (Vec<Element<ConnectionInput>>, Option<&str>),
) -> Result<BulkReply<ConnectionReply>, ApiError> {
    let mut reply = BulkReply::default();
    for (position, Element { input, data }) in elements.into_iter().enumerate() {
        let put = state.connections().put(input.into_put(system_key), caller.actor.clone()).await;
        let outcome = match put {
            Ok(connection) => Ok(ConnectionReply::of(state, connection).await?),
            Err(refused) => Err(told(refused, position)?),
        };
        reply.enter(outcome, data);
    }
    Ok(reply)
}

/// What is said of one element; `Err` ends the call.
fn told(refused: PutRefused, position: usize) -> Result<String, ApiError> {
    if let Some(problems) = refused.problems() {
        return Err(invalid_list(&[json!("body"), json!(position), json!("secrets")], problems));
    }
    match refused {
        PutRefused::KeyTaken { .. }
        | PutRefused::NameTaken { .. }
        | PutRefused::NoKey
        | PutRefused::Configured(_)
        | PutRefused::OnlyConfigured => Ok(refused.to_string()),
        PutRefused::NotInstantiated(error) => {
            tracing::warn!(%error, "a connection could not be made from its template");
            Ok(PutRefused::NoKey.to_string())
        }
        PutRefused::NoConnectorType => Err(ApiError::Unprocessable(refused.to_string())),
        PutRefused::UnknownConnectorType { .. } => Err(ApiError::NotFound(refused.to_string())),
        PutRefused::Secrets(refused) => Err(refused.into()),
        PutRefused::Store(error) => Err(error.into()),
    }
}

impl From<SecretsRefused> for ApiError {
    fn from(refused: SecretsRefused) -> Self {
        match refused {
            SecretsRefused::NoConnection { .. } => Self::NotFound(refused.to_string()),
            SecretsRefused::NoConnectorFile | SecretsRefused::NoSchema { .. } | SecretsRefused::Stale(_) => {
                Self::Unprocessable(refused.to_string())
            }
            SecretsRefused::Invalid { problems } => invalid_list(&[], &problems),
            SecretsRefused::Store(error) => error.into(),
        }
    }
}
