use std::path::PathBuf;
use std::sync::Arc;

use api::{ApiParts, ApiSettings, OidcParts, RateLimit, RootClient, RootUser, Telemetry};
use baton::control::ControlPlane;
use connections::{ConfiguredError, Connections, ConnectionsParts, Outgoing};
use crypto::Secret;
use datastore::Boundary;
use egress::{Budgets, Door, MemoryBudgets, Mode};
use engine::{Concurrency, SharedBudgets};
use governance::worker as access_worker;
use governance::worker::Connected;
use messages::{MessageSecrets, Messages, MessagesParts, Sender, SenderSettings};
use model::{Clock, IdSource as _, RandomIds, SystemClock};
use privacy::Retention;
use privacy::policy_book::PolicyBook;
use privacy::request::{PrivacyRequests, RequestSettings, RequestsParts};
use privacy::storage_book::PackageSettings;
use privacy::worker::{Services, WorkLimits, Worker, WorkerParts};
use spec::server_file::Rate;
use spec::{Server, ServerSettings};
use store::{Actor, Store};

use super::access::ServerAccess;
use super::control::{control, guard};
use super::owner::Owner;
use super::programs::{self, ServerPrograms};
use super::services::{ServerServices, ServicesParts};
use super::settings::api_set;
use super::telemetry;
use super::upkeep::Promises;
use crate::failure::Failure;
use crate::project::{door, limits, reading};
use crate::state::{State, StateSettings, failure};

/// How long a call may take.
const CALL_TIME: std::time::Duration = std::time::Duration::from_mins(1);

/// How many connections are read for who has access at once.
const ACCESS_SLOTS: usize = 4;

/// The server's state, open, with the settings that hold.
#[derive(Debug)]
pub(crate) struct ServerState {
    /// What the server was started with, with what was set over the API.
    pub(crate) settings: ServerSettings,
    /// What flags, environment and file say.
    own: ServerSettings,
    /// Where everything is kept.
    pub(crate) store: Store,
    /// Where it is.
    pub(crate) place: StateSettings,
    /// What it tells those who look after it.
    pub(crate) telemetry: Telemetry,
    /// Name of this process among those that share the state.
    pub(crate) name: String,
    /// The connections, with the one way out that all of this process share.
    connections: Connections,
    /// How messages leave.
    messages: Messages,
    /// What privacy requests are carried out with.
    services: Arc<dyn Services>,
    /// What connections are read with for who has access, and changed.
    access: Arc<dyn Connected>,
    clock: Arc<dyn Clock>,
}

impl ServerState {
    /// Opens the state of a server: brings its tables up to date, and connections up to the library of
    /// this version, and sees to it that there is an owner, and on the first start the default policies.
    ///
    /// # Errors
    /// Bad input if half an owner is given, a failure if the state cannot be opened.
    pub(crate) async fn open(own: ServerSettings, place: StateSettings) -> Result<Self, Failure> {
        let owner = Owner::from_environment(|name| std::env::var(name).ok())?;
        Self::open_owned(own, place, owner).await
    }

    /// The same with this owner.
    ///
    /// # Errors
    /// As [`ServerState::open`].
    pub(crate) async fn open_owned(
        own: ServerSettings,
        place: StateSettings,
        owner: Owner,
    ) -> Result<Self, Failure> {
        let state = Self::open_as("serve", own, place).await?;
        owner.settle(&state.store).await?;
        let policies = PolicyBook::new(state.store.clone()).seed(&Actor::system()).await;
        policies.map_err(|error| Failure::failed(&error))?;
        state.connections.bring_up_to_library().await.map_err(|error| failure(&error))?;
        Ok(state)
    }

