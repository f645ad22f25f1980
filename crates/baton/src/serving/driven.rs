use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use crypto::HashKey;
use engine::Cancellation;
use governance::FileTimes;
use model::{Clock, RandomIds};
use serde_json::Value;
use thiserror::Error;

use super::ServingError;
use super::change_state::ChangeState;
use super::connector::FileConnector;
use super::failure::failure;
use super::place::ServicePlace;
use crate::command_line::{Permission, SyncSettings};
use crate::exit::Exit;
use crate::one_shot::{OneShotError, wanted_part};
use crate::server::{self, Handshake, ServerError, ServerParts, Validate};
use crate::service::{ServedConnector, ServiceTimes};

/// A connector file that another runtime drives (baton §11).
///
/// Changes and what is read lie where service mode keeps them, in a place that is named after `file`: the next process
/// with the same file goes on with what this one leaves.
#[derive(Debug)]
pub struct Driven {
    /// The connection; its file has a section `governance`.
    pub connector: ::connector::Connector,
    /// Stands for the text of the connector file.
    pub definition: String,
    /// The settings of the connection, as the state tells them apart.
    pub values: Vec<(String, Value)>,
    /// The file of the runtime that drives it; it is not read.
    pub file: PathBuf,
    /// What a sync reads, and how.
    pub sync: SyncSettings,
    /// Whether changes may be made.
    pub provisioning: Permission,
    /// The connector's name, like `baton-segment`.
    pub name: String,
    /// When files say that they were made.
    pub times: FileTimes,
    /// Name of the process, as no other has it.
    pub worker: String,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// Asks for an orderly stop.
    pub stop: Cancellation,
}

impl Driven {
    /// Serves the process that wrote a handshake to `input`, on the socket that was handed down as `descriptor` or on
    /// the port of the handshake.
    ///
    /// # Errors
    /// [`DrivenError`], which says with which status the process ends.
    ///
    /// # Cancel safety
    /// Dropping the future is like a crash: the next process goes on.
    pub async fn run(
        mut self,
        input: impl Read + Send + 'static,
        descriptor: Option<&str>,
    ) -> Result<(), DrivenError> {
        // Single resources the driver asks for by itself: it has this flag too.
        self.sync.resources.clear();
        let file = &self.connector.connection().file;
        wanted_part(file, &self.sync).map_err(ServingError::from)?;
        if file.governance.is_none() {
            let connection = self.connector.connection().key.clone();
            let error = OneShotError::from(governance::SyncError::NoGovernance { connection });
            return Err(ServingError::from(error).into());
        }
        let handshake = Handshake::read(input).await?;
        let listening = server::listen(&handshake, descriptor)?;
        let temp = self.sync.temp_folder.clone().unwrap_or_else(std::env::temp_dir);
        let own = std::path::absolute(&self.file).unwrap_or_else(|_| self.file.clone());
        let name = format!("file:{}", own.display());
        let place = ServicePlace::take(&temp, (&self.name, &name), &*self.clock);
        let place = place.await.map_err(ServingError::from)?;
        let (served, parts) = self.into_parts(place).await?;
        let ended = server::serve(listening, &handshake, parts).await;
        // A call that did not end in time still has it; whoever comes next cleans up.
        if let Some(served) = Arc::into_inner(served) {
            served.close().await;
        }
        Ok(ended?)
    }

    async fn into_parts(self, place: ServicePlace) -> Result<(Arc<FileConnector>, ServerParts), DrivenError> {
        let changes = ChangeState::open(
            Arc::clone(place.state()),
            (self.connector.clone(), self.sync.workers),
            (self.worker.clone(), Arc::clone(&self.clock)),
        );
        let (token_key, temp_folder) = (self.token_key(), Some(place.files().to_owned()));
        let (clock, stop) = (Arc::clone(&self.clock), self.stop.clone());
        let tried = self.connector.clone();
        let validate: Validate = Arc::new(move || {
            let connector = tried.clone();
            Box::pin(async move {
                match connector.test().await {
                    Ok(::connector::TestOutcome::Passed) => Ok(()),
                    Ok(::connector::TestOutcome::Failed(error)) | Err(error) => {
                        Err(failure(&OneShotError::Call(Box::new(error))))
                    }
                }
            })
        });
        let provisioning = self.provisioning;
        let served = Arc::new(FileConnector {
            changes: changes.await.map_err(ServingError::from)?,
            connector: self.connector,
            definition: self.definition,
            values: self.values,
            sync: self.sync,
            provisioning,
            times: self.times,
            worker: self.worker,
            clock: self.clock,
            stop: self.stop,
            place,
        });
        let parts = ServerParts {
            connector: Arc::clone(&served) as Arc<dyn ServedConnector>,
            validate,
            provisioning,
            token_key,
            temp_folder,
            clock,
            ids: Arc::new(RandomIds),
            stop,
            times: ServiceTimes::default(),
        };
        Ok((served, parts))
    }

    /// The same for every process of the connector with these settings.
    fn token_key(&self) -> HashKey {
        let values = crypto::canonical_json(&serde_json::json!([self.definition, self.values]));
        HashKey::from_bytes(&HashKey::from_bytes(&values).keyed_hash(b"page tokens of the connector server"))
    }
}

/// Why a connector is not driven.
#[derive(Debug, Error)]
pub enum DrivenError {
    /// What it is told, or where it keeps things.
    #[error(transparent)]
    Serving(#[from] ServingError),
    /// The server.
    #[error(transparent)]
    Server(#[from] ServerError),
}

impl DrivenError {
    /// The status with which the process ends (baton C-15).
    pub fn exit(&self) -> Exit {
        match self {
            Self::Serving(error) => error.exit(),
            Self::Server(error) => error.exit(),
        }
    }
}
