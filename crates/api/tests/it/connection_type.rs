//! Types of connections, the secrets they take, and the connector library.

use http::{Method, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};

use crate::app::App;

fn identifiers(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|item| item["identifier"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn list_has_a_hundred_a_page_and_says_what_each_can_do() {
    let app = App::start().await;

    let (status, page) = app.get("/api/v1/connection_type").await;

    assert_eq!(status, StatusCode::OK);
    assert_eq!(page["size"], 100);
    let mailchimp = page["items"].as_array().unwrap().iter().find(|item| item["identifier"] == "mailchimp");
    let mailchimp = mailchimp.unwrap();
    assert_eq!(mailchimp["type"], "saas");
    assert!(mailchimp["supported_actions"].as_array().unwrap().contains(&json!("access")));
    assert_eq!(mailchimp["custom"], false);
}

#[tokio::test]
async fn list_is_narrowed_and_paged() {
    let app = App::start().await;

    let (_, found) = app.get("/api/v1/connection_type?search=POSTGRES&system_type=database").await;
    let (_, paged) = app.get("/api/v1/connection_type?page=2&size=3").await;
    let (wrong, body) = app.get("/api/v1/connection_type?system_type=planet").await;

    assert!(identifiers(&found).contains(&"postgres"));
    assert!(!identifiers(&found).contains(&"mysql"));
    assert_eq!(paged["items"].as_array().unwrap().len(), 3);
    assert_eq!(paged["page"], 2);
    assert_eq!(wrong, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(body["detail"][0]["loc"], json!(["query", "system_type"]));
}

#[rstest]
#[case::database("postgres", "host", json!(["host"]))]
#[case::connector("mailchimp", "api_key", json!(["domain", "api_key"]))]
#[tokio::test]
async fn secrets_of_a_type_are_described(#[case] name: &str, #[case] field: &str, #[case] required: Value) {
    let app = App::start().await;

    let (status, schema) = app.get(&format!("/api/v1/connection_type/{name}/secret")).await;

    assert_eq!(status, StatusCode::OK);
    assert_eq!(schema["type"], "object");
    assert!(schema["properties"][field]["title"].is_string());
    assert_eq!(schema["required"], required);
}

#[tokio::test]
async fn unknown_type_has_no_secrets() {
    let app = App::start().await;

    let (status, body) = app.get("/api/v1/connection_type/planet/secret").await;

    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(body["detail"], "No connection type found with name 'planet'.");
}

#[tokio::test]
async fn templates_are_listed_and_given_as_they_are_written() {
    let app = App::start().await;

    let (_, list) = app.get("/api/v1/connector-templates").await;
    let file = app.call(Method::GET, "/api/v1/connector-templates/stripe/config", "", Vec::new()).await;
    let dataset = app.call(Method::GET, "/api/v1/connector-templates/stripe/dataset", "", Vec::new()).await;
    let (unknown, text) = app.get("/api/v1/connector-templates/planet/config").await;

    assert!(list.as_array().unwrap().iter().any(|template| template["type"] == "stripe"));
    assert!(file.header("content-type").starts_with("text/yaml"));
    assert!(file.text().contains("saas_config:"));
    assert!(dataset.text().contains("dataset:"));
    assert_eq!(unknown, StatusCode::NOT_FOUND);
    assert_eq!(text["detail"], "No connector template found with type 'planet'");
}

#[tokio::test]
async fn version_of_a_template_is_found_by_its_number_only() {
    let app = App::start().await;

    let (_, versions) = app.get("/api/v1/connector-templates/stripe/versions").await;
    let version = versions[0]["version"].as_str().unwrap();
    let path = format!("/api/v1/connector-templates/stripe/versions/{version}/config");
    let file = app.call(Method::GET, &path, "", Vec::new()).await;
    let (other, _) = app.get("/api/v1/connector-templates/stripe/versions/0.0.0/dataset").await;

    assert_eq!(file.status, StatusCode::OK);
    assert!(file.text().contains(version));
    assert_eq!(other, StatusCode::NOT_FOUND);
}
