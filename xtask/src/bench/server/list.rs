//! Lists of a million requests, over HTTP.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::http::Caller;
use super::postgres::Postgres;
use super::process::Place;
use crate::bench::measure::Bench;
use crate::bench::project::Folder;
use crate::bench::{Bound, Figure};
use crate::cargo;

const ROUNDS: usize = 1_000;
const REQUESTS: u64 = 1_000_000;

/// Lists on both databases.
pub(super) fn lists(bench: &Bench) -> Result<Vec<Figure>> {
    let postgres = Postgres::start()?;
    let on_sqlite = lists_on(bench, None)?;
    let on_postgres = lists_on(bench, Some(postgres.database("bench_list")?))?;
    let figure = |name, (p99, detail): (f64, String)| {
        Figure::new(name, p99, "ms", Bound::AtMost(25.0)).with_detail(detail)
    };
    Ok(vec![
        figure("server, list of a million requests: SQLite", on_sqlite),
        figure("server, list of a million requests: PostgreSQL", on_postgres),
    ])
}

/// The slowest 99th of a hundred among lists as people look at them, in milliseconds; and each of them.
fn lists_on(bench: &Bench, state: Option<String>) -> Result<(f64, String)> {
    let folder = Folder::new("server-list")?;
    let place = Place {
        program: bench.program(),
        folder: folder.path().to_path_buf(),
        state,
        simulator: "http://127.0.0.1:9".to_owned(),
    };
    // The first start makes tables and policies.
    place.serve()?.end()?;
    let url = match &place.state {
        Some(url) => url.clone(),
        None => format!("sqlite://{}", folder.path().join("data/state.db").display()),
    };
    load(&url)?;
    let server = place.serve()?;
    let mut caller = Caller::signed_in(server.url()?)?;
    let total = caller.get("/api/v1/privacy-request?size=50")?;
    let total = total.get("total").and_then(Value::as_u64);
    anyhow::ensure!(total == Some(REQUESTS), "the list counts {total:?}");
    let mut slowest: f64 = 0.0;
    let mut detail = Vec::new();
    for (name, query) in [("newest", ""), ("by status", "&status=pending"), ("2,000th page", "&page=2000")] {
        let p99 = percentile(&mut caller, &format!("/api/v1/privacy-request?size=50{query}"))?;
        slowest = slowest.max(p99);
        detail.push(format!("{name} {p99:.1}"));
    }
    server.end()?;
    Ok((slowest, detail.join(", ")))
}

fn percentile(caller: &mut Caller, path: &str) -> Result<f64> {
    let mut times = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let (status, _) = caller.exchange(&format!("GET {path}"), "application/json", &[])?;
        if status != 200 {
            bail!("{path}: {status}");
        }
        times.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    times.sort_by(f64::total_cmp);
    times.get(ROUNDS * 99 / 100).copied().context("nothing was measured")
}

/// Puts the requests into a state that is there.
fn load(url: &str) -> Result<()> {
    cargo::run(&["build", "--quiet", "--package", "store", "--example", "requests"])?;
    let program = cargo::target()?.join("debug/examples/requests");
    let status = Command::new(program).args(["--load", url]).status()?;
    anyhow::ensure!(status.success(), "the requests were not loaded");
    Ok(())
}
