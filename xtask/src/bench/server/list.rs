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
const SIZE: u64 = 50;

/// Lists as people look at them: a name, what is asked for, and how many requests have it.
const LISTS: [(&str, &str, u64); 2] =
    [("all", "", REQUESTS), ("complete", "&status=complete", REQUESTS / 10 * 9)];

/// What one page took, in milliseconds.
#[derive(Debug, Clone, Copy)]
struct Times {
    p50: f64,
    p99: f64,
}

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

/// The slowest 99th of a hundred among pages of these lists, in milliseconds; and each of them.
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
    let mut slowest: f64 = 0.0;
    let mut detail = Vec::new();
    for (list, filter, requests) in LISTS {
        let last = requests / SIZE;
        for (page, number) in [
            ("first", 1),
            ("10th", 10),
            ("200th", 200),
            ("2,000th", 2_000),
            ("middle", last / 2),
            ("last", last),
        ] {
            let path = format!("/api/v1/privacy-request?size={SIZE}&page={number}{filter}");
            check(&caller.get(&path)?, requests).with_context(|| path.clone())?;
            let Times { p50, p99 } = times(&mut caller, &path)?;
            slowest = slowest.max(p99);
            detail.push(format!("{list}, {page} {p50:.1}/{p99:.1}"));
        }
    }
    server.end()?;
    Ok((slowest, format!("p50/p99 of pages: {}", detail.join("; "))))
}

/// A full page of a list of so many.
fn check(page: &Value, requests: u64) -> Result<()> {
    let total = page.get("total").and_then(Value::as_u64);
    anyhow::ensure!(total == Some(requests), "the list counts {total:?}, not {requests}");
    let items = page.get("items").and_then(Value::as_array).map(Vec::len);
    anyhow::ensure!(items == Some(SIZE as usize), "the page holds {items:?}, not {SIZE}");
    Ok(())
}

fn times(caller: &mut Caller, path: &str) -> Result<Times> {
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
    let at = |percent: usize| times.get(ROUNDS * percent / 100).copied().context("nothing was measured");
    Ok(Times { p50: at(50)?, p99: at(99)? })
}

/// Puts the requests into a state that is there.
fn load(url: &str) -> Result<()> {
    cargo::run(&["build", "--quiet", "--package", "store", "--example", "requests"])?;
    let program = cargo::target()?.join("debug/examples/requests");
    let status = Command::new(program).args(["--load", url]).status()?;
    anyhow::ensure!(status.success(), "the requests were not loaded");
    Ok(())
}
