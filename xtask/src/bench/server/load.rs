//! Many requests at once: what each costs, and how many are completed in a second.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};

use super::office::{LIMIT, Office, Reach, pause};
use super::postgres::Postgres;
use super::process::{Place, Process};
use crate::bench::measure::Bench;
use crate::bench::program::Simulator;
use crate::bench::project::Folder;
use crate::bench::{Bound, Figure};

const ACCESS: &str = "default_access_policy";
const ERASURE: &str = "default_erasure_policy";
const ACCESS_REQUESTS: usize = 1_000;
const ERASURES: usize = 100;
/// Events of each person: twenty pages of ten.
const EVENTS: &str = "200";
/// Calls of one access request: who it is, traits, identifiers, and pages of events.
const CALLS: u64 = 23;

/// Names of figures, and what they have to keep.
struct Names {
    cpu: (&'static str, Bound),
    rate: (&'static str, Bound),
    memory: &'static str,
}

/// What is asked of a server.
struct Order {
    policy: &'static str,
    requests: usize,
    reach: Reach,
    names: Names,
}

/// 1,000 access requests on a server with SQLite.
pub(super) fn access_on_sqlite(bench: &Bench) -> Result<Vec<Figure>> {
    on_sqlite(
        bench,
        &access(Names {
            cpu: ("server, 1,000 access requests on SQLite: CPU", Bound::AtMost(9.0)),
            rate: ("server, 1,000 access requests on SQLite: rate", Bound::None),
            memory: "server, 1,000 access requests on SQLite: memory",
        }),
    )
}

/// The same with PostgreSQL, and two workers beside the server.
pub(super) fn access_on_postgres(bench: &Bench) -> Result<Vec<Figure>> {
    on_postgres(
        bench,
        &access(Names {
            cpu: ("server, 1,000 access requests on PostgreSQL: CPU", Bound::AtMost(9.0)),
            rate: ("server, 1,000 access requests on PostgreSQL: rate", Bound::None),
            memory: "server, 1,000 access requests on PostgreSQL: memory",
        }),
    )
}

/// 100 erasures of one regulation each on a server with SQLite.
pub(super) fn erasures_on_sqlite(bench: &Bench) -> Result<Vec<Figure>> {
    on_sqlite(
        bench,
        &erasures(Names {
            cpu: ("server, 100 erasures on SQLite: CPU", Bound::None),
            rate: ("server, 100 erasures on SQLite: rate", Bound::AtLeast(40.0)),
            memory: "server, 100 erasures on SQLite: memory",
        }),
    )
}

/// The same with PostgreSQL, and two workers beside the server.
pub(super) fn erasures_on_postgres(bench: &Bench) -> Result<Vec<Figure>> {
    on_postgres(
        bench,
        &erasures(Names {
            cpu: ("server, 100 erasures on PostgreSQL: CPU", Bound::None),
            rate: ("server, 100 erasures on PostgreSQL: rate", Bound::AtLeast(40.0)),
            memory: "server, 100 erasures on PostgreSQL: memory",
        }),
    )
}

fn access(names: Names) -> Order {
    Order { policy: ACCESS, requests: ACCESS_REQUESTS, reach: Reach::TwentyThreeCalls, names }
}

fn erasures(names: Names) -> Order {
    Order { policy: ERASURE, requests: ERASURES, reach: Reach::Whole, names }
}

fn on_sqlite(bench: &Bench, order: &Order) -> Result<Vec<Figure>> {
    let folder = Folder::new("server-sqlite")?;
    measure(bench, order, &folder, None)
}

fn on_postgres(bench: &Bench, order: &Order) -> Result<Vec<Figure>> {
    let folder = Folder::new("server-postgres")?;
    let postgres = Postgres::start()?;
    measure(bench, order, &folder, Some(&postgres))
}

fn measure(
    bench: &Bench,
    order: &Order,
    folder: &Folder,
    postgres: Option<&Postgres>,
) -> Result<Vec<Figure>> {
    let profiles = order.requests.to_string();
    let events = if order.reach == Reach::TwentyThreeCalls { EVENTS } else { "0" };
    let simulator = Simulator::start(bench.program(), &["--profiles", &profiles, "--events", events])?;
    let place = Place {
        program: bench.program(),
        folder: folder.path().to_path_buf(),
        state: postgres.map(|postgres| postgres.database("bench_server")).transpose()?,
        simulator: simulator.get("/url")?.to_owned(),
    };
    let mut processes = vec![place.serve()?];
    if postgres.is_some() {
        processes.extend([place.worker()?, place.worker()?]);
    }
    let server = processes.first().expect("the server is the first of them");
    let mut office = Office::open(server)?;
    office.connect(&simulator, order.reach)?;
    let cpu_of = |processes: &[Process]| -> Result<f64> {
        let own = processes.iter().map(Process::cpu_s).sum::<Result<f64>>()?;
        Ok(own + postgres.and_then(Postgres::cpu_s).unwrap_or(Ok(0.0))?)
    };
    // The first request finds nothing made ready yet.
    office.one(ACCESS, &json!({"external_id": "dee@example.com"}))?;
    let (calls_before, cpu_before) = (simulator.calls()?, cpu_of(&processes)?);
    let own_before = processes.iter().map(Process::cpu_s).sum::<Result<f64>>()?;

    let begun = Instant::now();
    let people: Vec<Value> = (0..order.requests).map(person).collect();
    office.ask(order.policy, &people)?;
    match order.reach {
        Reach::TwentyThreeCalls => office.wait_for(order.requests as u64 + 1)?,
        // What Segment took goes on there for days: the request waits for it.
        Reach::Whole => wait_for_writes(&simulator, order.requests as u64)?,
    }
    let time_s = begun.elapsed().as_secs_f64();
    if order.reach == Reach::Whole {
        // The outcome of the last one, and the end of its step.
        pause(Duration::from_secs(1));
    }

    let cpu_ms = (cpu_of(&processes)? - cpu_before) * 1000.0 / order.requests as f64;
    let without_database_ms = (processes.iter().map(Process::cpu_s).sum::<Result<f64>>()? - own_before)
        * 1000.0
        / order.requests as f64;
    let calls = (simulator.calls()? - calls_before) / order.requests as u64;
    if order.reach == Reach::TwentyThreeCalls {
        anyhow::ensure!(calls == CALLS, "each request made {calls} calls, not {CALLS}");
    }
    let mut peak_mib: f64 = 0.0;
    for process in processes {
        peak_mib = peak_mib.max(process.peak_mib()?);
        process.end()?;
    }
    let Names { cpu, rate, memory } = order.names;
    Ok(vec![
        Figure::new(cpu.0, cpu_ms, "ms", cpu.1).with_detail(format!(
            "a request of {calls} calls; {without_database_ms:.2} without the database's own processes"
        )),
        Figure::new(rate.0, order.requests as f64 / time_s, "/s", rate.1)
            .with_detail(format!("{time_s:.2} s")),
        Figure::new(memory, peak_mib, "MiB", Bound::AtMost(150.0))
            .with_detail("most in one process".to_owned()),
    ])
}

fn wait_for_writes(simulator: &Simulator, writes: u64) -> Result<()> {
    let begun = Instant::now();
    while simulator.writes()? < writes {
        anyhow::ensure!(begun.elapsed() < LIMIT, "{} of {writes} regulations came", simulator.writes()?);
        pause(Duration::from_millis(20));
    }
    Ok(())
}

fn person(number: usize) -> Value {
    json!({"external_id": format!("person-{number}@example.com")})
}
