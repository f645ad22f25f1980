//! Secrets against what a connector file declares.

use rstest::rstest;
use serde_json::{Value, json};
use spec::secrets::{ExternalReferenceError, check_external_reference};
use spec::{
    CheckOptions, CheckedSecrets, ConnectorFile, DomainValidation, SecretInputs, SecretProblem, SecretsError,
    SourceFile, check_connector, check_datasets, check_secrets,
};

const FILE: &str = r#"
saas_config:
  fides_key: shop
  name: Shop
  type: shop
  description: A shop
  version: 1.0.0
  connector_params:
    - name: a
    - name: b
      default_value: B
    - name: o
      options: [x, y]
    - name: m
      options: [x, y]
      multiselect: true
PARAMS  client_config: {protocol: https, host: api.shop.test}
  test_request: {method: GET, path: "/<a>/<b>/<o>/<m>"}
  endpoints: []
"#;

fn file(params: &str) -> ConnectorFile {
    let source = SourceFile::new("shop.yml", FILE.replace("PARAMS", params));
    let checked = check_connector(&source, &CheckOptions::default());
    checked.value.unwrap_or_else(|| panic!("{:?}", checked.diagnostics))
}

fn check_in(params: &str, secrets: &Value, mode: DomainValidation) -> Result<CheckedSecrets, SecretsError> {
    let Value::Object(members) = secrets.clone() else { panic!("secrets are an object") };
    check_secrets(&file(params), &SecretInputs::new(members), mode)
}

fn check(params: &str, secrets: &Value) -> Result<CheckedSecrets, SecretsError> {
    check_in(params, secrets, DomainValidation::Enabled)
}

fn stored(params: &str, secrets: &Value) -> Value {
    Value::Object(check(params, secrets).unwrap().values.into_iter().collect())
}

fn problems(params: &str, secrets: &Value) -> Vec<SecretProblem> {
    check(params, secrets).unwrap_err().problems
}

// rule: saas-config 4.5
#[test]
fn defaults_are_stored_where_nothing_was_supplied() {
    assert_eq!(
        stored("", &json!({"a": "1", "o": "x", "m": ["x"]})),
        json!({"a": "1", "o": "x", "m": ["x"], "b": "B"})
    );
    assert_eq!(
        stored("", &json!({"a": "1", "o": "x", "m": ["x"], "b": "mine"})),
        json!({"a": "1", "o": "x", "m": ["x"], "b": "mine"})
    );
    assert_eq!(
        stored("", &json!({"a": "1", "o": "x", "m": ["x"], "b": null})),
        json!({"a": "1", "o": "x", "m": ["x"], "b": null})
    );
}

// rule: saas-config 4.4
// rule: saas-config A41
#[test]
fn everything_that_is_missing_is_named_at_once() {
    let error = check("    - name: zero\n      default_value: 0\n", &json!({"a": ""})).unwrap_err();

    assert_eq!(
        error.problems,
        [SecretProblem::Missing {
            missing: vec!["a".into(), "o".into(), "m".into(), "zero".into()],
            required: vec!["a".into(), "o".into(), "m".into(), "zero".into()],
        }]
    );
    assert!(error.to_string().contains("must be supplied all of `a`, `o`, `m`, `zero`"), "{error}");
}

// rule: saas-config 4.4
#[test]
fn external_references_are_required_after_the_params() {
    let references = "  external_references: [{name: customer}]\n";

    assert_eq!(
        problems(references, &json!({"a": "1", "m": "x"})),
        [SecretProblem::Missing {
            missing: vec!["o".into(), "customer".into()],
            required: vec!["a".into(), "o".into(), "m".into(), "customer".into()],
        }]
    );
}

// rule: saas-config 4.3
#[rstest]
#[case::number(json!({"a": 1, "o": "x", "m": "x"}), "a")]
#[case::list(json!({"a": ["1"], "o": "x", "m": "x"}), "a")]
#[case::boolean(json!({"a": true, "o": "x", "m": "x"}), "a")]
#[case::number_for_an_option(json!({"a": "1", "o": 7, "m": "x"}), "o")]
#[case::object_for_a_default(json!({"a": "1", "o": "x", "m": "x", "b": {"c": 1}}), "b")]
#[case::fraction_for_a_default(json!({"a": "1", "o": "x", "m": "x", "b": 1.5}), "b")]
fn a_wrong_type_is_refused_by_name(#[case] secrets: Value, #[case] param: &str) {
    let found = problems("", &secrets);

    assert!(matches!(&found[..], [SecretProblem::WrongType { name, .. }] if name == param), "{found:?}");
}

