//! The connector as a gRPC server that another runtime drives (baton §11): all lists and changes of one
//! application, for the process that started this one.
//!
//! What a connector does stands behind [`ServedConnector`]. Lists come from one reading of the application for
//! each sync of the driver, so that a page and the next are of one moment and nothing is listed twice. What
//! connector files do not have (tickets, actions, events, assets, credentials) is answered `Unimplemented` by
//! gRPC itself: those services are not here.

mod changes;
mod error;
mod handshake;
mod listener;
mod lists;
mod page_token;
mod peer;
mod rate_limiter;
mod row_file;
mod snapshot;
mod snapshots;
mod tls;
mod unexpanded;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crypto::HashKey;
use engine::Cancellation;
use futures::future::BoxFuture;
use model::{Clock, IdSource};
use protos::c1::connector::v2::account_manager_service_server::AccountManagerServiceServer;
use protos::c1::connector::v2::connector_service_server::ConnectorServiceServer;
use protos::c1::connector::v2::entitlements_service_server::EntitlementsServiceServer;
use protos::c1::connector::v2::grant_manager_service_server::GrantManagerServiceServer;
use protos::c1::connector::v2::grants_service_server::GrantsServiceServer;
use protos::c1::connector::v2::resource_deleter_service_server::ResourceDeleterServiceServer;
use protos::c1::connector::v2::resource_getter_service_server::ResourceGetterServiceServer;
use protos::c1::connector::v2::resource_manager_service_server::ResourceManagerServiceServer;
use protos::c1::connector::v2::resource_types_service_server::ResourceTypesServiceServer;
use protos::c1::connector::v2::resources_service_server::ResourcesServiceServer;
use protos::c1::ratelimit::v1::rate_limiter_service_server::RateLimiterServiceServer;
use tonic::transport::Server;

use crate::command_line::Permission;
use crate::service::{ServedConnector, ServiceTimes, TaskFailure};

pub use error::ServerError;
pub use handshake::Handshake;
pub use listener::{Listening, listen};

use changes::Changes;
use lists::Lists;
use page_token::PageTokens;
use rate_limiter::NoLimit;
use snapshots::{Snapshots, SnapshotsParts};

/// Streams side by side in one connection.
const MOST_STREAMS: u32 = 100;
/// Time between two signs of life of a connection, and how long one is waited for.
const ALIVE: (Duration, Duration) = (Duration::from_mins(1), Duration::from_secs(20));

/// Tries the connector's credentials at the application.
pub type Validate = Arc<dyn Fn() -> BoxFuture<'static, Result<(), TaskFailure>> + Send + Sync>;

/// What a server is made of.
pub struct ServerParts {
    /// What reads and changes.
    pub connector: Arc<dyn ServedConnector>,
    /// What tries the credentials.
    pub validate: Validate,
    /// Whether changes may be made (baton M-15).
    pub provisioning: Permission,
    /// Seals page tokens. The same for every process of the connector with the same settings: a driver goes on
    /// with its token when its connector was started anew.
    pub token_key: HashKey,
    /// Where rows are until their sync is over; `None` = where the system has temporary files.
    pub temp_folder: Option<PathBuf>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Where ids come from.
    pub ids: Arc<dyn IdSource>,
    /// Asks for an orderly stop.
    pub stop: Cancellation,
    /// How long a reading and a change may take.
    pub times: ServiceTimes,
}

/// Serves whoever holds the credentials of the handshake, until it is asked to stop or the process that started
/// this one is gone.
///
/// # Errors
/// [`ServerError`] if the credentials cannot be used, or the socket fails.
///
/// # Cancel safety
/// Dropping it drops what is under way: a change is found out by the next one about the same thing.
pub async fn serve(
    listening: Listening,
    handshake: &Handshake,
    parts: ServerParts,
) -> Result<(), ServerError> {
    let acceptor = tls::acceptor(handshake.credential())?;
    let stop = parts.stop.clone();
    let incoming = peer::accept(listening, acceptor, stop.clone())?;
    let snapshots = Arc::new(Snapshots::new(SnapshotsParts {
        connector: Arc::clone(&parts.connector),
        clock: Arc::clone(&parts.clock),
        ids: Arc::clone(&parts.ids),
        temp_folder: parts.temp_folder.clone(),
        within: parts.times.sync,
        grace: parts.times.grace,
    }));
    let lists = Lists {
        connector: Arc::clone(&parts.connector),
        validate: Arc::clone(&parts.validate),
        tokens: Arc::new(PageTokens::new(parts.token_key)),
        snapshots: Arc::clone(&snapshots),
    };
    let changes = Changes {
        connector: parts.connector,
        provisioning: parts.provisioning,
        ids: parts.ids,
        stop: stop.clone(),
        within: parts.times.change,
    };
    let left_alone = peer::until_left_alone(parts.clock, stop);
    let reading = Arc::clone(&snapshots);
    let stopped = async move {
        left_alone.await;
        // A call that waits for a reading would hold up the end for hours.
        reading.close();
    };
    let ended = Server::builder()
        .max_concurrent_streams(MOST_STREAMS)
        .http2_keepalive_interval(Some(ALIVE.0))
        .http2_keepalive_timeout(Some(ALIVE.1))
        .add_service(ConnectorServiceServer::new(lists.clone()))
        .add_service(ResourceTypesServiceServer::new(lists.clone()))
        .add_service(ResourcesServiceServer::new(lists.clone()))
        .add_service(ResourceGetterServiceServer::new(lists.clone()))
        .add_service(EntitlementsServiceServer::new(lists.clone()))
        .add_service(GrantsServiceServer::new(lists))
        .add_service(GrantManagerServiceServer::new(changes.clone()))
        .add_service(AccountManagerServiceServer::new(changes.clone()))
        .add_service(ResourceManagerServiceServer::new(changes.clone()))
        .add_service(ResourceDeleterServiceServer::new(changes))
        .add_service(RateLimiterServiceServer::new(NoLimit))
        .serve_with_incoming_shutdown(incoming, stopped)
        .await;
    snapshots.close();
    ended.map_err(ServerError::Serve)
}

#[cfg(test)]
mod tests;
