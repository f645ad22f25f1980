//! Measures a page of a list: `cargo run --release -p connector --example list_page`.
//!
//! Prints one JSON line: bytes of a page of 200 accounts with their permissions, and microseconds a page, least
//! of several rounds: to make values of the text alone, and to read it over loopback, from the call to its
//! items, and with items that stay text; and microseconds to prepare one list.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use connector::{
    Bound, Connection, Connector, ConnectorParts, ListAnswers, Listing, MemoryTokens, Secrets, Settings,
};
use egress::{Door, DoorSettings, MemoryBudgets, Mode, Routes};
use model::{Clock, RandomIds, SystemClock};
use serde_json::{Value, json};
use spec::{CheckOptions, SourceFile};
use testkit::{Answer, FakeSaas};

const USERS: usize = 200;
const PAGES: usize = 200;
const ROUNDS: usize = 7;
const FILE: &str = "saas_config:
  fides_key: acme
  name: Acme
  type: acme
  description: Made up
  version: 1.0.0
  connector_params: [{name: domain}]
  client_config: {protocol: https, host: <domain>}
  test_request: {method: GET, path: /ping}
  endpoints:
    - name: users
      requests:
        read:
          method: GET
          path: /users
          query_params: [{name: count, value: 200}]
          data_path: data.users
          pagination: {strategy: cursor, configuration: {cursor_param: cursor, field: data.pagination.next}}
";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let saas = FakeSaas::start().await;
    let pages: Vec<Answer> = (0..PAGES).map(|page| Answer::json(200, &page_of_users(page))).collect();
    saas.on("GET", "/users").with(move |call| {
        let page: usize = call.query.split("cursor=").nth(1).and_then(|page| page.parse().ok()).unwrap_or(0);
        pages.get(page).cloned().unwrap_or_else(|| Answer::status(404))
    });
    let body = page_of_users(0).to_string();
    let connector = connector(&saas)?;

    let parsed = least(|| {
        let started = Instant::now();
        for _ in 0..PAGES {
            black_box(serde_json::from_slice::<Value>(black_box(body.as_bytes())).ok());
        }
        started.elapsed()
    });
    let prepared = least(|| {
        let started = Instant::now();
        for _ in 0..PAGES {
            black_box(list(&connector).ok());
        }
        started.elapsed()
    });
    let mut whole = Duration::MAX;
    for _ in 0..ROUNDS {
        whole = whole.min(read(&connector).await?);
    }
    let mut texts = Duration::MAX;
    for _ in 0..ROUNDS {
        texts = texts.min(read_texts(&connector).await?);
    }
    let micros = |time: Duration| time.as_secs_f64() * 1e6 / PAGES as f64;
    report(&json!({
        "page_bytes": body.len(), "users": USERS, "parse_us": micros(parsed), "read_us": micros(whole),
        "read_text_us": micros(texts), "prepare_us": micros(prepared),
    }));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a measurement answers on standard output")]
fn report(figures: &Value) {
    println!("{figures}");
}

fn least(mut round: impl FnMut() -> Duration) -> Duration {
    (0..ROUNDS).map(|_| round()).min().unwrap_or_default()
}

/// Time to read all pages.
async fn read(connector: &Connector) -> Result<Duration, Box<dyn std::error::Error>> {
    let started = Instant::now();
    let mut reader = list(connector)?.open();
    let mut items = 0;
    while let Some(page) = reader.next_page().await? {
        items += page.items.len();
    }
    let time = started.elapsed();
    if items != USERS * PAGES || !reader.completeness().is_complete() {
        return Err("the list was not read to its end".into());
    }
    Ok(time)
}

/// Time to read all pages without making values of their items.
async fn read_texts(connector: &Connector) -> Result<Duration, Box<dyn std::error::Error>> {
    let started = Instant::now();
    let mut reader = list(connector)?.open();
    let mut items = 0;
    while let Some((page, _)) = reader.next_text().await? {
        items += page.len();
    }
    let time = started.elapsed();
    if items != USERS * PAGES || !reader.completeness().is_complete() {
        return Err("the list was not read to its end".into());
    }
    Ok(time)
}

fn list(connector: &Connector) -> Result<Listing, Box<dyn std::error::Error>> {
    let endpoint = connector.connection().file.endpoints.first().ok_or("no endpoint")?;
    let request = endpoint.read.first().ok_or("no request")?;
    Ok(connector.list((request, "governance.user"), &Bound::new(), ListAnswers::default())?)
}

/// Accounts as an identity API shows them: each with a name, an address, and two roles on a resource each.
fn page_of_users(page: usize) -> Value {
    let permission = |user: usize, role: usize| {
        let resource = json!({"id": format!("src_{:06}", user % 997), "type": "SOURCE", "labels": []});
        json!({"roleId": format!("role_{role}"), "roleName": "Source Admin", "resources": [resource]})
    };
    let user = |number: usize| {
        json!({
            "id": format!("usr_{number:08}"), "name": format!("Person {number}"),
            "email": format!("person.{number}@example.com"),
            "permissions": [permission(number, 1), permission(number, 2)],
        })
    };
    let users: Vec<Value> = (page * USERS..(page + 1) * USERS).map(user).collect();
    let next = if page + 1 < PAGES { json!((page + 1).to_string()) } else { Value::Null };
    json!({"data": {"users": users, "pagination": {"current": page.to_string(), "next": next}}})
}

fn connector(saas: &FakeSaas) -> Result<Connector, Box<dyn std::error::Error>> {
    let checked = spec::check_connector(&SourceFile::new("acme.yml", FILE), &CheckOptions::default());
    let connection = Connection {
        key: "acme".parse()?,
        file: Arc::new(checked.value.ok_or("the file has errors")?),
        secrets: Arc::new(Secrets::new(vec![("domain".to_owned(), json!("api.acme.test"))])),
        references: HashMap::new(),
        recording_keep: HashMap::new(),
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let door = DoorSettings {
        allow: vec!["127.0.0.1/32".parse()?],
        routes: Routes::parse([("api.acme.test", saas.base_url())])?,
        ..DoorSettings::default()
    };
    let budgets = Arc::new(MemoryBudgets::new(Arc::clone(&clock)));
    Ok(Connector::new(ConnectorParts {
        connection,
        door: Door::new(door, Mode::Live, budgets, Arc::clone(&clock))?,
        tokens: Arc::new(MemoryTokens::new()),
        clock,
        ids: Arc::new(RandomIds),
        settings: Settings::default(),
    }))
}