// rule: saas-config 4.3
#[test]
fn a_param_with_a_default_also_takes_integers_and_lists() {
    for value in [json!(3), json!(["x", "y"]), json!([1, 2])] {
        let secrets = json!({"a": "1", "o": "x", "m": "x", "b": value});
        assert_eq!(stored("", &secrets), secrets);
    }
}

// rule: saas-config 4.6
// rule: saas-config A42
#[test]
fn a_text_that_is_no_option_is_refused() {
    assert_eq!(
        problems("", &json!({"a": "1", "o": "z", "m": "x"})),
        [SecretProblem::NotAnOption { name: "o".into(), options: vec!["x".into(), "y".into()] }]
    );
}

// rule: saas-config 4.6
// rule: saas-config A43
#[test]
fn list_entries_must_all_be_options() {
    assert_eq!(
        problems("", &json!({"a": "1", "o": "x", "m": ["x", "z"]})),
        [SecretProblem::NotOptions { name: "m".into(), options: vec!["x".into(), "y".into()] }]
    );
    assert_eq!(
        problems("", &json!({"a": "1", "o": ["x"], "m": "x"})),
        [SecretProblem::NotMultiselect { name: "o".into() }]
    );
}

const HOST: &str = "    - name: host\n      type: endpoint\n      allowed_values: [\"*.shop.test\"]\n";

// rule: saas-config 4.9
// rule: saas-config 4.10
// rule: saas-config A10
#[test]
fn a_host_outside_the_patterns_is_refused_reported_or_let_through() {
    let secrets = json!({"a": "1", "o": "x", "m": "x", "host": "evil.test"});
    let with_host = |mode| {
        let text = FILE.replace("PARAMS", HOST).replace("host: api.shop.test", "host: <host>");
        let file =
            check_connector(&SourceFile::new("shop.yml", text), &CheckOptions::default()).value.unwrap();
        let Value::Object(members) = secrets.clone() else { unreachable!() };
        check_secrets(&file, &SecretInputs::new(members), mode)
    };

    let refused = with_host(DomainValidation::Enabled).unwrap_err();
    let reported = with_host(DomainValidation::Monitor).unwrap();
    let let_through = with_host(DomainValidation::Disabled).unwrap();

    let problem = SecretProblem::HostNotAllowed { name: "host".into(), patterns: vec!["*.shop.test".into()] };
    assert!(refused.to_string().contains("is not in the list of allowed values"), "{refused}");
    assert_eq!(refused.problems, std::slice::from_ref(&problem));
    assert_eq!(reported.warnings, [problem]);
    assert_eq!(let_through.warnings, []);
}

// rule: saas-config 4.12
#[test]
fn a_reference_becomes_a_field() {
    let references = "  external_references: [{name: customer}]\n";
    let secrets = json!({
        "a": "1", "o": "x", "m": "x",
        "customer": {"dataset": "crm", "field": "people.address.id", "direction": "from"},
    });

    let checked = check(references, &secrets).unwrap();

    let (name, field) = &checked.references[0];
    assert_eq!(name, "customer");
    assert_eq!((field.dataset.as_str(), field.collection.as_str()), ("crm", "people"));
    assert_eq!(field.path, ["address", "id"]);
}

// rule: saas-config 4.12
// rule: saas-config A44
#[rstest]
#[case::flows_out(json!({"dataset": "crm", "field": "people.id", "direction": "to"}), "can only have a direction of 'from', found 'to'")]
#[case::no_collection(json!({"dataset": "crm", "field": "id", "direction": "from"}), "collection.field")]
#[case::text(json!("crm.people.id"), "must be a reference")]
#[case::no_dataset(json!({"field": "people.id"}), "must be a reference")]
#[case::other_direction(json!({"dataset": "crm", "field": "people.id", "direction": "up"}), "must be a reference")]
fn a_reference_that_is_none_is_refused(#[case] reference: Value, #[case] message: &str) {
    let references = "  external_references: [{name: customer}]\n";

    let error = check(references, &json!({"a": "1", "o": "x", "m": "x", "customer": reference})).unwrap_err();

    assert!(error.to_string().contains(message), "{error}");
}

