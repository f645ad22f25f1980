//! Input that nobody sends by mistake: no operation may break on it, whatever it answers.

use std::fmt::Write as _;

use api::Scope;
use axum::body::Body;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rstest::rstest;
use serde_json::{Value, json};

use crate::app::App;
use crate::document::operations;

/// Operations after which the caller's own token is none, and one that goes on without end.
const LEFT_OUT: [&str; 2] = ["/api/v1/logout", "/api/v1/session"];

/// Texts in the place of keys, ids and queries.
const TEXTS: [&str; 19] = [
    "'; DROP TABLE login; --",
    "\" OR \"\"=\"",
    "%' OR 1=1 --",
    "{{7*7}}${7*7}<%= 7*7 %>#{7*7}",
    "../../../../etc/passwd",
    "..",
    ".",
    "/etc/passwd",
    "..\\..\\windows\\win.ini",
    "fid_0192d8f0-0000-7000-8000-000000000000",
    "pri_0192d8f0-0000-7000-8000-000000000000",
    "00000000-0000-0000-0000-000000000000",
    "-1",
    "99999999999999999999999999",
    "<script>alert(1)</script>",
    "a\r\nx-planted: yes",
    "\u{202e}\u{0}\u{feff}",
    "ﬁ𝕏🙂e\u{301}",
    "",
];

/// Bodies that are JSON, or nearly.
fn bodies() -> Vec<Vec<u8>> {
    let hostile = TEXTS[3];
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    let many: Vec<Value> = (0..60).map(|_| json!({})).collect();
    let mut bodies: Vec<Vec<u8>> = [
        "",
        "null",
        "true",
        "0",
        "\"\"",
        "[]",
        "{}",
        "[[]]",
        "[{}]",
        "[null]",
        "{\"\":{}}",
        "1e999",
        "[1,",
        "{]",
        "{\"a\":1,\"a\":2}",
        "\"\\ud800\"",
        "[\"\\u0000\"]",
        "NaN",
        "-",
        "//",
        "---\na: &a [*a]\n",
    ]
    .into_iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    bodies.push(deep.into_bytes());
    bodies.push(json!(many).to_string().into_bytes());
    bodies.push(
        json!([hostile, {"key": hostile, "name": hostile, "fides_key": hostile, "id": hostile}])
            .to_string()
            .into_bytes(),
    );
    bodies.push(vec![0xff, 0xfe, 0x00, 0x80]);
    bodies.push(vec![b'"'; 100]);
    bodies
}

/// A body of the kind that an operation describes, with a hostile value for each of its keys in turn.
fn described(document: &Value, operation: &Value) -> Vec<Vec<u8>> {
    let schema = operation.pointer("/requestBody/content/application~1json/schema");
    let Some(schema) = schema.map(|schema| resolved(document, schema)) else { return Vec::new() };
    let is_list = schema["type"] == "array";
    let item = if is_list { resolved(document, &schema["items"]) } else { schema };
    let keys = item["properties"].as_object();
    let values =
        [json!(TEXTS[0]), json!(-1e300), json!([[]]), json!({"a": {"b": null}}), json!("x".repeat(70_000))];
    let mut bodies = Vec::new();
    for key in keys.into_iter().flatten().map(|(key, _)| key) {
        for value in &values {
            let mut element = plain(document, &item);
            element[key] = value.clone();
            let body = if is_list { json!([element]) } else { element };
            bodies.push(body.to_string().into_bytes());
        }
    }
    bodies
}

/// The least that a schema asks for.
fn plain(document: &Value, schema: &Value) -> Value {
    let mut element = json!({});
    for key in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let property = resolved(document, &schema["properties"][key]);
        element[key] = match (property["enum"][0].as_str(), property["type"].as_str()) {
            (Some(word), _) => json!(word),
            (None, Some("array")) => json!([]),
            (None, Some("object")) => json!({}),
            (None, Some("integer" | "number")) => json!(1),
            (None, Some("boolean")) => json!(true),
            (None, _) => json!("a_key"),
        };
    }
    element
}

fn resolved(document: &Value, schema: &Value) -> Value {
    match schema["$ref"].as_str() {
        Some(place) => document.pointer(place.trim_start_matches('#')).cloned().unwrap_or_default(),
        None => schema.clone(),
    }
}

