//! Measures the ledgered writes: `cargo run --release -p engine --example erasures [postgres://…]`.
//!
//! 1,000 erasures of four writes each, 8 at once, at a simulated application that answers after 5 ms;
//! beside it the same writes by a bare client with 8 connections. Prints one JSON line.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use connector::writes::WriteRequest;
use connector::{Connection, Connector, ConnectorParts, MemoryTokens, Person, Secrets, Settings};
use crypto::{KeyRing, MasterKey, Secret};
use egress::{Door, DoorSettings, MemoryBudgets, Mode};
use engine::{Concurrency, HoldRequest, Limits, TaskHold, WriteOrder, WritePayload, Writer, WriterParts};
use futures::{StreamExt, TryStreamExt, stream};
use model::{Clock, Identities, Outcome, PrivacyRequestId, RandomIds, Row, RunId, SystemClock};
use sandbox::contacts::ContactsSandbox;
use serde_json::json;
use spec::{CheckOptions, ConnectorFile, SourceFile, check_connector};
use store::{
    Access, Actor, NewPlan, NewRun, NewTask, PlanDigest, RunKind, Store, StoreParts, StorePlace, TaskId,
};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;

const ERASURES: usize = 1_000;
const AT_ONCE: usize = 8;
const NOTES: usize = 3;
const LATENCY: Duration = Duration::from_millis(5);
const ROUNDS: usize = 3;

const FILE: &str = r"saas_config:
  fides_key: contacts
  name: Contacts
  type: contacts
  description: Made up
  version: 1.0.0
  format: 1
  connector_params: [{ name: domain }, { name: token, sensitive: true }]
  client_config:
    protocol: http
    host: <domain>
    authentication: { strategy: bearer, configuration: { token: <token> } }
  test_request: { method: GET, path: /people }
  endpoints:
    - name: people
      requests:
        update: { method: PATCH, path: /people/<id>, repeatable: true, body: '{<masked_object_fields>}', param_values: [{ name: id, identity: email }] }
    - name: notes
      requests:
        delete: { method: DELETE, path: /notes/<id>, param_values: [{ name: id, identity: email }] }
";

type Fallible<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// What is measured on.
struct Bench {
    store: Store,
    writer: Writer,
    file: Arc<ConnectorFile>,
    contacts: ContactsSandbox,
}

#[tokio::main]
async fn main() -> Fallible<()> {
    let folder = tempfile::tempdir()?;
    let (mut ledgered, mut bare) = (Vec::new(), Vec::new());
    let (mut writes, mut commits) = (0, 0);
    for round in 0..ROUNDS {
        let place = match std::env::args().nth(1) {
            Some(url) => StorePlace::parse(&url)?,
            None => StorePlace::File(folder.path().join(format!("state-{round}.db"))),
        };
        let bench = bench(place).await?;
        bare.push(without_ledger(&bench.contacts).await?);
        bench.contacts.reset();
        let before = bench.store.ledger_counts();
        ledgered.push(through_ledger(&bench).await?);
        commits += bench.store.ledger_counts().commits - before.commits;
        writes += ERASURES * (NOTES + 1);
        let done = bench.contacts.state();
        let effects =
            done.get("effects").and_then(serde_json::Value::as_object).map_or(0, serde_json::Map::len);
        if effects != ERASURES * (NOTES + 1) {
            return Err(format!("{effects} writes took effect").into());
        }
    }
    report(&json!({
        "ledgered_s": median(ledgered),
        "bare_s": median(bare),
        "commits_per_write": commits as f64 / writes as f64,
        "writes": ERASURES * (NOTES + 1),
    }));
    Ok(())
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default().as_secs_f64()
}

async fn bench(place: StorePlace) -> Fallible<Bench> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let store = Store::open(StoreParts {
        place,
        keys: KeyRing::new(MasterKey::random()),
        clock: Arc::clone(&clock),
        ids: Arc::new(RandomIds),
        access: Access::Write,
        max_bytes: None,
    })
    .await?;
    let contacts = ContactsSandbox::start(ERASURES).await?;
    contacts.set_latency(LATENCY);
    let checked = check_connector(&SourceFile::new("contacts.yml", FILE), &CheckOptions::default());
    let file = Arc::new(checked.value.ok_or_else(|| format!("{:?}", checked.diagnostics))?);
    let allow = vec!["127.0.0.1/32".parse()?];
    let settings = DoorSettings { allow, ..DoorSettings::default() };
    let door = Door::new(
        settings,
        Mode::Live,
        Arc::new(MemoryBudgets::new(Arc::clone(&clock))),
        Arc::clone(&clock),
    )?;
    let domain = contacts.url().trim_start_matches("http://").to_owned();
    let connector = Connector::new(ConnectorParts {
        connection: Connection {
            key: "contacts".parse()?,
            file: Arc::clone(&file),
            secrets: Arc::new(Secrets::new(vec![
                ("domain".to_owned(), domain.into()),
                ("token".to_owned(), contacts.token().into()),
            ])),
            references: HashMap::new(),
            recording_keep: HashMap::new(),
        },
        door,
        tokens: Arc::new(MemoryTokens::new()),
        clock: Arc::clone(&clock),
        ids: Arc::new(RandomIds),
        settings: Settings::default(),
    });
    let person = Person {
        identities: Identities::default(),
        privacy_request_id: PrivacyRequestId::new(&RandomIds),
        privacy_request: Row::new(),
        custom_fields: Row::new(),
    };
    let writer = Writer::new(WriterParts {
        store: store.clone(),
        sources: HashMap::from([("contacts".parse()?, connector.into())]),
        person: Arc::new(person),
        limits: Concurrency::new(Limits::default()),
        clock,
    });
    Ok(Bench { store, writer, file, contacts })
}

