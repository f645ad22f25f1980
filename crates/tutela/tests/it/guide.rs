//! The guide's page on setting up an application, called against the program itself.
#![expect(clippy::indexing_slicing, reason = "helpers of tests stop at what is not there")]

use serde_json::{Value, json};
use testkit::{PrintedCall, PrintedData, printed_calls};

use crate::program::{Program, shared};
use crate::running::{Reply, Running, call, root_token};

const SECRET: &str = "canary-root-secret";
const PAGE: &str = include_str!("../../../../docs/guide/saas-setup.md");

/// A file of the published example, as the page says that it is prepared.
fn published(name: &str) -> Option<String> {
    let (file, json) = match name.strip_suffix(".json") {
        Some(stem) => (format!("{stem}.yml"), true),
        None => (name.to_owned(), false),
    };
    let text = std::fs::read_to_string(shared("corpus/published")?.join(&file)).unwrap();
    if !json {
        return Some(text);
    }
    let source = spec::SourceFile::new(file, text);
    let document = spec::document(&source, &spec::CheckOptions::default()).unwrap();
    Some(document["saas_config"].to_string())
}

/// What is sent; nothing for the published example if it is not there.
fn sent(call: &PrintedCall) -> Option<String> {
    if call.path.contains("segment_connector_example") {
        shared("corpus/published")?;
    }
    match &call.data {
        PrintedData::Text(text) => Some(text.clone()),
        PrintedData::File(name) => published(name),
    }
}

#[expect(clippy::disallowed_types, reason = "the server is called as its users call it")]
async fn made(running: &Running, token: &str, call: &PrintedCall, body: String) -> Reply {
    let url = format!("{}{}", running.url, call.path);
    let request = reqwest::Client::new()
        .request(call.method.parse().unwrap(), url)
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", call.media.as_str())
        .body(body);
    let answer = request.send().await.unwrap();
    Reply { status: answer.status().as_u16(), text: answer.text().await.unwrap() }
}

fn program() -> Program {
    Program::new()
        .with_environment("TUTELA_CLIENT_ID", "setup")
        .with_environment("TUTELA_CLIENT_SECRET", SECRET)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_server_answers_the_printed_calls_as_they_are_printed() {
    let program = program();
    let running = Running::start(&program, &[]);
    let token = root_token(&running, SECRET).await;

    for call in printed_calls(PAGE) {
        let Some(body) = sent(&call) else { continue };
        let reply = made(&running, &token, &call, body).await;

        let answered = serde_json::from_str::<Value>(&reply.text).unwrap_or_default();
        let difference = call.reply.difference(reply.status, &answered);
        assert_eq!(difference, None, "line {}: {} {}", call.line, call.method, call.path);
    }

    running.end().expect(0);
}

// rule: saas-config 24.12
#[tokio::test(flavor = "multi_thread")]
async fn connection_made_from_the_library_is_brought_up_at_the_next_start_and_one_of_ones_own_is_not() {
    const MADE: &str = "/api/v1/connection/made/saas_config";
    const OWN: &str = "/api/v1/connection/own/saas_config";
    let program = program();
    let first = Running::start(&program, &[]);
    let token = root_token(&first, SECRET).await;
    let secrets = json!({"domain": "us1.api.mailchimp.com", "username": "ana", "api_key": "canary-key"});
    let instance = json!({"instance_key": "made", "secrets": secrets});
    call(&first, "POST /api/v1/connection/instantiate/mailchimp", Some(&token), Some(&instance)).await;
    let newest = call(&first, &format!("GET {MADE}"), Some(&token), None).await.json();
    let own = json!([{"key": "own", "name": "own", "connection_type": "saas", "access": "read"}]);
    call(&first, "PATCH /api/v1/connection", Some(&token), Some(&own)).await;
    let mut older = newest.clone();
    older["version"] = json!("0.0.1");
    for path in [MADE, OWN] {
        older["fides_key"] = json!(path.split('/').nth(4).unwrap());
        let sent = call(&first, &format!("PATCH {path}"), Some(&token), Some(&older)).await;
        assert_eq!(sent.status, 200, "{}", sent.text);
    }
    first.end().expect(0);

    let second = Running::start(&program, &[]);
    let token = root_token(&second, SECRET).await;
    let made = call(&second, &format!("GET {MADE}"), Some(&token), None).await.json();
    let own = call(&second, &format!("GET {OWN}"), Some(&token), None).await.json();
    let history = call(&second, "GET /api/v1/connection/made/saas-history", Some(&token), None).await.json();
    second.end().expect(0);

    assert_eq!((&made["version"], &own["version"]), (&newest["version"], &json!("0.0.1")));
    let versions: Vec<&Value> = history.as_array().unwrap().iter().map(|entry| &entry["version"]).collect();
    assert_eq!(versions, [&newest["version"], &json!("0.0.1"), &newest["version"]]);
}
