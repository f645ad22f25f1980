use std::path::PathBuf;

use jsonschema::Validator;
use rstest::rstest;
use serde_json::{Map, json};

use super::*;
use crate::SourceFile;
use crate::yaml::{Content, Meaning, Node, parse};

#[test]
fn schemas_name_their_dialect_and_have_no_id() {
    for schema in [connector_schema(), dataset_schema(), project_schema()] {
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert!(schema.get("$id").is_none());
        assert!(schema["title"].as_str().unwrap().starts_with("Tutela "));
        assert!(schema["description"].is_string());
    }
}

#[test]
fn nothing_of_the_types_behind_shows() {
    let text = connector_schema().to_string();

    assert!(!text.contains("\"int64\""));
    assert!(!text.contains("\"default\":null"));
}

#[test]
fn every_key_has_a_description() {
    for (name, schema) in [
        ("connector", connector_schema()),
        ("dataset", dataset_schema()),
        ("project", project_schema()),
        ("server", server_schema()),
    ] {
        let mut open = vec![(name.to_owned(), &schema)];
        while let Some((place, value)) = open.pop() {
            let Value::Object(members) = value else { continue };
            if let Some(Value::Object(properties)) = members.get("properties") {
                for (key, property) in properties {
                    assert!(property.get("description").is_some(), "{place}.{key} has no description");
                }
            }
            open.extend(members.iter().map(|(key, member)| (format!("{place}.{key}"), member)));
        }
    }
}

// rule: saas-config 2.2
#[test]
fn every_corpus_file_validates() {
    let Some(corpus) = corpus() else { return };
    let connector = jsonschema::validator_for(&connector_schema()).unwrap();
    let dataset = jsonschema::validator_for(&dataset_schema()).unwrap();
    let mut seen = 0;

    for (folder, validator) in [("fides/config", &connector), ("fides/dataset", &dataset)] {
        for entry in std::fs::read_dir(corpus.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            assert_eq!(
                complaints(validator, &json_of(&std::fs::read_to_string(&path).unwrap())),
                [""; 0],
                "{path:?}"
            );
            seen += 1;
        }
    }
    for (file, validator) in [
        ("published/segment_connector_example.yml", &connector),
        ("published/segment_connector_example_dataset.yml", &dataset),
    ] {
        let text = std::fs::read_to_string(corpus.join(file)).unwrap();
        assert_eq!(complaints(validator, &json_of(&text)), [""; 0], "{file}");
        seen += 1;
    }

    assert_eq!(seen, 103, "a corpus file was not seen");
}

#[test]
fn every_file_of_the_library_validates() {
    let connector = jsonschema::validator_for(&connector_schema()).unwrap();
    let dataset = jsonschema::validator_for(&dataset_schema()).unwrap();

    for entry in crate::library::library() {
        assert_eq!(complaints(&connector, &json_of(entry.connector.text())), [""; 0], "{}", entry.name);
        if let Some(file) = &entry.dataset {
            assert_eq!(complaints(&dataset, &json_of(file.text())), [""; 0], "{}", entry.name);
        }
    }
}

const GOOD: &str = r"
saas_config:
  fides_key: shop
  name: Shop
  type: shop
  description: d
  version: 1.0.0
  connector_params: [{name: domain}]
  client_config: {protocol: https, host: <domain>}
  test_request: {method: GET, path: /ping}
  endpoints:
    - name: people
      requests:
        read:
          method: GET
          path: /people
          param_values: [{name: email, identity: email}]
";

#[rstest]
#[case::unknown_request_key("path: /ping}", "path: /ping, timeout: 3}")]
#[case::missing_key("  name: Shop\n", "")]
#[case::number_for_text("name: Shop", "name: 7")]
#[case::text_for_list("connector_params: [{name: domain}]", "connector_params: domain")]
#[case::method_in_lower_case("method: GET, path: /ping", "method: get, path: /ping")]
#[case::bad_key_text("fides_key: shop", "fides_key: my shop")]
#[case::unknown_pagination(
    "path: /people\n",
    "path: /people\n          pagination: {strategy: pages, configuration: {}}\n"
)]
#[case::body_as_mapping("path: /people\n", "path: /people\n          body: {a: 1}\n")]
fn a_planted_defect_is_found(#[case] right: &str, #[case] wrong: &str) {
    let validator = jsonschema::validator_for(&connector_schema()).unwrap();
    let broken = GOOD.replacen(right, wrong, 1);

    assert_ne!(broken, GOOD);
    assert_eq!(complaints(&validator, &json_of(GOOD)), [""; 0]);
    assert_ne!(complaints(&validator, &json_of(&broken)), [""; 0]);
}

#[test]
fn a_project_file_validates_and_a_slip_does_not() {
    let validator = jsonschema::validator_for(&project_schema()).unwrap();
    let good = "connections:\n  - key: a\n    connector: segment\n    access: read\n    secrets: {token: \"${T}\"}\negress:\n  allow: [\"127.0.0.1/32\"]\n  routes: {a.test: \"http://127.0.0.1:1\"}\n";

    assert_eq!(complaints(&validator, &json_of(good)), [""; 0]);
    assert_ne!(complaints(&validator, &json_of(&good.replace("access", "acces"))), [""; 0]);
    assert_ne!(complaints(&validator, &json_of(&good.replace("access: read", "access: all"))), [""; 0]);
}

/// The corpus lies beside the repository; a checkout without it has nothing to compare.
fn corpus() -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: no corpus at {}", folder.display());
    None
}

fn complaints(validator: &Validator, value: &Value) -> Vec<String> {
    validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

fn json_of(text: &str) -> Value {
    let parsed = parse(&SourceFile::new("test.yml", text), None);
    value_of(&parsed.root.unwrap())
}

fn value_of(node: &Node) -> Value {
    match &node.content {
        Content::Sequence(items) => items.iter().map(value_of).collect(),
        Content::Mapping(entries) => {
            let members: Map<String, Value> =
                entries.iter().map(|entry| (entry.key.clone(), value_of(&entry.value))).collect();
            members.into()
        }
        Content::Scalar(scalar) => match &scalar.meaning {
            Meaning::Null => Value::Null,
            Meaning::Boolean(flag) => json!(flag),
            Meaning::Integer(number) | Meaning::Float(Some(number)) => Value::Number(number.clone()),
            Meaning::Float(None) | Meaning::Date | Meaning::Text => json!(scalar.text),
        },
    }
}
