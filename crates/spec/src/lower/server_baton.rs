//! Baton connectors of somebody else as connections of a server.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::project_file::is_variable_name;
use super::{Finding, Lowering};
use crate::project_file::{Access, BatonConnector};
use crate::raw;
use crate::server_file::ServerBaton;

const CODE: &str = "spec::bad_baton";

impl Lowering<'_> {
    /// Those that are right; what is wrong with the others is reported.
    pub(super) fn server_baton(
        &mut self,
        raw: BTreeMap<String, raw::ServerBatonSection>,
    ) -> Vec<ServerBaton> {
        let mut found = Vec::new();
        for (key, section) in raw {
            let place = format!("baton.{key}");
            found.extend(self.server_connection(&place, &key, section));
        }
        found
    }

    fn server_connection(
        &mut self,
        place: &str,
        key: &str,
        raw: raw::ServerBatonSection,
    ) -> Option<ServerBaton> {
        let parsed = key.parse().ok();
        if parsed.is_none() {
            let message = format!("`{key}` is no key of a connection");
            let help = "write letters, digits, `_`, `.` and `-`";
            self.key_error(place, Finding::new("spec::bad_key", message, help));
        }
        if raw.program.is_none() {
            let of_programs = [("secrets", raw.secrets.is_some()), ("access", raw.access.is_some())];
            for (key, _) in of_programs.into_iter().filter(|(_, is_there)| *is_there) {
                let message = format!("`{key}` belongs to a program, and here is none");
                let help = format!("remove `{key}`, or write `program` in place of `file`");
                self.key_error(&format!("{place}.{key}"), Finding::new(CODE, message, help));
            }
        }
        let access = match raw.access {
            Some(raw::AccessWord::Write) => Access::Write,
            Some(raw::AccessWord::Read) | None => Access::Read,
        };
        let secrets = self.server_secrets(place, raw.secrets.unwrap_or_default());
        let section = raw::BatonSection {
            program: raw.program,
            sha256: raw.sha256,
            user: raw.user,
            settings: raw.settings,
            delete: raw.delete,
            file: raw.file,
        };
        let connector = self.baton_section(place, &section)?;
        if let BatonConnector::Program { delete, .. } = &connector {
            self.deletes_by_writing(place, (delete, access));
        }
        Some(ServerBaton { key: parsed?, connector, access, secrets })
    }

    /// Who removes accounts writes.
    pub(super) fn deletes_by_writing(&mut self, place: &str, (delete, access): (&[String], Access)) {
        if !delete.is_empty() && access == Access::Read {
            let message = "nothing is removed through a connection that is for reading";
            let help = "write `access: write` beside it, or remove `delete`";
            self.key_error(&format!("{place}.delete"), Finding::new(CODE, message, help));
        }
    }

    /// A server file is shown to those who may see the configuration, so that it holds no secret.
    fn server_secrets(&mut self, place: &str, raw: Map<String, Value>) -> Vec<(String, String)> {
        let mut secrets = Vec::new();
        for (name, value) in raw {
            let place = format!("{place}.secrets.{name}");
            self.baton_setting(&place, &name);
            let variable = value.as_str().and_then(|text| text.strip_prefix("${")?.strip_suffix('}'));
            if let Some(variable) = variable.filter(|variable| is_variable_name(variable)) {
                secrets.push((name, variable.to_owned()));
            } else {
                let message = format!("the secret `{name}` is no variable of the environment");
                let help = "put it into one, and write `${NAME}` and nothing else";
                self.key_error(&place, Finding::new("spec::secret_in_file", message, help));
            }
        }
        secrets
    }
}
