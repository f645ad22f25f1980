//! One-shot mode of a connector process (baton C-6): one job on one file, without a project around it.
//!
//! What has to survive the process until the job is done lies beside the file, in a folder that nobody else
//! may read; the same command goes on with it, and takes it away at the end.

mod account;
mod change;
mod error;
mod folder;
mod part;
mod sync;
mod sync_job;

use std::sync::Arc;
use std::time::Duration;

use connector::Connector;
use engine::{Cancellation, Concurrency, Limits};
use governance::FileTimes;
use model::Clock;

pub use error::OneShotError;
pub use folder::FolderError;

pub(crate) use account::new_account;
pub(crate) use change::{all_is_known, follows_from_others, is_of_another};
pub(crate) use folder::JobFolder;
pub(crate) use part::{UnknownKind, kinds_of, resources_of, wanted_part};
pub(crate) use sync_job::{SyncJob, note};

use crate::command_line::{Mode, Settings, Workers};

/// How long a job waits for another process that works on the same file.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// Most calls side by side that a machine is asked for (baton S-13).
const MOST_OF_MACHINE: usize = 4;

/// A job and what it is done with.
#[derive(Debug)]
pub struct OneShot {
    /// The connection; its file has a section `governance`.
    pub connector: Connector,
    /// Stands for the text of the connector file.
    pub definition: String,
    /// What is to be done.
    pub settings: Settings,
    /// When a file says that it was made.
    pub times: FileTimes,
    /// Name of the process, as no other has it.
    pub worker: String,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// Stops it; the same command goes on with what was read.
    pub cancellation: Cancellation,
}

impl OneShot {
    /// Does the job. What is to be known about it is logged.
    ///
    /// # Errors
    /// [`OneShotError`], which says with which status the process ends.
    ///
    /// # Cancel safety
    /// Dropping the future is like a crash: the same command goes on.
    pub async fn run(self) -> Result<(), OneShotError> {
        for key in &self.settings.unknown_keys {
            tracing::info!(key, "a key of the configuration file is no flag of this connector");
        }
        if self.settings.telemetry.is_some() {
            tracing::warn!("otel-collector-endpoint is not used by this version");
        }
        match &self.settings.mode {
            Mode::Sync => self.sync().await,
            Mode::Service(_) => Err(unsupported("client-id", "leave it out for a single sync into a file")),
            Mode::Grant { entitlement, principal } => self.grant(entitlement, principal).await,
            Mode::Revoke { grant } => self.revoke(grant).await,
            Mode::CreateAccount(account) => self.create(account).await,
            Mode::Delete(resource) => self.delete(resource).await,
            Mode::EventFeed { .. } => {
                Err(unsupported("event-feed", "look at the application's own audit log"))
            }
            Mode::Rotate(_) => {
                Err(unsupported("rotate-credentials", "connector files have no credentials to rotate"))
            }
            Mode::Diff { .. } => Err(unsupported("diff-syncs", "`tutela c1z diff` compares two syncs")),
            Mode::Compact { .. } => Err(unsupported("compact-syncs", "make a new sync instead")),
        }
    }
}

/// Calls side by side.
pub(crate) fn calls_at_once(workers: Workers) -> Concurrency {
    let at_once = match workers {
        Workers::One => 1,
        Workers::OfMachine => {
            std::thread::available_parallelism().map_or(1, usize::from).min(MOST_OF_MACHINE)
        }
        Workers::Count(count) => count,
    };
    Concurrency::new(Limits { per_connection: at_once, total: at_once })
}

fn unsupported(flag: &'static str, instead: &'static str) -> OneShotError {
    OneShotError::Unsupported { flag, instead }
}
