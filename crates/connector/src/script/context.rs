//! What functions are given.

use jiff::Timestamp;
use model::{Row, text_form};
use serde_json::{Value, json};
use spec::connector_file::{ParamSource, Request};

use super::HookError;
use crate::connection::Connection;
use crate::connector::Connector;
use crate::person::Person;
use crate::writes::secret_mark;

/// A moment as functions see it: seconds since 1970, and text in UTC.
pub(super) fn time(now: Timestamp) -> Value {
    json!({ "unix_s": now.as_second(), "iso": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string() })
}

/// Settings that are no secrets, by name.
pub(super) fn params(connection: &Connection) -> Row {
    let shown =
        connection.file.connector_params.iter().filter(|param| !connection.file.is_secret(&param.name));
    let value = |name: &String| Some((name.clone(), connection.secrets.find(name)?.clone()));
    shown.filter_map(|param| value(&param.name)).collect()
}

/// A stand-in for each secret that the connection has, by name: the secret takes its place when the
/// request is sent.
pub(super) fn secrets(connection: &Connection) -> Row {
    let hidden = connection.hidden();
    hidden
        .filter_map(|(name, _)| Some((name.to_owned(), secret_mark::mark(connection, name)?.into())))
        .collect()
}

impl Connector {
    /// The first argument of all functions but those that sign, without `secrets`.
    pub(crate) fn script_context(&self, endpoint: &str, person: Option<&Person>) -> Row {
        let connection = self.connection();
        let mut context = Row::from_iter([
            ("connection".to_owned(), Value::from(connection.key.as_str())),
            ("collection".to_owned(), endpoint.into()),
            ("params".to_owned(), params(connection).into()),
            ("time".to_owned(), time(self.clock().now())),
            ("uuid".to_owned(), self.ids().random_uuid().to_string().into()),
        ]);
        if let Some(person) = person {
            let identities: Row = person
                .identities
                .kinds()
                .map(|kind| (kind.to_owned(), person.identities.values(kind).into()))
                .collect();
            context.insert("identities".to_owned(), identities.into());
            context.insert("privacy_request_id".to_owned(), person.privacy_request_id.as_str().into());
            context.insert("privacy_request".to_owned(), person.privacy_request.clone().into());
            context.insert("custom_fields".to_owned(), person.custom_fields.clone().into());
        }
        context
    }
}

/// Refuses values that look like the name of a secret: a script would put them into a request, and the
/// secret would take their place there.
pub(super) fn check(place: &str, value: &Value) -> Result<(), HookError> {
    if secret_mark::stands_in(value) {
        return Err(HookError::SecretMark { place: place.to_owned() });
    }
    Ok(())
}

/// The same for an argument; in the values of a read, the params that are secrets have their names.
pub(super) fn check_argument(
    (connection, request): (&Connection, &Request),
    argument: &Value,
) -> Result<(), HookError> {
    let Value::Object(members) = argument else { return check(&request.place, argument) };
    let is_secret = |(name, value): (&String, &Value)| {
        let sources = request.param_values.iter().filter(|param| param.name == *name);
        sources.map(|param| &param.source).any(|source| match source {
            ParamSource::ConnectorParam(secret) => {
                secret_mark::mark(connection, secret).is_some_and(|mark| *value == mark)
            }
            ParamSource::Identity(_) | ParamSource::References(_) => false,
        })
    };
    let others: Row = members
        .iter()
        .filter(|member| !is_secret(*member))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    check(&request.place, &Value::Object(others))
}

/// All texts and numbers in `values`, for a recording.
pub(super) fn leaves(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| leaves(item, out)),
        Value::Object(members) => members.values().for_each(|value| leaves(value, out)),
        Value::String(_) | Value::Number(_) => out.extend(text_form(value)),
        Value::Null | Value::Bool(_) => {}
    }
}
