use std::path::PathBuf;
use std::sync::Arc;

use api::{ApiParts, ApiSettings, RateLimit, RootClient};
use connections::{Connections, ConnectionsParts, Outgoing};
use crypto::Secret;
use datastore::Boundary;
use egress::{Budgets, Door, MemoryBudgets, Mode};
use engine::SharedBudgets;
use model::{Clock, RandomIds, SystemClock};
use privacy::policy_book::PolicyBook;
use privacy::storage_book::PackageSettings;
use spec::ServerSettings;
use spec::server_file::Rate;
use store::{Actor, Store};

use super::owner::Owner;
use super::settings::api_set;
use crate::failure::Failure;
use crate::project::door;
use crate::project::reading;
use crate::state::{StateSettings, failure};

/// How long a call may take.
const CALL_TIME: std::time::Duration = std::time::Duration::from_mins(1);

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
    clock: Arc<dyn Clock>,
}

impl ServerState {
    /// Opens the state, brings its tables up to date, and sees to it that there is an owner, and
    /// on the first start the default policies.
    ///
    /// # Errors
    /// Bad input if half an owner is given, a failure if the state cannot be opened.
    pub(crate) async fn open(own: ServerSettings, place: StateSettings) -> Result<Self, Failure> {
        let owner = Owner::from_environment(|name| std::env::var(name).ok())?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let store = place.open(Arc::clone(&clock)).await?.store;
        owner.settle(&store).await?;
        let policies = PolicyBook::new(store.clone()).seed(&Actor::system()).await;
        policies.map_err(|error| Failure::failed(&error))?;
        let over_api = api_set(&store).await.map_err(|error| failure(&error))?;
        Ok(Self { settings: own.with_api(&over_api), own, store, place, clock })
    }
}

/// Everything that the server answers to.
///
/// # Errors
/// Bad input if settings cannot be used together, or half a root client is given.
pub(crate) fn router(state: &ServerState) -> Result<axum::Router, Failure> {
    let root_client = root_client(|name| std::env::var(name).ok())?;
    let server = &state.settings.server;
    let settings = ApiSettings {
        token_life: server.security.token_life,
        auth_rate_limit: limit(server.security.auth_rate_limit),
        request_rate_limit: limit(server.security.request_rate_limit),
        cors_origins: server.security.cors_origins.clone(),
        root_client,
        body_bytes: server.max_body_bytes,
        call_time: CALL_TIME,
        configured: state.own.clone(),
    };
    let connections = Connections::new(ConnectionsParts {
        store: state.store.clone(),
        clock: Arc::clone(&state.clock),
        ids: Arc::new(RandomIds),
        outgoing: outgoing(state)?,
    });
    Ok(api::router(ApiParts {
        store: state.store.clone(),
        connections,
        packages: PackageSettings {
            egress: door::settings(&server.egress).map_err(Failure::BadInput)?,
            data: state.place.folder.clone(),
        },
        clock: Arc::clone(&state.clock),
        ids: Arc::new(RandomIds),
        settings,
    }))
}

/// The way out: as the server's own settings say, shared budgets where several processes may be at
/// work, and never to where Tutela keeps its own state (architecture §13.19).
fn outgoing(state: &ServerState) -> Result<Outgoing, Failure> {
    let server = &state.settings.server;
    let settings = door::settings(&server.egress).map_err(Failure::BadInput)?;
    let own_state = state.place.own_state();
    let budgets: Arc<dyn Budgets> = if own_state.is_some() {
        Arc::new(SharedBudgets::new(state.store.clone(), Arc::clone(&state.clock)))
    } else {
        Arc::new(MemoryBudgets::new(Arc::clone(&state.clock)))
    };
    let boundary = Boundary {
        allow: settings.allow.clone(),
        folders: server.sqlite_folders.iter().map(PathBuf::from).collect(),
        base: PathBuf::from("."),
        own_paths: vec![state.place.folder.clone()],
        own_state,
    };
    let door = Door::new(settings, Mode::Live, budgets, Arc::clone(&state.clock))
        .map_err(|error| Failure::bad_input(&error))?;
    Ok(Outgoing { door, calls: reading(&server.reading), boundary })
}

fn limit(rate: Rate) -> RateLimit {
    RateLimit { calls: rate.calls, per: rate.per }
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
