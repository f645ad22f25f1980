//! Measurements against a real PostgreSQL, beside what its own tools need for the same.

use std::fmt::Write as _;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::bench::measure::{Bench, Rounds};
use crate::bench::program::run_with;
use crate::bench::project::Folder;
use crate::bench::{Bound, Figure};
use crate::services;

const ROWS: u64 = 1_000_000;
const MASKED: u64 = 100_000;
/// Rows that one statement changes, in the program and in the comparison.
const BATCH: u64 = 1_000;

/// Ten columns, about 200 bytes of text a row.
const EVENTS: &str = "
CREATE TABLE customers (id BIGINT PRIMARY KEY, email TEXT NOT NULL);
INSERT INTO customers VALUES (1, 'ana@example.com');
CREATE TABLE events (id BIGINT PRIMARY KEY, customer_id BIGINT NOT NULL, at TIMESTAMPTZ NOT NULL, kind TEXT NOT NULL,
  amount NUMERIC(12, 2) NOT NULL, city TEXT NOT NULL, street TEXT NOT NULL, device TEXT, is_paid BOOLEAN NOT NULL, note TEXT NOT NULL);
INSERT INTO events SELECT n, 1, TIMESTAMPTZ '2025-01-01' + n * INTERVAL '7 seconds', 'order_placed', n % 10000 / 100.0,
  'Springfield ' || n % 100, 'Main street ' || n % 1000, 'device-' || md5(n::text), n % 2 = 0, 'note ' || md5((n + 1)::text) || md5((n + 2)::text)
  FROM generate_series(1, ROWS) AS n;
VACUUM (ANALYZE) events;
CHECKPOINT;";

const EVENTS_DATASET: &str = "dataset:
  - fides_key: shop
    name: Shop
    description: A shop with many events
    collections:
      - name: customers
        fields:
          - { name: id, data_categories: [user.unique_id], fides_meta: { primary_key: true, data_type: integer } }
          - { name: email, data_categories: [user.contact.email], fides_meta: { identity: email, data_type: string } }
      - name: events
        fields:
          - { name: id, data_categories: [user.behavior], fides_meta: { primary_key: true } }
          - name: customer_id
            data_categories: [user.unique_id]
            fides_meta: { references: [{ dataset: shop, field: customers.id, direction: from }] }
          - { name: at, data_categories: [user.behavior] }
          - { name: kind, data_categories: [user.behavior] }
          - { name: amount, data_categories: [user.financial] }
          - { name: city, data_categories: [user.contact.address.city] }
          - { name: street, data_categories: [user.contact.address.street] }
          - { name: device, data_categories: [user.device] }
          - { name: is_paid, data_categories: [user.financial] }
          - { name: note, data_categories: [user.content] }
";

const MEMBERS: &str = "
CREATE TABLE members (id BIGINT PRIMARY KEY, email TEXT, name TEXT, phone TEXT, joined TIMESTAMPTZ NOT NULL);
CREATE TABLE others AS SELECT * FROM members;
ALTER TABLE others ADD PRIMARY KEY (id);
INSERT INTO members SELECT n, 'ana@example.com', 'Ana ' || n, '+1555' || n, TIMESTAMPTZ '2025-01-01' FROM generate_series(1, ROWS) AS n;
INSERT INTO others SELECT * FROM members;
VACUUM (ANALYZE) members;
VACUUM (ANALYZE) others;
CHECKPOINT;";

const MEMBERS_DATASET: &str = "dataset:
  - fides_key: shop
    name: Shop
    description: A shop with many rows of one person
    collections:
      - name: members
        fields:
          - { name: id, data_categories: [system.operations], fides_meta: { primary_key: true, data_type: integer } }
          - { name: email, data_categories: [user.contact.email], fides_meta: { identity: email, data_type: string } }
          - { name: name, data_categories: [user.name], fides_meta: { data_type: string } }
          - { name: phone, data_categories: [user.contact.phone_number], fides_meta: { data_type: string } }
          - { name: joined, data_categories: [system.operations] }
