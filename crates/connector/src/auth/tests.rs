use model::CallStats;
use rstest::rstest;
use serde_json::{Value, json};
use spec::connector_file::NameTemplate;

use super::*;
use crate::acme::{Acme, Pieces};
use crate::values::ValueMap;

fn draft(url: &str, body: Option<&str>) -> Draft {
    Draft {
        url: url.parse().unwrap(),
        headers: HeaderMap::new(),
        body: body.map(|body| Bytes::from(body.to_owned())),
        redact: Vec::new(),
    }
}

fn secrets(values: &Value) -> Secrets {
    Secrets::new(values.as_object().unwrap().clone().into_iter().collect())
}

fn named(name: &str, value: &str) -> NameTemplate {
    NameTemplate { name: name.into(), value: Template::parse(value) }
}

fn api_key(headers: &[(&str, &str)], query: &[(&str, &str)], body: Option<&str>) -> Authentication {
    Authentication::ApiKey {
        headers: headers.iter().map(|(name, value)| named(name, value)).collect(),
        query_params: query.iter().map(|(name, value)| named(name, value)).collect(),
        body: body.map(Template::parse),
    }
}

fn authorization(draft: &Draft) -> &str {
    draft.headers["authorization"].to_str().unwrap()
}

// rule: saas-config 6.5
// rule: saas-config 6.6
#[test]
fn basic_without_password_sends_an_empty_one_and_replaces_the_header() {
    let basic = Authentication::Basic { username: Template::parse("<u>"), password: None };
    let mut draft = draft("https://api.acme.test/", None);
    draft.headers.insert("authorization", "old".parse().unwrap());

    apply(&basic, &secrets(&json!({"u": "key1"})), &mut draft).unwrap();

    assert_eq!(authorization(&draft), "Basic a2V5MTo=");
    assert_eq!(draft.headers.get_all("authorization").iter().count(), 1);
    assert!(draft.headers["authorization"].is_sensitive());
}

// rule: saas-config 6.6
#[test]
fn basic_with_unresolved_password_sends_an_empty_one_but_needs_its_user_name() {
    let basic = |username: &str| Authentication::Basic {
        username: Template::parse(username),
        password: Some(Template::parse("<p>")),
    };
    let secrets = secrets(&json!({"u": "key1"}));
    let mut draft = draft("https://api.acme.test/", None);

    apply(&basic("<u>"), &secrets, &mut draft).unwrap();
    let error = apply(&basic("<nobody>"), &secrets, &mut draft).unwrap_err();

    assert_eq!(authorization(&draft), "Basic a2V5MTo=");
    assert!(error.to_string().contains("`nobody`"), "{error}");
}

// rule: saas-config 6.2
// rule: saas-config 6.7
// rule: saas-config 11.6
#[test]
fn bearer_token_comes_from_the_secrets_and_must_be_there() {
    let bearer = Authentication::Bearer { token: Template::parse("<api.token>") };
    let mut draft = draft("https://api.acme.test/", None);

    let missing = apply(&bearer, &secrets(&json!({"other": "x"})), &mut draft);
    apply(&bearer, &secrets(&json!({"api": {"token": "T"}})), &mut draft).unwrap();

    assert!(matches!(missing, Err(AuthError::Missing { names }) if names == ["api.token"]));
    assert_eq!(authorization(&draft), "Bearer T");
}

#[test]
fn token_with_a_line_break_cannot_forge_a_header() {
    let bearer = Authentication::Bearer { token: Template::parse("<t>") };
    let mut draft = draft("https://api.acme.test/", None);

    let error = apply(&bearer, &secrets(&json!({"t": "canary\r\nX-Evil: 1"})), &mut draft).unwrap_err();

    assert!(!format!("{error} {error:?}").contains("canary"));
    assert!(draft.headers.is_empty());
}

