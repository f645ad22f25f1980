//! One shape for the readings of applications and of databases.

use std::sync::Arc;

use connector::{
    Asked, Inputs, JobRows, JobStart, PageMark, PageRows, Person, PolledUnit, PollingLook, ReadError,
    ResumePoint,
};
use crypto::Secret;
use datastore::DatabaseError;
use egress::Retry;
use graph::{CollectedInputs, Traversal, TraversalNode};
use model::{CallStats, Clock, Completeness, IncompleteReason};

use super::Source;

/// What a collection is read with, whatever it is read from.
pub(crate) struct ReadOrder<'a> {
    pub(crate) traversal: &'a Traversal,
    pub(crate) node: &'a TraversalNode,
    pub(crate) person: &'a Arc<Person>,
    pub(crate) inputs: Inputs,
}

/// The units of one collection.
pub(crate) enum SourceReading {
    Connector(connector::Reading),
    Database(datastore::Reading),
}

/// Reads one unit.
pub(crate) enum UnitPages {
    Connector(Box<connector::PageReader>),
    Database(Box<datastore::PageReader>),
}

/// Why a collection, or a unit of it, was not read. The text holds no values.
#[derive(Debug)]
pub(crate) struct ReadFault {
    pub(crate) reason: IncompleteReason,
    pub(crate) detail: String,
    pub(crate) retry: Retry,
}

impl Source {
    /// Prepares the reading of a collection; no row is read.
    pub(crate) async fn read(&self, order: ReadOrder<'_>) -> Result<SourceReading, ReadFault> {
        match self {
            Self::Connector(connector) => {
                let endpoint = order.node.address().collection();
                let person = Arc::clone(order.person);
                Ok(SourceReading::Connector(connector.read_for(endpoint, person, order.inputs)?))
            }
            Self::Database(database) => {
                let inputs = CollectedInputs { flat: order.inputs.flat, groups: order.inputs.groups };
                let reading = database.read(order.traversal, order.node, &inputs).await?;
                for unusable in reading.unusable() {
                    tracing::warn!(
                        collection = %order.node.address(), field = unusable.path, values = unusable.received,
                        "no value can be in this column"
                    );
                }
                Ok(SourceReading::Database(reading))
            }
        }
    }
}

impl SourceReading {
    pub(crate) fn units(&self) -> usize {
        match self {
            Self::Connector(reading) => reading.units(),
            Self::Database(reading) => reading.units(),
        }
    }

    /// Stands for what a unit asks; `None` if that cannot be said.
    pub(crate) fn unit_hash(&self, unit: usize) -> Option<[u8; 32]> {
        match self {
            Self::Connector(reading) => reading.unit_hash(unit),
            Self::Database(reading) => reading.unit_hash(unit),
        }
    }

    /// Where the request of a unit stands in the connector file, if its rows come later by a call of the
    /// application.
    pub(crate) fn comes_later(&self, unit: usize) -> Option<&str> {
        match self {
            Self::Connector(reading) => reading.comes_later(unit),
            Self::Database(_) => None,
        }
    }

    /// Sends the request of such a unit.
    pub(crate) async fn ask(
        &self,
        unit: usize,
        token: &Secret<String>,
        stats: &mut CallStats,
    ) -> Result<Asked, ReadFault> {
        match self {
            Self::Connector(reading) => Ok(reading.ask(unit, token, stats).await?),
            Self::Database(_) => Ok(Asked::Over(Completeness::Complete)),
        }
    }

