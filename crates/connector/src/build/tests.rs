use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::acme::{Pieces, file, identities};
use crate::fixture;
use crate::values::Origin;

fn prepare(read: &str, values: &ValueMap) -> Result<Prepared, BuildError> {
    let connection = fixture::connection(file(Pieces { read, ..Pieces::default() }), &[]);
    let request = &connection.file.endpoints[0].read[0];
    Build { connection: &connection, endpoint: "things", request, params: &request.param_values, values }
        .prepare()
}

fn url(read: &str, values: &[(&str, Value)]) -> String {
    prepare(read, &identities(values)).unwrap().url().to_string()
}

fn header(prepared: &Prepared, name: &str) -> Option<String> {
    prepared.shared().headers.get(name).map(|value| value.to_str().unwrap().to_owned())
}

// rule: saas-config 12.1
// rule: saas-config 12.2
// rule: saas-config 13.1
// rule: saas-config 13.3
#[test]
fn url_is_base_and_path_and_form_encoded_params() {
    let read = "method: GET\npath: /u/<e>/b/c?d=1\nquery_params: [{name: q, value: a b+c}]\n\
                param_values: [{name: e, identity: email}]";

    assert_eq!(
        url(read, &[("e", json!("a b/é@x"))]),
        "https://api.acme.test/u/a%20b%2F%C3%A9%40x/b/c?d=1&q=a+b%2Bc"
    );
}

// rule: saas-config 12.4
#[test]
fn repeated_param_keeps_the_last_value_and_integers_are_sent_as_they_are() {
    let read = "method: GET\npath: /u\nquery_params:\n- {name: a, value: x}\n- {name: page, value: 1}\n- {name: a, value: \"y&z\"}";

    assert_eq!(url(read, &[]), "https://api.acme.test/u?a=y%26z&page=1");
}

// rule: saas-config 12.3
// rule: saas-config 11.8
#[test]
fn header_without_value_is_left_out_and_a_repeated_one_keeps_the_last() {
    let read = "method: GET\npath: /u\nheaders:\n- {name: X-A, value: \"1\"}\n- {name: x-a, value: \"2\"}\n\
                - {name: X-B, value: <missing>}\n- {name: X-C, value: v <e>}\nparam_values: [{name: e, identity: email}]";

    let prepared = prepare(read, &identities(&[("e", json!("ana@example.com"))])).unwrap();

    assert_eq!(header(&prepared, "x-a").as_deref(), Some("2"));
    assert_eq!(header(&prepared, "x-b"), None);
    assert_eq!(header(&prepared, "x-c").as_deref(), Some("v ana@example.com"));
}

// rule: saas-config 11.8
#[test]
fn missing_path_and_body_values_are_errors_that_name_place_and_param() {
    let path = prepare("method: GET\npath: /u/<id>", &ValueMap::new()).unwrap_err();
    let body = prepare("method: POST\npath: /u\nbody: '{\"id\": \"<id>\"}'", &ValueMap::new()).unwrap_err();

    assert!(path.to_string().contains("reference invalid fields for the"), "{path}");
    assert!(body.to_string().contains("Unable to replace placeholders in body"), "{body}");
    for error in [path, body] {
        assert!(error.to_string().contains("`id`") && error.to_string().contains("things"), "{error}");
        assert!(error.is_skippable(), "rule 11.9");
    }
}

// rule: saas-config 11.7
#[test]
fn a_secret_that_no_param_value_names_is_not_known_to_a_read_request() {
    let error = prepare("method: GET\npath: /<token>", &ValueMap::new()).unwrap_err();

    assert!(error.to_string().contains("`token`"), "{error}");
}

// rule: saas-config 11.8
#[rstest]
#[case("identity: email")]
#[case("references: [{dataset: acme, field: people.email, direction: from}]")]
fn filter_without_value_is_an_error_and_not_a_list_of_everybody(#[case] source: &str) {
    let read = format!(
        "method: GET\npath: /people\nquery_params: [{{name: email, value: <e>}}, {{name: limit, value: 5}}]\n\
         param_values:\n- name: e\n  {source}"
    );

    let error = prepare(&read, &ValueMap::new()).unwrap_err();

    assert!(matches!(&error, BuildError::MissingInQuery { param, .. } if param == "email"), "{error}");
    assert!(error.is_skippable());
}

// rule: saas-config 11.8
#[test]
fn connector_param_without_value_leaves_its_query_param_out() {
    let read = "method: GET\npath: /people\nquery_params: [{name: region, value: <r>}, {name: limit, value: 5}]\n\
                param_values: [{name: r, connector_param: region}]";

    assert_eq!(url(read, &[]), "https://api.acme.test/people?limit=5");
}

// rule: saas-config 11.8
#[test]
fn one_identity_may_be_missing_beside_another() {
    let read = "method: GET\npath: /people\nquery_params: [{name: email, value: <e>}, {name: phone, value: <p>}]\n\
                param_values: [{name: e, identity: email}, {name: p, identity: phone_number}]";

    assert_eq!(
        url(read, &[("e", json!("ana@example.com"))]),
        "https://api.acme.test/people?email=ana%40example.com"
    );
    assert!(prepare(read, &ValueMap::new()).is_err());
}