    /// Opens the state for a process of this kind, and brings its tables up to date.
    ///
    /// # Errors
    /// A failure if the state cannot be opened.
    pub(crate) async fn open_as(
        kind: &str,
        own: ServerSettings,
        place: StateSettings,
    ) -> Result<Self, Failure> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let telemetry = telemetry::start();
        let State { store, keys, journal } = place.open(Arc::clone(&clock)).await?;
        let over_api = api_set(&store).await.map_err(|error| failure(&error))?;
        let settings = own.with_api(&over_api);
        let connections = Connections::new(ConnectionsParts {
            store: store.clone(),
            clock: Arc::clone(&clock),
            ids: Arc::new(RandomIds),
            outgoing: outgoing(&settings.server, &place, (&store, &clock))?,
        });
        let messages = messages(&settings, &store, &clock)?;
        let name = format!("{kind}_{}", RandomIds.next_uuid());
        let concurrency = Concurrency::new(limits(&settings.server.reading));
        let programs = ServerPrograms::open(&settings.server, &store, |name| std::env::var(name).ok())?;
        let configured = connections.settle_configured(&programs::configured(&settings.server)).await;
        configured.map_err(|error| match error {
            ConfiguredError::Taken { .. } => Failure::bad_input(&error),
            ConfiguredError::Store(error) => failure(&error),
        })?;
        let access = ServerAccess::new((connections.clone(), programs), concurrency.clone(), name.clone());
        let services = Arc::new(ServerServices::new(ServicesParts {
            store: store.clone(),
            connections: connections.clone(),
            own: own.clone(),
            concurrency,
            clock: Arc::clone(&clock),
            worker: name.clone(),
            folder: place.folder.clone(),
            journal,
            keys: Arc::new(keys),
        }));
        let access = Arc::new(access);
        Ok(Self {
            settings,
            own,
            store,
            place,
            telemetry,
            name,
            connections,
            messages,
            services,
            access,
            clock,
        })
    }

    /// What sends messages in this process.
    pub(crate) fn sender(&self) -> Sender {
        Sender::new(self.messages.clone(), SenderSettings::named(&self.name))
    }

    /// How packages leave this process.
    fn packages(&self) -> Result<PackageSettings, Failure> {
        let egress = door::settings(&self.settings.server.egress).map_err(Failure::BadInput)?;
        let folder = &self.place.folder;
        PackageSettings::open(egress, folder.clone()).map_err(|error| Failure::unwritable(folder, &error))
    }

    /// The requests of people.
    fn requests(&self) -> PrivacyRequests {
        PrivacyRequests::new(RequestsParts {
            store: self.store.clone(),
            policies: PolicyBook::new(self.store.clone()),
            clock: Arc::clone(&self.clock),
            ids: Arc::new(RandomIds),
            settings: RequestSettings::default(),
            configured: Some(self.own.clone()),
        })
    }

    /// What connectors that run elsewhere get their work from.
    ///
    /// # Errors
    /// Bad input if settings cannot be used.
    pub(crate) fn control(&self) -> Result<ControlPlane, Failure> {
        control(&self.settings.server, &self.store, &self.place.folder)
    }

    /// What is kept up beside the calls; with `control` also what connectors upload.
    pub(crate) fn promises(&self, control: Option<ControlPlane>) -> Promises {
        let remind_before = self.settings.server.deadlines.remind_before;
        let retention = self.settings.server.retention;
        Promises {
            requests: self.requests(),
            services: Arc::clone(&self.services),
            remind_before,
            retention: Retention { rows: retention.rows, identities: retention.identities },
            inventory: retention.inventory,
            control,
        }
    }

    /// What reads connections for who has access, and ends access at its time, in this process.
    pub(crate) fn access_worker(&self) -> access_worker::Worker {
        access_worker::Worker::new(access_worker::WorkerParts {
            store: self.store.clone(),
            connected: Arc::clone(&self.access),
            name: self.name.clone(),
            slots: ACCESS_SLOTS,
            guard: guard(&self.settings.server),
            clock: Arc::clone(&self.clock),
            ids: Arc::new(RandomIds),
        })
    }

    /// What carries out the requests of people in this process.
    ///
    /// # Errors
    /// Bad input if settings cannot be used together.
    pub(crate) fn worker(&self) -> Result<Worker, Failure> {
        let requests = self.requests();
        let execution = &self.settings.server.execution;
        Ok(Worker::new(WorkerParts {
            store: self.store.clone(),
            requests,
            services: Arc::clone(&self.services),
            packages: self.packages()?,
            name: self.name.clone(),
            slots: usize::try_from(execution.slots).unwrap_or(usize::MAX),
            limits: WorkLimits {
                attempts: u64::from(execution.attempts),
                time: Some(execution.task_soft_time_limit).filter(|limit| !limit.is_zero()),
            },
            clock: Arc::clone(&self.clock),
            ids: Arc::new(RandomIds),
        }))
    }
}

/// Everything that the server answers to.
///
/// # Errors
/// Bad input if settings cannot be used together, or half a root client is given.
pub(crate) fn router(state: &ServerState, control: ControlPlane) -> Result<axum::Router, Failure> {
    let root_client = root_client(|name| std::env::var(name).ok())?;
    let server = &state.settings.server;
    let settings = ApiSettings {
        token_life: server.security.token_life,
        auth_rate_limit: limit(server.security.auth_rate_limit),
        request_rate_limit: limit(server.security.request_rate_limit),
        cors_origins: server.security.cors_origins.clone(),
        root_client,
        root_user: root_user(|name| std::env::var(name).ok())?,
        session_life: server.security.session_life,
        session_idle: server.security.session_idle,
        public_rate_limit: limit(server.security.public_rate_limit),
        secure_cookies: server.tls.is_some()
            || server.public_url.as_deref().is_some_and(|url| url.starts_with("https://")),
        oidc: oidc(server)?,
        body_bytes: server.max_body_bytes,
        call_time: CALL_TIME,
        configured: state.own.clone(),
        telemetry: state.telemetry.clone(),
    };
    Ok(api::router(ApiParts {
        store: state.store.clone(),
        connections: state.connections.clone(),
        messages: state.messages.clone(),
        packages: state.packages()?,
        services: Some(Arc::clone(&state.services)),
        access: Some(Arc::clone(&state.access)),
        control: Some(control),
        clock: Arc::clone(&state.clock),
        ids: Arc::new(RandomIds),
        settings,
    }))
}

