//! Baton connectors of somebody else as connections of a project or of a server.

use serde_json::{Map, Value};

use super::{Finding, Lowering};
use crate::baton_setting::{BatonSettingError, check_baton_setting};
use crate::project_file::BatonConnector;
use crate::raw;

const CODE: &str = "spec::bad_baton";

impl Lowering<'_> {
    /// What `baton` of a connection says; `connector` or `baton` has to be there, and not both.
    pub(super) fn baton_connection(&mut self, place: &str, raw: &raw::Connection) -> Option<BatonConnector> {
        let Some(section) = &raw.baton else {
            let is_said = raw.connector.is_some() || self.was_reported(place, "connector");
            if !is_said && !self.was_reported(place, "baton") {
                let message = "Field required: this item of `connections` has no `connector`";
                self.key_error(place, Finding::new("spec::missing_key", message, "add `connector: …`"));
            }
            return None;
        };
        for (key, is_there) in [("connector", raw.connector.is_some()), ("dataset", raw.dataset.is_some())] {
            if is_there {
                let message = format!("a connection with `baton` has no `{key}`");
                let help = format!("remove `{key}`; a Baton connector says who has access, and nothing else");
                self.key_error(&format!("{place}.{key}"), Finding::new(CODE, message, help));
            }
        }
        let connector = self.baton_section(&format!("{place}.baton"), section);
        if section.program.is_some() {
            for name in raw.secrets.iter().flat_map(|secrets| secrets.keys()) {
                self.baton_setting(&format!("{place}.secrets.{name}"), name);
            }
        }
        connector
    }

    /// Reports a name that no setting of a program may have.
    pub(super) fn baton_setting(&mut self, place: &str, name: &str) {
        let Err(error) = check_baton_setting(name) else { return };
        let (message, help) = match error {
            BatonSettingError::Reserved { name, why, what_to_do } => {
                (format!("`{name}` is not set here: {why}"), what_to_do)
            }
            BatonSettingError::Name { name } => (
                format!("`{name}` is no name of a flag"),
                "write small letters, digits and hyphens, as in `api-key`",
            ),
            BatonSettingError::Value { name } => {
                (format!("the value of `{name}` has a byte zero in it"), "correct it")
            }
        };
        self.key_error(place, Finding::new(CODE, message, help));
    }

    pub(super) fn baton_section(&mut self, place: &str, raw: &raw::BatonSection) -> Option<BatonConnector> {
        let written = [&raw.program, &raw.sha256, &raw.user, &raw.file];
        for text in written.into_iter().flatten() {
            self.unexpanded(place, text);
        }
        match (&raw.program, &raw.file) {
            (Some(program), None) => self.program(place, program, raw),
            (None, Some(file)) => {
                for (key, is_there) in [
                    ("sha256", raw.sha256.is_some()),
                    ("user", raw.user.is_some()),
                    ("settings", raw.settings.is_some()),
                    ("delete", raw.delete.is_some()),
                ] {
                    if is_there {
                        let message = format!("`{key}` belongs to a program, and here is a file");
                        let help = format!("remove `{key}`, or write `program` in place of `file`");
                        self.key_error(&format!("{place}.{key}"), Finding::new(CODE, message, help));
                    }
                }
                Some(BatonConnector::File { file: file.clone() })
            }
            (Some(_), Some(_)) => {
                let message = "a Baton connector is a program or a file, not both";
                self.key_error(
                    &format!("{place}.file"),
                    Finding::new(CODE, message, "remove `file`, or `program` and what belongs to it"),
                );
                None
            }
            (None, None) => {
                let is_said = self.was_reported(place, "program") || self.was_reported(place, "file");
                if !is_said {
                    let message = "`baton` names neither a program nor a file";
                    let help = "write `program`, `sha256` and `user`, or `file`";
                    self.key_error(place, Finding::new(CODE, message, help));
                }
                None
            }
        }
    }

    fn program(&mut self, place: &str, program: &str, raw: &raw::BatonSection) -> Option<BatonConnector> {
        for (key, is_there) in [("sha256", raw.sha256.is_some()), ("user", raw.user.is_some())] {
            if !is_there && !self.was_reported(place, key) {
                let message = format!("a program needs `{key}`");
                let help = match key {
                    "sha256" => "add the digest of the program that you trust, as `sha256sum` prints it",
                    _ => "add the user that the program runs as, one that may do nothing else",
                };
                self.key_error(&format!("{place}.program"), Finding::new(CODE, message, help));
            }
        }
        let settings = self.settings(place, raw.settings.as_ref());
        let sha256 = raw.sha256.as_deref().map(digest);
        if sha256 == Some(None) {
            let message = "a SHA-256 has 64 hexadecimal digits";
            let help = "write what `sha256sum` prints for the program, in quotes if it has digits only";
            self.error(&format!("{place}.sha256"), Finding::new(CODE, message, help));
        }
        Some(BatonConnector::Program {
            program: program.to_owned(),
            sha256: sha256??,
            user: raw.user.clone()?,
            settings,
            delete: raw.delete.clone().unwrap_or_default(),
        })
    }

    fn settings(&mut self, place: &str, raw: Option<&Map<String, Value>>) -> Vec<(String, String)> {
        let mut settings = Vec::new();
        for (name, value) in raw.into_iter().flatten() {
            let place = format!("{place}.settings.{name}");
            self.baton_setting(&place, name);
            if let Some(text) = text(value) {
                self.unexpanded(&place, &text);
                settings.push((name.clone(), text));
            } else {
                let message =
                    format!("the setting `{name}` is no text, number, `true`, `false` or list of texts");
                let help = "write it as the program's flag takes it";
                self.error(&place, Finding::new(CODE, message, help));
            }
        }
        settings
    }
}

/// A setting as a variable of the environment holds it; lists have commas (baton C-2).
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(is_on) => Some(is_on.to_string()),
        Value::Array(items) => {
            let items: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
            items.filter(|items| items.iter().all(|item| !item.contains(','))).map(|items| items.join(","))
        }
        Value::Null | Value::Object(_) => None,
    }
}

/// The digest that 64 hexadecimal digits say.
fn digest(text: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    if text.len() != 2 * digest.len() || !text.is_ascii() {
        return None;
    }
    for (at, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(digest)
}
