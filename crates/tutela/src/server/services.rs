//! What privacy requests are carried out with on a server: put together anew whenever connections,
//! policies or settings changed.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use connections::{
    AloneError, Connections, LeftOutReason, WireError, WireOptions, Wired, WiredAlone, WiredConnection,
};
use crypto::KeyRing;
use engine::{Concurrency, JobWait};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use graph::MaskingMode;
use model::{Clock, ConnectionKey, RandomIds};
use privacy::dataset_trial::Alone;
use privacy::policy_book::{PolicyBook, PolicyError};
use privacy::worker::{Services, ServicesError};
use privacy::{ConnectionFacts, LeftOut, LogSigning, PrivacyService, ServiceParts};
use spec::ServerSettings;
use store::{ErasureJournal, Store, Window};
use tokio::sync::Semaphore;

use super::settings::api_set;

/// What services of a server are made of.
pub(crate) struct ServicesParts {
    /// Where everything is kept.
    pub(crate) store: Store,
    /// The connections.
    pub(crate) connections: Connections,
    /// What flags, environment and file say.
    pub(crate) own: ServerSettings,
    /// Calls in flight, shared by all requests.
    pub(crate) concurrency: Concurrency,
    /// Time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Name of this process among those that share the state.
    pub(crate) worker: String,
    /// The data folder.
    pub(crate) folder: std::path::PathBuf,
    /// Who was erased, outside of the state.
    pub(crate) journal: ErasureJournal,
    /// What the journal and certificates are sealed and signed with.
    pub(crate) keys: Arc<KeyRing>,
}

/// The services of a server, made when they are asked for.
pub(crate) struct ServerServices {
    parts: ServicesParts,
    made: Mutex<Option<(u64, Made)>>,
    /// One is made at a time; the others take it.
    making: Semaphore,
}

#[derive(Clone)]
enum Made {
    Service(PrivacyService),
    /// A connection that is to be used and cannot be.
    Fault {
        connection: String,
        reason: String,
    },
}

impl ServerServices {
    /// Services that are not made yet.
    pub(crate) fn new(parts: ServicesParts) -> Self {
        Self { parts, made: Mutex::default(), making: Semaphore::new(1) }
    }

    fn find(&self, revision: u64) -> Option<Made> {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.as_ref().filter(|(of, _)| *of == revision).map(|(_, made)| made.clone())
    }

    async fn made(&self, revision: u64) -> Result<Made, ServicesError> {
        if let Some(made) = self.find(revision) {
            return Ok(made);
        }
        let _one = self.making.acquire().await;
        // Read again: whoever was here before may have made a newer one.
        let revision = self.parts.store.revision().await?;
        if let Some(made) = self.find(revision) {
            return Ok(made);
        }
        let made = self.make().await?;
        *self.made.lock().unwrap_or_else(PoisonError::into_inner) = Some((revision, made.clone()));
        Ok(made)
    }

    async fn make(&self) -> Result<Made, ServicesError> {
        let parts = &self.parts;
        let options = self.options().await?;
        let Wired { graph, sources, members, left_out } =
            parts.connections.wire(&options).await.map_err(|error| match error {
                WireError::Graph(error) => ServicesError::Setup { reason: error.to_string() },
                WireError::Store(error) => ServicesError::Store(error),
            })?;
        if let Some(fault) = left_out.iter().find(|one| one.reason.is_fault()) {
            let (connection, reason) = (fault.connection.to_string(), fault.reason.to_string());
            return Ok(Made::Fault { connection, reason });
        }
        Ok(Made::Service(PrivacyService::new(ServiceParts {
            store: parts.store.clone(),
            graph: Arc::new(graph),
            sources,
            connections: members.into_iter().map(facts).collect(),
            left_out: left_out.iter().filter_map(told).collect(),
            policies: self.policies().await?,
            limits: parts.own.server.limits,
            concurrency: parts.concurrency.clone(),
            waiting: JobWait::SetAside,
            signing: LogSigning::EachSecond,
            verify_after: Duration::ZERO,
            clock: Arc::clone(&parts.clock),
            ids: Arc::new(RandomIds),
            worker: parts.worker.clone(),
            folder: parts.folder.clone(),
            journal: parts.journal.clone(),
            keys: Arc::clone(&parts.keys),
        })))
    }

    async fn options(&self) -> Result<WireOptions, ServicesError> {
        let parts = &self.parts;
        let server = parts.own.with_api(&api_set(&parts.store).await?).server;
        let mode = if server.execution.masking_strict { MaskingMode::Strict } else { MaskingMode::Any };
        Ok(WireOptions { worker: parts.worker.clone(), mode })
    }

    async fn policies(&self) -> Result<Vec<spec::Policy>, ServicesError> {
        let book = PolicyBook::new(self.parts.store.clone());
        let mut policies = Vec::new();
        for policy in self.parts.store.policy_list(Window::ALL).await?.items {
            match book.document(&policy.key).await {
                Ok(document) => policies.push(document.policy),
                Err(PolicyError::Store(error)) => return Err(error.into()),
                // One without rules: requests under it say so.
                Err(_) => {}
            }
        }
        Ok(policies)
    }
}

impl Services for ServerServices {
    fn current(&self, revision: u64) -> BoxFuture<'_, Result<PrivacyService, ServicesError>> {
        async move {
            match self.made(revision).await? {
                Made::Service(service) => Ok(service),
                Made::Fault { connection, reason } => Err(ServicesError::Connection { connection, reason }),
            }
        }
        .boxed()
    }

    fn alone<'a>(
        &'a self,
        connection: &'a ConnectionKey,
        dataset: &'a str,
    ) -> BoxFuture<'a, Result<Alone, ServicesError>> {
        async move {
            let options = self.options().await?;
            let wired = self.parts.connections.wire_alone(connection, dataset, &options).await;
            let WiredAlone { graph, source, member } = wired.map_err(|error| match error {
                AloneError::Store(error) => ServicesError::Store(error),
                AloneError::Gone { .. } | AloneError::LeftOut(_) | AloneError::Graph(_) => {
                    ServicesError::Connection {
                        connection: connection.to_string(),
                        reason: error.to_string(),
                    }
                }
            })?;
            let serves_access = member.serves_access();
            Ok(Alone { graph, source, serves_access, concurrency: self.parts.concurrency.clone() })
        }
        .boxed()
    }
}

impl fmt::Debug for ServerServices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerServices").field("worker", &self.parts.worker).finish_non_exhaustive()
    }
}

/// What requests say of a connection that is left out; `None` if nobody expects data from its kind.
fn told(one: &connections::LeftOut) -> Option<LeftOut> {
    match one.reason {
        LeftOutReason::NotRead => None,
        LeftOutReason::Disabled
        | LeftOutReason::AccessOnly
        | LeftOutReason::NoDataset
        | LeftOutReason::Broken(_) => {
            Some(LeftOut { connection: one.connection.to_string(), reason: one.reason.to_string() })
        }
    }
}

fn facts(member: WiredConnection) -> ConnectionFacts {
    ConnectionFacts {
        key: member.key,
        connector: member.connector,
        version: member.version,
        sha256: member.sha256,
        secrets: member.secrets,
        access: member.access,
        mode: member.mode,
        file: member.file,
        enabled_actions: member.enabled_actions,
    }
}
