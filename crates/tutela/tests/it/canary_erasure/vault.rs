//! What is planted, and where it goes in.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::json;
use testkit::{Answer, FakeSaas};

use crate::program::Program;
use crate::sweep_database::{Flavour, Place};

/// Personal data: identities, rows, ids in paths.
pub(super) const PERSONS: &[(&str, &str)] = &[
    ("e-mail", "canary.ana-4e9a2c@example.com"),
    ("telephone", "+49155501994711"),
    ("name", "Ana Canary-Person 5f2d"),
    ("id in a path", "canary-id-9b71e4"),
    ("id of a note", "canary-note-77c0de"),
    ("text of a note", "canary note about Ana 31aa"),
];

/// Secrets: of connections, in URLs of databases, of Tutela itself.
pub(super) const SECRETS: &[(&str, &str)] = &[
    ("token", "canary-token-71d0aa"),
    ("api_key", "canary-api-key-5ad812"),
    ("password of the shop", "canary-shop-password-11f3"),
    ("password of the state", "canary-state-password-9a0c"),
    ("master key", "Y2FuYXJ5LW1hc3Rlci1rZXktMDEyMzQ1Njc4OWFiY2Q="),
];

pub(super) fn planted(list: &[(&'static str, &'static str)], name: &str) -> &'static str {
    list.iter().find(|(known, _)| *known == name).unwrap().1
}

fn person(name: &str) -> &'static str {
    planted(PERSONS, name)
}

/// Everything in one text, as an application repeats what it was sent.
pub(super) fn everything() -> String {
    let all = PERSONS.iter().chain(SECRETS.iter().take(2)).map(|(_, value)| *value);
    all.collect::<Vec<_>>().join(" ")
}

/// The application: it forgets what it is told to forget.
pub(super) async fn open() -> FakeSaas {
    let saas = FakeSaas::start().await;
    let masked = Arc::new(AtomicBool::new(false));
    let (notes, copies) = (Arc::new(Mutex::new(true)), Arc::new(Mutex::new(true)));
    let seen = Arc::clone(&masked);
    saas.on("GET", "/people").with(move |call| {
        let row = json!({
            "id": person("id in a path"), "email": person("e-mail"), "phone": person("telephone"),
            "name": person("name"),
        });
        let rows = if seen.load(Ordering::SeqCst) { json!([]) } else { json!([row]) };
        Answer::json(200, &json!({ "people": rows })).header("x-request", call.target())
    });
    saas.on("PATCH", "/people/*").with(move |call| {
        masked.store(true, Ordering::SeqCst);
        Answer::json(200, &json!({"done": everything()})).header("x-request", call.target())
    });
    let there = Arc::clone(&notes);
    saas.on("GET", "/people/*/notes").with(move |_| {
        let row = json!({"id": person("id of a note"), "text": person("text of a note")});
        let rows = if *there.lock().unwrap() { json!([row]) } else { json!([]) };
        Answer::json(200, &json!({ "notes": rows }))
    });
    saas.on("DELETE", "/notes/*").with(move |_| {
        *notes.lock().unwrap() = false;
        Answer::json(200, &json!({"deleted": everything()}))
    });
    let there = Arc::clone(&copies);
    saas.on("GET", "/people/*/copies").with(move |_| {
        let rows = if *there.lock().unwrap() { json!([{"of": person("e-mail")}]) } else { json!([]) };
        Answer::json(200, &json!({ "copies": rows }))
    });
    saas.on("POST", "/erasures").with(move |_| {
        *copies.lock().unwrap() = false;
        Answer::json(202, &json!({"job": {"id": "job-1"}, "echo": everything()}))
    });
    saas.on("GET", "/erasures/job-1").with(|_| {
        let parts = json!([{"name": "warehouse", "state": "DONE", "message": everything()}]);
        Answer::json(200, &json!({"state": "DONE", "parts": parts}))
    });
    saas
}

/// The project with its shop, whose URL holds a password where the database takes one.
pub(super) async fn project(program: &Program, saas: &FakeSaas, flavour: Flavour, shop: &Place) {
    let url = match flavour {
        Flavour::Sqlite => shop.url(),
        Flavour::PostgreSql => with_password(&shop.url(), "password of the shop"),
    };
    let database = if flavour == Flavour::Sqlite { "sqlite" } else { "postgres" };
    program.file("connector.yml", include_str!("connector.yml"));
    program.file("dataset.yml", include_str!("dataset.yml"));
    program.file("shop_dataset.yml", include_str!("shop_dataset.yml"));
    program.file(
        "tutela.yml",
        &include_str!("project.yml")
            .replace("DATABASE", database)
            .replace("SHOP_URL", &url)
            .replace("TOKEN", planted(SECRETS, "token"))
            .replace("API_KEY", planted(SECRETS, "api_key"))
            .replace("VAULT_URL", &saas.base_url()),
    );
    shop.renew().await;
    shop.run(&format!(
        "CREATE TABLE customers (id VARCHAR(60) PRIMARY KEY, email VARCHAR(60), name VARCHAR(60), phone VARCHAR(60));
         INSERT INTO customers VALUES ('{}', '{}', '{}', '{}'), ('other', 'bo@example.com', 'Bo', '1')",
        person("id in a path"),
        person("e-mail"),
        person("name"),
        person("telephone")
    ))
    .await;
    std::fs::create_dir_all(program.folder().join("tmp")).unwrap();
}

/// The test server asks for no password, so any will do.
pub(super) fn with_password(url: &str, name: &str) -> String {
    let mut url = url::Url::parse(url).unwrap();
    url.set_password(Some(planted(SECRETS, name))).unwrap();
    url.to_string()
}
