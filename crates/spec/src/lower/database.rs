//! Databases as connections of a project file (privacy-requests 19, C-3 to C-5).

use serde_json::Value;

use super::{Finding, Lowering};
use crate::diagnostic::nearest_of;
use crate::project_file::{ConnectionEntry, DatabaseKind, SecretValue};

impl Lowering<'_> {
    /// What a database needs besides what every connection has. Messages hold names only.
    pub(super) fn database(&mut self, place: &str, entry: &ConnectionEntry, kind: DatabaseKind) {
        if entry.dataset.is_none() && !self.was_reported(place, "dataset") {
            let message = format!("a connection to `{}` needs a dataset file", kind.as_str());
            let help = "add `dataset: ./….yml`, which says what the tables hold";
            self.error(&format!("{place}.connector"), Finding::new("spec::database_dataset", message, help));
        }
        let place = format!("{place}.secrets");
        let known: Vec<&str> = std::iter::once("url").chain(kind.secret_names().iter().copied()).collect();
        for (name, value) in &entry.secrets {
            let place = format!("{place}.{name}");
            if known.contains(&name.as_str()) {
                if let Some(problem) = problem(name, value, kind) {
                    let help = "write it as the database's own tools take it, best as `${NAME}`";
                    self.error(&place, Finding::new("spec::database_secret", problem, help));
                }
            } else {
                let message = format!("`{name}` is no secret of a `{}` connection", kind.as_str());
                let help = match nearest_of(name, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("possible are {}", known.join(", ")),
                };
                self.key_error(&place, Finding::new("spec::database_secret", message, help));
            }
        }
        let has = |name: &str| entry.secrets.iter().any(|(known, _)| known == name);
        let missing: Vec<&str> = kind.required_parts().iter().copied().filter(|name| !has(name)).collect();
        if !has("url") && !missing.is_empty() {
            let message = format!("a `{}` connection needs {}", kind.as_str(), missing.join(" and "));
            let help = "add `url: ${NAME}` to `secrets`, or the parts of the address";
            let place = if self.is_written(&place) { place } else { place.replace(".secrets", ".connector") };
            self.key_error(&place, Finding::new("spec::database_secret", message, help));
        }
    }
}

/// What is wrong with a secret that stands in the file.
fn problem(name: &str, value: &SecretValue, kind: DatabaseKind) -> Option<String> {
    let SecretValue::Literal(value) = value else { return None };
    match (name, value) {
        ("url", Value::String(url)) if has_scheme(url, kind) => None,
        ("url", _) => Some(format!("`url` must begin with `{}:`", kind.schemes().join(":` or `"))),
        ("port", Value::Number(port)) if port.as_u64().is_some_and(|port| (1..=65_535).contains(&port)) => {
            None
        }
        ("port", Value::String(port)) if port.parse::<u16>().is_ok_and(|port| port > 0) => None,
        ("port", _) => Some("`port` must be a number from 1 to 65535".to_owned()),
        (_, Value::String(_)) => None,
        (_, _) => Some(format!("`{name}` must be text")),
    }
}

fn has_scheme(url: &str, kind: DatabaseKind) -> bool {
    let Some((scheme, rest)) = url.split_once(':') else { return false };
    let known = kind.schemes().iter().any(|known| known.eq_ignore_ascii_case(scheme));
    let is_file = kind == DatabaseKind::Sqlite;
    known && !rest.is_empty() && (is_file || rest.starts_with("//"))
}
