use std::collections::BTreeSet;
use std::time::Duration;

use baton::control::{ConnectorLabel, ConnectorStatus};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{ConnectionSync, PauseCategory, SYNC_UNSEEN, StoredConnection, SyncSchedule};
use utoipa::ToSchema;

use super::elsewhere;
use crate::ApiError;
use crate::state::ApiState;
use crate::text::Text;

/// When a connection is read: either `every_s`, or `cron` with `zone`.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ScheduleForm {
    /// Again and again after so many seconds, 1,800 at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    every_s: Option<u64>,
    /// At these times, as `cron` writes them: `0 3 * * mon`.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "text")]
    #[schema(value_type = Option<String>)]
    cron: Option<Text>,
    /// The time zone whose clocks are meant: `Europe/Berlin`.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "text")]
    #[schema(value_type = Option<String>)]
    zone: Option<Text>,
}

#[expect(clippy::ref_option, reason = "the field is handed over as it is")]
fn text<S: serde::Serializer>(text: &Option<Text>, serializer: S) -> Result<S::Ok, S::Error> {
    text.as_ref().map(|text| text.0.as_str()).serialize(serializer)
}

impl ScheduleForm {
    pub(super) fn into_schedule(self) -> Result<SyncSchedule, ApiError> {
        match (self.every_s, self.cron, self.zone) {
            (Some(seconds), None, None) => Ok(SyncSchedule::Every(Duration::from_secs(seconds))),
            (None, Some(cron), Some(zone)) => Ok(SyncSchedule::Cron { expression: cron.0, zone: zone.0 }),
            _ => Err(ApiError::invalid(
                "value_error",
                vec![json!("body"), json!("schedule")],
                "write either `every_s`, or `cron` and `zone`",
            )),
        }
    }

    fn of(schedule: &SyncSchedule) -> Self {
        match schedule {
            SyncSchedule::Every(time) => Self { every_s: Some(time.as_secs()), cron: None, zone: None },
            SyncSchedule::Cron { expression, zone } => {
                Self { every_s: None, cron: Some(Text(expression.clone())), zone: Some(Text(zone.clone())) }
            }
        }
    }
}

/// How a connection is that is read for who has access.
#[derive(Serialize, ToSchema)]
#[expect(clippy::struct_excessive_bools, reason = "each is a member that programs read")]
pub(super) struct SyncReply {
    /// Its key.
    connection: String,
    /// How it is: `Not connected`, `Syncing`, `Connected`, `Error` or `Paused`.
    label: &'static str,
    /// The same for programs: `SYNC_STATUS_UNSPECIFIED`, `…_RUNNING`, `…_DONE`, `…_ERROR`, `…_DISABLED`.
    status: &'static str,
    /// Whether a connector elsewhere reads it, which then stands at `…/self-hosted`.
    is_self_hosted: bool,
    /// When it is read.
    schedule: ScheduleForm,
    /// Whether a sync that lost much is held back.
    guard: bool,
    /// Whether one is held back in fact: `governance.shrink_guard` of the server file may say that none is, anywhere.
    is_guarded: bool,
    /// Kinds that are switched off: nothing of them is read or shown.
    kinds_off: BTreeSet<String>,
    /// What it lacks to be read at all.
    lacks: Option<String>,
    /// When the next sync comes, once it is neither paused nor lacks anything.
    #[schema(value_type = Option<String>, format = DateTime)]
    next_at: Option<Timestamp>,
    /// Whether one was asked for and has not begun yet.
    is_asked_for: bool,
    /// When the newest sync began.
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    /// When the newest one that is over was.
    #[schema(value_type = Option<String>, format = DateTime)]
    completed_at: Option<Timestamp>,
    /// When one went well last.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_success_at: Option<Timestamp>,
    /// Why the newest one failed.
    last_error: Option<String>,
    /// How many failed since one went well.
    failures: u64,
    /// Since when it is paused.
    #[schema(value_type = Option<String>, format = DateTime)]
    paused_at: Option<Timestamp>,
    /// Why.
    paused_reason: Option<String>,
    /// `anomaly`: a sync lost much and waits for a person to confirm it; `person`: somebody paused it.
    paused_category: Option<&'static str>,
}

/// The label of a connection.
pub(in crate::routes) async fn label_of(
    state: &ApiState,
    connection: &StoredConnection,
) -> Result<ConnectorLabel, ApiError> {
    if connection.disabled {
        return Ok(ConnectorLabel::Paused);
    }
    if let Some(connector) = elsewhere(state, connection).await? {
        return Ok(state.control()?.status(&connector.id).await?.label);
    }
    let sync = state.store().connection_sync_find(&connection.key).await?;
    Ok(sync.map_or(ConnectorLabel::NotConnected, |sync| label(&sync, false)))
}

fn label(sync: &ConnectionSync, is_disabled: bool) -> ConnectorLabel {
    if is_disabled || sync.pause.is_some() {
        return ConnectorLabel::Paused;
    }
    match (sync.is_running, &sync.lacks, &sync.last_error, sync.last_success_at) {
        (true, ..) => ConnectorLabel::Syncing,
        (false, Some(_), ..) | (false, None, None, None) => ConnectorLabel::NotConnected,
        (false, None, Some(_), _) => ConnectorLabel::Error,
        (false, None, None, Some(_)) => ConnectorLabel::Connected,
    }
}