/// How messages leave: as the server's own settings say, with the secrets of the environment.
fn messages(settings: &ServerSettings, store: &Store, clock: &Arc<dyn Clock>) -> Result<Messages, Failure> {
    let secrets = MessageSecrets::read(&settings.server, |name| std::env::var(name).ok());
    let parts = MessagesParts {
        store: store.clone(),
        configured: settings.clone(),
        secrets: secrets.map_err(|error| Failure::bad_input(&error))?,
        egress: door::settings(&settings.server.egress).map_err(Failure::BadInput)?,
        clock: Arc::clone(clock),
    };
    Messages::new(parts).map_err(|error| Failure::bad_input(&error))
}

/// The way out: as the server's own settings say, shared budgets where several processes may be at
/// work, and never to where Tutela keeps its own state (architecture §13.19).
fn outgoing(
    server: &Server,
    place: &StateSettings,
    (store, clock): (&Store, &Arc<dyn Clock>),
) -> Result<Outgoing, Failure> {
    let settings = door::settings(&server.egress).map_err(Failure::BadInput)?;
    let own_state = place.own_state();
    let budgets: Arc<dyn Budgets> = if own_state.is_some() {
        Arc::new(SharedBudgets::new(store.clone(), Arc::clone(clock)))
    } else {
        Arc::new(MemoryBudgets::new(Arc::clone(clock)))
    };
    let boundary = Boundary {
        allow: settings.allow.clone(),
        folders: server.sqlite_folders.iter().map(PathBuf::from).collect(),
        base: PathBuf::from("."),
        own_paths: vec![place.folder.clone()],
        own_state,
    };
    let door = Door::new(settings, Mode::Live, budgets, Arc::clone(clock))
        .map_err(|error| Failure::bad_input(&error))?;
    Ok(Outgoing { door, calls: reading(&server.reading), boundary })
}

fn limit(rate: Rate) -> RateLimit {
    RateLimit { calls: rate.calls, per: rate.per }
}

/// The provider of accounts, if the settings name one.
fn oidc(server: &Server) -> Result<Option<OidcParts>, Failure> {
    let (Some(settings), Some(public_url)) = (server.oidc.clone(), server.public_url.clone()) else {
        return Ok(None);
    };
    let secret = std::env::var("TUTELA_OIDC_CLIENT_SECRET").ok().filter(|secret| !secret.is_empty());
    let client_secret = secret.map(Secret::new);
    let egress = door::settings(&server.egress).map_err(Failure::BadInput)?;
    let parts = OidcParts { settings, client_secret, public_url, egress };
    parts.check().map_err(Failure::BadInput)?;
    Ok(Some(parts))
}

/// The person with all scopes, if the environment names one.
fn root_user(variable: impl Fn(&str) -> Option<String>) -> Result<Option<RootUser>, Failure> {
    let given = |name| variable(name).filter(|value| !value.is_empty());
    match (given("TUTELA_ROOT_USERNAME"), given("TUTELA_ROOT_PASSWORD")) {
        (Some(username), Some(password)) => Ok(Some(RootUser { username, password: Secret::new(password) })),
        (None, None) => Ok(None),
        (Some(_), None) | (None, Some(_)) => Err(Failure::BadInput(
            "TUTELA_ROOT_USERNAME and TUTELA_ROOT_PASSWORD go together; set both, or none for no root user"
                .to_owned(),
        )),
    }
}

/// The client with all scopes, if the environment names one.
fn root_client(variable: impl Fn(&str) -> Option<String>) -> Result<Option<RootClient>, Failure> {
    let given = |name| variable(name).filter(|value| !value.is_empty());
    match (given("TUTELA_CLIENT_ID"), given("TUTELA_CLIENT_SECRET")) {
        (Some(id), Some(secret)) => Ok(Some(RootClient { id, secret: Secret::new(secret) })),
        (None, None) => Ok(None),
        (Some(_), None) | (None, Some(_)) => Err(Failure::BadInput(
            "TUTELA_CLIENT_ID and TUTELA_CLIENT_SECRET go together; set both, or none for no root client"
                .to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_client_is_whole_or_absent_and_its_secret_is_not_shown() {
        let of = |pairs: &'static [(&'static str, &'static str)]| {
            root_client(|asked| {
                pairs.iter().find(|(name, _)| *name == asked).map(|(_, value)| (*value).to_owned())
            })
        };

        let whole = of(&[("TUTELA_CLIENT_ID", "root"), ("TUTELA_CLIENT_SECRET", "canary")]).unwrap().unwrap();

        assert_eq!(whole.id, "root");
        assert!(!format!("{whole:?}").contains("canary"));
        assert!(of(&[]).unwrap().is_none());
        assert!(of(&[("TUTELA_CLIENT_ID", "root")]).is_err());
        assert!(of(&[("TUTELA_CLIENT_SECRET", "canary")]).is_err());
    }
}