    /// How the job of a unit is followed, if its rows are the result of one.
    pub(crate) fn polled(&self, unit: usize) -> Option<PolledUnit<'_>> {
        match self {
            Self::Connector(reading) => reading.polled(unit),
            Self::Database(_) => None,
        }
    }

    /// Where the time of jobs comes from; a database has none.
    pub(crate) fn clock(&self) -> Option<&dyn Clock> {
        match self {
            Self::Connector(reading) => Some(reading.clock()),
            Self::Database(_) => None,
        }
    }

    /// Starts the job of such a unit.
    pub(crate) async fn start_job(&self, unit: usize, stats: &mut CallStats) -> Result<JobStart, ReadFault> {
        match self {
            Self::Connector(reading) => Ok(reading.start_job(unit, stats).await?),
            Self::Database(_) => Ok(JobStart::Over(Completeness::Complete)),
        }
    }

    /// Asks once about the job of such a unit.
    pub(crate) async fn look_at_job(
        &self,
        unit: usize,
        job: &str,
        stats: &mut CallStats,
    ) -> Result<PollingLook, ReadFault> {
        match self {
            Self::Connector(reading) => Ok(reading.look_at_job(unit, job, stats).await?),
            Self::Database(_) => Ok(PollingLook::Gone),
        }
    }

    /// Fetches what the job of such a unit brought.
    pub(crate) async fn fetch_result(
        &self,
        unit: usize,
        job: &str,
        stats: &mut CallStats,
    ) -> Result<JobRows, ReadFault> {
        match self {
            Self::Connector(reading) => Ok(reading.fetch_result(unit, job, stats).await?),
            Self::Database(_) => Ok(JobRows { rows: Vec::new(), completeness: Completeness::Complete }),
        }
    }

    pub(crate) fn open(&self, unit: usize) -> UnitPages {
        match self {
            Self::Connector(reading) => UnitPages::Connector(Box::new(reading.open(unit))),
            Self::Database(reading) => UnitPages::Database(Box::new(reading.open(unit))),
        }
    }

    /// Goes on in a unit; `None` if it has to start over. The statement of a database always does.
    pub(crate) fn open_at(&self, unit: usize, point: &ResumePoint, marks: &[Vec<u8>]) -> Option<UnitPages> {
        match self {
            Self::Connector(reading) => {
                let marks = marks.iter().filter_map(|mark| PageMark::from_bytes(mark));
                Some(UnitPages::Connector(Box::new(reading.open_at(unit, point, marks)?)))
            }
            Self::Database(_) => None,
        }
    }

    /// Whether a unit holds something on the other side from its first page to its last: a database
    /// connection with its transaction.
    pub(crate) fn holds_on(&self) -> bool {
        match self {
            Self::Connector(_) => false,
            Self::Database(_) => true,
        }
    }
}

impl UnitPages {
    /// # Cancel safety
    /// As that of the readers below: the future may be dropped and the function called again.
    pub(crate) async fn next_page(&mut self) -> Result<Option<PageRows>, ReadFault> {
        match self {
            Self::Connector(reader) => Ok(reader.next_rows().await?),
            Self::Database(reader) => Ok(reader.next_lines().await?.map(PageRows::Lines)),
        }
    }

    pub(crate) fn completeness(&self) -> Completeness {
        match self {
            Self::Connector(reader) => reader.completeness(),
            Self::Database(reader) => reader.completeness(),
        }
    }

    pub(crate) fn stats(&self) -> CallStats {
        match self {
            Self::Connector(reader) => reader.stats(),
            Self::Database(reader) => reader.stats(),
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        match self {
            Self::Connector(reader) => reader.is_over(),
            Self::Database(reader) => reader.is_over(),
        }
    }

    pub(crate) fn resume_point(&self) -> Option<ResumePoint> {
        match self {
            Self::Connector(reader) => reader.resume_point(),
            Self::Database(_) => None,
        }
    }

    pub(crate) fn mark(&self) -> Option<PageMark> {
        match self {
            Self::Connector(reader) => reader.mark(),
            Self::Database(_) => None,
        }
    }
}

impl ReadFault {
    pub(crate) fn completeness(self) -> Completeness {
        Completeness::incomplete(self.reason, self.detail)
    }
}

impl From<ReadError> for ReadFault {
    fn from(error: ReadError) -> Self {
        Self { reason: error.reason(), detail: error.to_string(), retry: error.retry() }
    }
}

impl From<DatabaseError> for ReadFault {
    fn from(error: DatabaseError) -> Self {
        Self { reason: error.reason(), detail: error.to_string(), retry: error.retry() }
    }
}
