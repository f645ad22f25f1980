use serde_json::{Value, json};
use spec::{CheckOptions, SecretInputs, SourceFile, check_connector};

use super::*;

fn postgres() -> SecretSchema {
    SecretSchema::of_type(ConnectionType::Postgres).unwrap()
}

fn supplied(values: Value) -> SecretInputs {
    let Value::Object(members) = values else { panic!("an object") };
    SecretInputs::new(members)
}

fn problems(schema: &SecretSchema, values: Value) -> Vec<String> {
    let refused = schema.check(&supplied(values)).unwrap_err();
    refused.iter().map(ToString::to_string).collect()
}

#[test]
fn missing_parts_are_named_as_the_published_message_does() {
    let found = problems(&postgres(), json!({"username": "u"}));

    assert_eq!(found, ["Value error, PostgreSQLSchema must be supplied all of: ['host']."]);
}

// rule: privacy-requests C-3
#[test]
fn unknown_names_are_left_out_and_defaults_filled_in() {
    let values = postgres().check(&supplied(json!({"host": "db", "colour": "red"}))).unwrap();

    assert_eq!(
        Value::Object(values.into_iter().collect()),
        json!({"host": "db", "port": 5432, "ssh_required": false})
    );
}

// rule: privacy-requests C-4
#[test]
fn url_stands_for_the_parts() {
    assert!(postgres().check(&supplied(json!({"url": "postgres://db/shop"}))).is_ok());
    assert!(postgres().to_json()["properties"].get("url").is_none());
}

#[test]
fn values_of_a_wrong_type_are_refused_by_name_without_the_value() {
    let found = problems(&postgres(), json!({"host": 7, "port": "canary", "password": ["canary"]}));

    assert_eq!(found.len(), 3);
    assert!(found.iter().all(|message| !message.contains("canary")));
    assert_eq!(
        problems(&postgres(), json!({"host": "db", "port": 70_000})),
        ["Value error, `port` must be a number from 1 to 65535"]
    );
}

#[test]
fn snowflake_takes_a_password_or_a_private_key_not_both() {
    let schema = SecretSchema::of_type(ConnectionType::Snowflake).unwrap();
    let base = json!({"account_identifier": "a", "user_login_name": "u", "warehouse_name": "w"});
    let with = |more: Value| {
        let mut all = base.as_object().unwrap().clone();
        all.extend(more.as_object().unwrap().clone());
        supplied(Value::Object(all))
    };

    assert!(schema.check(&with(json!({"password": "p"}))).is_ok());
    assert!(schema.check(&with(json!({"private_key": "p"}))).is_ok());
    assert!(schema.check(&with(json!({}))).is_err());
    assert!(schema.check(&with(json!({"password": "p", "private_key": "k"}))).is_err());
}

#[test]
fn sensitive_values_are_masked_and_unknown_ones_dropped() {
    let stored = [("host", json!("db")), ("password", json!("canary")), ("colour", json!("canary"))];

    let shown = postgres().masked(stored.iter().map(|(name, value)| (*name, value)));

    assert_eq!(Value::Object(shown), json!({"host": "db", "password": "**********"}));
}

#[test]
fn connector_file_gives_its_params_and_external_references() {
    let entry = spec::library::find("segment").unwrap();
    let file = check_connector(&entry.connector, &CheckOptions::default()).value.unwrap();

    let schema = SecretSchema::of_connector(&file).to_json();

    assert_eq!(schema["title"], "segment_schema");
    assert_eq!(schema["additionalProperties"], true);
    assert_eq!(schema["properties"]["domain"]["default"], "api.segmentapis.com");
    assert_eq!(schema["properties"]["access_token"]["sensitive"], true);
    assert_eq!(schema["properties"]["segment_user_id"]["external_reference"], true);
    assert_eq!(schema["required"], json!(["access_token", "segment_user_id"]));
}

#[test]
fn params_that_prove_who_asks_are_hidden_although_the_file_does_not_say_so() {
    let text = "saas_config:\n  fides_key: a\n  name: A\n  type: a\n  description: A\n  version: 1.0.0\n  connector_params:\n    - name: domain\n    - name: api_key\n  client_config:\n    protocol: https\n    host: <domain>\n    authentication:\n      strategy: bearer\n      configuration:\n        token: <api_key>\n  test_request:\n    method: GET\n    path: /ping\n  endpoints: []\n";
    let checked = check_connector(&SourceFile::new("a.yml", text), &CheckOptions::default());
    let schema = SecretSchema::of_connector(&checked.value.unwrap());

    assert!(schema.find("api_key").unwrap().sensitive);
    assert!(!schema.find("domain").unwrap().sensitive);
}

#[test]
fn every_offered_type_has_a_schema_that_masks_what_unlocks_it() {
    for kind in ConnectionType::ALL.iter().copied() {
        let Some(schema) = SecretSchema::of_type(kind) else { continue };
        for name in ["password", "private_key", "aws_secret_access_key", "keyfile_creds", "authorization"] {
            assert!(schema.find(name).is_none_or(|field| field.sensitive), "{kind}: {name}");
        }
    }
}

#[test]
fn secrets_of_a_connector_are_refused_with_the_published_message() {
    let entry = spec::library::find("stripe").unwrap();
    let file = check_connector(&entry.connector, &CheckOptions::default()).value.unwrap();
    let refused =
        spec::check_secrets(&file, &supplied(json!({})), spec::DomainValidation::Enabled).unwrap_err();

    let found = connector_secret_problems(&file, &refused);

    assert_eq!(found.len(), 1);
    assert_eq!(found[0].place, []);
    assert_eq!(found[0].message, "Value error, stripe_schema must be supplied all of: [api_key].");
}
