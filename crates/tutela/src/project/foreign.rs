use std::path::Path;
use std::sync::Arc;

use ::baton::foreign::{ForeignAccess, ForeignConnector, ForeignParts, ForeignSource};
use ::baton::program::{OsUser, Program, ProgramLimits};
use crypto::Secret;
use model::{RandomIds, SystemClock};
use serde_json::Value;
use spec::{Access, BatonConnector, EgressSettings};

use super::ProjectFile;
use super::door;
use super::secrets::SecretsOf;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

impl ProjectFile {
    /// The connection called `key`, if a Baton connector of somebody else reads it.
    ///
    /// # Errors
    /// Bad input if there is no such connection, or something of it is not there.
    pub(crate) fn foreign(&self, key: &str, output: Output) -> Result<Option<ForeignConnector>, Failure> {
        let (position, entry) = self.find_entry(key)?;
        let Some(connector) = &entry.baton else { return Ok(None) };
        let secrets = match connector {
            BatonConnector::File { .. } => Vec::new(),
            BatonConnector::Program { .. } => {
                let mut found = self.findings();
                let secrets = SecretsOf { project: self, position, entry }.supplied(&mut found.list);
                found.show_errors(output)?;
                let secrets = secrets.ok_or(Failure::Shown(Exit::BadInput))?;
                secrets.into_iter().map(text).collect::<Result<_, _>>()?
            }
        };
        let basis = match connector {
            BatonConnector::Program { sha256, .. } => crypto::hex(sha256),
            BatonConnector::File { file } => file.clone(),
        };
        Ok(Some(ForeignConnector {
            key: entry.key.clone(),
            basis,
            source: source(&self.folder, connector, secrets)?,
            access: access(connector, entry.access),
            parts: parts(&self.project.egress)?,
        }))
    }
}

/// What is behind a connection; paths start in `folder`.
pub(crate) fn source(
    folder: &Path,
    connector: &BatonConnector,
    secrets: Vec<(String, Secret<String>)>,
) -> Result<ForeignSource, Failure> {
    Ok(match connector {
        BatonConnector::File { file } => ForeignSource::File(folder.join(file)),
        BatonConnector::Program { program, sha256, user, settings, delete: _ } => {
            let user = OsUser::find(user).map_err(|error| Failure::bad_input(&error))?;
            user.check_startable().map_err(|error| Failure::bad_input(&error))?;
            ForeignSource::Program(Program {
                path: folder.join(program),
                sha256: *sha256,
                user,
                settings: settings.clone(),
                secrets,
            })
        }
    })
}

/// What may be done through it.
pub(crate) fn access(connector: &BatonConnector, access: Access) -> ForeignAccess {
    match (connector, access) {
        (BatonConnector::Program { delete, .. }, Access::Write) => {
            ForeignAccess::Write { delete: delete.clone() }
        }
        (BatonConnector::Program { .. }, Access::Read) | (BatonConnector::File { .. }, _) => {
            ForeignAccess::Read
        }
    }
}

/// What surrounds a program. A call of its own may still take effect for as long as one of ours could be waited for.
pub(crate) fn parts(egress: &EgressSettings) -> Result<ForeignParts, Failure> {
    let egress = door::settings(egress).map_err(Failure::BadInput)?;
    Ok(ForeignParts {
        folder: std::env::temp_dir(),
        limits: ProgramLimits::default(),
        late: egress.timeouts.read,
        clock: Arc::new(SystemClock),
        ids: Arc::new(RandomIds),
    })
}

/// A secret as a variable of the environment holds it.
fn text((name, value): (String, Value)) -> Result<(String, Secret<String>), Failure> {
    let text = match value {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        Value::Bool(is_on) => is_on.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => {
            return Err(Failure::BadInput(format!(
                "secret `{name}` is no text; write it as the program's flag takes it"
            )));
        }
    };
    Ok((name, Secret::new(text)))
}
