//! Templates that customers bring.

use std::io::{Cursor, Write as _};

use api::Scope;
use http::{Method, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::app::App;

const ICON: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\"><path d=\"M0 0\"/></svg>";
const REGISTER: &str = "/api/v1/connector-templates/register";

fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

impl App {
    async fn register(&self, archive: Vec<u8>) -> (StatusCode, Value) {
        let reply = self.call(Method::POST, REGISTER, "application/zip", archive).await;
        (reply.status, reply.json())
    }

    /// The two files of the library's template of a type.
    async fn library(&self, connector_type: &str) -> (String, String) {
        let text = async |file: &str| {
            let path = format!("/api/v1/connector-templates/{connector_type}/{file}");
            self.call(Method::GET, &path, "", Vec::new()).await.text()
        };
        (text("config").await, text("dataset").await)
    }

    /// One of the library's type mailchimp, that says something else.
    async fn mailchimp(&self, description: &str) -> Vec<u8> {
        let (config, dataset) = self.library("mailchimp").await;
        let renamed = config.replacen("name: Mailchimp", &format!("name: {description}"), 1);
        assert_ne!(renamed, config);
        archive(&[
            ("m/mailchimp_config.yml", &renamed),
            ("m/mailchimp_dataset.yml", &dataset),
            ("m/icon.svg", ICON),
        ])
    }

    async fn make_mailchimp(&self) {
        let body = json!({
            "instance_key": "newsletter", "key": "marketing", "name": "Marketing",
            "secrets": {"domain": "us1.api.mailchimp.com", "username": "ana", "api_key": "canary-key"}
        });
        let path = "/api/v1/connection/instantiate/mailchimp";
        let (status, reply) = self.send(Method::POST, path, body).await;
        assert_eq!(status, StatusCode::OK, "{reply}");
    }

    async fn template(&self, connector_type: &str) -> Value {
        let (_, list) = self.get("/api/v1/connector-templates").await;
        let list = list.as_array().unwrap().clone();
        list.into_iter().find(|template| template["type"] == connector_type).unwrap_or_default()
    }
}

// rule: saas-config 24.3
// rule: saas-config 24.7
// rule: saas-config 24.12
#[tokio::test]
async fn brought_template_hides_the_librarys_and_its_connections_follow_it_there_and_back() {
    let app = App::start().await;
    app.make_mailchimp().await;
    let name = async || app.get("/api/v1/connection/marketing").await.1["saas_config"]["name"].clone();
    let before = name().await;

    let registered = app.register(app.mailchimp("Newsletter of ours").await).await;

    assert_eq!(
        registered,
        (StatusCode::OK, json!({"message": "Connector template successfully registered."}))
    );
    let template = app.template("mailchimp").await;
    assert_eq!((&template["custom"], &template["default_connector_available"]), (&json!(true), &json!(true)));
    assert_eq!(name().await, "Newsletter of ours");
    let (_, types) = app.get("/api/v1/connection_type?search=newsletter").await;
    assert_eq!(
        (&types["items"][0]["identifier"], &types["items"][0]["custom"]),
        (&json!("mailchimp"), &json!(true))
    );
    assert!(types["items"][0]["encoded_icon"].is_string());
    let (_, history) = app.get("/api/v1/connection/marketing/saas-history").await;
    assert_eq!(history.as_array().map(Vec::len), Some(2), "{history}");
    let (_, versions) = app.get("/api/v1/connector-templates/mailchimp/versions").await;
    let custom: Vec<&Value> =
        versions.as_array().unwrap().iter().map(|version| &version["is_custom"]).collect();
    assert_eq!(custom, [&json!(true), &json!(false)]);
    let (_, secrets) = app.get("/api/v1/connection/marketing").await;
    assert!(secrets["secrets"]["api_key"].is_string(), "the host is the same, so the secrets stay");

    let removed = app.send(Method::DELETE, "/api/v1/connector-templates/mailchimp", Value::Null).await;
    let again = app.send(Method::DELETE, "/api/v1/connector-templates/mailchimp", Value::Null).await;

    assert_eq!(
        removed,
        (StatusCode::OK, json!({"message": "Custom connector template successfully deleted."}))
    );
    assert_eq!(name().await, before);
    assert_eq!(again.0, StatusCode::BAD_REQUEST);
    assert!(again.1["detail"].as_str().unwrap().ends_with("is not a custom template."), "{again:?}");
}

// rule: saas-config 24.13
#[tokio::test]
async fn what_people_changed_in_a_dataset_is_there_after_its_template_changed() {
    let app = App::start().await;
    app.make_mailchimp().await;
    let path = "/api/v1/connection/marketing/dataset";
    let (_, list) = app.get(path).await;
    let mut dataset = list["items"][0].clone();
    let own = json!({"name": "field_of_ours", "data_categories": ["user.contact"]});
    dataset["collections"][0]["fields"].as_array_mut().unwrap().push(own);
    let (status, reply) = app.send(Method::PATCH, path, json!([dataset])).await;
    assert_eq!((status, &reply["failed"]), (StatusCode::OK, &json!([])), "{reply}");

    app.register(app.mailchimp("Newsletter of ours").await).await;

    let (_, list) = app.get(path).await;
    assert!(list.to_string().contains("field_of_ours"), "{list}");
}

#[tokio::test]
async fn template_of_a_new_type_cannot_be_removed_and_connections_are_made_from_it() {
    let app = App::start().await;
    let (config, dataset) = app.library("mailchimp").await;
    let config = config.replacen("type: mailchimp", "type: letters", 1);
    let files = archive(&[("config.yml", &config), ("dataset.yml", &dataset)]);
    assert_eq!(app.register(files).await.0, StatusCode::OK);

    let body = json!({
        "instance_key": "letters_1",
        "secrets": {"domain": "us1.api.mailchimp.com", "username": "ana", "api_key": "k"}
    });
    let made = app.send(Method::POST, "/api/v1/connection/instantiate/letters", body).await;
    let schema = app.get("/api/v1/connection_type/letters/secret").await;
    let removed = app.send(Method::DELETE, "/api/v1/connector-templates/letters", Value::Null).await;

    assert_eq!((made.0, schema.0), (StatusCode::OK, StatusCode::OK), "{made:?}");
    assert_eq!(removed.0, StatusCode::BAD_REQUEST);
    assert!(removed.1["detail"].as_str().unwrap().contains("to fall back to"), "{removed:?}");
    assert_eq!(app.template("letters").await["default_connector_available"], json!(false));
}

// rule: privacy-requests C-13
#[rstest]
#[case::no_archive(b"PK".to_vec(), "Invalid zip file")]
#[case::empty(Vec::new(), "Invalid zip file")]
#[case::no_config(archive(&[("dataset.yml", "x")]), "Zip file does not contain a config.yml file.")]
#[case::no_dataset(archive(&[("config.yml", "x")]), "Zip file does not contain a dataset.yml file.")]
#[case::two(
    archive(&[("a_config.yml", "x"), ("b_config.yml", "x"), ("dataset.yml", "x")]),
    "Multiple files ending with config.yml found, only one is allowed."
)]
#[case::broken(archive(&[("config.yml", "saas_config: ["), ("dataset.yml", "x")]), "config.yml is not valid")]
#[case::aliases(
    archive(&[("config.yml", "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c]\n"), ("dataset.yml", "x")]),
    "config.yml is not valid"
)]
#[tokio::test]
async fn archive_that_holds_no_template_is_refused_with_the_reason(
    #[case] archive: Vec<u8>,
    #[case] text: &str,
) {
    let app = App::start().await;

    let (status, reply) = app.register(archive).await;

    assert_eq!(status, StatusCode::BAD_REQUEST, "{reply}");
    assert!(reply["detail"].as_str().unwrap().starts_with(text), "{reply}");
}

#[tokio::test]
async fn only_who_may_register_templates_does_and_unknown_types_are_not_found() {
    let app = App::start().await;
    let reader = app.with_scopes(&[Scope::ConnectorTemplateRead]).await;

    let refused = reader.register(Vec::new()).await;
    let removed = reader.send(Method::DELETE, "/api/v1/connector-templates/mailchimp", Value::Null).await;
    let absent = app.send(Method::DELETE, "/api/v1/connector-templates/planet", Value::Null).await;
    let older =
        app.call(Method::POST, "/api/v1/connector_template/register", "application/zip", Vec::new()).await;

    assert_eq!((refused.0, removed.0), (StatusCode::FORBIDDEN, StatusCode::FORBIDDEN));
    assert_eq!(absent.0, StatusCode::NOT_FOUND);
    assert_eq!(older.status, StatusCode::BAD_REQUEST);
}
