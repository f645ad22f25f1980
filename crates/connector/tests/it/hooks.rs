//! The connectors of the library that need scripts, from reading to sending.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use connector::writes::{WriteRow, WriteSource, Writes};
use connector::{Connection, Connector, Inputs, Secrets, Settings, TestOutcome, WriteEnd};
use egress::{DoorSettings, LedgerRef, WritePermit};
use sandbox::server::{Answer, Call};
use serde_json::{Value, json};
use spec::CheckOptions;
use spec::connector_file::Request;
use testkit::{FakeSaas, TestClock};

use crate::acme::{connector, flat, person, read_all};

const KEY: &str = "canary-secret-key";

/// Connector `name` of the library as connection `acme`, whose host leads to `saas`; `key` is its secret.
fn library((name, host): (&str, &str), key: &str, saas: &FakeSaas) -> (Connector, TestClock) {
    let entry = spec::library::find(name).unwrap();
    let options = CheckOptions { instance_key: Some("acme".parse().unwrap()), ..CheckOptions::default() };
    let file = spec::check_connector(&entry.connector, &options).value.unwrap();
    let secrets = [("api_token", KEY), ("app_token", KEY), ("secret_key", key), ("domain", host)];
    let secrets = secrets.map(|(name, value)| (name.to_owned(), json!(value))).to_vec();
    let connection = Connection {
        key: "acme".parse().unwrap(),
        file: Arc::new(file),
        secrets: Arc::new(Secrets::new(secrets)),
        references: HashMap::new(),
        recording_keep: HashMap::new(),
    };
    let clock = TestClock::new();
    let settings = (DoorSettings::default(), Settings::default());
    (connector(connection, (host, saas), Arc::new(clock.clone()), settings), clock)
}

fn okta_connector(saas: &FakeSaas) -> Connector {
    library(("okta", "acme.okta.com"), KEY, saas).0
}

const SUMSUB: (&str, &str) = ("sumsub", "api.sumsub.com");

async fn plan(connector: &Connector, (request, endpoint): (&Request, &str), rows: &[WriteRow]) -> Writes {
    let source = WriteSource {
        request,
        endpoint,
        per: request.per,
        person: &person(&[("email", "ana@example.com")]),
        inputs: &Inputs::default(),
        field_values: &HashMap::new(),
    };
    connector.plan_writes(source, rows).await
}

async fn send(connector: &Connector, request: &Request, writes: &Writes) -> Vec<WriteEnd> {
    let mut ends = Vec::new();
    for (index, write) in writes.planned.iter().enumerate() {
        let permit = WritePermit::for_intent(LedgerRef { id: format!("led_{index}"), fence: 1 });
        ends.push(connector.send_write(&write.request, request, permit).await.end);
    }
    ends
}

fn read_rows(rows: &[model::Row]) -> Vec<WriteRow> {
    rows.iter().map(|row| WriteRow { row: row.clone(), ..WriteRow::default() }).collect()
}

/// Users by id with their status, as Okta keeps them; its search still says `ACTIVE` of all.
type Users = Arc<Mutex<HashMap<String, &'static str>>>;