// rule: saas-config A45
#[rstest]
#[case::there("crm", "people.address.id", None)]
#[case::no_dataset("erp", "people.address.id", Some("dataset `erp` referenced by external reference"))]
#[case::no_collection("crm", "persons.id", Some("collection `persons` referenced by external reference"))]
#[case::no_field("crm", "people.address.nr", Some("field `address.nr` referenced by external reference"))]
fn a_reference_must_lead_to_a_field_that_exists(
    #[case] dataset: &str,
    #[case] field: &str,
    #[case] expected: Option<&str>,
) {
    let text = "dataset: [{fides_key: crm, collections: [{name: people, fields: [{name: address, fields: [{name: id}]}]}]}]";
    let datasets = check_datasets(&SourceFile::new("crm.yml", text), &CheckOptions::default()).value.unwrap();
    let references = "  external_references: [{name: customer}]\n";
    let secrets = json!({"a": "1", "o": "x", "m": "x", "customer": {"dataset": dataset, "field": field}});
    let checked = check(references, &secrets).unwrap();

    let result: Result<(), ExternalReferenceError> =
        check_external_reference("customer", &checked.references[0].1, &datasets.iter().collect::<Vec<_>>());

    match expected {
        None => assert_eq!(result, Ok(())),
        Some(message) => assert!(result.unwrap_err().to_string().contains(message)),
    }
}

#[test]
fn optional_params_may_be_left_out_or_empty_and_are_not_stored() {
    let optional = "    - name: workspace\n      required: false\n";
    let secrets = json!({"a": "1", "o": "x", "m": "x"});
    let mut empty = secrets.clone();
    empty["workspace"] = json!("");

    assert_eq!(stored(optional, &secrets).get("workspace"), None);
    assert_eq!(stored(optional, &empty).get("workspace"), None);
    assert!(check("    - name: workspace\n", &secrets).is_err());
}

#[test]
fn a_condition_decides_what_is_required_over_defaults_too() {
    let params = "    - name: workspace\n      required_when: b == 'old'\n";
    let secrets = json!({"a": "1", "o": "x", "m": "x"});
    let mut old = secrets.clone();
    old["b"] = json!("old");

    assert!(check(params, &secrets).is_ok());
    assert_eq!(
        problems(params, &old),
        [SecretProblem::Missing {
            missing: vec!["workspace".into()],
            required: vec!["a".into(), "o".into(), "m".into(), "workspace".into()],
        }]
    );
}

#[test]
fn a_condition_over_a_param_without_value_is_false_not_an_error() {
    let params = "    - name: region\n      required: false\n    - name: workspace\n      required_when: region == 'eu'\n";

    assert!(check(params, &json!({"a": "1", "o": "x", "m": "x"})).is_ok());
}

// rule: saas-config 4.3
#[test]
fn undeclared_names_are_stored_and_listed_with_what_was_meant() {
    let params = "    - name: access_token\n      required: false\n";
    let checked =
        check(params, &json!({"a": "1", "o": "x", "m": "x", "acces_token": "t", "other": 1})).unwrap();

    let listed: Vec<String> = checked.unknown.iter().map(ToString::to_string).collect();
    assert_eq!(
        listed,
        [
            "secret `acces_token` is not declared by the connector; did you mean `access_token`?",
            "secret `other` is not declared by the connector",
        ]
    );
    assert!(checked.values.iter().any(|(name, _)| name == "other"));
}

#[test]
fn no_value_shows_in_errors_or_debug_output() {
    let canary = "canary-7d1f";
    let references = "    - name: n\n  external_references: [{name: customer}]\n";
    let inputs = json!({
        "a": [canary], "b": {"x": canary}, "o": canary, "m": [canary], "n": [canary], "customer": canary, "other": canary,
    });

    let error = check(references, &inputs).unwrap_err();
    let Value::Object(members) = inputs else { unreachable!() };
    let supplied = SecretInputs::new(members);
    let kept = check("", &json!({"a": canary, "o": "x", "m": "x"})).unwrap();

    for text in [error.to_string(), format!("{error:?}"), format!("{supplied:?}"), format!("{kept:?}")] {
        assert!(!text.contains(canary), "{text}");
    }
    assert_eq!(error.problems.len(), 6);
}