";

/// A server with databases of the measurement's own.
#[derive(Debug)]
pub(crate) struct Server {
    services: services::Services,
}

impl Server {
    pub(crate) fn start() -> Result<Self> {
        Ok(Self {
            services: services::Services::start_some(&[services::POSTGRES], services::Power::MayFail)?,
        })
    }

    fn url(&self) -> Result<&str> {
        let found = self.services.environment().iter().find(|(name, _)| *name == services::POSTGRES);
        found.map(|(_, url)| url.as_str()).context("PostgreSQL is not running")
    }

    /// An empty database of this name; returns its URL.
    fn database(&self, name: &str) -> Result<String> {
        psql(self.url()?, &format!("DROP DATABASE IF EXISTS {name}"))?;
        psql(self.url()?, &format!("CREATE DATABASE {name}"))?;
        let (server, _) = self.url()?.rsplit_once('/').context("the URL names a database")?;
        Ok(format!("{server}/{name}"))
    }
}

impl Bench {
    /// One million rows from PostgreSQL into a package, beside `COPY … TO STDOUT` into a file.
    pub(crate) fn database_rows(&self, server: &Server) -> Result<Vec<Figure>> {
        let url = server.database("bench_rows")?;
        psql(&url, &EVENTS.replace("ROWS", &ROWS.to_string()))?;
        let folder = Folder::new("database-rows")?;
        folder.database(EVENTS_DATASET, &url, "")?;
        let access = ["privacy", "access", "--identity", "email=ana@example.com", "--out", "out"];
        let environment = environment(folder.path());
        let rounds = Rounds::measure(
            || {
                clear(folder.path())?;
                run_with(self.program(), folder.path(), &access, &environment)
            },
            || {
                let file = File::create(folder.path().join("copy.txt"))?;
                let start = Instant::now();
                let status = command(&url)
                    .args(["-c", "COPY (SELECT * FROM events WHERE customer_id IN (1)) TO STDOUT"])
                    .stdout(file)
                    .status()?;
                anyhow::ensure!(status.success(), "psql ended with {status}");
                Ok(start.elapsed())
            },
        )?;
        let rate = ROWS as f64 / rounds.own.as_secs_f64();
        Ok(vec![
            Figure::new("1,000,000 database rows: time / COPY", rounds.ratio(), "×", Bound::AtMost(3.0))
                .with_detail(format!("{rate:.0} rows/s, {}", rounds.times())),
            Figure::new("1,000,000 database rows: peak memory", rounds.peak_mib, "MiB", Bound::AtMost(64.0)),
        ])
    }

    /// 100,000 rows masked by their key, beside the same in statements written by hand.
    pub(crate) fn database_masking(&self, server: &Server) -> Result<Vec<Figure>> {
        let folder = Folder::new("database-masking")?;
        let (mut writing, mut total, mut bare) = (Vec::new(), Vec::new(), Vec::new());
        let mut peak_mib: f64 = 0.0;
        for _ in 0..3 {
            let url = server.database("bench_masking")?;
            let state = server.database("bench_state")?;
            psql(&url, &MEMBERS.replace("ROWS", &MASKED.to_string()))?;
            folder.database(MEMBERS_DATASET, &url, MASKING)?;
            clear(folder.path())?;
            bare.push(by_hand(&url)?);
            let mut environment = environment(folder.path());
            environment.push(("TUTELA_STATE", state.clone()));
            let planned = run_with(self.program(), folder.path(), &PLAN, &environment)?;
            let plan = std::fs::read(folder.path().join("plan.json"))?;
            let digest = digest_of(&plan)?;
            let apply = ["privacy", "apply", "plan.json", "--approve", &digest];
            let applied = run_with(self.program(), folder.path(), &apply, &environment)?;
            let left =
                psql(&url, "SELECT count(*) FROM members WHERE email IS NOT NULL OR name IS NOT NULL")?;
            anyhow::ensure!(left.trim() == "0", "{left} rows were not masked");
            let spent = psql(&state, "SELECT max(outcome_at) - min(intent_at) FROM ledger")?;
            writing.push(Duration::from_micros(spent.trim().parse().context("no ledger")?));
            total.push((planned, applied));
            peak_mib = peak_mib.max(planned.peak_mib).max(applied.peak_mib);
        }
        let (writing, bare) = (median(writing)?, median(bare)?);
        let applied = median(total.iter().map(|(_, applied)| applied.time).collect())?;
        let planned = median(total.iter().map(|(planned, _)| planned.time).collect())?;
        let ratio = |time: Duration| time.as_secs_f64() / bare.as_secs_f64();
        let detail = format!("{:.2} s, by hand {:.2} s", writing.as_secs_f64(), bare.as_secs_f64());
        let whole = format!("plan {:.2} s, peak {peak_mib:.1} MiB", planned.as_secs_f64());
        Ok(vec![
            Figure::new("100,000 rows masked: writes / by hand", ratio(writing), "×", Bound::AtMost(1.5))
                .with_detail(detail),
            Figure::new("100,000 rows masked: apply / by hand", ratio(applied), "×", Bound::None)
                .with_detail(whole),
        ])
    }
}

