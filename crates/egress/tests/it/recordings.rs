use bytes::Bytes;
use egress::{Cassette, HttpRequest, Mode, Recorder, RecordingHints, Routes, SendError};
use http::Method;
use serde_json::{Value, json};
use testkit::{Answer, Canary, FakeSaas};

use crate::{door, get, settings};

fn ask(path: &str, substituted: &[&str]) -> HttpRequest {
    let mut request = get(format!("https://api.example.com{path}"));
    request.recording = RecordingHints {
        substituted: substituted.iter().map(|&text| text.to_owned()).collect(),
        keep: vec!["next".into()],
        redact: Vec::new(),
    };
    request
}

/// Reads a person in three steps, each built from the answer before: by mail, next page, by id.
async fn journey(door: &egress::Door, email: &str) -> Vec<Value> {
    let encode = |text: &str| text.replace('@', "%40");
    let first = door.send(ask(&format!("/users?email={}", encode(email)), &[email])).await.unwrap();
    let first: Value = serde_json::from_slice(&first.body).unwrap();
    let next = first["next"].as_str().unwrap().strip_prefix("https://api.example.com").unwrap().to_owned();
    let second = door.send(ask(&next, &[email])).await.unwrap();
    let link = second.headers["link"].to_str().unwrap().to_owned();
    let third = link.split(['<', '>']).nth(1).unwrap().strip_prefix("https://api.example.com").unwrap();
    let third = door.send(ask(third, &[email])).await.unwrap();
    let id = first["users"][0]["id"].to_string();
    let mut orders = ask("/orders", &[&id]);
    orders.method = Method::POST;
    orders.body = Some(Bytes::from(json!({"user": id, "limit": 100}).to_string()));
    let orders = door.send(orders).await.unwrap();
    [second.body, third.body, orders.body]
        .iter()
        .map(|body| serde_json::from_slice(body).unwrap())
        .chain([first])
        .collect()
}

#[tokio::test]
async fn journey_that_was_recorded_is_replayed_with_pseudonyms_and_without_a_server() {
    let canary = Canary::new("journey");
    let email = canary.personal.as_str();
    let saas = FakeSaas::start().await;
    let encoded = email.replace('@', "%40");
    let next = format!("https://api.example.com/users?email={encoded}&cursor=c2");
    saas.on("GET", "/users")
        .then(Answer::json(200, &json!({"users": [{"id": 4_711_232, "email": email}], "next": next})))
        .then(
            Answer::json(200, &json!({"users": [{"name": "Canary"}]})).header(
                "link",
                format!("<https://api.example.com/users?email={encoded}&page=3>; rel=\"next\""),
            ),
        )
        .then(Answer::json(200, &json!({"users": []})));
    saas.on("POST", "/orders").then(Answer::json(200, &json!([{"total": "12.50", "mail": email}])));
    let mut routed = settings();
    routed.routes = Routes::parse([("api.example.com", saas.base_url())]).unwrap();
    let recorder = Recorder::new();
    recorder.identify("email", &Value::String(email.to_owned()));

    let live = journey(&door(routed, Mode::Record(recorder.clone())), email).await;
    let text = recorder.cassette().to_text();
    drop(saas);
    let cassette = Cassette::parse(&text).unwrap();
    let pseudonym = cassette.identities["email"][0].as_str().unwrap().to_owned();
    let replayed = journey(&door(settings(), Mode::Replay(cassette)), &pseudonym).await;

    canary.assert_absent([text.as_bytes()]);
    assert_eq!(live.len(), replayed.len());
    assert_eq!(replayed[3]["users"][0]["email"], pseudonym);
    assert_eq!(replayed[2][0]["mail"], pseudonym);
    assert_eq!(live[3]["users"][0]["email"], email);
}

fn cassette(interactions: &Value) -> Cassette {
    Cassette::parse(&json!({"format": "tutela.cassette/1", "interactions": interactions}).to_string())
        .unwrap()
}

fn interaction(url: &str, reply: &Value) -> Value {
    json!({"request": {"connection": "shop", "endpoint": "users", "method": "GET", "url": url}, "reply": reply})
}

#[tokio::test]
async fn equal_calls_get_their_answers_in_order_and_then_none() {
    let url = "https://api.example.com/users?a=b+c";
    let door = door(
        settings(),
        Mode::Replay(cassette(&json!([
            interaction(url, &json!({"status": 429, "headers": [["retry-after", "7"]]})),
            interaction(url, &json!({"status": 200, "json": {"n": 1.25}})),
            interaction(url, &json!({"status": 502, "opaque_bytes": 3})),
        ]))),
    );
    // Another spelling of the same URL.
    let ask = || get("https://API.example.com:443/users?a=b%20c");

    let limited = door.send(ask()).await.unwrap();
    let good = door.send(ask()).await.unwrap();
    let broken = door.send(ask()).await.unwrap();
    let none = door.send(ask()).await;

    assert_eq!((limited.status, limited.headers["retry-after"].to_str().unwrap()), (429, "7"));
    assert_eq!(good.body, r#"{"n":1.25}"#);
    assert_eq!((broken.status, &broken.body[..]), (502, &b"xxx"[..]));
    assert!(matches!(none, Err(SendError::NotRecorded { .. })));
}

#[tokio::test]
async fn another_body_method_or_query_is_another_call() {
    let url = "https://api.example.com/users?a=1";
    let door = door(settings(), Mode::Replay(cassette(&json!([interaction(url, &json!({"status": 200}))]))));
    let mut with_body = get(url);
    with_body.body = Some(Bytes::from_static(b"{}"));
    let mut other_method = get(url);
    other_method.method = Method::HEAD;

    for other in [with_body, other_method, get("https://api.example.com/users?a=2")] {
        assert!(matches!(door.send(other).await, Err(SendError::NotRecorded { .. })));
    }
    assert_eq!(door.send(get(url)).await.unwrap().status, 200);
}

#[tokio::test]
async fn secrets_do_not_count_when_a_call_is_looked_for() {
    let saas = FakeSaas::start().await;
    saas.on("POST", "/token").then(Answer::json(200, &json!({"access_token": "canary-live"})));
    let mut routed = settings();
    routed.routes = Routes::parse([("acme.example.com", saas.base_url())]).unwrap();
    let ask = |host: &str, secret: &str| {
        let mut request = get(format!("https://{host}/token?api_key={secret}"));
        request.method = Method::POST;
        request.headers.insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
        request.body = Some(format!("client_id=c-{secret}&client_secret={secret}&grant=x").into());
        request.recording.redact = vec![secret.to_owned(), host.to_owned()];
        request
    };
    let recorder = Recorder::new();

    door(routed, Mode::Record(recorder.clone())).send(ask("acme.example.com", "canary-live")).await.unwrap();
    let text = recorder.cassette().to_text();
    let replaying = door(settings(), Mode::Replay(Cassette::parse(&text).unwrap()));
    let reply = replaying.send(ask("other.example.com", "placeholder")).await.unwrap();

    assert_eq!(reply.status, 200);
    assert!(!text.contains("canary") && !text.contains("acme"), "{text}");
}
