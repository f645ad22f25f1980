use std::io;
use std::time::Duration;

use sandbox::contacts::ContactsSandbox;
use sandbox::{Fault, FaultRule};
use serde_json::{Value, json};

use crate::client::{Client, Reply, exchange};

async fn call(contacts: &ContactsSandbox, line: &str, body: &str) -> Reply {
    exchange(&contacts.url(), line, &format!("Authorization: Bearer {}\r\n", contacts.token()), body).await
}

fn told(log: &Value) -> Vec<(Value, Value, Value)> {
    let entry = |call: &Value| (call["effect"].clone(), call["status"].clone(), call["fault"].clone());
    log["calls"].as_array().unwrap().iter().map(entry).collect()
}

#[tokio::test]
async fn a_rule_hits_the_chosen_call_only_and_the_log_tells_what_it_changed() {
    let contacts = ContactsSandbox::start(1).await.unwrap();
    let rule = FaultRule { skip: 1, ..FaultRule::first("DELETE", "/notes/*", Fault::ResetBefore) };
    contacts.set_rules(vec![rule, FaultRule::first("PATCH", "/people/p0", Fault::ErrorAfter)]);

    let first = call(&contacts, "DELETE /notes/p0-n0", "").await;
    let hit = call(&contacts, "DELETE /notes/p0-n1", "").await;
    let again = call(&contacts, "DELETE /notes/p0-n1", "").await;
    let broken = call(&contacts, "PATCH /people/p0", r#"{"name": null}"#).await;

    assert_eq!((first.status(), again.status(), broken.status()), (204, 204, 500));
    assert_eq!(hit.ended.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    assert_eq!(
        told(&contacts.log()),
        [
            (json!("write"), json!(204), json!(null)),
            (json!("none"), json!(null), json!("reset_before")),
            (json!("write"), json!(204), json!(null)),
            (json!("write"), json!(500), json!("error_after")),
        ]
    );
    assert_eq!(contacts.log()["calls"][3]["body"], r#"{"name": null}"#);
    let state = contacts.state();
    assert_eq!(state["people"][0]["name"], json!(null));
    assert_eq!(
        state["effects"],
        json!({"DELETE /notes/p0-n0": 1, "DELETE /notes/p0-n1": 1, "PATCH /people/p0": 1})
    );
}

#[tokio::test]
async fn a_held_call_is_never_answered_with_or_without_its_effect() {
    for (fault, applied) in [(Fault::HoldBefore, 0), (Fault::HoldAfter, 1)] {
        let contacts = ContactsSandbox::start(1).await.unwrap();
        contacts.set_rules(vec![FaultRule::first("POST", "/subscriptions/p0-s0/end", fault)]);

        let held = call(&contacts, "POST /subscriptions/p0-s0/end", "");
        let answer = tokio::time::timeout(Duration::from_millis(50), held).await;

        assert!(answer.is_err(), "{fault:?}");
        assert_eq!(contacts.log()["calls"][0]["status"], json!(null));
        assert_eq!(contacts.state()["subscriptions"][0]["ended"], json!(applied), "{fault:?}");
    }
}

#[tokio::test]
async fn the_effect_that_happens_again_is_counted_again() {
    let contacts = ContactsSandbox::start(1).await.unwrap();

    for _ in 0..2 {
        call(&contacts, "POST /subscriptions/p0-s0/end", "").await;
    }
    let counted = contacts.state()["effects"].clone();
    contacts.reset();

    assert_eq!(counted, json!({"POST /subscriptions/p0-s0/end": 2}));
    assert_eq!(contacts.state()["effects"], json!({}));
}

#[tokio::test]
async fn rules_are_set_over_the_wire_and_a_bad_one_is_told() {
    let client = Client::default().await;

    client
        .inspect(
            "POST",
            "rules",
            r#"{"rules": [{"method": "POST", "path": "/groups", "fault": "reset_after"}]}"#,
        )
        .await;
    let reset = client.public("POST", "/groups", r#"{"name":"x"}"#).await;
    let taken = client.public("POST", "/groups", r#"{"name":"x"}"#).await;
    let bad = client.inspect("POST", "rules", r#"{"rules": [{"fault": "explode"}]}"#).await;

    assert!(reset.ended.is_err());
    assert_eq!(taken.status(), 409, "the first was applied");
    assert!(bad["error"].as_str().unwrap().contains("explode"));
    let log = client.inspect("GET", "log", "").await;
    assert_eq!(log["calls"][0]["body"], r#"{"name":"x"}"#);
    assert_eq!(log["calls"][0]["effect"], "write");
}

#[tokio::test]
async fn notes_come_by_page_to_their_end() {
    let contacts = ContactsSandbox::start(2).await.unwrap();

    let first = call(&contacts, "GET /people/p1/notes", "").await.json();
    let last = call(&contacts, "GET /people/p1/notes?after=p1-n3", "").await.json();

    assert_eq!((&first["notes"][1]["id"], &first["next"]), (&json!("p1-n1"), &json!("p1-n1")));
    assert_eq!((last["notes"].as_array().unwrap().len(), &last["next"]), (1, &json!(null)));
}
