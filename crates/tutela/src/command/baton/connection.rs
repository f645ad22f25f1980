use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use ::baton::command_line::Settings;
use ::baton::one_shot::OneShot;
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

    /// The job that `settings` say, with a live way out.
    pub(super) fn job(
        self,
        settings: &Settings,
        (clock, cancellation): (Arc<dyn Clock>, Cancellation),
    ) -> Result<OneShot<'_>, Failure> {
        let (secrets, timeout) = (&settings.connector, settings.http_timeout);
        for warning in &secrets.warnings {
            tracing::warn!("{warning}");
        }
        let connection = Connection {
            key: self.key,
            recording_keep: HashMap::new(),
            file: Arc::new(self.file),
            secrets: Arc::new(Secrets::new(secrets.values.clone())),
            references: secrets.references.iter().cloned().collect(),
        };
        let epoch = std::env::var("SOURCE_DATE_EPOCH").ok();
        let times = FileTimes::of_epoch(epoch.as_deref()).map_err(|error| Failure::bad_input(&error))?;
        let defaults = DoorSettings::default();
        let timeouts = Timeouts { read: timeout, total: timeout, ..defaults.timeouts };
        let door = door::from_environment(DoorSettings { timeouts, ..defaults })?;
        let door = door::open(door, Mode::Live, &clock)?;
        let calls =
            Calls::new(door, connector::Settings::default(), (Arc::clone(&clock), Arc::new(RandomIds)));
        Ok(OneShot {
            connector: calls.connector(connection),
            definition: self.sha256,
            settings,
            times,
            worker: format!("baton_{}", RandomIds.next_uuid()),
            clock,
            cancellation,
        })
    }
}