async fn okta(users: &[(&str, &'static str)]) -> (FakeSaas, Users) {
    let saas = FakeSaas::start().await;
    let users: Users =
        Arc::new(Mutex::new(users.iter().map(|(id, status)| ((*id).to_owned(), *status)).collect()));
    let id = |call: &Call| call.path.split('/').nth(4).unwrap().to_owned();
    let mut listed: Vec<Value> = users
        .lock()
        .unwrap()
        .keys()
        .map(|id| json!({"id": id, "status": "ACTIVE", "profile": {"email": "ana@example.com"}}))
        .collect();
    listed.sort_by_key(|user| user["id"].to_string());
    saas.on("GET", "/api/v1/users").then(Answer::json(200, &listed));
    let all = Arc::clone(&users);
    saas.on("GET", "/api/v1/users/*").with(move |call| match all.lock().unwrap().get(&id(call)) {
        Some(status) => Answer::json(200, &json!({"id": id(call), "status": status})),
        None => Answer::json(404, &json!({"errorCode": "E0000007"})),
    });
    let all = Arc::clone(&users);
    saas.on("POST", "/api/v1/users/*/lifecycle/deactivate").with(move |call| {
        match all.lock().unwrap().get_mut(&id(call)) {
            Some(status) if *status != "DEPROVISIONED" => {
                *status = "DEPROVISIONED";
                Answer::json(200, &json!({}))
            }
            Some(_) => Answer::status(403),
            None => Answer::status(404),
        }
    });
    let all = Arc::clone(&users);
    saas.on("DELETE", "/api/v1/users/*").with(move |call| {
        let mut all = all.lock().unwrap();
        match all.get_mut(&id(call)) {
            Some(status) if *status != "DEPROVISIONED" => *status = "DEPROVISIONED",
            Some(_) => drop(all.remove(&id(call))),
            None => return Answer::status(404),
        }
        Answer::status(204)
    });
    (saas, users)
}

#[tokio::test]
async fn okta_users_are_looked_up_again_and_deleted_by_the_calls_that_each_needs() {
    let (saas, users) = okta(&[("00u1", "ACTIVE"), ("00u2", "DEPROVISIONED"), ("00u3", "SUSPENDED")]).await;
    let connector = okta_connector(&saas);
    let ana = person(&[("email", "ana@example.com")]);
    let found = read_all(&connector.read("users", &ana, Inputs::default()).unwrap()).await;
    users.lock().unwrap().remove("00u3");

    let endpoint = connector.connection().file.find_endpoint("users").unwrap();
    let request = &endpoint.delete[0];
    let writes = plan(&connector, (request, "users"), &read_rows(&found.rows)).await;
    let before_sending = saas.calls().len();
    let ends = send(&connector, request, &writes).await;

    assert!(saas.calls().iter().take(before_sending).all(|call| call.method == "GET"));
    let sent: Vec<String> = saas
        .calls()
        .iter()
        .skip(before_sending)
        .map(|call| format!("{} {}", call.method, call.target()))
        .collect();
    assert_eq!(
        sent,
        [
            "POST /api/v1/users/00u1/lifecycle/deactivate?sendEmail=false",
            "DELETE /api/v1/users/00u1?sendEmail=false",
            "DELETE /api/v1/users/00u2?sendEmail=false",
        ]
    );
    assert!(ends.iter().all(|end| matches!(end, WriteEnd::Taken { .. })), "{ends:?}");
    assert!(users.lock().unwrap().is_empty(), "nobody is left");
    let rows: Vec<&[usize]> = writes.planned.iter().map(|write| write.rows.as_slice()).collect();
    assert_eq!(rows, [&[0], &[0], &[1]]);
    let follows: Vec<bool> = writes.planned.iter().map(|write| write.follows).collect();
    assert_eq!(
        follows,
        [false, true, false],
        "a user is deleted once deactivated; users do not wait for each other"
    );
    assert_eq!(writes.unwritten[0].rows, [2], "the third was gone by then");
    assert_eq!(saas.calls()[0].header("authorization"), Some("SSWS canary-secret-key"));
    assert!(!serde_json::to_string(&writes.planned[0].request).unwrap().contains("canary"));
}

#[tokio::test]
async fn okta_is_not_asked_for_people_who_named_the_address_as_their_second_one() {
    let saas = FakeSaas::start().await;
    let bob =
        json!({"id": "00u9", "profile": {"email": "bob@example.com", "secondEmail": "ana@example.com"}});
    saas.on("GET", "/api/v1/users").with(move |call| {
        let is_asked_for = call.target().to_lowercase().contains("secondemail");
        Answer::json(200, &if is_asked_for { json!([bob]) } else { json!([]) })
    });
    let ana = person(&[("email", "ana@example.com")]);

    let found = read_all(&okta_connector(&saas).read("users", &ana, Inputs::default()).unwrap()).await;

    assert_eq!((found.json(), found.reason().as_str()), (json!([]), "complete"));
    let target = saas.calls()[0].target();
    assert!(target.contains("profile.email+eq") && target.contains("profile.login+eq"), "{target}");
}

#[test]
fn okta_writes_are_not_repeated_because_deactivating_twice_is_refused() {
    let entry = spec::library::find("okta").unwrap();
    let file = spec::check_connector(&entry.connector, &CheckOptions::default()).value.unwrap();

    assert!(!file.find_endpoint("users").unwrap().delete[0].repeatable);
}

/// The planted defect: one call for each user, whatever its state, leaves the active one there.
#[tokio::test]
async fn one_call_for_each_user_would_not_delete_them() {
    let (saas, users) = okta(&[("00u1", "ACTIVE"), ("00u2", "DEPROVISIONED")]).await;
    let connector = okta_connector(&saas);
    let ana = person(&[("email", "ana@example.com")]);
    let found = read_all(&connector.read("users", &ana, Inputs::default()).unwrap()).await;
    let request = &connector.connection().file.find_endpoint("users").unwrap().delete[0];
    let mut writes = plan(&connector, (request, "users"), &read_rows(&found.rows)).await;

    writes.planned.retain(|write| write.request.method == "DELETE");
    send(&connector, request, &writes).await;

    assert_eq!(users.lock().unwrap().keys().collect::<Vec<_>>(), ["00u1"]);
}

/// Answers only what is signed rightly, by the vendor's own rule.
async fn sumsub() -> FakeSaas {
    let saas = FakeSaas::start().await;
    let signed = |answer: Value| {
        move |call: &Call| {
            let body = String::from_utf8(call.body.to_vec()).unwrap();
            let time = call.header("x-app-access-ts").unwrap_or_default();
            let text = format!("{time}{}{}{body}", call.method, call.target());
            let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, KEY.as_bytes());
            let code = aws_lc_rs::hmac::sign(&key, text.as_bytes());
            let code = crypto::hex(code.as_ref());
            let is_right = call.header("x-app-access-sig") == Some(code.as_str());
            if is_right && call.header("x-app-token") == Some(KEY) {
                Answer::json(200, &answer)
            } else {
                Answer::json(401, &json!({"description": "Request signature mismatch"}))
            }
        }
    };
    saas.on("GET", "/resources/status/api").with(signed(json!({"status": "ok"})));
    let applicant = json!({
        "id": "5e9a", "externalUserId": "u 1/2", "email": "ana@example.com", "phone": "+1",
        "fixedInfo": {"firstName": "Ana", "country": "FRA"},
    });
    saas.on("GET", "/resources/applicants/*/one").with(signed(applicant));
    saas.on("PATCH", "/resources/**").with(signed(json!({})));
    saas
}

#[tokio::test]
async fn sumsub_is_asked_and_changed_by_signed_requests() {
    let saas = sumsub().await;
    let (connector, clock) = library(SUMSUB, KEY, &saas);
    let ana = person(&[("external_id", "u 1/2")]);

    let test = connector.test().await.unwrap();
    let found = read_all(&connector.read("applicants", &ana, flat(&[])).unwrap()).await;
    let masked = json!({"email": "MASKED", "phone": "MASKED", "fixedInfo": {"firstName": "MASKED"}});
    let rows = [WriteRow {
        row: found.rows[0].clone(),
        masked: masked.as_object().unwrap().clone(),
        ..WriteRow::default()
    }];
    let request = &connector.connection().file.find_endpoint("applicants").unwrap().update[0];
    let writes = plan(&connector, (request, "applicants"), &rows).await;
    clock.advance(std::time::Duration::from_hours(1));
    let ends = send(&connector, request, &writes).await;

    assert!(matches!(test, TestOutcome::Passed), "{test:?}");
    assert!(ends.iter().all(|end| matches!(end, WriteEnd::Taken { status: 200, .. })), "{ends:?}");
    let sent: Vec<(String, Option<Value>)> = saas
        .calls()
        .iter()
        .filter(|call| call.method == "PATCH")
        .map(|call| (call.target(), call.json()))
        .collect();
    assert_eq!(
        sent,
        [
            (
                "/resources/applicants".to_owned(),
                Some(json!({"id": "5e9a", "email": "MASKED", "phone": "MASKED"}))
            ),
            ("/resources/applicants/5e9a/fixedInfo".to_owned(), Some(json!({"firstName": "MASKED"}))),
        ]
    );
    let kept = format!("{:?}", serde_json::to_string(&writes.planned[0].request).unwrap());
    assert!(!kept.contains("canary") && !kept.to_lowercase().contains("x-app"), "{kept}");
}

#[tokio::test]
async fn sumsub_masked_with_null_is_not_written_because_nothing_would_change() {
    let saas = sumsub().await;
    let (connector, _) = library(SUMSUB, KEY, &saas);
    let row = json!({"id": "5e9a"}).as_object().unwrap().clone();
    let masked = json!({"email": null}).as_object().unwrap().clone();
    let request = &connector.connection().file.find_endpoint("applicants").unwrap().update[0];

    let rows = [WriteRow { row, masked, ..WriteRow::default() }];
    let writes = plan(&connector, (request, "applicants"), &rows).await;

    assert!(writes.planned.is_empty());
    let reason = writes.unwritten[0].reason.to_string();
    assert!(reason.contains("sumsub.star:") && reason.contains("gave up by `fail`"), "{reason}");
}

/// The planted defect: a wrong key.
#[tokio::test]
async fn sumsub_refuses_what_is_signed_with_another_key() {
    let saas = sumsub().await;
    let (other, _) = library(SUMSUB, "another-key", &saas);

    let TestOutcome::Failed(error) = other.test().await.unwrap() else { panic!("it passed") };

    assert_eq!(error.status(), Some(401), "{error}");
}
