use serde::Serialize;
use serde_json::Value;

use super::{Declared, Thing};

/// What would be changed on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    /// In the order of kinds and keys.
    pub(crate) changes: Vec<(Thing, Change)>,
}

/// What is different about one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub(crate) enum Change {
    /// Only the project has it: it would be made.
    Add,
    /// These parts differ.
    Update {
        /// Their names.
        parts: Vec<String>,
    },
    /// Only the server has it: it stays as it is.
    OnlyOnServer,
}

impl Change {
    /// Whether what the server has may want secrets that it was not given.
    pub(super) fn needs_secrets(&self) -> bool {
        match self {
            Self::Add => true,
            Self::Update { parts } => parts.iter().any(|part| part == "saas_config"),
            Self::OnlyOnServer => false,
        }
    }
}

impl Difference {
    /// From what a server has to what a project declares.
    pub(crate) fn of(server: &Declared, project: &Declared) -> Self {
        let mut changes = Vec::new();
        for (thing, declared) in &project.things {
            match server.things.get(thing) {
                None => changes.push((thing.clone(), Change::Add)),
                Some(there) if there == declared => {}
                Some(there) => {
                    changes.push((thing.clone(), Change::Update { parts: parts(there, declared) }));
                }
            }
        }
        let unknown = server.things.keys().filter(|thing| !project.things.contains_key(*thing));
        changes.extend(unknown.map(|thing| (thing.clone(), Change::OnlyOnServer)));
        changes.sort_by(|one, other| one.0.cmp(&other.0));
        Self { changes }
    }

    /// Whether a push would change nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.changes.iter().all(|(_, change)| *change == Change::OnlyOnServer)
    }

    /// One line for each change; `+`, `~` and, for what stays as it is, `=`.
    pub(crate) fn lines(&self) -> Vec<String> {
        let line = |(thing, change): &(Thing, Change)| {
            let named = format!("{} {}", thing.kind(), thing.key());
            match change {
                Change::Add => format!("+ {named}"),
                Change::Update { parts } => format!("~ {named}: {}", parts.join(", ")),
                Change::OnlyOnServer => format!("= {named}: only on the server, stays"),
            }
        };
        self.changes.iter().map(line).collect()
    }

    /// The same as data.
    pub(crate) fn to_json(&self) -> Value {
        let entry = |(thing, change): &(Thing, Change)| {
            let mut entry = serde_json::to_value(change).unwrap_or_default();
            if let Value::Object(members) = &mut entry {
                members.insert("kind".to_owned(), thing.kind().into());
                members.insert("key".to_owned(), thing.key().into());
            }
            entry
        };
        self.changes.iter().map(entry).collect()
    }
}

/// Names of the members that differ.
fn parts(one: &Value, other: &Value) -> Vec<String> {
    let (Some(ones), Some(others)) = (one.as_object(), other.as_object()) else { return Vec::new() };
    let names = ones.keys().chain(others.keys().filter(|name| !ones.contains_key(*name)));
    names.filter(|name| ones.get(*name) != others.get(*name)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn declared(things: &[(&str, Value)]) -> Declared {
        let thing = |(key, value): &(&str, Value)| (Thing::Connection((*key).to_owned()), value.clone());
        Declared { things: things.iter().map(thing).collect(), notes: Vec::new() }
    }

    #[test]
    fn what_is_new_different_and_elsewhere_is_told_apart() {
        let server = declared(&[("a", json!({"x": 1, "y": 2})), ("b", json!({})), ("d", json!({"z": [1]}))]);
        let project =
            declared(&[("a", json!({"x": 1, "y": 3, "w": 0})), ("c", json!({})), ("d", json!({"z": [1]}))]);

        let difference = Difference::of(&server, &project);

        assert_eq!(
            difference.lines(),
            ["~ connection a: y, w", "= connection b: only on the server, stays", "+ connection c"]
        );
        assert!(!difference.is_empty());
        assert_eq!(difference.to_json()[0]["parts"], json!(["y", "w"]));
    }

    #[test]
    fn another_connector_file_wants_its_secrets_and_another_access_does_not() {
        let of = |part: &str| Change::Update { parts: vec!["access".to_owned(), part.to_owned()] };

        assert!(Change::Add.needs_secrets() && of("saas_config").needs_secrets());
        assert!(!of("dataset").needs_secrets() && !Change::OnlyOnServer.needs_secrets());
    }

    #[test]
    fn project_that_a_server_has_makes_no_difference() {
        let both = declared(&[("a", json!({"x": 1}))]);

        assert!(Difference::of(&both, &both).changes.is_empty());
        assert!(Difference::of(&both, &Declared::default()).is_empty(), "what only the server has stays");
    }
}
