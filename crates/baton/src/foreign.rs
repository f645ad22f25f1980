//! A Baton connector of somebody else as a connection: a program that is run, or a file that it wrote.
//!
//! What it tells is believed as far as [`import`](crate::import) believes it. A program may change access, too, by one
//! job for each change; that no job runs twice, and what came of it, is seen to by [`governance::change`].

mod error;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use c1z::Limits;
use engine::Cancellation;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use governance::source::{Job, JobEnd, Provision, Source, SourceError, SourceReading};
use model::{Clock, ConnectionKey, IdSource, RunId};

pub use error::ForeignError;

use crate::import::ForeignSync;
use crate::private_folder::PrivateFolder;
use crate::program::{
    Program, ProgramError, ProgramJob, ProgramLimits, ProgramLog, ProgramParts, SyncedFile, end_left_behind,
};

/// What the names of folders for what is believed begin with.
const PREFIX: &str = "baton-believed-";

/// What tells who has access.
#[derive(Debug)]
pub enum ForeignSource {
    /// A program that is run.
    Program(Program),
    /// A file.
    File(PathBuf),
}

/// Whether access may be changed through a program, and how far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForeignAccess {
    /// It is read only.
    Read,
    /// It may be changed, and resources of these kinds removed.
    Write {
        /// Ids of kinds.
        delete: Vec<String>,
    },
}

/// What surrounds it.
#[derive(Debug, Clone)]
pub struct ForeignParts {
    /// Where private folders are made.
    pub folder: PathBuf,
    /// How much a program may use.
    pub limits: ProgramLimits,
    /// For how long something that it sent may still take effect when it is gone.
    pub late: Duration,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Where names of runs come from.
    pub ids: Arc<dyn IdSource>,
}

/// A Baton connector of somebody else.
pub struct ForeignConnector {
    /// Key of the connection.
    pub key: ConnectionKey,
    /// Stands for what it is, its settings and its secrets; holds none.
    pub basis: String,
    /// What it is.
    pub source: ForeignSource,
    /// What may be done through it.
    pub access: ForeignAccess,
    /// What surrounds it.
    pub parts: ForeignParts,
}

impl ForeignConnector {
    async fn read_in(&self, stop: Cancellation) -> Result<SourceReading, ForeignError> {
        let (left, synced) = match &self.source {
            ForeignSource::File(path) => (path.clone(), None),
            ForeignSource::Program(program) => {
                let mut log = ProgramLog::default();
                let done = program.run(&ProgramJob::Sync, &self.program_parts(stop), &mut log).await;
                self.tell(&log);
                let synced = done?;
                (synced.path().to_owned(), Some(synced))
            }
        };
        let (folder, now) = (self.parts.folder.clone(), self.parts.clock.now());
        let work = move || believe((left, synced), &folder, now);
        tokio::task::spawn_blocking(work).await.map_err(|_| ForeignError::Broken)?
    }

    async fn change(
        &self,
        program: &Program,
        job: &ProgramJob<'_>,
        (run, stop): (&RunId, Cancellation),
    ) -> JobEnd {
        let mut log = ProgramLog::default();
        let parts = self.program_parts(stop);
        let done = program.change(run.as_str(), job, (&parts, &mut log)).await;
        self.tell(&log);
        match done {
            Ok(()) => JobEnd::Done,
            Err(error) => match error.word() {
                Some(detail) => {
                    tracing::warn!(connection = %self.key, %error, "a program did not say that its change is done");
                    JobEnd::Unknown { detail }
                }
                None => JobEnd::NotBegun(ForeignError::Program(error).into()),
            },
        }
    }

    fn program_parts(&self, cancellation: Cancellation) -> ProgramParts {
        let ForeignParts { folder, limits, clock, ids, late: _ } = self.parts.clone();
        ProgramParts { folder, limits, clock, ids, cancellation }
    }

    /// Says what the program said; secrets were taken out.
    fn tell(&self, log: &ProgramLog) {
        if log.dropped() > 0 {
            let lines = log.dropped();
            tracing::info!(connection = %self.key, lines, "the program said more before; that is not kept");
        }
        for line in log.lines() {
            tracing::info!(connection = %self.key, line, "the program says");
        }
    }
}

