//! An application that keeps what it is told: contacts that are masked, notes that are deleted one by
//! one, letters that a job deletes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sandbox::server::{Answer, Call};
use serde_json::{Value, json};
use testkit::FakeSaas;

pub(crate) const FILE: &str = r#"
saas_config:
  fides_key: crm
  name: Crm
  type: crm
  description: Made up
  version: 1.0.0
  connector_params: [{name: domain}, {name: token, sensitive: true}]
  client_config:
    protocol: http
    host: <domain>
    authentication: {strategy: bearer, configuration: {token: <token>}}
  test_request: {method: GET, path: /ping}
  endpoints:
    - name: contacts
      erase_after: [crm.notes]
      requests:
        read: {method: GET, path: /contacts, query_params: [{name: email, value: <email>}], param_values: [{name: email, identity: email}]}
        update:
          method: PUT
          path: /contacts/<id>
          param_values: [{name: id, references: [{dataset: crm, field: contacts.id, direction: from}]}]
          body: '{<masked_object_fields>}'
    - name: notes
      requests:
        read:
          method: GET
          path: /notes
          query_params: [{name: contact, value: <contact>}]
          param_values: [{name: contact, references: [{dataset: crm, field: contacts.id, direction: from}]}]
        delete:
          method: DELETE
          path: /notes/<id>
          gone: [404]
          param_values: [{name: id, references: [{dataset: crm, field: notes.id, direction: from}]}]
    - name: letters
      requests:
        read: {method: GET, path: /letters, query_params: [{name: email, value: <email>}], param_values: [{name: email, identity: email}]}
        delete:
          method: POST
          path: /erasures
          per: person
          param_values: [{name: email, identity: email}]
          body: '{"email": "<email>"}'
          track:
            id_path: id
            request: {method: GET, path: /erasures/<job_id>, gone: [404]}
            status_path: status
            states: {RUNNING: accepted, FINISHED: erased, FAILED: failed, NOT_SUPPORTED: unsupported}
            destinations: {path: parts, name_path: name, status_path: status, message_path: note}
            interval: 1h
            deadline: 30d
"#;

pub(crate) const DATASET: &str = "
dataset:
  - fides_key: crm
    name: Crm
    collections:
      - name: contacts
        fields:
          - {name: id, data_categories: [system.operations], fides_meta: {primary_key: true}}
          - {name: name, data_categories: [user.name], fides_meta: {data_type: string}}
          - {name: email, data_categories: [user.contact.email], fides_meta: {data_type: string}}
          - {name: plan, data_categories: [system.operations]}
      - name: notes
        fields:
          - {name: id, data_categories: [system.operations], fides_meta: {primary_key: true}}
          - {name: text, data_categories: [user.content], fides_meta: {data_type: string}}
      - name: letters
        fields:
          - {name: id, data_categories: [system.operations], fides_meta: {primary_key: true}}
          - {name: address, data_categories: [user.contact], fides_meta: {data_type: string}}
";

/// A fault of the next write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is done, and no answer comes.
    AppliedUnanswered,
    /// It is not done, and no answer comes.
    LostUnanswered,
    /// It is refused.
    Refused,
}

/// What the application holds.
#[derive(Debug, Default)]
pub(crate) struct Crm {
    pub(crate) contacts: Vec<Value>,
    pub(crate) notes: Vec<Value>,
    pub(crate) letters: Vec<Value>,
    /// Job → state and parts.
    pub(crate) jobs: BTreeMap<String, Value>,
    /// Every write that took effect: method and path.
    pub(crate) effects: Vec<String>,
    /// Faults by `METHOD /path`, each used once.
    pub(crate) faults: BTreeMap<String, Vec<Fault>>,
}

/// The application and its state.
pub(crate) struct CrmServer {
    pub(crate) saas: FakeSaas,
    state: Arc<Mutex<Crm>>,
}

