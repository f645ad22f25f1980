//! Checked requests, connections and people for tests.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use model::{Identities, PrivacyRequestId, RandomIds, Row};
use serde_json::Value;
use spec::connector_file::{ConnectorFile, Request};
use spec::{CheckOptions, SourceFile};

use crate::connection::Connection;
use crate::inputs::Inputs;
use crate::person::Person;
use crate::secrets::Secrets;

/// The read request with the keys of `yaml`, which stands at the left margin; `GET /p` unless it
/// says otherwise.
pub(crate) fn read_request(yaml: &str) -> Request {
    let mut keys = String::new();
    for (key, default) in [("method:", "GET"), ("path:", "/p")] {
        if !yaml.lines().any(|line| line.starts_with(key)) {
            let _ = writeln!(keys, "          {key} {default}");
        }
    }
    for line in yaml.lines() {
        let _ = writeln!(keys, "          {line}");
    }
    let file = file(&format!("    - name: things\n      requests:\n        read:\n{keys}"));
    file.endpoints[0].read[0].clone()
}

/// The connector file with these endpoints, which are indented by four.
pub(crate) fn file(endpoints: &str) -> ConnectorFile {
    let text = format!(
        "saas_config:\n  fides_key: acme\n  name: Acme\n  type: acme\n  description: Made up\n  version: 1.0.0\n  \
         connector_params:\n    - name: domain\n    - name: token\n    - name: regions\n      options: [eu, us]\n      \
         multiselect: true\n  client_config:\n    protocol: https\n    host: <domain>\n  test_request:\n    \
         method: GET\n    path: /ping\n  endpoints:\n{endpoints}"
    );
    let checked = spec::check_connector(&SourceFile::new("acme.yml", text.clone()), &CheckOptions::default());
    checked.value.unwrap_or_else(|| panic!("{:#?}\n{text}", checked.diagnostics))
}

/// A connection of `file` to `api.acme.test` with these secrets added.
pub(crate) fn connection(file: ConnectorFile, secrets: &[(&str, Value)]) -> Connection {
    let mut all =
        vec![("domain".to_owned(), Value::from("api.acme.test")), ("token".to_owned(), Value::from("T"))];
    all.extend(secrets.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    Connection {
        key: "acme".parse().unwrap(),
        file: Arc::new(file),
        secrets: Arc::new(Secrets::new(all)),
        references: HashMap::new(),
        recording_keep: HashMap::new(),
    }
}

/// A person with these identities.
pub(crate) fn person(identities: &[(&str, &str)]) -> Person {
    let mut known = Identities::default();
    for (kind, value) in identities {
        known.insert(*kind, (*value).into()).unwrap();
    }
    Person {
        identities: known,
        privacy_request_id: PrivacyRequestId::new(&RandomIds),
        privacy_request: Row::new(),
        custom_fields: Row::new(),
    }
}

/// Inputs without groups.
pub(crate) fn inputs(flat: &[(&str, Value)]) -> Inputs {
    Inputs { flat: lists(flat), ..Inputs::default() }
}

/// Names with lists of values, each written as a JSON array.
pub(crate) fn lists(values: &[(&str, Value)]) -> Vec<(String, Vec<Value>)> {
    values.iter().map(|(name, list)| ((*name).to_owned(), list.as_array().unwrap().clone())).collect()
}