// rule: saas-config 6.8
// rule: saas-config 6.10
#[test]
fn api_key_sets_headers_query_and_body() {
    let key = api_key(&[("X-Key", "Token <k>")], &[("key", "<k>")], Some(r#"{"key": "<k>"}"#));
    let mut draft = draft("https://api.acme.test/u", None);

    apply(&key, &secrets(&json!({"k": "K 1"})), &mut draft).unwrap();

    assert_eq!(draft.headers["x-key"], "Token K 1");
    assert!(draft.headers["x-key"].is_sensitive());
    assert_eq!(draft.url.as_str(), "https://api.acme.test/u?key=K+1");
    assert_eq!(draft.body.as_deref(), Some(&br#"{"key":"K 1"}"#[..]));
    assert_eq!(draft.redact, ["K 1", "K 1"]);
}

// rule: saas-config 6.9
#[test]
fn api_key_needs_at_least_one_secret() {
    let mut draft = draft("https://api.acme.test/u", None);

    let error =
        apply(&api_key(&[("X-Key", "fixed")], &[], None), &Secrets::new(Vec::new()), &mut draft).unwrap_err();

    assert!(matches!(error, AuthError::NoSecrets));
}

// rule: saas-config 6.10
// rule: saas-config 6.11
// rule: saas-config 6.13
#[rstest]
#[case(api_key(&[("X-Key", "<nobody>")], &[], None))]
#[case(api_key(&[], &[("key", "<nobody>")], None))]
#[case(api_key(&[], &[], Some(r#"{"key": "<nobody>"}"#)))]
fn api_key_with_unresolved_placeholder_fails_wherever_it_stands(#[case] key: Authentication) {
    let mut draft = draft("https://api.acme.test/u", None);

    let error = apply(&key, &secrets(&json!({"k": "K"})), &mut draft).unwrap_err();

    assert!(matches!(error, AuthError::Missing { names } if names == ["nobody"]));
}

// rule: saas-config 6.11
// rule: saas-config 6.14
#[rstest]
#[case("https://api.acme.test/u?q=1&b=&q=2", "https://api.acme.test/u?q=T")]
#[case("https://api.acme.test/u", "https://api.acme.test/u?q=T")]
#[case("https://api.acme.test/u?a=x%20y&z=1", "https://api.acme.test/u?a=x+y&z=1&q=T")]
fn query_param_replaces_earlier_values(#[case] url: &str, #[case] expected: &str) {
    let query = Authentication::QueryParam { name: "q".into(), value: Template::parse("<t>") };
    let mut draft = draft(url, None);

    apply(&query, &secrets(&json!({"t": "T"})), &mut draft).unwrap();

    assert_eq!(draft.url.as_str(), expected);
    assert_eq!(draft.redact, ["T"]);
}

// rule: saas-config 6.12
#[test]
fn body_members_win_over_the_request_and_nothing_is_added_to_the_headers() {
    let mut draft = draft("https://api.acme.test/u", Some(r#"{"a": 1, "key": "old", "deep": {"x": 1}}"#));
    let key = api_key(&[], &[], Some(r#"{"key": "<k>", "deep": {"y": 2}}"#));

    apply(&key, &secrets(&json!({"k": "K"})), &mut draft).unwrap();

    assert_eq!(draft.body.as_deref(), Some(&br#"{"a":1,"key":"K","deep":{"y":2}}"#[..]));
    assert!(draft.headers.is_empty());
}

// rule: saas-config 6.12
#[test]
fn body_members_cannot_join_a_form_or_a_list() {
    let key = api_key(&[], &[], Some(r#"{"key": "<k>"}"#));
    let secrets = secrets(&json!({"k": "K"}));
    let mut form = draft("https://api.acme.test/u", Some("a=1"));
    form.headers.insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
    let mut list = draft("https://api.acme.test/u", Some("[1]"));

    assert!(matches!(apply(&key, &secrets, &mut form), Err(AuthError::Body { found: "a form" })));
    assert!(matches!(apply(&key, &secrets, &mut list), Err(AuthError::Body { .. })));
}

// rule: saas-config 6.3
#[test]
fn unknown_strategy_fails_by_name_when_it_is_used() {
    let unknown = Authentication::Unknown { strategy: "aws_iam_role".into() };

    let error =
        apply(&unknown, &Secrets::new(Vec::new()), &mut draft("https://api.acme.test/", None)).unwrap_err();

    assert!(error.to_string().contains("`aws_iam_role`"), "{error}");
}

// rule: saas-config 6.4
#[rstest]
#[case("strategy: google_cloud_service_account", "`project_id`")]
#[case("strategy: basic\nconfiguration: {username: <nobody>, colour: red}", "`nobody`")]
#[tokio::test]
async fn absent_configuration_is_empty_and_unknown_keys_of_it_are_ignored(
    #[case] authentication: &str,
    #[case] expected: &str,
) {
    let acme = Acme::start(Pieces { authentication, ..Pieces::default() }, &[]).await;

    let prepared = acme.prepare(&ValueMap::new()).unwrap();
    let result = acme.connector.call(&prepared, &mut CallStats::default(), |_| Ok(())).await;

    let error = result.unwrap_err();
    assert!(error.to_string().contains(expected), "{error}");
}
