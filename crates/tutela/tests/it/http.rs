use serde_json::Value;

/// Sends a JSON body to the inspection calls of a simulator.
#[expect(clippy::disallowed_types, reason = "the inspection is asked past the door")]
pub(crate) async fn post(url: &str, body: &Value) -> Value {
    let sent = reqwest::Client::new().post(url).body(body.to_string()).send().await.unwrap();
    let text = sent.error_for_status().unwrap().text().await.unwrap();
    serde_json::from_str(&text).unwrap()
}
