//! What the placeholders of a request stand for that is made for nobody's privacy request.

use serde_json::Value;
use spec::connector_file::{ParamSource, Request};

use super::Bound;
use crate::connection::Connection;
use crate::connector::Connector;
use crate::values::{Origin, ValueMap};
use crate::writes::secret_mark;

/// What stands for a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SecretForm {
    /// Its value.
    Open,
    /// Its mark, as in a write that is kept.
    Marked,
}

impl Connector {
    /// The settings of the connection under their own names and under those of the request's
    /// `param_values`, what the moment gives, and what is bound. Of equal names what is bound wins.
    pub(crate) fn bound_values(&self, request: &Request, bound: &Bound, form: SecretForm) -> ValueMap {
        let connection = self.connection();
        let mut values = match form {
            SecretForm::Open => connection.secrets.as_values().clone(),
            SecretForm::Marked => marked(connection),
        };
        for param in &request.param_values {
            if let ParamSource::ConnectorParam(name) = &param.source
                && let Some(value) = values.find_name(name).cloned()
            {
                values.insert_param(param, value);
            }
        }
        values.insert_chance(self.clock().now(), self.ids());
        values.bind(bound);
        values
    }
}

fn marked(connection: &Connection) -> ValueMap {
    let mut values = ValueMap::new();
    for name in connection.secrets.names() {
        // A secret that cannot be marked has no value here, rather than stand in what is kept.
        let value = if connection.file.is_secret(name) {
            secret_mark::mark(connection, name).map(Value::String)
        } else {
            connection.secrets.find(name).cloned()
        };
        if let Some(value) = value {
            values.insert(name, value, Origin::Secret);
        }
    }
    values
}
