use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use ::baton::command_line::{Mode as Job, Permission, Settings};
use ::baton::one_shot::OneShot;
use ::baton::serving::{Driven, Serving};
use connections::{Calls, definition_digest};
use connector::{Connection, Secrets};
use egress::{DoorSettings, Mode, Timeouts};
use engine::Cancellation;
use governance::FileTimes;
use model::{Clock, ConnectionKey, IdSource as _, RandomIds};
use spec::connector_file::ConnectorFile;
use spec::{CheckOptions, DomainValidation, Severity, SourceFile};

use crate::arguments::Format;
use crate::diagnostics::Sources;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::files;
use crate::output::Output;
use crate::project::door;

/// What a process is there for.
pub(super) enum Work {
    /// One job on one file.
    OneShot(Box<OneShot>),
    /// A control plane.
    Serving(Box<Serving>),
}

/// A connector file that runs as a process, without a project around it.
pub(super) struct Described {
    pub(super) file: ConnectorFile,
    key: ConnectionKey,
    sha256: String,
}

impl Described {
    /// The connector of the library with this name.
    pub(super) fn of_library(name: &str) -> Result<Self, Failure> {
        let entry = spec::library::find(name).ok_or_else(|| files::no_connector(name))?;
        Self::of(&entry.connector, name)
    }

    /// The connector in a file, or in a folder with `connector.yml`.
    pub(super) fn of_file(path: &Path) -> Result<Self, Failure> {
        let sources = files::connector(path)?;
        Self::of(&sources.connector, "connector")
    }

    /// A file that says how it is called keeps its key; else `name` is one.
    fn of(source: &SourceFile, name: &str) -> Result<Self, Failure> {
        let key: ConnectionKey = name.parse().map_err(|error| Failure::bad_input(&error))?;
        let options =
            CheckOptions { instance_key: Some(key), domain_validation: DomainValidation::default() };
        let checked = spec::check_connector(source, &options);
        if checked.diagnostics.has_errors() || checked.value.is_none() {
            let mut sources = Sources::default();
            sources.add(source.clone());
            let errors =
                checked.diagnostics.iter().filter(|found| found.severity == Severity::Error).cloned();
            Output::new(Format::Table).diagnostics(&errors.collect(), &sources);
        }
        let Some(file) = checked.value.filter(|_| !checked.diagnostics.has_errors()) else {
            return Err(Failure::Shown(Exit::BadInput));
        };
        let key = file.fides_key.parse().map_err(|error| Failure::bad_input(&error))?;
        Ok(Self { file, key, sha256: definition_digest([Some(source), None]) })
    }

    /// The connection that `settings` say, with a live way out, and when its files say that they were made.
    fn connector(
        &self,
        settings: &Settings,
        clock: &Arc<dyn Clock>,
    ) -> Result<(connector::Connector, FileTimes), Failure> {
        for warning in &settings.connector.warnings {
            tracing::warn!("{warning}");
        }
        let connection = Connection {
            key: self.key.clone(),
            recording_keep: HashMap::new(),
            file: Arc::new(self.file.clone()),
            secrets: Arc::new(Secrets::new(settings.connector.values.clone())),
            references: settings.connector.references.iter().cloned().collect(),
        };
        let epoch = std::env::var("SOURCE_DATE_EPOCH").ok();
        let times = FileTimes::of_epoch(epoch.as_deref()).map_err(|error| Failure::bad_input(&error))?;
        let timeout = settings.http_timeout;
        let defaults = DoorSettings::default();
        let timeouts = Timeouts { read: timeout, total: timeout, ..defaults.timeouts };
        let door = door::from_environment(DoorSettings { timeouts, ..defaults })?;
        let door = door::open(door, Mode::Live, clock)?;
        let calls =
            Calls::new(door, connector::Settings::default(), (Arc::clone(clock), Arc::new(RandomIds)));
        Ok((calls.connector(connection), times))
    }

    /// What another runtime drives, as it was started with these settings.
    pub(super) fn driven(
        self,
        (settings, provisioning): (Box<Settings>, Permission),
        name: String,
        (clock, stop): (Arc<dyn Clock>, Cancellation),
    ) -> Result<Driven, Failure> {
        let settings = *settings;
        let (connector, times) = self.connector(&settings, &clock)?;
        Ok(Driven {
            connector,
            definition: self.sha256,
            values: settings.connector.values,
            file: settings.file,
            sync: settings.sync,
            provisioning,
            name,
            times,
            worker: format!("baton_{}", RandomIds.next_uuid()),
            clock,
            stop,
        })
    }

    /// What `settings` say is to be done, with a live way out.
    pub(super) fn work(
        self,
        settings: Box<Settings>,
        name: String,
        (clock, cancellation): (Arc<dyn Clock>, Cancellation),
    ) -> Result<Work, Failure> {
        let settings = *settings;
        let (connector, times) = self.connector(&settings, &clock)?;
        let worker = format!("baton_{}", RandomIds.next_uuid());
        let definition = self.sha256;
        Ok(match settings.mode {
            Job::Service(service) => Work::Serving(Box::new(Serving {
                connector,
                definition,
                values: settings.connector.values,
                service: *service,
                sync: settings.sync,
                health: settings.health,
                name,
                version: env!("CARGO_PKG_VERSION").to_owned(),
                // Calls to the control plane have deadlines of their own, each another.
                egress: door::from_environment(DoorSettings::default())?,
                times,
                worker,
                clock,
                stop: cancellation,
                unknown_keys: settings.unknown_keys,
            })),
            mode => Work::OneShot(Box::new(OneShot {
                connector,
                definition,
                settings: Settings { mode, ..settings },
                times,
                worker,
                clock,
                cancellation,
            })),
        })
    }
}
