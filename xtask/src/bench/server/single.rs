//! One request on a server that has nothing else to do.

use std::time::Instant;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use super::office::{Office, Reach, pause};
use super::process::Place;
use crate::bench::client::Client;
use crate::bench::measure::Bench;
use crate::bench::program::Simulator;
use crate::bench::project::Folder;
use crate::bench::{Bound, Figure};

const ROUNDS: usize = 5;
const POLICY: &str = "default_access_policy";
const PERSON: &str = "person-7@example.com";
const ROWS: usize = 20_000;
const PAGE: usize = 10;

/// 20,000 rows in 2,000 pages, without latency.
pub(super) fn pages(bench: &Bench) -> Result<Vec<Figure>> {
    let folder = Folder::new("server-pages")?;
    let simulator = Simulator::start(bench.program(), &["--users", &ROWS.to_string()])?;
    let place = Place {
        program: bench.program(),
        folder: folder.path().to_path_buf(),
        state: None,
        simulator: simulator.get("/url")?.to_owned(),
    };
    let server = place.serve()?;
    let mut office = Office::open(&server)?;
    connect_users(&mut office, &simulator)?;
    let (mut times, mut above): (Vec<f64>, f64) = (Vec::new(), 0.0);
    for number in 0..ROUNDS {
        pause(std::time::Duration::from_secs(1));
        server.forget_peak()?;
        let idle_mib = server.memory_mib()?;
        let before = simulator.calls()?;
        let time = office.one(POLICY, &json!({"email": format!("person-{number}@example.com")}))?;
        let calls = simulator.calls()? - before;
        anyhow::ensure!(calls as usize == ROWS / PAGE, "{calls} pages were read");
        times.push(time.as_secs_f64());
        above = above.max(server.peak_mib()? - idle_mib);
    }
    server.end()?;
    times.sort_by(f64::total_cmp);
    let (least, most) = (times.first().copied(), times.last().copied());
    let median = times.get(ROUNDS / 2).copied().context("nothing was measured")?;
    let detail = format!("{:.2} to {:.2} s", least.unwrap_or_default(), most.unwrap_or_default());
    Ok(vec![
        Figure::new("server, one request of 2,000 pages: time", median, "s", Bound::AtMost(3.0))
            .with_detail(detail),
        Figure::new("server, one request of 2,000 pages: above idle", above, "MiB", Bound::AtMost(64.0)),
    ])
}

/// Twenty-three calls at 5 ms each, beside a bare client that makes the longest chain of them.
pub(super) fn latency(bench: &Bench) -> Result<Vec<Figure>> {
    let folder = Folder::new("server-latency")?;
    let simulator = Simulator::start(bench.program(), &["--latency", "5ms", "--events", "200"])?;
    let place = Place {
        program: bench.program(),
        folder: folder.path().to_path_buf(),
        state: None,
        simulator: simulator.get("/url")?.to_owned(),
    };
    let server = place.serve()?;
    let mut office = Office::open(&server)?;
    office.connect(&simulator, Reach::TwentyThreeCalls)?;
    let (mut own, mut bare) = (Vec::new(), Vec::new());
    for number in 0..2 * ROUNDS {
        bare.push(chain(&simulator)?);
        pause(std::time::Duration::from_millis(300));
        let person = json!({"external_id": format!("person-{number}@example.com")});
        own.push(office.one(POLICY, &person)?.as_secs_f64());
    }
    server.end()?;
    let (own, bare) = (median(own), median(bare));
    Ok(vec![
        Figure::new(
            "server, one request at 5 ms: time / chain of calls",
            own / bare,
            "×",
            Bound::AtMost(1.5),
        )
        .with_detail(format!("{:.0} ms, its 21 calls alone {:.0} ms", own * 1000.0, bare * 1000.0)),
    ])
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// How long the longest chain of calls takes by itself: who it is, and twenty pages of events.
fn chain(simulator: &Simulator) -> Result<f64> {
    let (url, space) = (simulator.get("/url")?, simulator.get("/space")?);
    let secret = format!("Basic {}", BASE64.encode(format!("{}:", simulator.get("/tokens/access_secret")?)));
    let mut client = Client::connect(url, &secret)?;
    let profiles = format!("/v1/spaces/{space}/collections/users/profiles");
    let begun = Instant::now();
    let mut get = |path: &str| -> Result<Value> {
        let (status, body) = client.get(path)?;
        anyhow::ensure!(status == 200, "the simulator answered {status}");
        Ok(serde_json::from_slice(&body)?)
    };
    let person = get(&format!("{profiles}/user_id:{}/metadata", PERSON.replace('@', "%40")))?;
    let id = person.get("segment_id").and_then(Value::as_str).context("nobody was found")?;
    let (mut calls, mut next) = (1, String::new());
    loop {
        let page = get(&format!("{profiles}/{id}/events?limit=10{next}"))?;
        calls += 1;
        match page.pointer("/cursor/next").and_then(Value::as_str) {
            Some(cursor) if !cursor.is_empty() && page.pointer("/cursor/has_more") == Some(&json!(true)) => {
                next = format!("&next={cursor}");
            }
            Some(_) | None => break,
        }
    }
    anyhow::ensure!(calls == 21, "the chain has {calls} calls");
    Ok(begun.elapsed().as_secs_f64())
}

/// A connection that reads pages of users, whoever asks.
fn connect_users(office: &mut Office, simulator: &Simulator) -> Result<()> {
    let read = json!({
        "method": "GET", "path": "/users",
        "headers": [{"name": "X-Asked-For", "value": "<email>"}],
        "query_params": [{"name": "pagination[count]", "value": PAGE}],
        "param_values": [{"name": "email", "identity": "email"}],
        "data_path": "data.users",
        "pagination": {
            "strategy": "cursor",
            "configuration": {"cursor_param": "pagination[cursor]", "field": "data.pagination.next"}
        }
    });
    let file = json!({
        "fides_key": "users", "name": "Users", "type": "bench_users", "description": "Pages of users",
        "version": "1.0.0",
        "connector_params": [{"name": "domain"}, {"name": "token", "sensitive": true}],
        "client_config": {
            "protocol": "http", "host": "<domain>",
            "authentication": {"strategy": "bearer", "configuration": {"token": "<token>"}}
        },
        "test_request": {"method": "GET", "path": "/"},
        "endpoints": [{"name": "users", "requests": {"read": read}}]
    });
    let field = |name: &str, category: &str| json!({"name": name, "data_categories": [category]});
    let dataset = json!([{
        "fides_key": "users", "name": "Users",
        "collections": [{"name": "users", "fields": [
            field("id", "user.unique_id"), field("name", "user.name"), field("email", "user.contact.email")
        ]}]
    }]);
    let host = simulator.get("/url")?.strip_prefix("http://").context("the simulator speaks plain HTTP")?;
    let secrets = json!({"domain": host, "token": simulator.get("/tokens/access_token")?});
    let connection = json!([{"name": "Users", "key": "users", "connection_type": "saas", "access": "read"}]);
    for (line, body) in [
        ("PATCH /api/v1/connection", &connection),
        ("PATCH /api/v1/connection/users/saas_config", &file),
        ("PUT /api/v1/connection/users/secret?verify=false", &secrets),
        ("PUT /api/v1/connection/users/dataset", &dataset),
    ] {
        office.caller.call(line, body)?;
    }
    Ok(())
}
