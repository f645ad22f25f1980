use spec::connector_file::{ConnectorFile, ConnectorParam};
use thiserror::Error;

use super::{COMMON, Flag, FlagKind, Visibility};

/// Other names under which a field was known in connectors that are in use: kind of application, connector
/// param, flag (baton SG-3, governance K8S-2).
const ALIASES: &[(&str, &str, &str)] =
    &[("segment", "access_token", "token"), ("segment_unify", "access_token", "token")];

/// Names that mean something else on the command line or in the environment of every connector.
const RESERVED: &[&str] = &[
    "c1-api-host",
    "config-path",
    "debug",
    "endpoint",
    "get-tasks",
    "help",
    "host-id",
    "shell",
    "timeout",
    "tmpdir",
    "version",
];

/// The fields that a connector file adds to the common flags (baton C-4).
#[derive(Debug, Clone)]
pub struct ConnectorFields {
    /// Its own fields, in the order of the file.
    pub fields: Vec<ConnectorField>,
    /// The file, by whose rules values are checked.
    pub(crate) file: ConnectorFile,
}

/// One field: a connector param as a flag.
#[derive(Debug, Clone)]
pub struct ConnectorField {
    /// The param's name in the connector file.
    pub param: String,
    /// The flag.
    pub flag: Flag,
}

impl ConnectorFields {
    /// The fields of `file`. What only privacy requests need (`required_for`) may be given and is not asked for.
    ///
    /// # Errors
    /// [`FieldError`] if two params give one flag.
    pub fn of(file: &ConnectorFile) -> Result<Self, FieldError> {
        let mut fields: Vec<ConnectorField> = Vec::new();
        for param in &file.connector_params {
            let flag = flag(file, param);
            let taken = |field: &&ConnectorField| {
                field.flag.is_called(&flag.name)
                    || flag.aliases.iter().any(|alias| field.flag.is_called(alias))
            };
            if let Some(first) = fields.iter().find(taken) {
                return Err(FieldError {
                    first: first.param.clone(),
                    second: param.name.clone(),
                    flag: flag.name,
                });
            }
            fields.push(ConnectorField { param: param.name.clone(), flag });
        }
        Ok(Self { fields, file: file.clone() })
    }

    /// What people call the application.
    pub fn display_name(&self) -> &str {
        &self.file.name
    }

    /// All flags: the common ones, then the connector's own.
    pub fn flags(&self) -> impl Iterator<Item = Flag> {
        COMMON.iter().map(Flag::from).chain(self.fields.iter().map(|field| field.flag.clone()))
    }
}

fn flag(file: &ConnectorFile, param: &ConnectorParam) -> Flag {
    let written = |text: &str| {
        let sign = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        text.chars().map(sign).collect::<String>()
    };
    let kind = file.connector_type.as_str();
    let plain = written(&param.name);
    // A param with the name of a common flag is told apart by the application's name, as in `okta-client-id`.
    let is_taken = RESERVED.contains(&plain.as_str()) || COMMON.iter().any(|common| common.name == plain);
    let name = if is_taken { format!("{}-{plain}", written(kind)) } else { plain };
    let aliases = ALIASES
        .iter()
        .filter(|(of, about, _)| *of == kind && *about == param.name)
        .map(|(_, _, alias)| (*alias).to_owned())
        .collect();
    let label = param.label.as_deref().unwrap_or(&param.name);
    let meaning = match &param.description {
        Some(description) => format!("{label}: {description}"),
        None => label.to_owned(),
    };
    let meaning = if param.options.is_empty() {
        meaning
    } else {
        format!("{meaning}; one of {}", param.options.join(", "))
    };
    let taken = if file.is_secret(&param.name) {
        FlagKind::Secret
    } else if param.multiselect {
        FlagKind::List
    } else {
        FlagKind::Text
    };
    let default = match &param.default_value {
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(value) if taken != FlagKind::Secret => value.to_string(),
        Some(_) | None => String::new(),
    };
    Flag { name, short: None, aliases, kind: taken, default, visibility: Visibility::Shown, meaning }
}

/// Two connector params that give one flag.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "connector params `{first}` and `{second}` are both the flag --{flag}; rename one of them in the connector file"
)]
pub struct FieldError {
    first: String,
    second: String,
    flag: String,
}
