use baton::control::ConnectorStatus;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use store::{BatonConnectorId, BatonHost};
use utoipa::ToSchema;

use crate::ApiError;
use crate::state::ApiState;

/// A connector that runs elsewhere, and how it is.
#[derive(Serialize, ToSchema)]
pub(super) struct ConnectorReply {
    /// Its id.
    id: String,
    /// The connection that it fills.
    connection: String,
    /// How it is: `Not connected`, `Syncing`, `Connected`, `Error` or `Paused`.
    label: &'static str,
    /// The same for programs: `SYNC_STATUS_UNSPECIFIED`, `…_RUNNING`, `…_DONE`, `…_ERROR`, `…_DISABLED`.
    status: &'static str,
    /// Why the last sync failed.
    last_error: Option<String>,
    /// When the last sync began.
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    /// When the last sync that ended did so.
    #[schema(value_type = Option<String>, format = DateTime)]
    completed_at: Option<Timestamp>,
    /// What it calls itself.
    display_name: Option<String>,
    /// Name and version of the process that was heard of last.
    version: Option<String>,
    /// Which process that is.
    host_id: Option<String>,
    /// When it was registered.
    #[schema(value_type = String, format = DateTime)]
    registered_at: Timestamp,
    /// When a process of it was first heard of.
    #[schema(value_type = Option<String>, format = DateTime)]
    first_contact_at: Option<Timestamp>,
    /// When one was last heard of.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_contact_at: Option<Timestamp>,
    /// What it said that it can do.
    #[schema(value_type = Option<Object>)]
    capabilities: Option<Value>,
    /// Since when it gets no work.
    #[schema(value_type = Option<String>, format = DateTime)]
    paused_at: Option<Timestamp>,
    /// Why.
    paused_reason: Option<String>,
    /// `anomaly`: a sync lost much and waits for a person to confirm it; `person`: somebody paused it.
    paused_category: Option<&'static str>,
}

impl ConnectorReply {
    pub(super) async fn of(state: &ApiState, id: &BatonConnectorId) -> Result<Self, ApiError> {
        let control = state.control()?;
        let ConnectorStatus { connector, label, last_error, started_at, completed_at, is_held, .. } =
            control.status(id).await?;
        let last = control.instances(id).await?.into_iter().next();
        let category = if is_held { "anomaly" } else { "person" };
        Ok(Self {
            id: connector.id.to_string(),
            connection: connector.connection.to_string(),
            label: label.as_str(),
            status: label.sync_status(),
            last_error,
            started_at,
            completed_at,
            display_name: connector.display_name.filter(|name| !name.is_empty()),
            version: last.as_ref().and_then(|host| host.version.clone()),
            host_id: last.as_ref().map(|host| host.host.clone()),
            registered_at: connector.created_at,
            first_contact_at: connector.first_seen_at,
            last_contact_at: last.map(|host| host.last_seen_at),
            capabilities: connector.capabilities.and_then(|text| serde_json::from_str(&text).ok()),
            paused_at: connector.paused_at,
            paused_reason: connector.paused_reason,
            paused_category: connector.paused_at.map(|_| category),
        })
    }
}

/// A process of a connector.
#[derive(Serialize, ToSchema)]
pub(super) struct ConnectorInstanceReply {
    /// What it calls itself.
    host_id: String,
    /// Its name and version.
    version: Option<String>,
    /// When it was first heard of.
    #[schema(value_type = String, format = DateTime)]
    first_contact_at: Timestamp,
    /// When it was last heard of.
    #[schema(value_type = String, format = DateTime)]
    last_contact_at: Timestamp,
}

impl ConnectorInstanceReply {
    pub(super) fn of(host: BatonHost) -> Self {
        let BatonHost { host, version, first_seen_at, last_seen_at } = host;
        Self { host_id: host, version, first_contact_at: first_seen_at, last_contact_at: last_seen_at }
    }
}
