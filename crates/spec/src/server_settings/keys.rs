use std::sync::LazyLock;

use serde_json::Value;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::schema::server_schema;
use crate::source::SourceFile;

/// Every key of a server file that holds a value, in the order of the reference.
pub(super) static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| {
    let schema = server_schema();
    let mut keys = Vec::new();
    collect(&schema, &schema, "", &mut keys);
    keys
});

/// Variables of the program that are no settings of a file: secrets, and what other commands take.
const OTHER_VARIABLES: [&str; 17] = [
    "TUTELA_CLIENT_ID",
    "TUTELA_CLIENT_SECRET",
    "TUTELA_CONFIG",
    "TUTELA_KEY",
    "TUTELA_KEY_COMMAND",
    "TUTELA_KEY_FILE",
    "TUTELA_KILL_POINT",
    "TUTELA_LOG_FORMAT",
    "TUTELA_OIDC_CLIENT_SECRET",
    "TUTELA_OTHER_KEYS_FILE",
    "TUTELA_OWNER_PASSWORD",
    "TUTELA_OWNER_USERNAME",
    "TUTELA_PROJECT",
    "TUTELA_SMTP_PASSWORD",
    "TUTELA_ROOT_PASSWORD",
    "TUTELA_ROOT_USERNAME",
    "TUTELA_STATE",
];

/// One key.
#[derive(Debug)]
pub(super) struct Key {
    /// With the sections above it, joined by dots.
    pub(super) path: String,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Scalar,
    List,
    Map,
}

impl Key {
    /// The environment variable that sets it.
    pub(super) fn variable(&self) -> String {
        format!("TUTELA_{}", self.path.to_uppercase().replace('.', "_"))
    }

    /// A variable's text as a value; fails with what it should be.
    pub(super) fn value_of(&self, text: &str) -> Result<Value, &'static str> {
        let json: Option<Value> = serde_json::from_str(text).ok();
        match self.kind {
            Kind::Scalar => Ok(Value::String(text.to_owned())),
            Kind::List => json.filter(Value::is_array).ok_or("list"),
            Kind::Map => json.filter(Value::is_object).ok_or("object"),
        }
    }

    /// How a value is written in the variable.
    pub(super) fn example(&self) -> &'static str {
        match self.kind {
            Kind::Scalar => "the value alone",
            Kind::List => "a list of texts, as in `[\"127.0.0.1/32\"]`",
            Kind::Map => "an object of texts, as in `{\"api.example.com\": \"http://127.0.0.1:8787\"}`",
        }
    }
}

fn collect(schema: &Value, section: &Value, above: &str, keys: &mut Vec<Key>) {
    let Some(properties) = section.get("properties").and_then(Value::as_object) else { return };
    for (name, property) in properties {
        let path = if above.is_empty() { name.clone() } else { format!("{above}.{name}") };
        let target = referenced(property).and_then(|target| schema.pointer(target.trim_start_matches('#')));
        match target {
            Some(section) => collect(schema, section, &path, keys),
            None => keys.push(Key { path, kind: kind(property) }),
        }
    }
}

/// The section that a property is, absent or not.
fn referenced(property: &Value) -> Option<&str> {
    let own = property.get("$ref").and_then(Value::as_str);
    own.or_else(|| property.get("anyOf")?.as_array()?.iter().find_map(|branch| branch.get("$ref")?.as_str()))
}

fn kind(property: &Value) -> Kind {
    let is = |name: &str| match property.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == name),
        Some(kind) => kind == name,
        None => false,
    };
    match (is("array"), is("object")) {
        (true, _) => Kind::List,
        (false, true) => Kind::Map,
        (false, false) => Kind::Scalar,
    }
}

/// Variables that were probably meant to be others. What only begins alike is left alone:
/// Kubernetes makes such variables for a service called `tutela`.
pub(super) fn misspelled(environment: &[(String, String)]) -> Diagnostics {
    let known: Vec<String> =
        KEYS.iter().map(Key::variable).chain(OTHER_VARIABLES.map(str::to_owned)).collect();
    let names = environment.iter().map(|(name, _)| name);
    names
        .filter(|name| name.starts_with("TUTELA_") && !known.contains(name))
        .filter_map(|name| {
            let near = known.iter().find(|known| strsim::damerau_levenshtein(name, known) <= 2)?;
            let source = SourceFile::new(name, "");
            let message = format!("the variable `{name}` is not known and has no effect");
            let found = Diagnostic::warning(&source, 0..0, "spec::unknown_variable", message);
            Some(found.with_help(format!("did you mean `{near}`?")))
        })
        .collect()
}