// rule: saas-config 12.5
// rule: saas-config 12.6
// rule: saas-config 13.4
#[test]
fn body_gets_its_content_type_and_is_sent_with_any_method() {
    let read =
        "method: GET\npath: /u\nbody: '{\"email\": \"<e>\"}'\nparam_values: [{name: e, identity: email}]";

    let prepared = prepare(read, &identities(&[("e", json!("a\"b"))])).unwrap();

    assert_eq!(prepared.shared().body.as_deref(), Some(&br#"{"email": "a\"b"}"#[..]));
    assert_eq!(header(&prepared, "content-type").as_deref(), Some("application/json"));
}

// rule: saas-config 5.4
#[test]
fn own_client_config_replaces_the_files_as_a_whole() {
    let pieces = Pieces {
        authentication: "strategy: bearer\nconfiguration: {token: <token>}",
        read: "method: GET\npath: /u\nclient_config: {protocol: https, host: profiles.acme.test}",
        ..Pieces::default()
    };
    let connection = fixture::connection(file(pieces), &[]);
    let request = &connection.file.endpoints[0].read[0];

    let build =
        Build { connection: &connection, endpoint: "things", request, params: &[], values: &ValueMap::new() };
    let prepared = build.prepare().unwrap();

    assert_eq!(prepared.url().host_str(), Some("profiles.acme.test"));
    assert!(prepared.shared().client.authentication().is_none());
}

#[test]
fn next_page_on_another_host_is_refused() {
    let prepared = prepare("method: GET\npath: /u", &ValueMap::new()).unwrap();

    let own = prepared.with_url("https://api.acme.test/u?after=2".parse().unwrap());
    let foreign = prepared.with_url("https://evil.test/u?after=2".parse().unwrap());

    assert_eq!(own.unwrap().url().query(), Some("after=2"));
    assert!(foreign.is_none());
}

#[test]
fn recording_knows_personal_values_and_those_of_this_run() {
    let read = "method: GET\npath: /u/<e>/<t>/<uuid>\nparam_values: [{name: e, identity: email}, {name: t, connector_param: token}]";
    let mut values = identities(&[("e", json!("ana@example.com"))]);
    values.insert("t", json!("canary-token"), Origin::Secret);
    values.insert("uuid", json!("0-0-0"), Origin::Special);

    let prepared = prepare(read, &values).unwrap();

    let recording = &prepared.shared().recording;
    assert_eq!(recording.substituted, ["ana@example.com"]);
    assert_eq!(recording.redact[..2], ["0-0-0", "canary-token"]);
    assert!(!format!("{prepared:?}").contains("canary"));
}

// rule: saas-config 11.10
#[rstest]
#[case("/u/<e>/<t>", true)]
#[case("/u/<e>?at=<iso_8601_datetime>", false)]
#[case("/u/<uuid>", false)]
fn a_request_lasts_unless_the_moment_has_a_part_in_it(#[case] path: &str, #[case] expected: bool) {
    let read = format!(
        "method: GET\npath: {path}\nparam_values: [{{name: e, identity: email}}, {{name: t, connector_param: token}}]"
    );
    let mut values = identities(&[("e", json!("ana@example.com"))]);
    values.insert("t", json!("T"), Origin::Secret);
    for name in ["uuid", "iso_8601_datetime"] {
        values.insert(name, json!("0"), Origin::Special);
    }

    assert_eq!(prepare(&read, &values).unwrap().shared().lasts, expected);
}

#[test]
fn a_door_that_heeds_no_hints_is_given_none() {
    let read = "method: GET\npath: /u/<e>\nparam_values: [{name: e, identity: email}]";
    let connection = fixture::connection(file(Pieces { read, ..Pieces::default() }), &[]);
    let (request, values) =
        (&connection.file.endpoints[0].read[0], identities(&[("e", json!("ana@example.com"))]));

    let params = &request.param_values;
    let build = Build { connection: &connection, endpoint: "things", request, params, values: &values };
    let (with, without) = (build.prepare().unwrap(), build.prepare_without_hints().unwrap());

    assert_eq!(with.url(), without.url());
    assert_eq!(with.shared().recording.substituted, ["ana@example.com"]);
    assert!(
        without.shared().recording.substituted.is_empty() && without.shared().recording.redact.is_empty()
    );
}

#[test]
fn recording_knows_secrets_that_only_authentication_uses() {
    let prepared = prepare("method: GET\npath: /u", &ValueMap::new()).unwrap();

    // An answer may repeat the token, in the address of the next page for one.
    assert_eq!(prepared.shared().recording.redact, ["T"]);
}

/// Appendix B.2, call 1.
#[test]
fn first_call_of_the_worked_example() {
    let read = "method: GET\npath: /v2/<region>/people\nquery_params: [{name: email, value: <email>}, {name: page, value: 1}]\n\
                param_values: [{name: email, identity: email}, {name: region, connector_param: regions}]";

    assert_eq!(
        url(read, &[("email", json!("jo@x.test")), ("region", json!("eu"))]),
        "https://api.acme.test/v2/eu/people?email=jo%40x.test&page=1"
    );
}

// rule: saas-config 13.17
// rule: saas-config 13.18
#[rstest]
#[case("", &[(100, 60, "acme")])]
#[case("rate_limit_config: {enabled: true, limits: [{rate: 3, period: second, custom_key: shared}]}", &[(3, 1, "shared")])]
#[case("rate_limit_config: {enabled: false}", &[])]
fn own_limits_replace_the_files(#[case] keys: &str, #[case] expected: &[(u64, u64, &str)]) {
    let read = format!("method: GET\npath: /u\n{keys}");
    let more = "rate_limit_config: {enabled: true, limits: [{rate: 100, period: minute}]}";
    let connection = fixture::connection(file(Pieces { read: &read, more, ..Pieces::default() }), &[]);
    let request = &connection.file.endpoints[0].read[0];

    let build =
        Build { connection: &connection, endpoint: "things", request, params: &[], values: &ValueMap::new() };
    let prepared = build.prepare().unwrap();

    let limits: Vec<_> = prepared
        .shared()
        .limits
        .iter()
        .map(|limit| (limit.rate, limit.period_s, limit.key.as_str()))
        .collect();
    assert_eq!(limits, expected);
}
