//! Applications that no connector file of ours is about: something else tells who has access, in files, and may
//! change it, one job after the other. A Baton connector program of somebody else is such a source.
//!
//! What a source is, and how its jobs are run, is known above ([`Source`] is filled there). What is made of its files,
//! and that no job is run twice, is seen to here.

mod error;
mod job;
mod reading;
mod way;

use std::fmt;
use std::path::Path;
use std::time::Duration;

use engine::Cancellation;
use futures::future::BoxFuture;
use model::{ConnectionKey, RunId};

pub use error::{SourceError, SourceErrorKind};
pub use job::{Job, JobEnd, PlannedJob};
pub use reading::SourceReading;
pub use way::Way;

/// What tells who has access to an application.
pub trait Source: Send + Sync + fmt::Debug {
    /// Key of its connection.
    fn connection(&self) -> &ConnectionKey;

    /// Stands for everything that it is read with; holds no secret.
    fn basis(&self) -> &str;

    /// Reads everything, anew.
    ///
    /// # Cancel safety
    /// Dropping the future ends whatever reads.
    fn read(&self, stop: Cancellation) -> BoxFuture<'_, Result<SourceReading, SourceError>>;

    /// What changes access through it.
    ///
    /// # Errors
    /// Why nothing does, and what to do, in a sentence.
    fn provision(&self) -> Result<&dyn Provision, String>;
}

/// What changes access by jobs.
pub trait Provision: Send + Sync + fmt::Debug {
    /// What is run, for whoever reads a plan.
    fn named(&self) -> (&str, String);

    /// Whether resources of this kind may be removed through it.
    fn may_delete(&self, kind: &str) -> bool;

    /// Runs one job, once. `known` is the file that its ids are of, as the source left it; whatever is started is
    /// marked with the run, so that it can be found after a crash.
    ///
    /// # Cancel safety
    /// Dropping the future ends whatever was started.
    fn carry_out<'a>(
        &'a self,
        job: &'a Job,
        known: &'a Path,
        as_run: (&'a RunId, Cancellation),
    ) -> BoxFuture<'a, JobEnd>;

    /// Ends what a process of this machine that is gone left running for a run.
    fn end_left_behind(&self, run: &RunId);

    /// For how long something that was sent may still take effect when whoever sent it is gone.
    fn late(&self) -> Duration;
}
