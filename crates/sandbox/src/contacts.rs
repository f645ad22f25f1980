//! A small simulated application whose writes can be counted: people, their notes by page, and
//! their subscriptions.
//!
//! It is made for tests of what is sent once: `PATCH /people/ID` may be repeated without harm,
//! `DELETE /notes/ID` answers 404 the second time, and `POST /subscriptions/ID/end` does the same
//! thing again each time it is asked. Every effect is counted.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::faults::spoil;
use crate::log::{CallLog, LogEffect, LogEntry, inspection_body};
use crate::rules::FaultRules;
use crate::server::{Answer, Call, Handler, Server};
use crate::{Fault, FaultRule};

/// Notes on one page.
const NOTES_PER_PAGE: usize = 2;
/// The token that is accepted.
const TOKEN: &str = "contacts-token";

/// A running simulated application. Dropping it closes the port.
#[derive(Debug)]
pub struct ContactsSandbox {
    server: Server,
    contacts: Arc<Contacts>,
}

impl ContactsSandbox {
    /// Starts it on any free port of 127.0.0.1. It knows `people` people: `ana@example.com`, then
    /// `person-1@example.com` and on, each with five notes and one subscription.
    ///
    /// # Errors
    /// Loopback has no free port.
    pub async fn start(people: usize) -> io::Result<Self> {
        let contacts = Arc::new(Contacts::new(people));
        let server = Server::start(0, Arc::clone(&contacts) as Arc<dyn Handler>).await?;
        Ok(Self { server, contacts })
    }

    /// Where it listens: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The token that is accepted.
    pub fn token(&self) -> &'static str {
        TOKEN
    }

    /// The same as `GET /__sandbox/log`.
    pub fn log(&self) -> Value {
        self.contacts.log_json()
    }

    /// The same as `GET /__sandbox/state`.
    pub fn state(&self) -> Value {
        self.contacts.state_json()
    }

    /// The same as `POST /__sandbox/rules`.
    pub fn set_rules(&self, rules: Vec<FaultRule>) {
        self.contacts.rules.set(rules);
    }

    /// Waits this long before each answer from now on.
    pub fn set_latency(&self, latency: Duration) {
        *lock(&self.contacts.latency) = latency;
    }

    /// Back to the start: people, counts, rules and log.
    pub fn reset(&self) {
        self.contacts.reset();
    }
}

#[derive(Debug)]
struct Contacts {
    people: usize,
    world: Mutex<World>,
    rules: FaultRules,
    log: Mutex<CallLog>,
    latency: Mutex<Duration>,
}

#[derive(Debug, Default)]
struct World {
    people: BTreeMap<String, Map<String, Value>>,
    notes: BTreeMap<String, Value>,
    subscriptions: BTreeMap<String, Value>,
    /// How often each write took effect, by method and path.
    effects: BTreeMap<String, u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RulesChange {
    rules: Vec<FaultRule>,
}

impl World {
    fn new(people: usize) -> Self {
        let mut world = Self::default();
        for number in 0..people {
            let id = format!("p{number}");
            let (email, name) = if number == 0 {
                ("ana@example.com".to_owned(), "Ana".to_owned())
            } else {
                (format!("person-{number}@example.com"), format!("Person {number}"))
            };
            let row = json!({"id": id, "email": email, "name": name, "phone": format!("+1555{number:07}")});
            world.people.insert(id.clone(), row.as_object().cloned().unwrap_or_default());
            for note in 0..5 {
                let key = format!("{id}-n{note}");
                let row = json!({"id": key, "person": id, "text": format!("note {note} about {name}")});
                world.notes.insert(key, row);
            }
            let key = format!("{id}-s0");
            let row = json!({"id": key, "person": id, "address": email, "active": true, "ended": 0});
            world.subscriptions.insert(key, row);
        }
        world
    }

    fn effect(&mut self, call: &Call) {
        *self.effects.entry(format!("{} {}", call.method, call.path)).or_default() += 1;
    }
}

impl Contacts {
    fn new(people: usize) -> Self {
        Self {
            people,
            world: Mutex::new(World::new(people)),
            rules: FaultRules::default(),
            log: Mutex::new(CallLog::default()),
            latency: Mutex::new(Duration::ZERO),
        }
    }

    fn reset(&self) {
        *lock(&self.world) = World::new(self.people);
        self.rules.set(Vec::new());
        *lock(&self.log) = CallLog::default();
    }

    fn log_json(&self) -> Value {
        json!({"calls": lock(&self.log).entries().collect::<Vec<&LogEntry>>()})
    }

    fn state_json(&self) -> Value {
        let world = lock(&self.world);
        json!({
            "people": world.people.values().collect::<Vec<_>>(),
            "notes": world.notes.values().collect::<Vec<_>>(),
            "subscriptions": world.subscriptions.values().collect::<Vec<_>>(),
            "effects": world.effects,
        })
    }

