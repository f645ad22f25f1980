//! Who has access: a sync of a large workspace, its file, and questions about a million grants.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::bench::measure::Bench;
use crate::bench::program::{Run, Simulator, run};
use crate::bench::project::Folder;
use crate::bench::{Bound, Figure, examples};

const USERS: u64 = 100_000;
const GROUPS: u64 = 2_000;
const SOURCES: u64 = 3_000;
const PAGE: u64 = 200;
const LATENCY_S: f64 = 0.005;
/// Calls of one connection in flight, as the program has it without being told otherwise.
const IN_FLIGHT: f64 = 8.0;
/// Syncs that are measured.
const RUNS: usize = 3;
/// What a grant may cost beside the calls.
const GRANT_S: f64 = 5e-6;

/// What `governance`'s example `reach_bench` prints.
#[derive(Debug, Deserialize)]
struct Reach {
    who_ms: Times,
    what_ms: Times,
    graph_build_s: f64,
}

/// What `governance`'s example `inventory_bench` prints.
#[derive(Debug, Deserialize)]
struct Inventory {
    keep_s: f64,
    keep_mib: f64,
    written_mib: [f64; 3],
    loaded_grants_per_s: f64,
}

#[derive(Debug, Deserialize)]
struct Times {
    p50: f64,
    p99: f64,
}

/// One sync.
struct Synced {
    time: Duration,
    peak_mib: f64,
    calls: u64,
    grants: u64,
}

/// A sync of 100,000 users, 2,000 groups with 20 members each and 3,000 sources, at 5 ms for each answer: the median of
/// three, and the most memory and calls of any.
pub(crate) fn sync(bench: &Bench) -> Result<Vec<Figure>> {
    let (users, workspace) =
        (USERS.to_string(), format!("groups={GROUPS},group_members=20,sources={SOURCES}"));
    let flags = ["--users", &users, "--workspace", &workspace, "--latency", "5ms"];
    let simulator = Simulator::start(bench.program(), &flags)?;
    let mut runs = (0..RUNS).map(|_| sync_once(bench, &simulator)).collect::<Result<Vec<_>>>()?;
    runs.sort_by_key(|run| run.time);
    let median = runs.get(RUNS / 2).context("nothing was run")?;
    let (time, calls, grants) = (median.time.as_secs_f64(), median.calls, median.grants);
    // The longest list is read page after page, whatever else goes on.
    let chain_s = (USERS / PAGE) as f64 * LATENCY_S;
    let spread_s = calls as f64 * LATENCY_S / IN_FLIGHT;
    let wait_s = chain_s.max(spread_s);
    let bound_s = 1.3 * wait_s + GRANT_S * grants as f64;
    let times: Vec<String> = runs.iter().map(|run| format!("{:.2}", run.time.as_secs_f64())).collect();
    let detail =
        format!("unavoidable {wait_s:.2} s, {grants} grants, {calls} calls, runs of {} s", times.join(", "));
    // Users, groups, sources; roles, warehouses, spaces, invites and five types of functions have a page each;
    // the members of each group; the workspace.
    let minimum = USERS / PAGE + GROUPS / PAGE + SOURCES / PAGE + 4 + 5 + GROUPS + 1;
    let most_calls = runs.iter().map(|run| run.calls).max().unwrap_or_default();
    let most_mib = runs.iter().map(|run| run.peak_mib).fold(0.0, f64::max);
    Ok(vec![
        Figure::new("sync of 100,000 users: time", time, "s", Bound::AtMost(bound_s)).with_detail(detail),
        Figure::new(
            "sync of 100,000 users: calls beyond the minimum",
            most_calls as f64 - minimum as f64,
            "",
            Bound::AtMost(6.0),
        ),
        Figure::new("sync of 100,000 users: peak memory", most_mib, "MiB", Bound::AtMost(128.0)),
    ])
}

