//! A server's settings from all the places that they may come from (architecture §13.11): flag,
//! environment, file, API, default; the first that says something wins.

mod defaults;
mod keys;
#[cfg(test)]
mod tests;

use std::fmt;

use serde_json::{Map, Value};

use crate::check::{Checked, ServerLayer, check_server_layer};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::server_file::Server;
use crate::source::SourceFile;

use self::defaults::DEFAULTS;
use self::keys::{KEYS, Key};

/// Keys that may be set over the API, too (fides-api §14.4).
pub const SETTABLE_OVER_API: [&str; 10] = [
    "execution.masking_strict",
    "execution.require_manual_request_approval",
    "execution.subject_identity_verification_required",
    "notifications.send_request_completion_notification",
    "notifications.send_request_receipt_notification",
    "notifications.send_request_review_notification",
    "privacy_request_duplicate_detection.enabled",
    "privacy_request_duplicate_detection.match_identity_fields",
    "privacy_request_duplicate_detection.time_window_days",
    "security.cors_origins",
];

/// Where settings are looked for.
#[derive(Debug, Clone, Default)]
pub struct ServerInputs {
    /// What the command line says.
    pub flags: Vec<FlagValue>,
    /// Names and values of environment variables; others than those of settings are passed over.
    pub environment: Vec<(String, String)>,
    /// The server file.
    pub file: Option<SourceFile>,
}

/// A setting on the command line.
#[derive(Debug, Clone)]
pub struct FlagValue {
    /// The flag, as in `--listen`.
    pub flag: &'static str,
    /// The setting's key.
    pub key: &'static str,
    /// Its value.
    pub value: String,
}

/// All settings of a server, and where each comes from.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// The settings to work with.
    pub server: Server,
    /// The same one by one, in the order of the reference.
    pub settings: Vec<Setting>,
}

