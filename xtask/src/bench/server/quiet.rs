//! A server that starts, and one that has nothing to do.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::http::Caller;
use super::office::{Office, Reach, pause};
use super::process::Place;
use crate::bench::measure::Bench;
use crate::bench::program::Simulator;
use crate::bench::project::Folder;
use crate::bench::{Bound, Figure};

const STARTS: usize = 9;
/// How long the server is left alone.
const QUIET: Duration = Duration::from_secs(20);

/// From the start of the program to its first answer; then memory and wake-ups of a server that is left
/// alone.
pub(super) fn start_and_idle(bench: &Bench) -> Result<Vec<Figure>> {
    let folder = Folder::new("server-idle")?;
    let simulator = Simulator::start(bench.program(), &[])?;
    let place = Place {
        program: bench.program(),
        folder: folder.path().to_path_buf(),
        state: None,
        simulator: simulator.get("/url")?.to_owned(),
    };
    let start = || -> Result<_> {
        let begun = Instant::now();
        let server = place.serve()?;
        let (status, _) = Caller::connect(server.url()?)?.exchange("GET /health", "application/json", &[])?;
        anyhow::ensure!(status == 200, "the server is {status}");
        Ok((server, begun.elapsed().as_secs_f64() * 1000.0))
    };
    let (server, first_ms) = start()?;
    let mut office = Office::open(&server)?;
    office.connect(&simulator, Reach::Whole)?;
    let person = Value::from_iter([("external_id", "bo@example.com")]);
    office.one("default_access_policy", &person)?;
    drop(office);
    server.end()?;
    let mut times = Vec::new();
    for _ in 0..STARTS {
        let (server, time) = start()?;
        server.end()?;
        times.push(time);
    }
    times.sort_by(f64::total_cmp);
    let start_ms = times.get(STARTS / 2).copied().context("nothing was measured")?;
    let (server, _) = start()?;
    pause(QUIET / 4);
    let (wakes, cpu_s) = (server.wakes()?, server.cpu_s()?);
    pause(QUIET);
    let wakes = server.wakes()?.since(&wakes) / QUIET.as_secs_f64();
    let cpu_s = server.cpu_s()? - cpu_s;
    let memory = server.memory_mib()?;
    server.end()?;
    Ok(vec![
        Figure::new("server, start and idle: first start with migrations", first_ms, "ms", Bound::None),
        Figure::new("server, start and idle: start to first answer", start_ms, "ms", Bound::AtMost(300.0)),
        Figure::new("server, start and idle: memory", memory, "MiB", Bound::AtMost(40.0)),
        Figure::new("server, start and idle: threads woken", wakes, "/s", Bound::None)
            .with_detail(format!("{:.2} ms of CPU a second", cpu_s * 1000.0 / QUIET.as_secs_f64())),
    ])
}