/// In a folder of its own: nothing is known from before.
fn sync_once(bench: &Bench, simulator: &Simulator) -> Result<Synced> {
    let folder = Folder::new("sync")?;
    folder.access(simulator)?;
    let arguments = ["governance", "sync", "--connection", "segment", "-f", "sync.c1z"];
    let before = simulator.calls()?;
    let Run { time, peak_mib } = run(bench.program(), folder.path(), &arguments)?;
    let calls = simulator.calls()? - before;
    Ok(Synced { time, peak_mib, calls, grants: grants_in(bench, &folder)? })
}

fn grants_in(bench: &Bench, folder: &Folder) -> Result<u64> {
    let output = std::process::Command::new(bench.program())
        .args(["c1z", "stats", "-f", "sync.c1z", "--format", "json"])
        .current_dir(folder.path())
        .output()
        .context("the file cannot be counted")?;
    let counts: serde_json::Value = serde_json::from_slice(&output.stdout).context("no counts")?;
    let grants = counts.get("grants").or_else(|| counts.pointer("/stats/grants"));
    let grants = grants.with_context(|| format!("no grants in {counts}"))?;
    grants.as_u64().or_else(|| grants.as_str()?.parse().ok()).context("grants are no number")
}

/// `.c1z` files beside a plain bulk load of the same rows.
pub(crate) fn file() -> Result<Vec<Figure>> {
    let figures: HashMap<String, f64> = examples::lines("c1z", "write_bench")?;
    let get = |name: &str| figures.get(name).copied().with_context(|| format!("`{name}` was not measured"));
    let detail = format!("{:.2} s, plain {:.2} s", get("write_seconds")?, get("plain_seconds")?);
    Ok(vec![
        Figure::new(
            "c1z file: 20,000 users, 1,000 groups, 20,000 grants",
            get("usual_seconds")?,
            "s",
            Bound::AtMost(0.7),
        ),
        Figure::new(
            "c1z file: a million grants / plain bulk load",
            get("write_ratio")?,
            "×",
            Bound::AtMost(2.0),
        )
        .with_detail(detail),
        Figure::new("c1z file: grants read/s", get("read_grants_per_second")?, "", Bound::AtLeast(500_000.0)),
    ])
}

/// Questions about a million grants with nested groups.
pub(crate) fn reach() -> Result<Vec<Figure>> {
    let reach: Reach = examples::example("governance", "reach_bench")?;
    let detail = |times: &Times| format!("median {:.3} ms", times.p50);
    Ok(vec![
        Figure::new("a million grants: who can reach it, p99", reach.who_ms.p99, "ms", Bound::AtMost(10.0))
            .with_detail(detail(&reach.who_ms)),
        Figure::new(
            "a million grants: what can be reached, p99",
            reach.what_ms.p99,
            "ms",
            Bound::AtMost(10.0),
        )
        .with_detail(detail(&reach.what_ms)),
        Figure::new("a million grants: the graph is made", reach.graph_build_s, "s", Bound::None),
    ])
}

/// A million grants kept as an inventory: once, the same again, and one more.
pub(crate) fn inventory() -> Result<Vec<Figure>> {
    let inventory: Inventory = examples::example("governance", "inventory_bench")?;
    let [whole, same, one_more] = inventory.written_mib;
    let detail = format!("{:.2} s, {whole:.1} MiB written", inventory.keep_s);
    Ok(vec![
        Figure::new("inventory of a million grants: memory", inventory.keep_mib, "MiB", Bound::AtMost(128.0))
            .with_detail(detail),
        Figure::new("inventory that did not change: written", same, "MiB", Bound::AtMost(0.0)),
        Figure::new("inventory with one grant more: written", one_more, "MiB", Bound::AtMost(whole / 20.0)),
        Figure::new(
            "inventory: grants loaded/s",
            inventory.loaded_grants_per_s,
            "",
            Bound::AtLeast(500_000.0),
        ),
    ])
}
