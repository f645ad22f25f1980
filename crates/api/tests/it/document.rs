//! The OpenAPI document and the page that shows it.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::app::App;

// rule: fides-api 1
#[tokio::test]
async fn the_document_is_there_for_anyone_and_is_the_one_that_the_program_makes() {
    let app = App::start().await.without_token();

    let (status, body) = app.get("/openapi.json").await;

    assert_eq!(status, StatusCode::OK);
    assert_eq!(body, serde_json::to_value(api::openapi()).unwrap());
    assert!(body["paths"]["/api/v1/oauth/token"]["post"].is_object());
}

#[test]
fn every_operation_says_what_it_does_and_its_names_are_used_once() {
    let document = serde_json::to_value(api::openapi()).unwrap();
    let mut names = std::collections::BTreeSet::new();

    for (method, path, operation) in operations(&document) {
        assert!(operation["summary"].is_string(), "{method} {path} has no summary");
        assert!(operation["tags"][0].is_string(), "{method} {path} belongs to no group");
        let name = operation["operationId"].as_str().unwrap();
        assert!(names.insert(name.to_owned()), "{method} {path}: the name `{name}` is taken");
    }
}

#[test]
fn every_reference_of_the_document_leads_somewhere() {
    let document = serde_json::to_value(api::openapi()).unwrap();

    let lost = references(&document).into_iter().filter(|place| document.pointer(place).is_none());

    assert_eq!(lost.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn problems_that_any_operation_may_have_are_described_once() {
    let document = serde_json::to_value(api::openapi()).unwrap();

    let health = &document["paths"]["/health"]["get"]["responses"];
    let clients = &document["paths"]["/api/v1/oauth/client"]["get"]["responses"];

    assert!(health["429"].is_object() && health["401"].is_null());
    let problem = json!({"$ref": "#/components/schemas/Problem"});
    assert_eq!(clients["403"]["content"]["application/json"]["schema"], problem);
}

#[tokio::test]
async fn the_page_asks_no_other_server_for_anything() {
    let app = App::start().await.without_token();

    let page = app.call(Method::GET, "/docs", "", "").await;
    let script = app.call(Method::GET, "/docs/page.js", "", "").await;
    let style = app.call(Method::GET, "/docs/page.css", "", "").await;

    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.header("content-security-policy").contains("script-src 'self'"));
    for text in [page.text(), script.text(), style.text()] {
        assert!(!text.is_empty() && !text.contains("//cdn") && !text.contains("http://"), "{text}");
        assert!(!text.contains("https://"), "{text}");
    }
}

/// Method, path and content of every operation.
pub(crate) fn operations(document: &Value) -> Vec<(Method, String, &Value)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (name, operation) in item.as_object().unwrap() {
            if let Ok(method) = name.to_uppercase().parse::<Method>()
                && operation["responses"].is_object()
            {
                all.push((method, path.clone(), operation));
            }
        }
    }
    all
}

fn references(value: &Value) -> Vec<String> {
    match value {
        Value::Object(object) => {
            let own = object.get("$ref").and_then(Value::as_str).and_then(|text| text.strip_prefix('#'));
            own.map(str::to_owned).into_iter().chain(object.values().flat_map(references)).collect()
        }
        Value::Array(list) => list.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}
