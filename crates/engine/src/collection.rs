//! One collection, from inputs to sealed rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use connector::Person;
use graph::{Edge, Traversal, TraversalNode};
use model::{CollectionAddress, Completeness, IncompleteReason};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::{debug, info, warn};

use crate::gather::{Gathered, gather};
use crate::spool::{SpoolFolder, SpoolWriter};
use crate::units::{UnitReader, cancelled};
use crate::upstream::Upstream;
use crate::{Cancellation, CollectionOutcome, Concurrency, Progress, SealedRows, Source, SpoolError, Status};

/// Everything that reading one collection needs.
pub(crate) struct CollectionRun {
    pub(crate) traversal: Arc<Traversal>,
    /// Position among the traversal's nodes.
    pub(crate) position: usize,
    pub(crate) source: Source,
    pub(crate) person: Arc<Person>,
    /// The rows of the collections that this one waits for.
    pub(crate) rows: BTreeMap<CollectionAddress, SealedRows>,
    pub(crate) upstream: Upstream,
    pub(crate) folder: Arc<SpoolFolder>,
    pub(crate) limits: Concurrency,
    pub(crate) cancellation: Cancellation,
    pub(crate) progress: mpsc::Sender<Progress>,
}

impl CollectionRun {
    /// Reads the collection.
    ///
    /// # Errors
    /// Only if rows cannot be stored or read back; everything else is an outcome.
    pub(crate) async fn read(self, node: &TraversalNode) -> Result<CollectionOutcome, SpoolError> {
        let started = Instant::now();
        let mut outcome = if self.cancellation.is_cancelled() {
            self.unread(node, Status::Skipped, cancelled())
        } else if self.upstream.readable {
            self.read_units(node).await?
        } else {
            let completeness = self.upstream.completeness.clone();
            self.unread(node, Status::Skipped, completeness)
        };
        outcome.duration = started.elapsed();
        Ok(outcome)
    }

    async fn read_units(self, node: &TraversalNode) -> Result<CollectionOutcome, SpoolError> {
        let address = node.address().clone();
        let Gathered { inputs, filter, foreign } = self.gathered().await?;
        for unusable in filter.unusable() {
            warn!(collection = %address, field = unusable.path, values = unusable.received, "no value fits the declared type");
        }
        let Source::Connector(connector) = &self.source else { todo!() };
        let reading = match connector.read(address.collection(), &self.person, inputs) {
            Ok(reading) => reading,
            Err(error) => {
                let completeness = Completeness::incomplete(error.reason(), error.to_string());
                return Ok(self.unread(node, Status::Failed, completeness));
            }
        };
        debug!(collection = %address, units = reading.units(), "collection started");
        let started = Progress::Started { collection: address.clone(), units: reading.units() };
        let _ = self.progress.send(started).await;
        let units = UnitReader {
            connection: self.source.key().clone(),
            writer: SpoolWriter::new(&self.folder, &address, self.position),
            address: address.clone(),
            reading,
            filter,
            foreign,
            limits: self.limits,
            cancellation: self.cancellation,
            progress: self.progress,
        };
        let (tally, writer) = units.read_all().await?;
        let completeness = tally.completeness().and(self.upstream.completeness);
        let status = if completeness.is_complete() {
            Status::Complete
        } else if tally.failed_units > 0 && tally.completed_units == 0 && tally.rows == 0 {
            Status::Failed
        } else {
            Status::Incomplete
        };
        info!(collection = %address, status = status.as_str(), rows = tally.rows, pages = tally.pages, "collection read");
        Ok(CollectionOutcome {
            rows: tally.rows,
            pages: tally.pages,
            requests: tally.stats.requests,
            retries: tally.stats.retries,
            rate_limit_wait: tally.stats.rate_limit_wait,
            foreign_rows: tally.foreign_rows,
            note: note(node, tally.foreign_rows),
            ..CollectionOutcome::unread(status, completeness, writer.finish())
        })
    }

    async fn gathered(&self) -> Result<Gathered, SpoolError> {
        let (traversal, position) = (Arc::clone(&self.traversal), self.position);
        let (person, rows) = (Arc::clone(&self.person), self.rows.clone());
        let gathered = tokio::task::spawn_blocking(move || {
            let node = traversal.nodes().get(position).expect("the position is that of a node");
            gather(node, &person.identities, &rows)
        });
        match gathered.await {
            Ok(gathered) => gathered,
            Err(stopped) => match stopped.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => std::future::pending().await,
            },
        }
    }

    fn unread(&self, node: &TraversalNode, status: Status, completeness: Completeness) -> CollectionOutcome {
        info!(collection = %node.address(), status = status.as_str(), "collection not read");
        let writer = SpoolWriter::new(&self.folder, node.address(), self.position);
        CollectionOutcome::unread(status, completeness, writer.finish())
    }
}

/// What a person should know although nothing is missing.
fn note(node: &TraversalNode, foreign_rows: u64) -> Option<String> {
    let mut sentences = Vec::new();
    let parents: Vec<_> =
        node.cut.iter().filter_map(Edge::parent).map(|parent| format!("`{parent}`")).collect();
    if !parents.is_empty() {
        // Following them would have gone round in a circle.
        sentences.push(format!("read before {}, so values from there were not followed", parents.join(", ")));
    }
    if foreign_rows > 0 {
        sentences
            .push(format!("{foreign_rows} of the rows carry only addresses or numbers of somebody else"));
    }
    (!sentences.is_empty()).then(|| sentences.join("; "))
}

/// A collection whose reading stopped in a way that is a mistake of this program.
pub(crate) fn panicked() -> Completeness {
    Completeness::incomplete(
        IncompleteReason::Malformed,
        "reading stopped because of a mistake in this program; please report it with the log",
    )
}
