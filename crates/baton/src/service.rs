//! Service mode: a connector that a control plane gives tasks to (baton §13), for days.
//!
//! [`run`] says hello, fetches tasks, carries them out by the connector it was given, tells how they ended, and
//! stops in order when it is asked to. What a connector does stands behind [`ServedConnector`]; here is the
//! protocol: leases and heartbeats, uploads with checksum, which failures may be tried again, and waiting.
//!
//! A control plane may give a task twice (P-22). Never twice at a time: what is being worked on is passed over.
//! One after the other is the connector's to bear: a change that was made already is a success without a write.

mod call;
mod change;
mod connector;
mod control;
mod duration;
mod failure;
mod finish;
mod heartbeat;
mod hello;
mod order;
mod patience;
mod poll;
mod sync;
mod task;
mod task_log;
mod upload;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use egress::DoorSettings;
use engine::Cancellation;
use model::{Clock, IdSource};
use thiserror::Error;

use crate::command_line::ServiceSettings;
use crate::exit::Exit;
use crate::health::{Health, Readiness};
use crate::token::TokenError;

pub use call::CallError;
pub use connector::{Change, Provisioner, ServedConnector, TaskContext};
pub use failure::TaskFailure;
pub use order::{AccountOrder, DeleteOrder, GrantOrder, ResourceOrder, RevokeOrder, SyncOrder};
pub use task_log::TaskLog;

use control::ControlPlane;
use poll::Runner;

/// What service mode is made of, besides its settings.
///
/// ```
/// # use std::sync::Arc;
/// # use baton::exit::Exit;
/// # use baton::command_line::ServiceSettings;
/// # use baton::service::{self, ServedConnector, ServiceParts, ServiceTimes};
/// async fn serve(settings: ServiceSettings, connector: Arc<dyn ServedConnector>) -> Exit {
///     let (canceller, stop) = engine::Canceller::new();
///     tokio::spawn(async move {
///         if tokio::signal::ctrl_c().await.is_ok() {
///             canceller.cancel();
///         }
///     });
///     let parts = ServiceParts {
///         connector,
///         name: "baton-segment".to_owned(),
///         version: "1.0.0".to_owned(),
///         egress: egress::DoorSettings::default(),
///         temp_folder: None,
///         clock: Arc::new(model::SystemClock),
///         ids: Arc::new(model::RandomIds),
///         stop,
///         health: None,
///         times: ServiceTimes::default(),
///     };
///     match service::run(settings, parts).await {
///         Ok(()) => Exit::SUCCESS,
///         Err(error) => error.exit(),
///     }
/// }
/// ```
pub struct ServiceParts {
    /// What carries tasks out.
    pub connector: Arc<dyn ServedConnector>,
    /// The connector's name, like `baton-segment`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The way out.
    pub egress: DoorSettings,
    /// Where files of syncs are until they are uploaded; `None` = where the system has them.
    pub temp_folder: Option<PathBuf>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Where nonces, and the chance in waits, come from.
    pub ids: Arc<dyn IdSource>,
    /// Asks for an orderly stop.
    pub stop: Cancellation,
    /// What is told about health.
    pub health: Option<Health>,
    /// How long things may take.
    pub times: ServiceTimes,
}

/// How long things may take. The defaults are those of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceTimes {
    /// One call: hello, heartbeat, finish (baton P-21).
    pub call: Duration,
    /// One call that asks for tasks: a control plane may hold it until there is one.
    pub poll: Duration,
    /// An upload, besides what its size takes at 64 KiB a second.
    pub upload: Duration,
    /// A sync.
    pub sync: Duration,
    /// A change.
    pub change: Duration,
    /// What a task has to end in when it is cancelled.
    pub grace: Duration,
}

impl Default for ServiceTimes {
    fn default() -> Self {
        Self {
            call: Duration::from_secs(30),
            poll: Duration::from_mins(2),
            upload: Duration::from_mins(5),
            sync: Duration::from_hours(24),
            change: Duration::from_hours(1),
            grace: Duration::from_secs(10),
        }
    }
}

/// Serves the control plane until it is asked to stop.
///
/// # Errors
/// [`ServiceError`] if the way out cannot be prepared, or the control plane does not take the connector's
/// hello for a reason that waiting does not mend (baton P-11). Later nothing ends it: outages and refusals are
/// logged and waited for.
///
/// # Cancel safety
/// Dropping it ends all tasks without telling the control plane; ask by `stop` in place of that.
pub async fn run(settings: ServiceSettings, parts: ServiceParts) -> Result<(), ServiceError> {
    let health = parts.health.clone();
    let control = Arc::new(ControlPlane::new(&settings, &parts)?);
    let runner = Runner::new(&settings, parts, control);
    if !runner.introduce().await? {
        return Ok(());
    }
    let tell = |readiness| health.iter().for_each(|health| health.set(readiness));
    tell(Readiness::Ready);
    runner.serve().await;
    tell(Readiness::NotReady);
    Ok(())
}

/// Why a control plane is not served.
#[derive(Debug, Error)]
pub enum ServiceError {
    /// The way out.
    #[error("calls to the control plane cannot be prepared: {0}")]
    Egress(#[source] TokenError),
    /// The connector cannot say what it is.
    #[error("the connector cannot say what it can do: {0}")]
    Metadata(#[source] TaskFailure),
    /// Hello was refused for good.
    #[error("the control plane does not take this connector: {0}")]
    Refused(#[source] CallError),
}

impl ServiceError {
    /// The status with which the process ends (baton C-15).
    pub fn exit(&self) -> Exit {
        Exit::of(match self {
            Self::Egress(error) => error.code(),
            Self::Metadata(failure) => failure.code(),
            Self::Refused(error) => error.code(),
        })
    }
}

#[cfg(test)]
mod tests;
