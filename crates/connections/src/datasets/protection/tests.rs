use serde_json::json;
use spec::{CheckOptions, SourceFile, check_connector};

use super::*;
use crate::canonical_dataset;

fn file() -> ConnectorFile {
    let text = "saas_config:
  fides_key: acme
  name: Acme
  type: acme
  description: Demonstration
  version: 1.0.0
  connector_params: [{name: token, sensitive: true}]
  client_config:
    protocol: https
    host: api.example.com
    authentication: {strategy: bearer, configuration: {token: <token>}}
  test_request: {method: GET, path: /ping}
  endpoints:
    - name: users
      requests:
        read: {method: GET, path: /users, query_params: [{name: q, value: <email>}], param_values: [{name: email, identity: email}]}
    - name: notes
      requests:
        read:
          method: GET
          path: /users/<user>/notes
          param_values:
            - {name: user, references: [{dataset: acme, field: users.profile.number, direction: from}]}
    - name: tags
      requests:
        read: {method: GET, path: /tags/<email>, param_values: [{name: email, identity: email}]}
";
    let checked = check_connector(&SourceFile::new("acme.yml", text), &CheckOptions::default());
    checked.value.unwrap_or_else(|| panic!("{:?}", checked.diagnostics))
}

fn kept() -> Value {
    canonical_dataset(&json!({"fides_key": "acme", "collections": [
        {"name": "users", "fields": [
            {"name": "id", "fides_meta": {"primary_key": true, "data_type": "integer"}},
            {"name": "profile", "fields": [{"name": "number", "fides_meta": {"data_type": "string"}}, {"name": "nick"}]},
            {"name": "shoe"},
        ]},
        {"name": "notes", "fields": [{"name": "text"}]},
    ]}))
}

/// What an edit of `kept` becomes, with `action collection.field` of each warning.
fn restored(edit: impl FnOnce(&mut Value)) -> (Value, Vec<String>) {
    let mut edited = kept();
    edit(&mut edited);
    let (document, warnings) = restore(&file(), &kept(), &canonical_dataset(&edited));
    let said = |warning: &DatasetWarning| {
        let field = warning.field.as_ref().map(|field| format!(".{field}")).unwrap_or_default();
        format!("{:?} {}{field}", warning.action, warning.collection)
    };
    (document, warnings.iter().map(said).collect())
}

#[test]
fn the_fields_that_the_connector_file_refers_to_are_protected() {
    let fields = protected_fields(&file());

    assert_eq!(
        fields,
        [ProtectedField { collection: "users".to_owned(), field: "profile.number".to_owned() }]
    );
}

// rule: privacy-requests C-16
#[test]
fn what_the_connector_file_needs_is_put_back() {
    let without_collection = restored(|edited| {
        edited["collections"].as_array_mut().unwrap().retain(|one| one["name"] != "notes");
    });
    let without_key = restored(|edited| {
        edited["collections"][1]["fields"].as_array_mut().unwrap().retain(|one| one["name"] != "id");
    });
    let without_object = restored(|edited| {
        edited["collections"][1]["fields"].as_array_mut().unwrap().retain(|one| one["name"] != "profile");
    });
    let without_nested = restored(|edited| {
        let fields = edited["collections"][1]["fields"][1]["fields"].as_array_mut().unwrap();
        fields.retain(|one| one["name"] != "number");
    });
    let other_type = restored(|edited| {
        edited["collections"][1]["fields"][0]["fides_meta"] = json!({"data_type": "string", "length": 3});
    });
    let flat = restored(|edited| edited["collections"][1]["fields"][1]["fields"] = json!(null));

    for (document, warnings) in [&without_collection, &without_key, &without_object, &flat] {
        assert_eq!((document, warnings.len()), (&kept(), 1), "{warnings:?}");
    }
    assert_eq!(without_collection.1, ["Restored notes"]);
    assert_eq!(without_key.1, ["Restored users.id"]);
    assert_eq!(without_nested.1, ["Restored users.profile.number"]);
    let nested = &without_nested.0["collections"][1]["fields"][1]["fields"];
    assert!(nested.as_array().unwrap().iter().any(|field| field["name"] == "number"));
    assert_eq!(other_type.1, ["Restored users.id"]);
    assert_eq!(
        other_type.0["collections"][1]["fields"][0]["fides_meta"],
        json!({"data_type": "integer", "length": 3, "primary_key": true}),
        "what is not fixed may change"
    );
}

// rule: privacy-requests C-16
#[test]
fn a_collection_that_nothing_reads_is_taken_out_and_one_with_an_endpoint_stays() {
    let (document, warnings) = restored(|edited| {
        let collections = edited["collections"].as_array_mut().unwrap();
        collections.push(json!({"name": "shoes", "fields": []}));
        collections.push(json!({"name": "tags", "fields": []}));
    });

    let names: Vec<&Value> = items(&document, "collections").iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["notes", "tags", "users"]);
    assert_eq!(warnings, ["Removed shoes"]);
}

#[test]
fn an_edit_of_what_is_not_protected_goes_through() {
    let (document, warnings) = restored(|edited| {
        let fields = edited["collections"][1]["fields"].as_array_mut().unwrap();
        fields.retain(|one| one["name"] != "shoe");
        fields.push(json!({"name": "hat", "data_categories": ["user.preferred_shoe"]}));
        edited["name"] = json!("Renamed");
    });

    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!(document["name"], "Renamed");
    assert_eq!(items(&document["collections"][1], "fields").len(), 3);
}
