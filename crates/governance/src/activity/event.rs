//! From an item of the list to an event.

use std::sync::Arc;

use connector::Connection;
use jiff::Timestamp;
use model::Row;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use spec::connector_file::governance::Activity;
use spec::expression::Scope;

use crate::mapping::{Mapper, MappingError, moment, optional, required};

/// The kind that messages name: events have none.
const KIND: &str = "activity";

/// Something that somebody did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityEvent {
    /// Its id.
    pub id: String,
    /// When it happened.
    pub time: Timestamp,
    /// Who did it; `None` where the application names nobody, as for what it did by itself.
    pub actor: Option<ActivityActor>,
    /// What was done, in the application's words.
    pub action: String,
    /// What it was done to.
    pub resource: Option<ActivityResource>,
}

/// Who did something. There is an id or an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityActor {
    /// Kind of the account.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    pub id: Option<String>,
    /// Its address.
    pub email: Option<String>,
}

/// What something was done to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityResource {
    /// Its kind: one of the file's, or a word of the application's own.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its name.
    pub display_name: Option<String>,
}

/// Maps the events of one connection.
pub(super) struct EventMapper<'a> {
    section: &'a Activity,
    params: Arc<Row>,
}

impl<'a> EventMapper<'a> {
    /// Expressions see the connection's settings, except those that are secrets.
    pub(super) fn new(connection: &Connection, section: &'a Activity) -> Self {
        Self { section, params: Arc::new(Mapper::of(connection).params().clone()) }
    }

    pub(super) fn params(&self) -> &Row {
        &self.params
    }

    /// The event that an item is. Without id, time or action it is none; the rest may be absent.
    pub(super) fn event(&self, item: &Value) -> Result<ActivityEvent, MappingError> {
        let (section, scope) = (self.section, Scope::of(&self.params).with("item", item));
        let time =
            moment(Some(&section.time), &scope).and_then(|time| Timestamp::from_microsecond(time).ok());
        let time = time.ok_or_else(|| MappingError::Nothing { kind: KIND.to_owned(), what: "time" })?;
        Ok(ActivityEvent {
            id: required(&section.id, &scope, (KIND, "id"))?,
            time,
            actor: self.actor(&scope)?,
            action: required(&section.action, &scope, (KIND, "action"))?,
            resource: self.resource(&scope),
        })
    }

    fn actor(&self, scope: &Scope<'_>) -> Result<Option<ActivityActor>, MappingError> {
        let id = optional(Some(&self.section.actor.id), scope);
        let email = optional(self.section.actor_email.as_ref(), scope);
        if id.is_none() && email.is_none() {
            return Ok(None);
        }
        let kind = required(&self.section.actor.resource_type, scope, (KIND, "actor.type"))?;
        if !self.section.actor.types.contains(&kind) {
            return Err(MappingError::UnknownKind { kind: KIND.to_owned(), what: "actor.type" });
        }
        Ok(Some(ActivityActor { kind, id, email }))
    }

    fn resource(&self, scope: &Scope<'_>) -> Option<ActivityResource> {
        let resource = self.section.resource.as_ref()?;
        Some(ActivityResource {
            kind: optional(Some(&resource.resource_type), scope)?,
            id: optional(Some(&resource.id), scope)?,
            display_name: optional(self.section.resource_name.as_ref(), scope),
        })
    }
}
