//! A project's connections, policies and state, put together for the life of a privacy request.

use std::sync::Arc;

use connector::Secrets;
use engine::{Concurrency, JobWait};
use model::{Clock, IdSource as _, RandomIds, SystemClock};
use privacy::{
    ConnectionFacts, Forgotten, LogSigning, PrivacyService, Retention, RetentionError, ServiceParts,
};
use store::{Actor, Store};

use crate::failure::Failure;
use crate::on_server::ServerOption;
use crate::output::Output;
use crate::project::{Member, Opening, Part, ProjectArgument, ProjectFile, limits};
use crate::state::{StateArgument, StateSettings};

/// Flags of all commands about the run of a project.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ServiceArgument {
    #[command(flatten)]
    project: ProjectArgument,
    #[command(flatten)]
    state: StateArgument,
    /// A server that does it instead.
    #[command(flatten)]
    pub(crate) server: ServerOption,
}

impl ServiceArgument {
    /// Reads the project and opens everything; calls nobody.
    ///
    /// # Errors
    /// Bad input if a file is wrong, a failure if the state cannot be opened.
    pub(crate) async fn open(&self, output: Output) -> Result<PrivacyService, Failure> {
        let file = ProjectFile::load(&self.project.project, output)?;
        let state = self.state.settings(&self.project.project)?;
        open(&file, &state, output).await
    }
}

/// The same for a project that was read already.
///
/// # Errors
/// Bad input if a file is wrong, a failure if the state cannot be opened.
pub(crate) async fn open(
    file: &ProjectFile,
    settings: &StateSettings,
    output: Output,
) -> Result<PrivacyService, Failure> {
    let members = file.members(output)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (state, worker) = (settings.open(Arc::clone(&clock)).await?, worker());
    let opening = Opening::shared((file, settings), (&state.store, &worker), &members, Arc::clone(&clock))?;
    let wired = opening.wire(&members)?;
    Ok(PrivacyService::new(ServiceParts {
        store: state.store,
        graph: Arc::new(wired.graph),
        sources: wired.sources,
        connections: members.iter().map(facts).collect(),
        // Every connection of a project has a dataset, or the project was refused.
        left_out: Vec::new(),
        policies: file.project.policies.clone(),
        limits: file.project.limits,
        concurrency: Concurrency::new(limits(&file.project.reading)),
        waiting: JobWait::Here,
        signing: LogSigning::WithEachCommand,
        verify_after: file.project.verify_after,
        clock,
        ids: Arc::new(RandomIds),
        worker,
        folder: settings.folder.clone(),
        journal: state.journal,
        keys: Arc::new(state.keys),
    }))
}

/// A name of this process, as no other has it.
pub(crate) fn worker() -> String {
    format!("cli_{}", RandomIds.next_uuid())
}

fn facts(member: &Member) -> ConnectionFacts {
    let (connector, version, file) = match &member.part {
        Part::Connector(instance) => {
            let file = &instance.connection.file;
            (file.connector_type.to_string(), file.version.clone(), Some(Arc::clone(file)))
        }
        Part::Database(kind, _) => (kind.as_str().to_owned(), String::new(), None),
    };
    ConnectionFacts {
        key: member.entry.key.clone(),
        connector,
        version,
        sha256: member.sha256.clone(),
        secrets: Secrets::new(member.secrets.clone()),
        access: member.entry.access,
        mode: member.mode,
        file,
        enabled_actions: None,
    }
}

/// Who runs the command, as the audit log names them.
pub(crate) fn actor() -> Actor {
    let name = |variable| std::env::var(variable).ok().filter(|name: &String| !name.trim().is_empty());
    Actor::person(&name("USER").or_else(|| name("LOGNAME")).unwrap_or_else(|| "unknown".to_owned()))
}

/// Destroys personal data whose time is over. What cannot be destroyed now is tried with the next
/// command.
pub(crate) async fn forget_expired(service: &PrivacyService) {
    note_forgotten(service.forget_expired(Retention::default()).await);
}

/// The same for a command that has the state and no service.
pub(crate) async fn forget_expired_of(store: &Store) {
    note_forgotten(privacy::forget_expired(store, SystemClock.now(), Retention::default()).await);
}

/// The same for a server, whose settings say how long personal data stays.
pub(crate) async fn forget_past(store: &Store, retention: Retention) {
    note_forgotten(privacy::forget_expired(store, SystemClock.now(), retention).await);
}

fn note_forgotten(gone: Result<Forgotten, RetentionError>) {
    match gone {
        Ok(gone) if gone.rows.is_empty() && gone.runs.is_empty() => {}
        Ok(gone) => {
            tracing::info!(
                rows = gone.rows.len(),
                runs = gone.runs.len(),
                "personal data past its time was destroyed"
            );
        }
        Err(error) => tracing::warn!(%error, "personal data past its time was not destroyed"),
    }
}