/// One setting.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Its key, as in `security.auth_rate_limit`.
    pub key: String,
    /// Its value; null if nothing is set and there is no default.
    pub value: Value,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a setting comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The command line.
    Flag(&'static str),
    /// An environment variable.
    Environment(String),
    /// The server file.
    File {
        /// Its name.
        name: String,
        /// The line.
        line: usize,
    },
    /// Somebody set it over the API.
    Api,
    /// Nobody said anything.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => f.write_str(flag),
            Self::Environment(variable) => f.write_str(variable),
            Self::File { name, line } => write!(f, "{name}:{line}"),
            Self::Api => f.write_str("API"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// Checks a server file alone.
pub fn check_server(source: &SourceFile) -> Checked<Server> {
    let checked = server_settings(&ServerInputs { file: Some(source.clone()), ..ServerInputs::default() });
    Checked { value: checked.value.map(|settings| settings.server), diagnostics: checked.diagnostics }
}

/// Puts a server's settings together and checks them. Findings about a variable or a flag name it
/// in place of a file.
pub fn server_settings(inputs: &ServerInputs) -> Checked<ServerSettings> {
    let mut diagnostics = keys::misspelled(&inputs.environment);
    let mut settings = default_settings();
    if let Some(file) = &inputs.file {
        let layer = check_server_layer(file);
        overlay(&mut settings, &layer, |key| Origin::File {
            name: file.name().to_owned(),
            line: line_of(file, &layer, key),
        });
        diagnostics.extend(layer.diagnostics);
    }
    for key in KEYS.iter() {
        let variable = key.variable();
        let given = inputs.environment.iter().find(|(name, _)| *name == variable);
        let Some((_, text)) = given.filter(|(_, text)| !text.trim().is_empty()) else { continue };
        match key.value_of(text.trim()) {
            Ok(value) => {
                diagnostics.extend(set(&mut settings, &key.path, value, &Origin::Environment(variable)));
            }
            Err(expected) => {
                let source = SourceFile::new(&variable, "");
                let message = format!("`{variable}` is no JSON {expected}");
                let found = Diagnostic::error(&source, 0..0, "spec::not_json", message);
                diagnostics.push(found.with_help(format!("write {}", key.example())));
            }
        }
    }
    for flag in &inputs.flags {
        let value = Value::String(flag.value.clone());
        diagnostics.extend(set(&mut settings, flag.key, value, &Origin::Flag(flag.flag)));
    }
    diagnostics.extend(half_of_tls(&settings));
    diagnostics.extend(half_of_oidc(&settings));
    diagnostics.extend(half_of_smtp(&settings));
    diagnostics.sort();
    let server = if diagnostics.has_errors() { None } else { server_of(&settings) };
    Checked { value: server.map(|server| ServerSettings { server, settings }), diagnostics }
}

/// What holds if nobody says anything.
impl Default for ServerSettings {
    fn default() -> Self {
        let settings = default_settings();
        let server = server_of(&settings).expect("the defaults are whole: a test reads them");
        Self { server, settings }
    }
}

impl ServerSettings {
    /// These settings with those that were set over the API, where no flag, variable or file says
    /// otherwise. What does not fit, or may not be set over the API, is passed over.
    #[must_use]
    pub fn with_api(&self, set_over_api: &Value) -> Self {
        let mut settings = self.settings.clone();
        for key in SETTABLE_OVER_API {
            let is_free = |known: &&Setting| known.key == key && known.origin == Origin::Default;
            let value = set_over_api.pointer(&pointer(key)).filter(|value| !value.is_null());
            if let (Some(value), Some(_)) = (value, settings.iter().find(is_free)) {
                let mut tried = settings.clone();
                if !set(&mut tried, key, value.clone(), &Origin::Api).has_errors() {
                    settings = tried;
                }
            }
        }
        match server_of(&settings) {
            Some(server) => Self { server, settings },
            None => self.clone(),
        }
    }

    /// All settings as one document, in the form of the file; those without a value are absent.
    pub fn document(&self) -> Value {
        document(&self.settings)
    }
}

/// Sets one value; gives what is wrong with it.
fn set(settings: &mut [Setting], key: &str, value: Value, origin: &Origin) -> Diagnostics {
    let alone = [Setting { key: key.to_owned(), value, origin: origin.clone() }];
    let source = SourceFile::new(origin.to_string(), document(&alone).to_string());
    let layer = check_server_layer(&source);
    overlay(settings, &layer, |_| origin.clone());
    layer.diagnostics
}

fn overlay(settings: &mut [Setting], layer: &ServerLayer, origin: impl Fn(&str) -> Origin) {
    for setting in settings {
        if let Some(value) = layer.values.pointer(&pointer(&setting.key)).filter(|value| !value.is_null()) {
            setting.value = value.clone();
            setting.origin = origin(&setting.key);
        }
    }
}

fn default_settings() -> Vec<Setting> {
    let mut settings: Vec<Setting> = KEYS
        .iter()
        .map(|Key { path, .. }| Setting { key: path.clone(), value: Value::Null, origin: Origin::Default })
        .collect();
    overlay(&mut settings, &check_server_layer(&SourceFile::new("defaults", DEFAULTS)), |_| Origin::Default);
    settings
}

/// Fails only if a setting was not checked before.
fn server_of(settings: &[Setting]) -> Option<Server> {
    let layer = check_server_layer(&SourceFile::new("settings", document(settings).to_string()));
    layer.server.filter(|_| !layer.diagnostics.has_errors())
}

fn document(settings: &[Setting]) -> Value {
    let there = settings.iter().filter(|setting| !setting.value.is_null());
    nested(there.map(|setting| (setting.key.clone(), setting.value.clone())))
}

/// Settings by key, as `execution.masking_strict`, in the form of the file.
pub fn nested(settings: impl IntoIterator<Item = (String, Value)>) -> Value {
    let mut whole = Map::new();
    for (key, value) in settings {
        match key.split_once('.') {
            None => {
                whole.insert(key, value);
            }
            Some((section, rest)) => {
                let section = whole.entry(section).or_insert_with(|| Value::Object(Map::new()));
                if let Value::Object(members) = section {
                    members.insert(rest.to_owned(), value);
                }
            }
        }
    }
    Value::Object(whole)
}

fn pointer(key: &str) -> String {
    format!("/{}", key.replace('.', "/"))
}

fn line_of(file: &SourceFile, layer: &ServerLayer, key: &str) -> usize {
    let span = layer.spans.as_ref().and_then(|spans| spans.find_key(key)).unwrap_or_default();
    file.position(span.start).0
}

/// Certificate and key go together, wherever each comes from.
fn half_of_tls(settings: &[Setting]) -> Option<Diagnostic> {
    let find = |key: &str| settings.iter().find(|setting| setting.key == key && !setting.value.is_null());
    let (there, missing) = match (find("tls.certificate"), find("tls.key")) {
        (Some(there), None) => (there, "tls.key"),
        (None, Some(there)) => (there, "tls.certificate"),
        (Some(_), Some(_)) | (None, None) => return None,
    };
    let source = SourceFile::new(there.origin.to_string(), "");
    let message = format!("`{}` stands without `{missing}`", there.key);
    Some(
        Diagnostic::error(&source, 0..0, "spec::half_of_tls", message)
            .with_help(format!("add `{missing}`, or take `{}` away for plain HTTP", there.key)),
    )
}

/// A mail server takes no mail without a sender.
fn half_of_smtp(settings: &[Setting]) -> Option<Diagnostic> {
    let find = |key: &str| settings.iter().find(|setting| setting.key == key && !setting.value.is_null());
    let there = find("smtp.host")?;
    if find("smtp.from").is_some() {
        return None;
    }
    let source = SourceFile::new(there.origin.to_string(), "");
    let message = "`smtp.host` stands without `smtp.from`".to_owned();
    Some(
        Diagnostic::error(&source, 0..0, "spec::half_of_smtp", message)
            .with_help("add `smtp.from`, or take `smtp.host` away to send no e-mail"),
    )
}

/// A provider is of no use without what it calls this server, and without a way back.
fn half_of_oidc(settings: &[Setting]) -> Option<Diagnostic> {
    let find = |key: &str| settings.iter().find(|setting| setting.key == key && !setting.value.is_null());
    let there = find("oidc.issuer")?;
    let missing = ["oidc.client_id", "server.public_url"].into_iter().find(|key| find(key).is_none())?;
    let source = SourceFile::new(there.origin.to_string(), "");
    let message = format!("`oidc.issuer` stands without `{missing}`");
    Some(
        Diagnostic::error(&source, 0..0, "spec::half_of_oidc", message)
            .with_help(format!("add `{missing}`, or take `oidc.issuer` away to sign in with passwords only")),
    )
}