/// A caller who notes what breaks.
struct Attack {
    app: App,
    token: String,
    calls: usize,
    broken: Vec<String>,
}

impl Attack {
    async fn call(&mut self, method: &Method, path: &str, body: Vec<u8>) {
        let request = Request::builder().method(method).uri(path).header(CONTENT_TYPE, "application/json");
        let request =
            request.header(AUTHORIZATION, format!("Bearer {}", self.token)).body(Body::from(body.clone()));
        // What is no address at all never comes to the server.
        let Ok(request) = request else { return };
        let reply = self.app.call_raw(request).await;
        self.calls += 1;
        let failed = reply.status.is_server_error() && reply.status != StatusCode::NOT_IMPLEMENTED;
        let planted = reply.headers.contains_key("x-planted");
        if failed || planted {
            let body: String = String::from_utf8_lossy(&body).chars().take(300).collect();
            let mut line = String::new();
            let _ = write!(line, "{method} {path} with {body}: {} {}", reply.status, reply.text());
            self.broken.push(line.chars().take(800).collect());
        }
    }
}

/// The path with `text` in the place of each of its parts.
fn filled(path: &str, text: &str) -> String {
    let encoded = utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let parts = path.split('/').map(|part| if part.starts_with('{') { encoded.as_str() } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[rstest]
#[case::reading(&["GET"])]
#[case::adding(&["POST"])]
#[case::changing(&["PUT", "PATCH", "DELETE"])]
#[tokio::test]
async fn no_operation_breaks_on_hostile_keys_queries_and_bodies(#[case] methods: &[&str]) {
    let app = App::start_with(|settings| {
        settings.request_rate_limit.calls = 10_000_000;
        settings.public_rate_limit.calls = 10_000_000;
    })
    .await;
    let token = app.token(Scope::ALL).await;
    let document = serde_json::to_value(api::openapi()).unwrap();
    let mut attack = Attack { app: app.clone(), token, calls: 0, broken: Vec::new() };

    for (method, path, operation) in operations(&document) {
        if !methods.contains(&method.as_str())
            || LEFT_OUT.contains(&path.as_str())
            || path.ends_with("/events")
        {
            continue;
        }
        for text in TEXTS {
            attack.call(&method, &filled(&path, text), Vec::new()).await;
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let Some(name) = parameter["name"].as_str().filter(|_| parameter["in"] == "query") else {
                continue;
            };
            for text in TEXTS {
                let encoded = utf8_percent_encode(text, NON_ALPHANUMERIC);
                attack
                    .call(&method, &format!("{}?{name}={encoded}", filled(&path, "a_key")), Vec::new())
                    .await;
            }
        }
        if method != Method::GET {
            for body in bodies().into_iter().chain(described(&document, operation)) {
                attack.call(&method, &filled(&path, "a_key"), body).await;
            }
        }
    }

    assert!(attack.broken.is_empty(), "{} calls broke:\n{}", attack.broken.len(), attack.broken.join("\n"));
    assert!(attack.calls > 500, "{}", attack.calls);
    assert_eq!(app.get("/api/v1/user").await.0, StatusCode::OK, "the tables are there still");
}

#[rstest]
#[case::aliases(bomb())]
#[case::own_alias("a: &a [*a]\n".to_owned())]
#[case::deep(format!("a: {}{}", "[".repeat(20_000), "]".repeat(20_000)))]
#[case::merge("a: &a {<<: *a}\n".to_owned())]
#[case::tag("!!python/object/apply:os.system ['true']\n".to_owned())]
#[tokio::test]
async fn a_yaml_bomb_is_refused_before_it_grows(#[case] text: String) {
    let app = App::start().await;

    let reply =
        app.call(Method::PATCH, "/api/v1/yml/connection/shop/dataset", "application/x-yaml", text).await;

    assert!(reply.status.is_client_error(), "{}", reply.text());
    assert!(reply.body.len() < 100_000);
}

/// Ten levels of ten: a few hundred bytes that stand for 10¹⁰ texts.
fn bomb() -> String {
    let mut text = "l0: &l0 [a,a,a,a,a,a,a,a,a,a]\n".to_owned();
    for level in 1..10 {
        let below = vec![format!("*l{}", level - 1); 10].join(",");
        let _ = writeln!(text, "l{level}: &l{level} [{below}]");
    }
    text
}