impl SyncReply {
    pub(super) async fn of(state: &ApiState, connection: &StoredConnection) -> Result<Self, ApiError> {
        let reply = match state.store().connection_sync_find(&connection.key).await? {
            Some(sync) => Self::known(connection, sync),
            None => Self::unseen(connection),
        };
        let reply = match elsewhere(state, connection).await? {
            Some(connector) => {
                let status = state.control()?.status(&connector.id).await?;
                reply.read_elsewhere(connection, status)
            }
            None => reply,
        };
        let is_on = state.settings().configured.server.governance.shrink_guard;
        Ok(Self { is_guarded: is_on && reply.guard, ..reply })
    }

    /// Whether none is under way, and none that was asked for is still to begin.
    pub(super) fn is_over(&self) -> bool {
        if self.label == ConnectorLabel::Syncing.as_str() {
            return false;
        }
        // Whether one that nobody has looked at yet lacks anything is not known yet.
        let lacks = self.lacks.as_deref().is_some_and(|lacks| !self.is_self_hosted && lacks != SYNC_UNSEEN);
        // One whose holder fell silent has begun and has no end yet: somebody else goes on with it. A connector
        // elsewhere has an end only for what it finished: what it began is under way, or waits, or was taken back.
        let has_ended = self.is_self_hosted || self.completed_at >= self.started_at;
        let is_done = !self.is_asked_for && has_ended;
        is_done || lacks || self.paused_at.is_some()
    }

    fn known(connection: &StoredConnection, sync: ConnectionSync) -> Self {
        let label = label(&sync, connection.disabled);
        let (paused_at, paused_reason, paused_category) = match sync.pause {
            Some(pause) => (Some(pause.at), Some(pause.reason), Some(pause.category.as_str())),
            None => (None, None, None),
        };
        Self {
            connection: connection.key.to_string(),
            label: label.as_str(),
            status: label.sync_status(),
            is_self_hosted: false,
            schedule: ScheduleForm::of(&sync.schedule),
            guard: sync.guard,
            is_guarded: sync.guard,
            kinds_off: sync.kinds_off,
            lacks: sync.lacks,
            next_at: Some(sync.next_at),
            is_asked_for: sync.asked_at.is_some(),
            started_at: sync.started_at,
            completed_at: sync.ended_at,
            last_success_at: sync.last_success_at,
            last_error: sync.last_error,
            failures: sync.failures,
            paused_at,
            paused_reason,
            paused_category,
        }
    }

    /// The same of one that a connector elsewhere reads: what it does, its tasks say.
    fn read_elsewhere(self, connection: &StoredConnection, status: ConnectorStatus) -> Self {
        let label = if connection.disabled { ConnectorLabel::Paused } else { status.label };
        let category = if status.is_held { PauseCategory::Anomaly } else { PauseCategory::Person };
        let ConnectorStatus { connector, last_error, started_at, completed_at, is_waiting, .. } = status;
        Self {
            label: label.as_str(),
            status: label.sync_status(),
            is_self_hosted: true,
            is_asked_for: is_waiting,
            started_at,
            completed_at,
            last_error,
            paused_category: connector.paused_at.map(|_| category.as_str()),
            paused_at: connector.paused_at,
            paused_reason: connector.paused_reason,
            ..self
        }
    }

    /// One that nobody has looked at yet, or that says nothing about access.
    fn unseen(connection: &StoredConnection) -> Self {
        let label = if connection.disabled { ConnectorLabel::Paused } else { ConnectorLabel::NotConnected };
        Self {
            connection: connection.key.to_string(),
            label: label.as_str(),
            status: label.sync_status(),
            is_self_hosted: false,
            schedule: ScheduleForm::of(&SyncSchedule::default()),
            guard: true,
            is_guarded: true,
            kinds_off: BTreeSet::new(),
            lacks: Some("nothing of it says who has access".to_owned()),
            next_at: None,
            is_asked_for: false,
            started_at: None,
            completed_at: None,
            last_success_at: None,
            last_error: None,
            failures: 0,
            paused_at: None,
            paused_reason: None,
            paused_category: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use store::{PauseCategory, SyncPause};

    use super::*;

    // rule: governance 3.3
    #[test]
    fn a_connection_has_one_of_five_labels() {
        let at = Timestamp::UNIX_EPOCH;
        let new = ConnectionSync {
            connection: "crm".parse().unwrap(),
            schedule: SyncSchedule::default(),
            guard: true,
            lacks: None,
            pause: None,
            next_at: at,
            asked_at: None,
            is_running: false,
            started_at: None,
            ended_at: None,
            last_run: None,
            last_error: None,
            last_success_at: None,
            failures: 0,
            kinds_off: BTreeSet::new(),
        };
        let works = ConnectionSync { last_success_at: Some(at), ..new.clone() };
        let fails = ConnectionSync { last_error: Some("no".to_owned()), ..works.clone() };
        let pause = SyncPause { at, reason: "x".to_owned(), category: PauseCategory::Anomaly };

        let lacking = ConnectionSync { lacks: Some("a token".to_owned()), ..fails.clone() };
        let running = ConnectionSync { is_running: true, ..fails.clone() };
        let paused = ConnectionSync { pause: Some(pause), ..running.clone() };
        for (sync, expected) in [
            (&new, ConnectorLabel::NotConnected),
            (&lacking, ConnectorLabel::NotConnected),
            (&running, ConnectorLabel::Syncing),
            (&works, ConnectorLabel::Connected),
            (&fails, ConnectorLabel::Error),
            (&paused, ConnectorLabel::Paused),
        ] {
            assert_eq!(label(sync, false), expected, "{sync:?}");
        }
        assert_eq!(label(&works, true), ConnectorLabel::Paused);
    }
}
