use connector::Connector;
use connector::writes::WriteRequest;
use datastore::{Database, SqlOperation};
use model::{ConnectionKey, Effect};
use spec::connector_file::{Request, Verify};

use super::{Inner, WriteError, WriteOrder, WritePayload};
use crate::Source;

/// Where an order goes.
pub(super) enum Target<'a> {
    Http(HttpTarget<'a>),
    Sql { database: &'a Database, operation: &'a SqlOperation },
}

/// A request with all that says how to send and judge it.
pub(super) struct HttpTarget<'a> {
    pub(super) connector: &'a Connector,
    pub(super) write: &'a WriteRequest,
    pub(super) request: &'a Request,
    /// The read that proves it.
    pub(super) verify: Option<&'a Verify>,
}

impl Target<'_> {
    pub(super) fn connection(&self) -> &ConnectionKey {
        match self {
            Self::Http(http) => &http.connector.connection().key,
            Self::Sql { database, .. } => database.connection(),
        }
    }
}

impl Inner {
    /// Finds connection and request of an order.
    pub(super) fn target<'a>(&'a self, order: &'a WriteOrder) -> Result<Target<'a>, WriteError> {
        let operation = order.operation;
        let missing = |connection: &ConnectionKey| WriteError::NoConnection {
            connection: connection.clone(),
            operation,
        };
        match &order.payload {
            WritePayload::Sql(sql) => match self.parts.sources.get(&sql.connection) {
                Some(Source::Database(database)) => Ok(Target::Sql { database, operation: sql }),
                Some(Source::Connector(_)) | None => Err(missing(&sql.connection)),
            },
            WritePayload::Http { connection, write } => {
                let connector = match self.parts.sources.get(connection) {
                    Some(Source::Connector(connector)) => connector,
                    Some(Source::Database(_)) | None => return Err(missing(connection)),
                };
                let request = find_write(connector, &write.place).ok_or_else(|| WriteError::NoRequest {
                    connection: connection.clone(),
                    place: write.place.clone(),
                })?;
                let endpoint = connector.connection().file.find_endpoint(&write.endpoint);
                let verify = match endpoint {
                    Some(endpoint) => endpoint.verification(request),
                    None => request.verify.as_ref(),
                };
                Ok(Target::Http(HttpTarget { connector, write, request, verify }))
            }
        }
    }
}

/// The write at `place` of a connector's file.
pub(crate) fn find_write<'a>(connector: &'a Connector, place: &str) -> Option<&'a Request> {
    let requests = connector.connection().file.requests();
    requests.into_iter().find(|request| request.place == place && request.effect == Effect::Write)
}
