//! Connections of a server as they are read for who has access, and changed.

use std::fmt;
use std::sync::Arc;

use ::baton::foreign::ForeignConnector;
use connections::{AccessConnectionError, Connections};
use engine::Concurrency;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use governance::source::{Source, Way};
use governance::worker::{Connected, Known, KnownState, OpenError, Opened};
use model::ConnectionKey;
use store::StoreError;

use super::programs::ServerPrograms;

/// The connections that a server keeps.
pub(crate) struct ServerAccess {
    connections: Connections,
    /// Those that the configuration names.
    programs: ServerPrograms,
    /// Calls in flight, shared with the requests of people.
    concurrency: Concurrency,
    /// Name of this process among those that share access tokens.
    worker: String,
}

impl ServerAccess {
    /// With the calls of this process.
    pub(crate) fn new(
        (connections, programs): (Connections, ServerPrograms),
        concurrency: Concurrency,
        worker: String,
    ) -> Self {
        Self { connections, programs, concurrency, worker }
    }
}

impl Connected for ServerAccess {
    fn known(&self) -> BoxFuture<'_, Result<Vec<Known>, StoreError>> {
        async move {
            let found = self.connections.access_bases(&self.worker).await?;
            let configured = self.programs.iter().map(|(connection, connector)| {
                let state = match connector {
                    Ok(connector) => KnownState::Ready { basis: connector.basis.clone() },
                    Err(reason) => KnownState::Lacking { reason: reason.clone() },
                };
                Known { connection: connection.clone(), state }
            });
            let found = found.into_iter().filter(|(connection, _)| self.programs.find(connection).is_none());
            let known = found.map(|(connection, basis)| {
                let state = match basis {
                    Ok(basis) => KnownState::Ready { basis },
                    Err(error) => KnownState::Lacking { reason: error.to_string() },
                };
                Known { connection, state }
            });
            Ok(known.chain(configured).collect())
        }
        .boxed()
    }

    fn open<'a>(&'a self, connection: &'a ConnectionKey) -> BoxFuture<'a, Result<Opened, OpenError>> {
        async move {
            match self.programs.find(connection) {
                Some(Ok(connector)) => {
                    // The process that started last is believed, and this one may be older.
                    let stored = self.connections.store().connection_find(connection).await?;
                    if stored.is_none_or(|stored| stored.disabled) {
                        return Err(OpenError::Lacking {
                            reason: format!(
                                "the connection `{connection}` is switched off, as a process that started later has no \
                                 `baton.{connection}`; start all of them with the same configuration"
                            ),
                        });
                    }
                    let source: Arc<dyn Source> = Arc::<ForeignConnector>::clone(connector);
                    return Ok(Opened { way: Way::Source(source), basis: connector.basis.clone() });
                }
                Some(Err(reason)) => return Err(OpenError::Lacking { reason: reason.clone() }),
                None => {}
            }
            let opened = self.connections.access_connection(connection, &self.worker).await;
            let opened = opened.map_err(|error| match error {
                AccessConnectionError::Store(error) => OpenError::Store(error),
                AccessConnectionError::Gone { .. }
                | AccessConnectionError::NotAbout { .. }
                | AccessConnectionError::Disabled { .. }
                | AccessConnectionError::Lacking { .. } => OpenError::Lacking { reason: error.to_string() },
            })?;
            let way = Way::File { connector: opened.connector, limits: self.concurrency.clone() };
            Ok(Opened { way, basis: opened.basis })
        }
        .boxed()
    }
}

impl fmt::Debug for ServerAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerAccess").field("worker", &self.worker).finish_non_exhaustive()
    }
}