/// Looks at every row, and writes those that can be believed to a file of ours.
fn believe(
    (left, synced): (PathBuf, Option<SyncedFile>),
    folder: &Path,
    now: jiff::Timestamp,
) -> Result<SourceReading, ForeignError> {
    // A file that is not there counts as an empty one elsewhere (baton F-2); here somebody named it.
    if !left.is_file() {
        return Err(ForeignError::NoFile { path: left });
    }
    PrivateFolder::remove_left(folder, PREFIX, |_| {});
    let own = PrivateFolder::make(folder, PREFIX).map_err(|source| ForeignError::Folder { source })?;
    let believed = own.path().join("sync.c1z");
    let read = ForeignSync::open(&left, Some(own.path()), (&Limits::default(), now))?;
    let report = read.write(&believed, now)?;
    Ok(SourceReading::new((left, believed), report, (own, synced)))
}

impl Source for ForeignConnector {
    fn connection(&self) -> &ConnectionKey {
        &self.key
    }

    fn basis(&self) -> &str {
        &self.basis
    }

    fn read(&self, stop: Cancellation) -> BoxFuture<'_, Result<SourceReading, SourceError>> {
        self.read_in(stop).map(|read| read.map_err(SourceError::from)).boxed()
    }

    fn provision(&self) -> Result<&dyn Provision, String> {
        match (&self.source, &self.access) {
            (ForeignSource::File(_), _) => Err("a file only tells; change it in the application".to_owned()),
            (ForeignSource::Program(_), ForeignAccess::Read) => {
                Err("its program is for reading; write `access: write` beside `baton`".to_owned())
            }
            (ForeignSource::Program(_), ForeignAccess::Write { .. }) => Ok(self),
        }
    }
}

impl Provision for ForeignConnector {
    fn named(&self) -> (&str, String) {
        match &self.source {
            ForeignSource::Program(program) => {
                let name = program.path.file_name().and_then(std::ffi::OsStr::to_str).unwrap_or_default();
                (name, crypto::hex(&program.sha256))
            }
            ForeignSource::File(_) => ("", String::new()),
        }
    }

    fn may_delete(&self, kind: &str) -> bool {
        match &self.access {
            ForeignAccess::Read => false,
            ForeignAccess::Write { delete } => delete.iter().any(|allowed| allowed == kind),
        }
    }

    fn carry_out<'a>(
        &'a self,
        job: &'a Job,
        known: &'a Path,
        as_run: (&'a RunId, Cancellation),
    ) -> BoxFuture<'a, JobEnd> {
        async move {
            let ForeignSource::Program(program) = &self.source else {
                return JobEnd::NotBegun(ForeignError::NoProgram.into());
            };
            let job = match job {
                Job::Grant { entitlement, principal } => {
                    ProgramJob::Grant { file: known, entitlement, principal }
                }
                Job::Revoke { grant } => ProgramJob::Revoke { file: known, grant },
                Job::Delete { resource } => ProgramJob::Delete { file: known, resource },
            };
            self.change(program, &job, as_run).await
        }
        .boxed()
    }

    fn end_left_behind(&self, run: &RunId) {
        end_left_behind(run.as_str());
    }

    fn late(&self) -> Duration {
        self.parts.late
    }
}

impl fmt::Debug for ForeignConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForeignConnector").field("key", &self.key).finish_non_exhaustive()
    }
}

impl ProgramError {
    /// A fixed word about a program that was begun and did not end well; none if it was not begun.
    fn word(&self) -> Option<String> {
        Some(match self {
            Self::Unreadable { .. }
            | Self::Digest { .. }
            | Self::Folder { .. }
            | Self::Setting(_)
            | Self::User(_)
            | Self::Start { .. } => return None,
            Self::Wait { .. } => "lost".to_owned(),
            Self::TimedOut { .. } => "timed_out".to_owned(),
            Self::TooMuchOutput { .. } => "too_much_output".to_owned(),
            Self::Cancelled => "stopped".to_owned(),
            Self::Failed { code: Some(code) } => format!("exit_{code}"),
            Self::Failed { code: None } => "signal".to_owned(),
            Self::NoFile | Self::ForeignFile { .. } => "no_file".to_owned(),
        })
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
