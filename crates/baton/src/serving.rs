//! A connector file that serves a control plane: what stands behind [`service`] in a
//! process.
//!
//! What has to survive the process lies in folders of its owner alone, below the folder for temporary files, and is
//! named after the client id: a process that takes the place of one that was killed goes on with what that one left.
//! Several processes on one machine have a place each.

mod change_state;
mod changes;
mod connector;
mod driven;
mod failure;
mod order_part;
mod place;

use std::path::PathBuf;
use std::sync::Arc;

use connector::FileConnector;
use egress::DoorSettings;
use engine::Cancellation;
use governance::FileTimes;
use model::{Clock, RandomIds};
use serde_json::Value;
use thiserror::Error;
use tonic::Code;

use crate::command_line::{HealthSettings, Permission, ServiceSettings, SyncSettings};
use crate::exit::Exit;
use crate::health::{Health, HealthServer, HealthServerError, Validate};
use crate::one_shot::{FolderError, OneShotError, wanted_part};
use crate::service::{self, ServiceError, ServiceParts, ServiceTimes};

pub use driven::{Driven, DrivenError};

use change_state::ChangeState;
use place::ServicePlace;

/// A connector file and the control plane that it serves.
#[derive(Debug)]
pub struct Serving {
    /// The connection; its file has a section `governance`.
    pub connector: ::connector::Connector,
    /// Stands for the text of the connector file.
    pub definition: String,
    /// The settings of the connection, as the state tells them apart.
    pub values: Vec<(String, Value)>,
    /// How the control plane is served.
    pub service: ServiceSettings,
    /// What a sync reads, and how, where a task does not say it.
    pub sync: SyncSettings,
    /// Where health is told.
    pub health: Option<HealthSettings>,
    /// The connector's name, like `baton-segment`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The way out to the control plane.
    pub egress: DoorSettings,
    /// When files say that they were made.
    pub times: FileTimes,
    /// Name of the process, as no other has it.
    pub worker: String,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// Asks for an orderly stop.
    pub stop: Cancellation,
    /// Keys of the configuration file that are no flags, with their places.
    pub unknown_keys: Vec<String>,
}

impl Serving {
    /// Serves until it is asked to stop.
    ///
    /// # Errors
    /// [`ServingError`], which says with which status the process ends.
    ///
    /// # Cancel safety
    /// Dropping the future is like a crash: whoever serves next goes on.
    pub async fn run(self) -> Result<(), ServingError> {
        for key in &self.unknown_keys {
            tracing::info!(key, "a key of the configuration file is no flag of this connector");
        }
        if self.service.keep_previous_sync == Permission::Allowed {
            tracing::info!("keep-previous-sync-c1z is not needed: this connector replays no pages");
        }
        // What the process is told and cannot do is said now, not with each task.
        wanted_part(&self.connector.connection().file, &self.sync)?;
        if self.connector.connection().file.governance.is_none() {
            let connection = self.connector.connection().key.clone();
            return Err(OneShotError::from(governance::SyncError::NoGovernance { connection }).into());
        }
        let client_id = self.service.credential.client_id.as_str();
        let temp = self.sync.temp_folder.clone().unwrap_or_else(std::env::temp_dir);
        let place = ServicePlace::take(&temp, (&self.name, client_id), &*self.clock).await?;
        let files = place.files().to_owned();
        let health = match self.health {
            Some(settings) => Some(self.tell_health(settings).await?),
            None => None,
        };
        let (settings, parts, served) = self.into_parts((place, files, health)).await?;
        let ended = service::run(settings, parts).await;
        // A task that did not end in time still has it; whoever comes next cleans up.
        if let Some(served) = Arc::into_inner(served) {
            served.close().await;
        }
        Ok(ended?)
    }

    async fn into_parts(
        self,
        (place, files, health): (ServicePlace, PathBuf, Option<Health>),
    ) -> Result<(ServiceSettings, ServiceParts, Arc<FileConnector>), ServingError> {
        let changes = ChangeState::open(
            place.state().clone(),
            (self.connector.clone(), self.sync.workers),
            (self.worker.clone(), Arc::clone(&self.clock)),
        )
        .await?;
        let served = Arc::new(FileConnector {
            connector: self.connector,
            definition: self.definition,
            values: self.values,
            sync: self.sync,
            provisioning: self.service.provisioning,
            times: self.times,
            worker: self.worker,
            clock: Arc::clone(&self.clock),
            stop: self.stop.clone(),
            place,
            changes,
        });
        let parts = ServiceParts {
            connector: Arc::clone(&served) as Arc<dyn service::ServedConnector>,
            name: self.name,
            version: self.version,
            egress: self.egress,
            temp_folder: Some(files),
            clock: self.clock,
            ids: Arc::new(RandomIds),
            stop: self.stop,
            health,
            times: ServiceTimes::default(),
        };
        Ok((self.service, parts, served))
    }

    /// Opens the port, and answers on it until the process is asked to stop.
    async fn tell_health(&self, settings: HealthSettings) -> Result<Health, ServingError> {
        let connector = self.connector.clone();
        let validate: Validate = Arc::new(move || {
            let connector = connector.clone();
            Box::pin(async move {
                match connector.test().await {
                    Ok(::connector::TestOutcome::Passed) => Ok(()),
                    Ok(::connector::TestOutcome::Failed(error)) | Err(error) => Err(error.to_string()),
                }
            })
        });
        let health = Health::new(validate, Arc::clone(&self.clock));
        let server = HealthServer::open(settings.address).await?;
        tracing::info!(address = %server.address(), "health is told");
        let (told, stop) = (health.clone(), self.stop.clone());
        tokio::spawn(server.serve(told, async move { stop.cancelled().await }));
        Ok(health)
    }
}

/// Why a control plane is not served.
#[derive(Debug, Error)]
pub enum ServingError {
    /// It is told something that it cannot do.
    #[error(transparent)]
    Settings(#[from] OneShotError),
    /// There is no place for what has to survive.
    #[error("{0}; `c1z-temp-dir` names another folder")]
    Folder(#[from] FolderError),
    /// Health cannot be told.
    #[error(transparent)]
    Health(#[from] HealthServerError),
    /// The control plane.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl ServingError {
    /// The status with which the process ends (baton C-15).
    pub fn exit(&self) -> Exit {
        match self {
            Self::Settings(error) => error.exit(),
            Self::Folder(error) => error.exit(),
            Self::Health(_) => Exit::of(Code::Unavailable),
            Self::Service(error) => error.exit(),
        }
    }
}

#[cfg(test)]
mod tests;
