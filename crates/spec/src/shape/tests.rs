use jsonschema::Validator;
use serde_json::Value;

use super::*;
use crate::raw;

/// Every property of every mapping that the compiled form knows, by position.
fn keys(schema: &Schema) -> usize {
    schema.mappings.iter().map(|rule| rule.properties.len()).sum()
}

/// Every property that stands in a schema, references not followed.
fn properties(schema: &Value) -> usize {
    match schema {
        Value::Object(members) => {
            let own = members.get("properties").and_then(Value::as_object).map_or(0, serde_json::Map::len);
            own + members.values().map(properties).sum::<usize>()
        }
        Value::Array(items) => items.iter().map(properties).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// No word of a schema may be lost on the way: what an editor accepts, the check accepts.
#[test]
fn compiled_schemas_know_every_key_of_the_published_ones() {
    for schema in [
        raw::schema_of::<raw::ConnectorDocument>(),
        raw::schema_of::<raw::DatasetDocument>(),
        raw::schema_of::<raw::ProjectDocument>(),
    ] {
        assert_eq!(keys(&Schema::compile(&schema)), properties(&schema));
    }
}

#[test]
fn every_key_is_documented() {
    fn undocumented(schema: &Value, missing: &mut Vec<String>) {
        match schema {
            Value::Object(members) => {
                for (name, property) in
                    members.get("properties").and_then(Value::as_object).into_iter().flatten()
                {
                    let described = property.get("description").is_some() || property.get("$ref").is_some();
                    if !described {
                        missing.push(name.clone());
                    }
                }
                members.values().for_each(|member| undocumented(member, missing));
            }
            Value::Array(items) => items.iter().for_each(|item| undocumented(item, missing)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut missing = Vec::new();

    undocumented(&raw::schema_of::<raw::ConnectorDocument>(), &mut missing);
    undocumented(&raw::schema_of::<raw::DatasetDocument>(), &mut missing);
    undocumented(&raw::schema_of::<raw::ProjectDocument>(), &mut missing);

    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn the_published_schemas_are_schemas() {
    for schema in [
        raw::schema_of::<raw::ConnectorDocument>(),
        raw::schema_of::<raw::DatasetDocument>(),
        raw::schema_of::<raw::ProjectDocument>(),
    ] {
        assert!(jsonschema::meta::is_valid(&schema));
        let validator: Validator = jsonschema::validator_for(&schema).unwrap();
        assert!(!validator.is_valid(&serde_json::json!([])));
    }
}

/// What `tutela connector schema` prints must accept what the checks accept.
#[test]
fn every_file_of_the_corpus_is_valid_by_the_published_schemas() {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    if !corpus.is_dir() {
        println!("skipped: no corpus at {}", corpus.display());
        return;
    }
    let connector = jsonschema::validator_for(&raw::schema_of::<raw::ConnectorDocument>()).unwrap();
    let dataset = jsonschema::validator_for(&raw::schema_of::<raw::DatasetDocument>()).unwrap();
    let mut checked = 0;

    for folder in ["published", "fides/config", "fides/dataset"] {
        for entry in std::fs::read_dir(corpus.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "yml") {
                continue;
            }
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let source = crate::SourceFile::new(name.clone(), std::fs::read_to_string(&path).unwrap());
            let value = natural(&crate::yaml::parse(&source, None).root.unwrap());
            let validator = if name.contains("dataset") { &dataset } else { &connector };
            let errors: Vec<String> = validator
                .iter_errors(&value)
                .map(|error| format!("{name}: {error} at {}", error.instance_path()))
                .collect();
            assert_eq!(errors, Vec::<String>::new());
            checked += 1;
        }
    }
    assert!(checked > 100, "{checked} files");
}

#[test]
fn the_published_schema_refuses_what_the_check_refuses() {
    let validator = jsonschema::validator_for(&raw::schema_of::<raw::ConnectorDocument>()).unwrap();
    let file = |request: Value| {
        serde_json::json!({"saas_config": {
            "fides_key": "a", "name": "a", "description": "a", "version": "1.0.0", "connector_params": [],
            "client_config": {"protocol": "https", "host": "<domain>"}, "endpoints": [], "test_request": request,
        }})
    };

    assert!(validator.is_valid(&file(serde_json::json!({"method": "GET", "path": "/"}))));
    assert!(!validator.is_valid(&file(serde_json::json!({"method": "get", "path": "/"}))));
    assert!(!validator.is_valid(&file(serde_json::json!({"method": "GET", "path": "/", "timeout": 5}))));
    assert!(!validator.is_valid(&file(serde_json::json!({"method": "GET", "path": 5}))));
}
