mod person;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use connector::{Connector, ConnectorParts, MemoryTokens, Settings};
use egress::Door;
use engine::{Cancellation, Concurrency, Limits, Progress, RowKeeping, RunOutcome, RunPlan, Source, Status};
use graph::{Graph, GraphDataset, Targets};
use model::{Clock, ConnectionKey, IdSource, Identities, IncompleteReason, RandomIds, RunId};
use privacy::package::{self, Contents, Package, PackageOptions};
use spec::{ActionType, Policy};

use crate::failure::Failure;
use crate::project::Instance;

/// Everything that requests about any number of people share: graph, connections, limits.
#[derive(Debug)]
pub(crate) struct DataRequests {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    graph: Graph,
    sources: HashMap<ConnectionKey, Source>,
    policy: Option<Policy>,
    /// Categories that the policy's access rules deliver.
    targets: Vec<String>,
    limits: Concurrency,
    clock: Arc<dyn Clock>,
    ids: RandomIds,
    /// Sealed pages of all runs; gone with this value.
    spool: tempfile::TempDir,
}

/// How the requests are carried out.
#[derive(Debug)]
pub(crate) struct Means {
    /// The way out.
    pub(crate) door: Door,
    /// Attempts, waits, caps.
    pub(crate) settings: Settings,
    /// Calls in flight.
    pub(crate) limits: Limits,
    /// What to deliver; `None` = everything.
    pub(crate) policy: Option<Policy>,
    /// Where time comes from.
    pub(crate) clock: Arc<dyn Clock>,
}

/// Whose data goes where.
#[derive(Debug)]
pub(crate) struct Delivery {
    /// What is known about the person.
    pub(crate) identities: Identities,
    /// Folder of the package.
    pub(crate) folder: PathBuf,
    /// How to stop.
    pub(crate) cancellation: Cancellation,
}

/// What came of one person's request.
#[derive(Debug)]
pub(crate) enum Delivered {
    /// A package was written; it may be incomplete.
    Package(Box<Package>),
    /// Not one call could be made; the text names the first reason.
    Nothing(String),
}

impl DataRequests {
    /// Joins the connections into one graph.
    ///
    /// # Errors
    /// Bad input if the files contradict each other.
    pub(crate) fn new(instances: Vec<Instance>, means: Means) -> Result<Self, Failure> {
        let graph = graph(&instances)?;
        let tokens = Arc::new(MemoryTokens::new());
        let ids: Arc<dyn IdSource> = Arc::new(RandomIds);
        let sources = instances
            .into_iter()
            .map(|instance| {
                let key = instance.connection.key.clone();
                let connector = Connector::new(ConnectorParts {
                    connection: instance.connection,
                    door: means.door.clone(),
                    tokens: Arc::clone(&tokens) as _,
                    clock: Arc::clone(&means.clock),
                    ids: Arc::clone(&ids),
                    settings: means.settings.clone(),
                });
                (key, connector.into())
            })
            .collect();
        let spool = private_folder().map_err(|error| Failure::unwritable(&std::env::temp_dir(), &error))?;
        Ok(Self {
            shared: Arc::new(Shared {
                graph,
                sources,
                targets: means.policy.as_ref().map(targets).unwrap_or_default(),
                policy: means.policy,
                limits: Concurrency::new(means.limits),
                clock: means.clock,
                ids: RandomIds,
                spool,
            }),
        })
    }

    /// How many people to ask about at once: enough to keep all connections busy, and no more.
    pub(crate) fn people_at_once(&self) -> usize {
        let limits = self.shared.limits.limits();
        let busy = limits.per_connection.saturating_mul(self.shared.sources.len().max(1));
        busy.saturating_mul(2).min(limits.total).max(1)
    }

    /// The identity kinds that lead anywhere, for a person who gave another.
    pub(crate) fn identity_kinds(&self) -> Vec<&str> {
        self.shared.graph.identity_kinds().into_iter().collect()
    }