const PLAN: [&str; 8] =
    ["privacy", "plan", "--policy", "erase", "--identity", "email=ana@example.com", "--out", "plan.json"];

const MASKING: &str = "masking_strict: true
limits: { max_writes: 1000000, max_share_of_table: 1.0 }
policies:
  - key: erase
    rules:
      - key: erase
        action_type: erasure
        targets: [{ data_category: user }]
        masking_strategy: { strategy: null_rewrite, configuration: {} }
";

/// What somebody would write who knows the keys: one statement for each thousand of them.
fn by_hand(url: &str) -> Result<Duration> {
    let mut script = String::new();
    for batch in 0..MASKED / BATCH {
        let keys: Vec<String> = (1..=BATCH).map(|key| (batch * BATCH + key).to_string()).collect();
        writeln!(
            script,
            "UPDATE others SET email = NULL, name = NULL, phone = NULL WHERE id IN ({});",
            keys.join(",")
        )?;
    }
    let file = tempfile::Builder::new().suffix(".sql").tempfile()?;
    std::fs::write(file.path(), script)?;
    let start = Instant::now();
    let status = command(url).arg("-f").arg(file.path()).stdout(Stdio::null()).status()?;
    anyhow::ensure!(status.success(), "psql ended with {status}");
    Ok(start.elapsed())
}

/// Removes what an earlier round left.
fn clear(folder: &Path) -> Result<()> {
    for name in ["out", "data", "copy.txt"] {
        let path = folder.join(name);
        if path.is_dir() {
            std::fs::remove_dir_all(path)?;
        } else if path.exists() {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Keys and data of the measured runs lie in their folder.
fn environment(folder: &Path) -> Vec<(&'static str, String)> {
    let key = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, [7; 32]);
    vec![("TUTELA_KEY", key), ("TUTELA_DATA", folder.join("data").display().to_string())]
}

fn digest_of(plan: &[u8]) -> Result<String> {
    let plan: serde_json::Value = serde_json::from_slice(plan)?;
    let digest = plan.get("digest").and_then(serde_json::Value::as_str);
    digest.map(str::to_owned).context("the plan has no digest")
}

fn median(mut times: Vec<Duration>) -> Result<Duration> {
    times.sort();
    times.get(times.len() / 2).copied().context("nothing was run")
}

fn command(url: &str) -> Command {
    let mut command = Command::new("psql");
    command.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url]).stdin(Stdio::null());
    command
}

/// Runs statements, each on its own; returns what they answer, unaligned.
pub(crate) fn psql(url: &str, sql: &str) -> Result<String> {
    let file = tempfile::Builder::new().suffix(".sql").tempfile()?;
    std::fs::write(file.path(), sql)?;
    let output = command(url).args(["-A", "-t", "-f"]).arg(file.path()).output()?;
    if !output.status.success() {
        bail!("psql: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}
