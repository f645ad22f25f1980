use jiff::Timestamp;
use store::{BatonConnector, BatonConnectorId, BatonTask, BatonTaskState};

use super::{ControlError, ControlPlane};

/// How many of the last syncs are looked through for one that ended.
const LAST: u32 = 20;

/// What stands beside a connector (governance 3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectorLabel {
    /// No process of it was heard of, or none has brought anything yet.
    NotConnected,
    /// A sync runs, or the first one waits for the process that was heard of.
    Syncing,
    /// The last sync finished.
    Connected,
    /// The last sync failed.
    Error,
    /// A person or the guard stopped it.
    Paused,
}

impl ConnectorLabel {
    /// The state of the last sync, as programs read it (governance 3.3).
    pub fn sync_status(self) -> &'static str {
        match self {
            Self::NotConnected => "SYNC_STATUS_UNSPECIFIED",
            Self::Syncing => "SYNC_STATUS_RUNNING",
            Self::Connected => "SYNC_STATUS_DONE",
            Self::Error => "SYNC_STATUS_ERROR",
            Self::Paused => "SYNC_STATUS_DISABLED",
        }
    }

    /// The label as people read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotConnected => "Not connected",
            Self::Syncing => "Syncing",
            Self::Connected => "Connected",
            Self::Error => "Error",
            Self::Paused => "Paused",
        }
    }
}

/// How a connector is (governance CON-19).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectorStatus {
    /// The connector, with why it is paused.
    pub connector: BatonConnector,
    /// Its label.
    pub label: ConnectorLabel,
    /// Why the last sync failed, if it did.
    pub last_error: Option<String>,
    /// When the last sync began.
    pub started_at: Option<Timestamp>,
    /// When the last sync that ended did so.
    pub completed_at: Option<Timestamp>,
    /// A sync waits for a process.
    pub is_waiting: bool,
    /// A sync that lost much waits for a person (governance CON-24).
    pub is_held: bool,
}

impl ControlPlane {
    /// How a connector is.
    ///
    /// # Errors
    /// [`ControlError`].
    pub async fn status(&self, id: &BatonConnectorId) -> Result<ConnectorStatus, ControlError> {
        let connector = self.connector(id).await?;
        let syncs = self.syncs(id, LAST).await?;
        // One that was cancelled says nothing about the application.
        let last = syncs.iter().find(|sync| is_over(sync));
        let held = self.inner.store.inventory_state_held(&connector.connection).await?;
        Ok(ConnectorStatus {
            label: label(&connector, &syncs, last),
            last_error: last.and_then(|last| last.error.clone()),
            started_at: syncs.iter().find_map(|sync| sync.started_at),
            completed_at: last.and_then(|last| last.ended_at),
            is_waiting: syncs.iter().any(|sync| sync.state == BatonTaskState::Queued),
            is_held: held.is_some(),
            connector,
        })
    }
}

fn is_over(sync: &BatonTask) -> bool {
    matches!(sync.state, BatonTaskState::Done | BatonTaskState::Failed)
}

fn label(connector: &BatonConnector, syncs: &[BatonTask], last: Option<&BatonTask>) -> ConnectorLabel {
    let is = |state| syncs.iter().any(|sync| sync.state == state);
    if connector.paused_at.is_some() {
        return ConnectorLabel::Paused;
    }
    if connector.first_seen_at.is_none() {
        return ConnectorLabel::NotConnected;
    }
    if is(BatonTaskState::Leased) {
        return ConnectorLabel::Syncing;
    }
    match last.map(|last| last.state) {
        Some(BatonTaskState::Done) => ConnectorLabel::Connected,
        Some(BatonTaskState::Failed) => ConnectorLabel::Error,
        Some(BatonTaskState::Queued | BatonTaskState::Leased | BatonTaskState::Cancelled) | None => {
            if is(BatonTaskState::Queued) { ConnectorLabel::Syncing } else { ConnectorLabel::NotConnected }
        }
    }
}