    fn inspect(&self, call: &Call) -> Answer {
        match (call.method.as_str(), call.path.as_str()) {
            ("GET", "/__sandbox/log") => Answer::json(200, &self.log_json()),
            ("GET", "/__sandbox/state") => Answer::json(200, &self.state_json()),
            ("POST", "/__sandbox/rules") => inspection_body(call, |change: RulesChange| {
                let answer = json!({"rules": change.rules});
                self.rules.set(change.rules);
                Ok(answer)
            }),
            ("POST", "/__sandbox/reset") => {
                self.reset();
                Answer::json(200, &self.state_json())
            }
            _ => Answer::json(404, &json!({"error": "no such inspection call"})),
        }
    }

    fn reached(&self, call: &Call) -> Answer {
        if call.bearer_token() != Some(TOKEN) {
            return Answer::json(401, &json!({"error": "unauthorized"}));
        }
        let mut world = lock(&self.world);
        let segments: Vec<&str> = call.path.split('/').skip(1).collect();
        match (call.method.as_str(), segments.as_slice()) {
            ("GET", ["people"]) => {
                let query = call.parameters();
                let email = query.find("email").unwrap_or_default();
                let known =
                    |row: &&Map<String, Value>| row.get("email").and_then(Value::as_str) == Some(email);
                let people: Vec<_> = world.people.values().filter(known).collect();
                Answer::json(200, &json!({ "people": people }))
            }
            ("GET", ["people", id, "notes"]) => notes(&world, id, call),
            ("GET", ["people", id, "subscriptions"]) => {
                let active = |row: &&Value| row["person"] == *id && row["active"] == true;
                let rows: Vec<_> = world.subscriptions.values().filter(active).collect();
                Answer::json(200, &json!({ "subscriptions": rows }))
            }
            ("PATCH", ["people", id]) => {
                let change = call.json().and_then(|body| body.as_object().cloned());
                let Some(change) = change else { return Answer::json(422, &json!({"error": "no object"})) };
                let Some(row) = world.people.get_mut(*id) else { return not_found() };
                row.extend(change);
                let answer = Answer::json(200, row);
                world.effect(call);
                answer
            }
            ("DELETE", ["notes", id]) => match world.notes.remove(*id) {
                Some(_) => {
                    world.effect(call);
                    Answer::status(204)
                }
                None => not_found(),
            },
            ("POST", ["subscriptions", id, "end"]) => {
                let Some(row) = world.subscriptions.get_mut(*id) else { return not_found() };
                let ended = row["ended"].as_u64().unwrap_or_default() + 1;
                row["ended"] = json!(ended);
                row["active"] = json!(false);
                world.effect(call);
                Answer::json(200, &json!({"ended": ended}))
            }
            _ => not_found(),
        }
    }
}

fn notes(world: &World, person: &str, call: &Call) -> Answer {
    let query = call.parameters();
    let after = query.find("after").unwrap_or_default();
    let of_person = |row: &&Value| row["person"] == person && row["id"].as_str() > Some(after);
    let rows: Vec<&Value> = world.notes.values().filter(of_person).take(NOTES_PER_PAGE + 1).collect();
    let page: Vec<&Value> = rows.iter().copied().take(NOTES_PER_PAGE).collect();
    let next = page.last().filter(|_| rows.len() > NOTES_PER_PAGE).map(|row| row["id"].clone());
    Answer::json(200, &json!({"notes": page, "next": next}))
}

fn not_found() -> Answer {
    Answer::json(404, &json!({"error": "not found"}))
}

impl Handler for Contacts {
    fn answer(&self, call: Call) -> Answer {
        if call.path.starts_with("/__sandbox/") {
            return self.inspect(&call);
        }
        let fault = self.rules.meet(&call);
        let before = match fault {
            Some(Fault::Rate429 | Fault::Rate429Body | Fault::Rate429Bare) => Some(Answer::status(429)),
            Some(Fault::Rate500) => Some(Answer::json(500, &json!({"error": "broken"}))),
            Some(Fault::ResetBefore) => Some(Answer::reset()),
            Some(Fault::HoldBefore) => Some(Answer::status(200)),
            Some(
                Fault::ResetAfter
                | Fault::Truncated
                | Fault::Malformed
                | Fault::ErrorAfter
                | Fault::MissingKey
                | Fault::HoldAfter,
            )
            | None => None,
        };
        let reached = before.is_none();
        let answer = before.unwrap_or_else(|| self.reached(&call));
        let effect = LogEffect::of(&call, reached.then_some(&answer));
        let answer = spoil(answer.after(*lock(&self.latency)), fault);
        lock(&self.log).push(LogEntry::new("contacts", &call, effect).answered(&answer, fault));
        answer
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
