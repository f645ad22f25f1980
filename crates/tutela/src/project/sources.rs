use std::collections::HashMap;
use std::sync::Arc;

use connections::{Calls, DatabasePlace, GraphPart, joined};
use datastore::{Boundary, Database};
use egress::{AllowedNetwork, Door, Mode};
use engine::{SharedBudgets, Source, StoredTokens, StoredTokensParts};
use graph::Graph;
use model::{Clock, ConnectionKey, RandomIds};
use serde_json::json;
use spec::DatabaseKind;
use spec::dataset_file::Dataset;
use store::Store;

use super::member::{Instance, Member, Part};
use super::{ProjectFile, reading};
use crate::failure::Failure;
use crate::service::worker;
use crate::state::StateSettings;

/// Connections joined into one graph, and what is behind each of them.
#[derive(Debug)]
pub(crate) struct Wired {
    /// All collections of all connections.
    pub(crate) graph: Graph,
    /// What rows come from and changes go to.
    pub(crate) sources: HashMap<ConnectionKey, Source>,
}

impl Wired {
    /// One connection by itself, outside of any project.
    ///
    /// # Errors
    /// Bad input if its files contradict each other.
    pub(crate) fn of_instance(instance: &Instance, calls: &Calls) -> Result<Self, Failure> {
        let part = GraphPart::Connector(&instance.connection, instance.dataset.as_ref());
        let graph = joined([part]).map_err(|error| Failure::bad_input(&error))?;
        let source = Source::from(calls.connector(instance.connection.clone()));
        Ok(Self { graph, sources: HashMap::from([(instance.connection.key.clone(), source)]) })
    }
}

/// What all connections of a project are opened with.
#[derive(Debug)]
pub(crate) struct Opening<'a> {
    /// The project.
    pub(crate) project: &'a ProjectFile,
    /// Where Tutela's own state is: no connection leads there.
    pub(crate) state: &'a StateSettings,
    /// How applications are called.
    pub(crate) calls: Calls,
}

impl<'a> Opening<'a> {
    /// With the project's own settings and a live way out.
    ///
    /// # Errors
    /// Bad input if the project's `egress` cannot be used.
    pub(crate) fn live(
        project: &'a ProjectFile,
        state: &'a StateSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        let door = project.door(Mode::Live, &clock)?;
        let calls = Calls::new(door, reading(&project.project.reading), (clock, Arc::new(RandomIds)));
        Ok(Self { project, state, calls })
    }

    /// The same, with the access tokens that are kept; where there is no state yet, none is made.
    ///
    /// # Errors
    /// Bad input if the project's `egress` cannot be used; a failure if the state cannot be opened.
    pub(crate) async fn of_kept(
        (project, state): (&'a ProjectFile, &'a StateSettings),
        members: &[Member],
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        if !state.is_there() {
            return Self::live(project, state, clock);
        }
        let store = state.open(Arc::clone(&clock)).await?.store;
        Self::shared((project, state), (&store, &worker()), members, clock)
    }

    /// The same, with what all processes on one state share: access tokens, and rate budgets if the state
    /// lies on a server, where several may be at work.
    ///
    /// # Errors
    /// Bad input if the project's `egress` cannot be used.
    pub(crate) fn shared(
        (project, state): (&'a ProjectFile, &'a StateSettings),
        (store, worker): (&Store, &str),
        members: &[Member],
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        let mut opening = Self::live(project, state, Arc::clone(&clock))?;
        if state.own_state().is_some() {
            let budgets = Arc::new(SharedBudgets::new(store.clone(), Arc::clone(&clock)));
            opening.calls.door = Door::new(project.door_settings()?, Mode::Live, budgets, clock)
                .map_err(|error| Failure::bad_input(&error))?;
        }
        let fingerprint = |member: &Member| {
            let hash = store.keyed_hash(&crypto::canonical_json(&json!(member.secrets)));
            (member.entry.key.clone(), crypto::hex(&hash))
        };
        opening.calls.tokens = Arc::new(StoredTokens::new(StoredTokensParts {
            store: store.clone(),
            worker: worker.to_owned(),
            fingerprints: members.iter().map(fingerprint).collect(),
        }));
        Ok(opening)
    }

    /// All connections, joined.
    ///
    /// # Errors
    /// Bad input if files contradict each other, or do not say where a database is.
    pub(crate) fn wire(&self, members: &[Member]) -> Result<Wired, Failure> {
        let mut sources = HashMap::new();
        for member in members {
            let source = match &member.part {
                Part::Connector(instance) => Source::from(self.calls.connector(instance.connection.clone())),
                Part::Database(kind, dataset) => Source::from(self.database(member, *kind, dataset)?),
            };
            sources.insert(member.entry.key.clone(), source);
        }
        Ok(Wired { graph: graph(members)?, sources })
    }

    /// A database, ready to be read. Nothing is dialled.
    ///
    /// # Errors
    /// Bad input if its secrets do not say where it is.
    pub(crate) fn database(
        &self,
        member: &Member,
        kind: DatabaseKind,
        dataset: &Dataset,
    ) -> Result<Database, Failure> {
        let place = DatabasePlace {
            key: member.entry.key.clone(),
            kind,
            secrets: member.secrets.clone(),
            access: member.entry.access,
            namespace: dataset.namespace.clone().unwrap_or_default(),
            boundary: self.boundary()?,
        };
        place.open(&self.calls.settings, &self.calls.clock).map_err(|error| Failure::bad_input(&error))
    }

    /// Databases may be where `egress.allow` says, files in the project's folder, and neither where
    /// Tutela keeps its own state (architecture §13.19).
    fn boundary(&self) -> Result<Boundary, Failure> {
        let allow: Result<Vec<AllowedNetwork>, _> =
            self.project.allowed().iter().map(|text| text.parse()).collect();
        Ok(Boundary {
            allow: allow.map_err(|error| Failure::bad_input(&error))?,
            folders: vec![self.project.folder().to_owned()],
            base: self.project.folder().to_owned(),
            own_paths: vec![self.state.folder.clone()],
            own_state: self.state.own_state(),
        })
    }
}

/// The graph over all connections.
///
/// # Errors
/// Bad input if the files contradict each other.
fn graph(members: &[Member]) -> Result<Graph, Failure> {
    let parts = members.iter().map(|member| match &member.part {
        Part::Connector(instance) => GraphPart::Connector(&instance.connection, instance.dataset.as_ref()),
        Part::Database(_, dataset) => GraphPart::Database(dataset),
    });
    joined(parts).map_err(|error| Failure::bad_input(&error))
}
