use connections::ConnectionView;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use store::StoredConnection;
use utoipa::ToSchema;

use crate::ApiError;
use crate::state::ApiState;

/// A connection, its sensitive secrets masked.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConnectionReply {
    /// Its name for people.
    name: Option<String>,
    /// Its key.
    key: String,
    /// Free text.
    description: Option<String>,
    /// What is behind it.
    connection_type: String,
    /// `read`, or `write` as well.
    access: &'static str,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it was changed last.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// Whether it is switched off.
    disabled: bool,
    /// When it was tested last.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_test_timestamp: Option<Timestamp>,
    /// With which result.
    last_test_succeeded: Option<bool>,
    /// Whether an access token is kept for it.
    authorized: bool,
    /// The kinds of requests it serves; null: all.
    enabled_actions: Option<Vec<String>>,
    /// Whether only updates that mask may erase; null: as the server's setting says.
    masking_strict: Option<bool>,
    /// Its secrets, those that may not be shown as `**********`.
    #[schema(value_type = Option<Object>)]
    secrets: Option<Map<String, Value>>,
    /// Its connector file.
    saas_config: Option<ConnectorSummary>,
    /// The systems of the data map that it belongs to.
    linked_systems: Vec<LinkedSystem>,
}

/// What a connector file says of itself.
#[derive(Debug, Serialize, ToSchema)]
struct ConnectorSummary {
    /// Its key.
    fides_key: String,
    /// Its name.
    name: String,
    /// Its type.
    r#type: String,
}

/// A system of the data map.
#[derive(Debug, Serialize, ToSchema)]
struct LinkedSystem {
    /// Its key.
    fides_key: String,
    /// Its name.
    name: String,
}

/// A connection, and the system it belongs to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConnectionDetail {
    /// The connection.
    #[serde(flatten)]
    pub(crate) connection: ConnectionReply,
    /// Key of the system.
    pub(crate) system_key: Option<String>,
}

impl ConnectionReply {
    /// The connection with its secrets, masked.
    pub(crate) async fn of(state: &ApiState, connection: StoredConnection) -> Result<Self, ApiError> {
        let view = state.connections().view(connection).await?;
        Self::of_view(state, view).await
    }

    /// The same for a connection whose secrets were looked at.
    pub(crate) async fn of_view(state: &ApiState, view: ConnectionView) -> Result<Self, ApiError> {
        let ConnectionView { connection, secrets } = view;
        let linked_systems = linked(state, connection.system_key).await?;
        Ok(Self {
            name: connection.name,
            key: connection.key.to_string(),
            description: connection.description,
            connection_type: connection.connection_type,
            access: connection.access.as_str(),
            created_at: connection.created_at,
            updated_at: connection.updated_at,
            disabled: connection.disabled,
            last_test_timestamp: connection.last_test.map(|test| test.at),
            last_test_succeeded: connection.last_test.map(|test| test.succeeded),
            authorized: connection.authorized,
            enabled_actions: connection.enabled_actions,
            masking_strict: connection.masking_strict,
            secrets,
            saas_config: connection.connector.map(|connector| ConnectorSummary {
                fides_key: connector.fides_key,
                name: connector.name,
                r#type: connector.connector_type,
            }),
            linked_systems,
        })
    }
}

/// A system that was removed is not linked to.
async fn linked(state: &ApiState, system_key: Option<String>) -> Result<Vec<LinkedSystem>, ApiError> {
    let Some(key) = system_key else { return Ok(Vec::new()) };
    let system = state.store().application_find(&key).await?;
    Ok(system.into_iter().map(|system| LinkedSystem { fides_key: system.key, name: system.name }).collect())
}
