//! Requests of people on a server by itself, worked off.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sandbox::server::{Answer, Call};
use serde_json::{Value, json};
use testkit::FakeSaas;

use crate::program::Program;
use crate::running::{Running, call, root_token};

/// Of the root client of a [`program`].
pub(crate) const SECRET: &str = "canary-root-secret";
/// How long everything may take.
const LIMIT: Duration = Duration::from_mins(4);
/// Between two looks, and between two kills.
const BEAT: Duration = Duration::from_millis(400);

/// An application with many people, each with two notes.
pub(crate) struct Vendor {
    pub(crate) saas: FakeSaas,
    pub(crate) held: Arc<Mutex<Held>>,
}

#[derive(Default)]
pub(crate) struct Held {
    /// Number of the person → name and address, as they are now.
    pub(crate) people: HashMap<u32, Value>,
    /// Number of the note → its person.
    pub(crate) notes: BTreeMap<u32, u32>,
    /// Every write that came in, and how often.
    pub(crate) writes: BTreeMap<String, usize>,
}

impl Vendor {
    pub(crate) async fn start(people: u32) -> Self {
        let mut held = Held::default();
        for number in 0..people {
            let email = address(number);
            held.people
                .insert(number, json!({"id": number, "name": format!("Person {number}"), "email": email}));
            held.notes.extend([(2 * number, number), (2 * number + 1, number)]);
        }
        let vendor = Self { saas: FakeSaas::start().await, held: Arc::new(Mutex::new(held)) };
        for method in ["GET", "PUT", "DELETE"] {
            let held = Arc::clone(&vendor.held);
            vendor
                .saas
                .on(method, "/**")
                .with(move |call| held.lock().unwrap_or_else(PoisonError::into_inner).answer(call));
        }
        vendor
    }