    /// Reads everything about one person.
    ///
    /// # Errors
    /// Bad input if the graph cannot be walked for these identities; a failure if rows cannot be kept.
    pub(crate) async fn read(
        &self,
        identities: Identities,
        cancellation: Cancellation,
        on_progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<RunOutcome, Failure> {
        let shared = &self.shared;
        let targets = match &shared.policy {
            None => Targets::Everything,
            Some(_) => Targets::Categories(&shared.targets),
        };
        let traversal =
            shared.graph.traverse(&identities, targets).map_err(|error| Failure::bad_input(&error))?;
        let plan = RunPlan {
            run_id: RunId::new(&shared.ids),
            traversal,
            sources: shared.sources.clone(),
            person: person::person(identities, &shared.ids, shared.clock.now()),
            limits: shared.limits.clone(),
            rows: RowKeeping::Spool(shared.spool.path().to_owned()),
            cancellation,
        };
        engine::run(plan, on_progress).await.map_err(|error| Failure::failed(&error))
    }

    /// Reads everything about one person and writes the package.
    ///
    /// # Errors
    /// As [`DataRequests::read`]; a failure if the package cannot be written.
    pub(crate) async fn deliver(
        &self,
        delivery: Delivery,
        on_progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<Delivered, Failure> {
        let Delivery { identities, folder, cancellation } = delivery;
        let outcome = self.read(identities.clone(), cancellation, on_progress).await?;
        if let Some(reason) = nothing_asked(&outcome) {
            return Ok(Delivered::Nothing(reason.to_owned()));
        }
        let shared = Arc::clone(&self.shared);
        let written =
            tokio::task::spawn_blocking(move || write(&shared, &folder, &outcome, &identities)).await;
        match written {
            Ok(package) => package.map(|package| Delivered::Package(Box::new(package))),
            Err(_) => Err(Failure::Failed("the package was not finished; run again".to_owned())),
        }
    }
}

/// A temporary folder that only this user can look into.
fn private_folder() -> std::io::Result<tempfile::TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("tutela-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(0o700));
    }
    builder.tempdir()
}

fn write(
    shared: &Shared,
    folder: &Path,
    outcome: &RunOutcome,
    subject: &Identities,
) -> Result<Package, Failure> {
    let contents = match &shared.policy {
        None => Contents::Everything,
        Some(policy) => Contents::Targeted { policy, graph: &shared.graph },
    };
    let options = PackageOptions {
        subject: Some(subject),
        made_at: Some(shared.clock.now()),
        ..PackageOptions::new(contents)
    };
    package::write(folder, outcome, &options).map_err(|error| Failure::failed(&error))
}

/// Whether not one call was made although some should have been (architecture §13.22): nothing was
/// produced, and a package would only pretend. Gives the reason of the first failure.
fn nothing_asked(outcome: &RunOutcome) -> Option<&str> {
    if outcome.requests() > 0 {
        return None;
    }
    outcome.collections.values().find_map(|collection| match (&collection.status, &collection.completeness) {
        (Status::Failed, model::Completeness::Incomplete { reason, detail })
            if *reason != IncompleteReason::Cancelled =>
        {
            Some(detail.as_str())
        }
        _ => None,
    })
}

fn graph(instances: &[Instance]) -> Result<Graph, Failure> {
    let merge = |instance: &Instance| {
        let connection = &instance.connection;
        graph::merge(&connection.file, instance.dataset.as_ref(), &connection.references)
    };
    let datasets: Result<Vec<GraphDataset>, _> = instances.iter().map(merge).collect();
    datasets.and_then(|datasets| Graph::build(&datasets)).map_err(|error| Failure::bad_input(&error))
}

fn targets(policy: &Policy) -> Vec<String> {
    let access = policy.rules.iter().filter(|rule| rule.action == ActionType::Access);
    access.flat_map(|rule| rule.targets.iter().cloned()).collect()
}
