use model::Row;
use serde_json::Value;
use spec::connector_file::{ParamSource, ParamValue, Request};
use spec::reference::{FieldReference, ReferenceSource};

use super::{UnwrittenReason, WriteSource, secret_mark};
use crate::connection::Connection;

/// The fields whose values [`WriteSource::field_values`] must hold: those of other collections, and
/// for a write for the whole person all.
pub fn fields_needed(
    connection: &Connection,
    request: &Request,
    endpoint: &str,
    per: spec::connector_file::Per,
) -> Vec<FieldReference> {
    let whole_person = per == spec::connector_file::Per::Person;
    let mut needed = Vec::new();
    for param in &request.param_values {
        for field in fields(connection, param) {
            if (whole_person || !is_own(connection, field, endpoint)) && !needed.contains(field) {
                needed.push(field.clone());
            }
        }
    }
    needed
}

/// Finds the values of one param.
#[derive(Clone, Copy)]
pub(crate) struct Params<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) source: WriteSource<'a>,
}

impl Params<'_> {
    /// All values for the whole person, each once, in the order known.
    pub(crate) fn of_person(self, param: &ParamValue) -> Vec<Value> {
        match &param.source {
            ParamSource::Identity(kind) => self.source.person.identities.values(kind).to_vec(),
            ParamSource::ConnectorParam(name) => self.secret(name).into_iter().collect(),
            ParamSource::References(_) => {
                let mut values = Vec::new();
                for field in fields(self.connection, param) {
                    let known = self.source.field_values.get(field).map(Vec::as_slice).unwrap_or_default();
                    add_distinct(&mut values, known);
                }
                if values.is_empty() {
                    add_distinct(&mut values, self.source.inputs.find(&param.name).unwrap_or_default());
                }
                values
            }
        }
    }

    /// The values for one row (saas-config 20.9). Several only where the row itself holds several.
    ///
    /// # Errors
    /// [`UnwrittenReason::Ambiguous`] if the values come from elsewhere and there are several: it is
    /// not known which belongs to the row.
    pub(crate) fn of_row(self, param: &ParamValue, row: &Row) -> Result<Vec<Value>, UnwrittenReason> {
        match &param.source {
            ParamSource::Identity(_) | ParamSource::ConnectorParam(_) => Ok(self.of_person(param)),
            ParamSource::References(_) => {
                let own = fields(self.connection, param)
                    .into_iter()
                    .find(|field| is_own(self.connection, field, self.source.endpoint));
                let mut values = Vec::new();
                if let Some(field) = own {
                    collect(&field.path, &Value::Object(row.clone()), &mut values);
                }
                if !values.is_empty() {
                    return Ok(values);
                }
                let elsewhere = self.of_person(param);
                match elsewhere.len() {
                    0 | 1 => Ok(elsewhere),
                    count => Err(UnwrittenReason::Ambiguous {
                        place: self.source.request.place.clone(),
                        param: param.name.clone(),
                        count,
                    }),
                }
            }
        }
    }

    /// A param of the connector, a secret one by its mark.
    fn secret(self, name: &str) -> Option<Value> {
        let value = self.connection.secrets.find(name).filter(|value| !value.is_null())?;
        if self.connection.file.is_secret(name) {
            return secret_mark::mark(self.connection, name).map(Value::String);
        }
        Some(value.clone())
    }
}

/// The fields behind a param, external references resolved.
fn fields<'a>(connection: &'a Connection, param: &'a ParamValue) -> Vec<&'a FieldReference> {
    let ParamSource::References(sources) = &param.source else { return Vec::new() };
    let field = |source: &'a ReferenceSource| match source {
        ReferenceSource::Field(field) => Some(field),
        ReferenceSource::External(name) => connection.references.get(name),
    };
    sources.iter().filter_map(field).collect()
}

/// Whether `field` is one of the collection itself. The dataset counts only where two have a
/// collection of this name.
fn is_own(connection: &Connection, field: &FieldReference, endpoint: &str) -> bool {
    field.collection == endpoint && field.dataset == connection.file.fides_key
}

/// The values at `path`, lists on the way entered; a list at its end is one value.
fn collect(path: &[String], value: &Value, out: &mut Vec<Value>) {
    match (path.split_first(), value) {
        (None, Value::Null) => {}
        (None, value) => out.push(value.clone()),
        (Some((key, rest)), Value::Object(members)) => {
            if let Some(member) = members.get(key) {
                collect(rest, member, out);
            }
        }
        (Some(_), Value::Array(items)) => items.iter().for_each(|item| collect(path, item, out)),
        (Some(_), Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {}
    }
}

/// Adds those of `more` that are not there yet; null says nothing.
pub(super) fn add_distinct(values: &mut Vec<Value>, more: &[Value]) {
    let mut seen: std::collections::HashSet<String> = values.iter().map(Value::to_string).collect();
    for value in more.iter().filter(|value| !value.is_null()) {
        if seen.insert(value.to_string()) {
            values.push(value.clone());
        }
    }
}