/// The writes of one person: method, path, body.
fn writes_of(person: usize) -> Vec<(&'static str, String, Option<&'static str>)> {
    let mut writes = vec![("PATCH", format!("/people/p{person}"), Some("{\"name\":null}"))];
    writes.extend((0..NOTES).map(|note| ("DELETE", format!("/notes/p{person}-n{note}"), None)));
    writes
}

/// Approved plans first, which is not measured; then all writes, 8 runs at once.
async fn through_ledger(bench: &Bench) -> Fallible<Duration> {
    let mut runs = Vec::new();
    for person in 0..ERASURES {
        runs.push((person, approved(&bench.store).await?));
    }
    let started = Instant::now();
    stream::iter(runs)
        .map(|(person, (run, plan))| erase(bench, person, run, plan))
        .buffer_unordered(AT_ONCE)
        .try_collect::<Vec<()>>()
        .await?;
    Ok(started.elapsed())
}

async fn approved(store: &Store) -> Fallible<(RunId, PlanDigest)> {
    let run = RunId::new(&RandomIds);
    let task = NewTask {
        id: TaskId::new(&RandomIds),
        kind: "apply".into(),
        name: "apply".into(),
        after: Vec::new(),
        due_at: None,
    };
    let new = NewRun {
        id: run.clone(),
        kind: RunKind::Erasure,
        policy: None,
        subject: Secret::new(b"{}".to_vec()),
        deadline_at: None,
        actor: Actor::system(),
    };
    store.run_create(new, &[task]).await?;
    let digest = PlanDigest::of(run.as_str().as_bytes());
    let operations = (NOTES + 1) as u32;
    let plan =
        NewPlan { digest: digest.clone(), run: run.clone(), body: b"{}", operations, actor: Actor::system() };
    store.plan_put(&plan).await?;
    store.plan_approve(&digest, Actor::system()).await?;
    Ok((run, digest))
}

async fn erase(bench: &Bench, person: usize, run: RunId, plan: PlanDigest) -> Fallible<()> {
    let request = HoldRequest {
        run,
        kind: "apply".to_owned(),
        name: "apply".to_owned(),
        worker: "erasures".to_owned(),
        wait: None,
    };
    let hold = TaskHold::claim(&bench.store, &request).await?;
    let orders: Vec<WriteOrder> = writes_of(person)
        .into_iter()
        .enumerate()
        .filter_map(|(operation, (method, path, body))| {
            let endpoint = bench.file.endpoints.get(usize::from(method == "DELETE"))?;
            let place = endpoint.update.first().or(endpoint.delete.first())?.place.clone();
            let write = WriteRequest {
                place,
                endpoint: endpoint.name.clone(),
                method: method.to_owned(),
                url: format!("{}{path}", bench.contacts.url()),
                headers: body
                    .iter()
                    .map(|_| ("content-type".to_owned(), "application/json".to_owned()))
                    .collect(),
                body: body.map(str::to_owned),
            };
            Some(WriteOrder {
                plan: plan.clone(),
                operation: operation as u32,
                payload: WritePayload::Http { connection: "contacts".parse().ok()?, write },
                repeatable: method == "PATCH",
                expected: Outcome::Erased,
            })
        })
        .collect();
    let chain = bench.writer.settle_all(&hold, &orders).await;
    if let Some(error) = chain.stopped {
        return Err(error.into());
    }
    hold.finish(Some(Outcome::Erased)).await?;
    Ok(())
}

/// The same writes with nothing around them.
async fn without_ledger(contacts: &ContactsSandbox) -> Fallible<Duration> {
    let address = contacts.url().trim_start_matches("http://").to_owned();
    let started = Instant::now();
    let workers = (0..AT_ONCE).map(|worker| {
        let address = address.clone();
        let token = contacts.token();
        tokio::spawn(async move {
            let stream = TcpStream::connect(&address).await?;
            stream.set_nodelay(true)?;
            let mut stream = BufStream::new(stream);
            for person in (worker..ERASURES).step_by(AT_ONCE) {
                for (method, path, body) in writes_of(person) {
                    call(&mut stream, token, (method, &path, body.unwrap_or_default())).await?;
                }
            }
            Fallible::Ok(())
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker.await??;
    }
    Ok(started.elapsed())
}

async fn call(stream: &mut BufStream<TcpStream>, token: &str, what: (&str, &str, &str)) -> Fallible<()> {
    let (method, path, body) = what;
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\ncontent-type: \
         application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    if !line.starts_with("HTTP/1.1 2") {
        return Err(format!("the application answered {line}").into());
    }
    let mut length = 0;
    loop {
        line.clear();
        stream.read_line(&mut line).await?;
        let header = line.trim_end().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a measurement answers on standard output")]
fn report(figures: &serde_json::Value) {
    println!("{figures}");
}
