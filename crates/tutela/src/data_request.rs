mod durable;
mod packing;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use engine::{Cancellation, Concurrency, Limits, Progress, RowKeeping, RunOutcome, RunPlan, Source};
use graph::Graph;
use model::{Clock, ConnectionKey, Identities, RandomIds, RunId};
use privacy::access::{Access, AccessError, nothing_asked};
use privacy::subject::{self, Subject};
use spec::Policy;

use crate::failure::Failure;
use crate::project::Wired;

use packing::ToPack;
pub(crate) use packing::{PackageForm, Packed, Packing};

/// Everything that requests about any number of people share: graph, connections, limits.
#[derive(Debug)]
pub(crate) struct DataRequests {
    shared: Arc<Shared>,
    packing: Packing,
}

#[derive(Debug)]
struct Shared {
    graph: Arc<Graph>,
    sources: HashMap<ConnectionKey, Source>,
    policy: Option<Policy>,
    limits: Concurrency,
    clock: Arc<dyn Clock>,
    ids: RandomIds,
    /// Sealed pages of all runs; gone with this value.
    spool: tempfile::TempDir,
}

/// How the requests are carried out.
#[derive(Debug)]
pub(crate) struct Means {
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
    Package(Box<Packed>),
    /// Not one call could be made; the text names the first reason.
    Nothing(String),
}

impl DataRequests {
    /// Requests over these connections.
    ///
    /// # Errors
    /// A failure if rows cannot be kept on this machine.
    pub(crate) fn new(wired: Wired, means: Means) -> Result<Self, Failure> {
        let Wired { graph, sources } = wired;
        let spool = private_folder().map_err(|error| Failure::unwritable(&std::env::temp_dir(), &error))?;
        Ok(Self {
            shared: Arc::new(Shared {
                graph: Arc::new(graph),
                sources,
                policy: means.policy,
                limits: Concurrency::new(means.limits),
                clock: means.clock,
                ids: RandomIds,
                spool,
            }),
            packing: Packing::default(),
        })
    }

    /// The same with packages written so.
    pub(crate) fn packed(self, packing: Packing) -> Self {
        Self { packing, ..self }
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
        let (run, spool) = (RunId::new(&self.shared.ids), self.shared.spool.path().to_owned());
        let person = subject::person(&run, Subject::of(identities), self.shared.clock.now());
        let plan = self.access().plan(run, person, RowKeeping::Spool(spool));
        let plan = plan.map_err(|error| failure(&error.into()))?;
        engine::run(RunPlan { cancellation, ..plan }, on_progress)
            .await
            .map_err(|error| Failure::failed(&error))
    }

    /// What is read.
    fn access(&self) -> Access<'_> {
        let Shared { graph, sources, policy, limits, .. } = &*self.shared;
        Access { graph, sources, policy: policy.as_ref(), limits }
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
        let run = RunId::new(&self.shared.ids);
        self.write(ToPack { run, folder, outcome, identities }).await
    }

    /// Writes the packages of what was read.
    async fn write(&self, work: ToPack) -> Result<Delivered, Failure> {
        self.packing.pack(&self.shared, work).await.map(|packed| Delivered::Package(Box::new(packed)))
    }
}

/// A temporary folder that only this user can look into.
pub(crate) fn private_folder() -> std::io::Result<tempfile::TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("tutela-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(0o700));
    }
    builder.tempdir()
}

/// What a person can do about it.
fn failure(error: &AccessError) -> Failure {
    if error.is_bad_input() { Failure::bad_input(error) } else { Failure::failed(error) }
}