impl CrmServer {
    pub(crate) async fn start() -> Self {
        let saas = FakeSaas::start().await;
        let state = Arc::new(Mutex::new(Crm {
            contacts: vec![
                json!({"id": 1, "name": "Ana", "email": "ana@example.com", "plan": "gold"}),
                json!({"id": 2, "name": "Ben", "email": "ben@example.com", "plan": "free"}),
            ],
            notes: vec![
                json!({"id": 11, "contact": "1", "text": "called Ana"}),
                json!({"id": 12, "contact": "1", "text": "wrote to Ana"}),
                json!({"id": 13, "contact": "2", "text": "called Ben"}),
            ],
            letters: vec![json!({"id": 21, "email": "ana@example.com", "address": "1 Road"})],
            ..Crm::default()
        }));
        let server = Self { saas, state };
        for method in ["GET", "PUT", "DELETE", "POST"] {
            let state = Arc::clone(&server.state);
            server.saas.on(method, "/**").with(move |call| lock(&state).answer(call));
        }
        server
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, Crm> {
        lock(&self.state)
    }

    /// Every call that is no read, as sent, whether it took effect or not.
    pub(crate) fn writes(&self) -> Vec<String> {
        let writes = self.saas.calls().into_iter().filter(|call| call.method.as_str() != "GET");
        writes.map(|call| format!("{} {}", call.method, call.path)).collect()
    }

    pub(crate) fn fail(&self, write: &str, fault: Fault) {
        self.state().faults.entry(write.to_owned()).or_default().push(fault);
    }
}

fn lock(state: &Mutex<Crm>) -> MutexGuard<'_, Crm> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The id as it stands in a path.
pub(crate) fn id_of(one: &Value) -> String {
    one["id"].to_string()
}

impl Crm {
    fn answer(&mut self, call: &Call) -> Answer {
        let write = format!("{} {}", call.method, call.path);
        let fault = self.faults.get_mut(&write).and_then(Vec::pop);
        match fault {
            Some(Fault::Refused) => return Answer::json(403, &json!({"error": "no"})),
            Some(Fault::LostUnanswered) => return Answer::reset(),
            Some(Fault::AppliedUnanswered) => {
                self.take(call, &write);
                return Answer::reset();
            }
            None => {}
        }
        self.take(call, &write)
    }

    fn take(&mut self, call: &Call, write: &str) -> Answer {
        let parameters = call.parameters();
        let last = call.path.rsplit('/').next().unwrap_or_default().to_owned();
        let is_this = |one: &Value| id_of(one) == last;
        let of = |rows: &[Value], field: &str| {
            let wanted = parameters.find(field).unwrap_or_default().to_owned();
            let found: Vec<_> = rows.iter().filter(|row| row[field] == wanted.as_str()).cloned().collect();
            Answer::json(200, &found)
        };
        match (call.method.as_str(), call.path.split('/').nth(1).unwrap_or_default()) {
            ("GET", "contacts") => of(&self.contacts, "email"),
            ("GET", "notes") => of(&self.notes, "contact"),
            ("GET", "letters" | "proof") => of(&self.letters, "email"),
            ("GET", "erasures") => match self.jobs.get(&last) {
                Some(job) => Answer::json(200, job),
                None => Answer::json(404, &json!({})),
            },
            ("PUT", "contacts") => {
                self.effects.push(write.to_owned());
                let body = call.json().unwrap_or_default();
                for contact in self.contacts.iter_mut().filter(|one| is_this(one)) {
                    for (name, value) in body.as_object().into_iter().flatten() {
                        contact[name] = value.clone();
                    }
                }
                Answer::json(200, &json!({}))
            }
            ("DELETE", "notes") => {
                if !self.notes.iter().any(is_this) {
                    return Answer::json(404, &json!({}));
                }
                self.effects.push(write.to_owned());
                self.notes.retain(|one| !is_this(one));
                Answer::status(204)
            }
            ("POST", "erasures") => {
                self.effects.push(write.to_owned());
                let id = format!("job-{}", self.jobs.len() + 1);
                let job =
                    json!({"id": id, "status": "RUNNING", "parts": [{"name": "Post", "status": "RUNNING"}]});
                self.jobs.insert(id.clone(), job);
                Answer::json(200, &json!({"id": id}))
            }
            _ => Answer::json(404, &json!({})),
        }
    }

    /// Ends every job: everything, or its parts, have this state. A good one deletes the letters.
    pub(crate) fn end_jobs(&mut self, status: &str) {
        for job in self.jobs.values_mut() {
            job["status"] = status.into();
            *job.pointer_mut("/parts/0/status").unwrap() = status.into();
        }
        if status == "FINISHED" {
            self.letters.clear();
        }
    }
}
