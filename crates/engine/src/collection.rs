//! One collection, from inputs to sealed rows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use connector::Person;
use crypto::PartsHash;
use graph::{Edge, Traversal, TraversalNode};
use model::{CollectionAddress, Completeness, IncompleteReason};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::{debug, info, warn};

use crate::basis::Basis;
use crate::gather::{Gathered, gather};
use crate::row_writer::RowWriter;
use crate::source::ReadOrder;
use crate::spool::{SpoolFolder, SpoolWriter};
use crate::stage::{Stage, Taken};
use crate::stop::{Halt, Stop};
use crate::units::{Tally, UnitReader};
use crate::upstream::Upstream;
use crate::{
    CollectionOutcome, Concurrency, JobWait, Progress, RowsError, SealedRows, Source, Status, WaitsFor,
};

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
    pub(crate) keeping: Keeping,
    pub(crate) limits: Concurrency,
    pub(crate) waiting: JobWait,
    pub(crate) stop: Stop,
    pub(crate) progress: mpsc::Sender<Progress>,
}

/// Where rows are kept, once it is ready to take them.
#[derive(Clone)]
pub(crate) enum Keeping {
    Spool(Arc<SpoolFolder>),
    Store(Arc<Stage>),
}

impl CollectionRun {
    /// Reads the collection, or finds that it was read before.
    ///
    /// # Errors
    /// If rows cannot be kept or read back, or the run does not go on; everything else is an outcome.
    pub(crate) async fn read(self, node: &TraversalNode) -> Result<CollectionOutcome, Halt> {
        let stage = match &self.keeping {
            Keeping::Spool(folder) => {
                let writer = SpoolWriter::new(folder, node.address(), self.position);
                return match self.stop.now() {
                    Some(why) => Ok(unread(node, Status::Skipped, why.completeness())),
                    None => self.read_into(node, RowWriter::Spool(writer)).await,
                };
            }
            Keeping::Store(stage) => stage,
        };
        let basis = self.basis(node, stage);
        loop {
            match stage.take(node.address(), &basis, &self.stop).await? {
                Taken::Over(outcome) => return Ok(*outcome),
                Taken::Stopped(why) => return Ok(unread(node, Status::Skipped, why.completeness())),
                Taken::Ours(writer) => match self.read_into(node, RowWriter::Store(writer)).await {
                    Err(Halt::Lost) => {
                        warn!(collection = %node.address(), "another worker took the collection over");
                    }
                    ended => return ended,
                },
            }
        }
    }

    /// What the rows of the collection rest on: how it is read, for whom, and with which rows of others.
    fn basis(&self, node: &TraversalNode, stage: &Stage) -> Basis {
        let mut parts = PartsHash::new();
        parts.add(self.source.definition_hash(&self.traversal, node));
        parts.add(format!("{} {:?}", self.traversal.node_text(self.position), self.upstream));
        let Person { identities, privacy_request_id: _, privacy_request, custom_fields } = &*self.person;
        for kind in identities.kinds() {
            parts.add(kind);
            parts.add(Value::from(identities.values(kind)).to_string());
        }
        for members in [privacy_request, custom_fields] {
            parts.add(serde_json::to_string(members).expect("a row has text keys and plain values"));
        }
        for (address, rows) in &self.rows {
            parts.add(address.to_string());
            rows.add_to(&mut parts);
        }
        Basis::of(&stage.key, parts)
    }

    async fn read_into(&self, node: &TraversalNode, writer: RowWriter) -> Result<CollectionOutcome, Halt> {
        let started = Instant::now();
        if !self.upstream.readable {
            let outcome = unread(node, Status::Skipped, self.upstream.completeness.clone());
            return writer.finish(CollectionOutcome { note: self.upstream.note.clone(), ..outcome }).await;
        }
        let Gathered { inputs, filter, foreign } = self.gathered(node).await?;
        for unusable in filter.unusable() {
            warn!(collection = %node.address(), field = unusable.path, values = unusable.received, "no value fits the declared type");
        }
        let order = ReadOrder { traversal: &self.traversal, node, person: &self.person, inputs };
        let reading = match self.source.read(order).await {
            Ok(reading) => reading,
            Err(fault) => return writer.finish(unread(node, Status::Failed, fault.completeness())).await,
        };
        let address = node.address().clone();
        debug!(collection = %address, units = reading.units(), "collection started");
        let event = Progress::Started { collection: address.clone(), units: reading.units() };
        let _ = self.progress.send(event).await;
        let units = UnitReader {
            left: AtomicUsize::new(reading.units()),
            connection: self.source.key().clone(),
            request: self.person.privacy_request_id.clone(),
            writer,
            address,
            reading,
            filter,
            foreign,
            limits: self.limits.clone(),
            waiting: self.waiting,
            stop: self.stop.clone(),
            progress: self.progress.clone(),
        };
        let (tally, writer) = units.read_all().await?;
        let mut outcome = self.outcome(node, &tally);
        outcome.duration = started.elapsed();
        match tally.waits {
            _ if tally.is_stopped => Ok(writer.leave(outcome).await),
            None => writer.finish(outcome).await,
            Some((until, by)) => {
                writer.leave(outcome).await;
                Err(Halt::Waits(until, by))
            }
        }
    }

    fn outcome(&self, node: &TraversalNode, tally: &Tally) -> CollectionOutcome {
        let completeness = tally.completeness().and(self.upstream.completeness.clone());
        let status = if completeness.is_complete() {
            Status::Complete
        } else if tally.failed_units > 0 && tally.completed_units == 0 && tally.rows == 0 {
            Status::Failed
        } else {
            Status::Incomplete
        };
        match tally.waits {
            None => {
                info!(collection = %node.address(), status = status.as_str(), rows = tally.rows, pages = tally.pages, "collection read");
            }
            Some((until, WaitsFor::Call)) => {
                info!(collection = %node.address(), %until, "an application is to call back");
            }
            Some((until, WaitsFor::Job)) => {
                info!(collection = %node.address(), %until, "a job of an application is set aside");
            }
        }
        CollectionOutcome {
            rows: tally.rows,
            pages: tally.pages,
            requests: tally.stats.requests,
            retries: tally.stats.retries,
            rate_limit_wait: tally.stats.rate_limit_wait,
            foreign_rows: tally.foreign_rows,
            note: note(node, tally.foreign_rows),
            ..CollectionOutcome::unread(status, completeness, SealedRows::none())
        }
    }

    async fn gathered(&self, node: &TraversalNode) -> Result<Gathered, RowsError> {
        if self.rows.is_empty() {
            // Nothing is read back, so nothing blocks.
            return gather(node, &self.person.identities, &self.rows);
        }
        let (traversal, position) = (Arc::clone(&self.traversal), self.position);
        let person = Arc::clone(&self.person);
        if let Keeping::Store(stage) = &self.keeping {
            // What was destroyed before the task was taken is not read out of memory either.
            let kept = stage.retried(|| stage.still_keeps()).await;
            kept.map_err(|error| RowsError::of_store(node.address(), error))?;
        }
        let rows = self.rows.iter().map(|(address, rows)| (address.clone(), rows.clone().out_of_hand()));
        let rows: BTreeMap<_, _> = rows.collect();
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
}

fn unread(node: &TraversalNode, status: Status, completeness: Completeness) -> CollectionOutcome {
    info!(collection = %node.address(), status = status.as_str(), "collection not read");
    CollectionOutcome::unread(status, completeness, SealedRows::none())
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
