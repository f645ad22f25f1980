use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::world::World;

/// One entry of the audit trail (segment-api A68).
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AuditEvent {
    pub(super) id: String,
    #[serde(serialize_with = "as_text")]
    pub(super) timestamp: Timestamp,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) actor: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) actor_email: Option<String>,
    pub(super) resource_id: String,
    pub(super) resource_type: String,
    pub(super) resource_name: String,
}

/// What an audit event is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) id: &'a str,
    pub(super) kind: &'a str,
    pub(super) name: &'a str,
}

/// How long the trail goes back (A68).
pub(super) const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

impl World {
    /// Adds an entry at the simulation's present.
    pub(super) fn audit(&mut self, kind: &str, subject: Subject<'_>) {
        let timestamp = self.now;
        self.audit_at(timestamp, kind, subject);
    }

    /// Adds an entry at a time of choice; only the seed writes the past.
    pub(super) fn audit_at(&mut self, timestamp: Timestamp, kind: &str, subject: Subject<'_>) {
        let id = self.random.letters(27);
        let actor = self.users.first();
        self.audit_events.push(AuditEvent {
            id,
            timestamp,
            kind: kind.to_owned(),
            actor: actor.map_or_else(|| "token".to_owned(), |user| user.id.clone()),
            actor_email: actor.map(|user| user.email.clone()),
            resource_id: subject.id.to_owned(),
            resource_type: subject.kind.to_owned(),
            resource_name: subject.name.to_owned(),
        });
    }

    /// Writes a past: who was given which groups, and one event too old to be shown.
    pub(super) fn seed_audit(&mut self) {
        let groups: Vec<(String, String)> =
            self.groups.iter().map(|group| (group.id.clone(), group.name.clone())).collect();
        for (number, (id, name)) in groups.iter().enumerate() {
            let days = if number == 0 {
                100
            } else {
                i64::try_from(80_usize.saturating_sub(number)).unwrap_or(1).max(1)
            };
            let timestamp = self.now - SignedDuration::from_hours(24 * days);
            let subject = Subject { id, kind: "USER_GROUP", name };
            self.audit_at(timestamp, "User Group Created", subject);
            self.audit_at(timestamp + SignedDuration::from_mins(5), "User Added To User Group", subject);
        }
        self.audit_events.sort_by_key(|event| event.timestamp);
    }
}

fn as_text<S: serde::Serializer>(timestamp: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(timestamp)
}