    pub(crate) fn with<T>(&self, look: impl FnOnce(&Held) -> T) -> T {
        look(&self.held.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Held {
    pub(crate) fn answer(&mut self, call: &Call) -> Answer {
        let parameters = call.parameters();
        let asked = |name: &str| parameters.find(name).unwrap_or_default().to_owned();
        let number: Option<u32> = call.path.rsplit('/').next().and_then(|last| last.parse().ok());
        if call.method.as_str() != "GET" {
            *self.writes.entry(format!("{} {}", call.method, call.path)).or_default() += 1;
        }
        match (call.method.as_str(), call.path.split('/').nth(1).unwrap_or_default(), number) {
            ("GET", "people", _) => {
                let email = asked("email");
                let found: Vec<&Value> =
                    self.people.values().filter(|one| one["email"] == email.as_str()).collect();
                Answer::json(200, &json!(found))
            }
            ("GET", "notes", _) => {
                let person = asked("person").parse().ok();
                let of_person = self.notes.iter().filter(|(_, of)| Some(**of) == person);
                let notes: Vec<Value> =
                    of_person.map(|(id, of)| json!({"id": id, "text": format!("about {of}")})).collect();
                Answer::json(200, &json!(notes))
            }
            ("PUT", "people", Some(number)) => {
                let body = call.json().unwrap_or_default();
                if let Some(person) = self.people.get_mut(&number) {
                    for (name, value) in body.as_object().into_iter().flatten() {
                        person[name] = value.clone();
                    }
                }
                Answer::json(200, &json!({}))
            }
            ("DELETE", "notes", Some(number)) => match self.notes.remove(&number) {
                Some(_) => Answer::status(204),
                None => Answer::json(404, &json!({})),
            },
            _ => Answer::json(404, &json!({})),
        }
    }
}

pub(crate) fn address(number: u32) -> String {
    format!("person-{number}@example.com")
}

fn connector() -> Value {
    let of = |name: &str, field: &str| json!([{"name": name, "references": [{"dataset": "vendor", "field": field, "direction": "from"}]}]);
    json!({
        "fides_key": "vendor", "name": "Vendor", "type": "vendor", "description": "Made up", "version": "1.0.0",
        "connector_params": [{"name": "domain"}],
        "client_config": {"protocol": "http", "host": "<domain>"},
        "test_request": {"method": "GET", "path": "/people"},
        "endpoints": [
            {"name": "people", "requests": {
                "read": {
                    "method": "GET", "path": "/people", "query_params": [{"name": "email", "value": "<email>"}],
                    "param_values": [{"name": "email", "identity": "email"}]
                },
                "update": {
                    "method": "PUT", "path": "/people/<id>", "param_values": of("id", "people.id"),
                    "body": "{<masked_object_fields>}"
                }
            }, "rectify": {"fields": ["name"], "request": {
                "method": "PUT", "path": "/people/<id>", "param_values": of("id", "people.id"),
                "body": "{<masked_object_fields>}"
            }}},
            {"name": "notes", "requests": {
                "read": {
                    "method": "GET", "path": "/notes", "query_params": [{"name": "person", "value": "<person>"}],
                    "param_values": of("person", "people.id")
                },
                "delete": {
                    "method": "DELETE", "path": "/notes/<id>", "gone": [404], "param_values": of("id", "notes.id")
                }
            }}
        ]
    })
}

fn dataset() -> Value {
    let field = |name: &str, category: &str, meta: Value| json!({"name": name, "data_categories": [category], "fides_meta": meta});
    let key = || field("id", "system.operations", json!({"primary_key": true}));
    let text = |name: &str, category: &str| field(name, category, json!({"data_type": "string"}));
    json!([{
        "fides_key": "vendor", "name": "Vendor",
        "collections": [
            {"name": "people", "fields": [key(), text("name", "user.name"), text("email", "user.contact.email")]},
            {"name": "notes", "fields": [key(), text("text", "user.content")]}
        ]
    }])
}

/// A server with the application connected.
pub(crate) struct Office {
    pub(crate) running: Running,
    token: String,
}

/// A program with a root client and an owner; loopback may be called.
pub(crate) fn program() -> Program {
    Program::new()
        .with_environment("TUTELA_CLIENT_ID", "setup")
        .with_environment("TUTELA_CLIENT_SECRET", SECRET)
        .with_environment("TUTELA_OWNER_USERNAME", "olga")
        .with_environment("TUTELA_OWNER_PASSWORD", "Owner-password-1!")
        .with_environment("TUTELA_EGRESS_ALLOW", r#"["127.0.0.1/32"]"#)
        .with_environment("TUTELA_EXECUTION_MASKING_STRICT", "false")
}

impl Office {
    pub(crate) async fn open(program: &Program, vendor: &Vendor, more: &[&str]) -> Self {
        let running = Running::start(program, more);
        let token = root_token(&running, SECRET).await;
        let office = Self { running, token };
        let connection =
            json!([{"name": "Vendor", "key": "vendor", "connection_type": "saas", "access": "write"}]);
        office.send("PATCH /api/v1/connection", &connection).await;
        office.send("PATCH /api/v1/connection/vendor/saas_config", &connector()).await;
        let secrets = json!({"domain": vendor.saas.host_port()});
        office.send("PUT /api/v1/connection/vendor/secret?verify=false", &secrets).await;
        office.send("PUT /api/v1/connection/vendor/dataset", &dataset()).await;
        office
    }

    pub(crate) async fn send(&self, line: &str, body: &Value) -> Value {
        let reply = call(&self.running, line, Some(&self.token), Some(body)).await;
        assert_eq!(reply.status, 200, "{line}: {}", reply.text);
        let reply = reply.json();
        let failed = reply.get("failed").and_then(Value::as_array).map_or(0, Vec::len);
        assert_eq!(failed, 0, "{line}: {reply}");
        reply
    }

    /// Asks for the data of every second person, and for the erasure of the others.
    async fn ask(&self, people: u32) {
        let numbers: Vec<u32> = (0..people).collect();
        for some in numbers.chunks(50) {
            let requests: Vec<Value> = some
                .iter()
                .map(|number| {
                    let policy =
                        if number % 2 == 0 { "default_access_policy" } else { "default_erasure_policy" };
                    json!({"policy_key": policy, "identity": {"email": address(*number)}})
                })
                .collect();
            self.send("POST /api/v1/privacy-request/authenticated", &json!(requests)).await;
        }
    }

    /// How many requests there are of each status.
    async fn statuses(&self) -> BTreeMap<String, usize> {
        let mut found = BTreeMap::new();
        for page in 1.. {
            let line = format!("GET /api/v1/privacy-request?size=100&page={page}");
            let reply = call(&self.running, &line, Some(&self.token), None).await;
            assert_eq!(reply.status, 200, "{}", reply.text);
            let reply = reply.json();
            let items = reply.get("items").unwrap().as_array().unwrap();
            for item in items {
                *found.entry(item["status"].as_str().unwrap().to_owned()).or_default() += 1;
            }
            if items.len() < 100 {
                break;
            }
        }
        found
    }

    /// Waits until nothing goes on by itself any more; `meanwhile` is done before each look.
    async fn settled(&self, mut meanwhile: impl FnMut()) -> BTreeMap<String, usize> {
        let begun = Instant::now();
        loop {
            meanwhile();
            tokio::time::sleep(BEAT).await;
            let statuses = self.statuses().await;
            let goes_on = ["pending", "approved", "in_processing"];
            if !statuses.keys().any(|status| goes_on.contains(&status.as_str())) {
                return statuses;
            }
            assert!(begun.elapsed() < LIMIT, "after {LIMIT:?}: {statuses:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_by_itself_works_off_what_it_takes_in() {
    let (program, vendor) = (program(), Vendor::start(10).await);
    let office = Office::open(&program, &vendor, &[]).await;

    office.ask(10).await;
    let statuses = office.settled(|| {}).await;
    let ran = office.running.end().expect(0);

    assert_eq!(statuses, BTreeMap::from([("complete".to_owned(), 10)]), "{}", ran.stderr);
    let uploads = std::fs::read_dir(program.folder().join("data/fides_uploads")).unwrap().count();
    assert_eq!(uploads, 5);
    vendor.with(|held| {
        assert_eq!(held.writes.len(), 15, "one person and two notes for each of five: {:?}", held.writes);
        assert!(held.writes.values().all(|times| *times == 1), "{:?}", held.writes);
        let known = |number: u32| held.people[&number]["email"] == address(number).as_str();
        assert!((0..10).all(|number| known(number) == (number % 2 == 0)));
    });
}
