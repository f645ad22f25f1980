//! The measurements.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::bench::client::Client;
use crate::bench::program::{Run, Simulator, run};
use crate::bench::project::Folder;
use crate::bench::{Bound, Figure};

const PAGES: usize = 2_000;
const PEOPLE: usize = 200;
const COLLECTIONS: [&str; 4] = ["metadata", "traits", "external_ids", "events"];
const IN_FLIGHT: usize = 8;
const LATENCY: [&str; 2] = ["--latency", "5ms"];
const ACCESS: [&str; 5] = ["privacy", "access", "--identity", "email=ana@example.com", "--out"];

/// The program under measurement.
#[derive(Debug)]
pub(crate) struct Bench {
    program: PathBuf,
}

impl Bench {
    pub(crate) fn new(program: &Path) -> Result<Self> {
        let program = program.canonicalize().context("the release build is not where it should be")?;
        Ok(Self { program })
    }

    /// The program.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// `tutela --help`, the median of 21 runs.
    pub(crate) fn start_up(&self) -> Result<Vec<Figure>> {
        let folder = Folder::new("start-up")?;
        let time = median((0..21).map(|_| self.run(&folder, &["--help"])))?;
        Ok(vec![Figure::new("tutela --help", milliseconds(time), "ms", Bound::AtMost(20.0))])
    }

    /// `connector check` of all files of a folder in one process, the median of 5 runs.
    pub(crate) fn check(&self, corpus: &Path) -> Result<Vec<Figure>> {
        let Ok(entries) = std::fs::read_dir(corpus) else {
            crate::report(&format!("not measured: there is no folder {}", corpus.display()));
            return Ok(Vec::new());
        };
        let mut files: Vec<String> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "yml"))
            .filter_map(|path| Some(path.canonicalize().ok()?.to_str()?.to_owned()))
            .collect();
        files.sort();
        let arguments: Vec<&str> = ["connector", "check", "--format", "json"]
            .into_iter()
            .chain(files.iter().map(String::as_str))
            .collect();
        let folder = Folder::new("check")?;
        let time = median((0..5).map(|_| self.run(&folder, &arguments)))?;
        let detail = format!("{} files", files.len());
        Ok(vec![
            Figure::new("connector check of the corpus", milliseconds(time), "ms", Bound::AtMost(200.0))
                .with_detail(detail),
        ])
    }

    /// 2,000 pages of one row, and memory beside a run of 100 pages.
    pub(crate) fn pages(&self) -> Result<Vec<Figure>> {
        self.paging(
            [
                "2,000 pages: time / bare client",
                "2,000 pages: memory above 100 pages",
                "2,000 pages: peak memory",
            ],
            1,
        )
    }

    /// One million rows in 2,000 pages.
    pub(crate) fn rows(&self) -> Result<Vec<Figure>> {
        self.paging(
            [
                "1,000,000 rows: time / bare client",
                "1,000,000 rows: memory above 100 pages",
                "1,000,000 rows: peak memory",
            ],
            500,
        )
    }

    fn paging(&self, names: [&'static str; 3], rows_per_page: usize) -> Result<Vec<Figure>> {
        let short = self.access(100, rows_per_page)?;
        let long = self.access(PAGES, rows_per_page)?;
        let [time, growth, peak] = names;
        Ok(vec![
            Figure::new(time, long.ratio(), "×", Bound::AtMost(1.10)).with_detail(long.times()),
            Figure::new(growth, long.peak_mib - short.peak_mib, "MiB", Bound::AtMost(16.0)),
            Figure::new(peak, long.peak_mib, "MiB", Bound::AtMost(64.0)),
        ])
    }

    /// Reads `pages` pages with the program and with a bare client.
    fn access(&self, pages: usize, rows_per_page: usize) -> Result<Rounds> {
        let users = (pages * rows_per_page).to_string();
        let simulator = Simulator::start(&self.program, &[&LATENCY[..], &["--users", &users]].concat())?;
        let folder = Folder::new("pages")?;
        folder.users(&simulator, rows_per_page)?;
        let token = format!("Bearer {}", simulator.get("/tokens/access_token")?);
        Rounds::measure(
            || run(&self.program, folder.path(), &[&ACCESS[..], &["out"]].concat()),
            || {
                let mut client = Client::connect(simulator.get("/url")?, &token)?;
                let start = Instant::now();
                let read = client.pages(rows_per_page)?;
                let time = start.elapsed();
                anyhow::ensure!(read == pages as u64, "the bare client read {read} pages, not {pages}");
                Ok(time)
            },
        )
    }

    /// 200 people × 4 collections with 8 calls in flight beside a bare client with 8 connections.
    pub(crate) fn people(&self) -> Result<Vec<Figure>> {
        let profiles = PEOPLE.to_string();
        let simulator =
            Simulator::start(&self.program, &[&LATENCY[..], &["--profiles", &profiles]].concat())?;
        let folder = Folder::new("people")?;
        folder.people(&simulator)?;
        let mut subjects = String::new();
        for person in 0..PEOPLE {
            writeln!(subjects, "{{\"email\": \"person-{person}@example.com\"}}")?;
        }
        std::fs::write(folder.path().join("people.jsonl"), subjects)?;
        let flags = ["privacy", "access", "--subjects", "people.jsonl", "--out", "out"];
        let rounds =
            Rounds::measure(|| run(&self.program, folder.path(), &flags), || bare_people(&simulator))?;
        let calls = PEOPLE * COLLECTIONS.len();
        let made = calls_made(&folder.path().join("out"))?;
        anyhow::ensure!(made == calls as u64, "the program made {made} calls, the bare client {calls}");
        let detail = format!(
            "{:.0}/s, {}, peak {:.1} MiB",
            calls as f64 / rounds.own.as_secs_f64(),
            rounds.times(),
            rounds.peak_mib
        );
        Ok(vec![
            Figure::new(
                "200 people: requests/s / bare client",
                1.0 / rounds.ratio(),
                "×",
                Bound::AtLeast(0.7),
            )
            .with_detail(detail),
        ])
    }

    fn run(&self, folder: &Folder, arguments: &[&str]) -> Result<Duration> {
        Ok(run(&self.program, folder.path(), arguments)?.time)
    }
}

/// Times of the program and of the bare client, taken in turns so that a busy machine hits both.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rounds {
    /// Median of the program.
    pub(crate) own: Duration,
    /// Median of the bare client.
    bare: Duration,
    /// Fastest and slowest round of the bare client: how busy the machine was.
    spread: (Duration, Duration),
    /// Highest peak of all rounds.
    pub(crate) peak_mib: f64,
}

const ROUNDS: usize = 3;

impl Rounds {
    pub(crate) fn measure(
        own: impl Fn() -> Result<Run>,
        bare: impl Fn() -> Result<Duration>,
    ) -> Result<Self> {
        let (mut runs, mut times) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            times.push(bare()?);
            runs.push(own()?);
        }
        let spread = (times.iter().min().copied(), times.iter().max().copied());
        Ok(Self {
            own: median(runs.iter().map(|run| Ok(run.time)))?,
            spread: spread.0.zip(spread.1).context("nothing was run")?,
            bare: median(times.into_iter().map(Ok))?,
            peak_mib: runs.iter().map(|run| run.peak_mib).fold(0.0, f64::max),
        })
    }

    pub(crate) fn ratio(self) -> f64 {
        self.own.as_secs_f64() / self.bare.as_secs_f64()
    }

    pub(crate) fn times(self) -> String {
        let (own, bare) = (self.own.as_secs_f64(), self.bare.as_secs_f64());
        let (least, most) = (self.spread.0.as_secs_f64(), self.spread.1.as_secs_f64());
        format!("{own:.2} s, bare {bare:.2} s ({least:.2} to {most:.2})")
    }
}

/// Calls that the reports of all people below `folder` count.
fn calls_made(folder: &Path) -> Result<u64> {
    let mut calls = 0;
    for entry in std::fs::read_dir(folder)? {
        let text = std::fs::read_to_string(entry?.path().join("report.json"))?;
        let report: serde_json::Value = serde_json::from_str(&text)?;
        let collections = report.get("collections").and_then(serde_json::Value::as_object);
        for collection in collections.context("a report without collections")?.values() {
            calls += collection.get("requests").and_then(serde_json::Value::as_u64).context("no count")?;
        }
    }
    Ok(calls)
}

fn bare_people(simulator: &Simulator) -> Result<Duration> {
    let (url, space) = (simulator.get("/url")?, simulator.get("/space")?);
    let authorization =
        format!("Basic {}", BASE64.encode(format!("{}:", simulator.get("/tokens/access_secret")?)));
    let next = AtomicUsize::new(0);
    let start = Instant::now();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..IN_FLIGHT)
            .map(|_| {
                scope.spawn(|| -> Result<()> {
                    let mut client = Client::connect(url, &authorization)?;
                    loop {
                        let call = next.fetch_add(1, Ordering::Relaxed);
                        let (person, collection) = (call / COLLECTIONS.len(), call % COLLECTIONS.len());
                        let Some(collection) = COLLECTIONS.get(collection).filter(|_| person < PEOPLE) else {
                            return Ok(());
                        };
                        let profile = format!("email:person-{person}%40example.com");
                        let path =
                            format!("/v1/spaces/{space}/collections/users/profiles/{profile}/{collection}");
                        let (status, _) = client.get(&path)?;
                        anyhow::ensure!(status == 200, "the simulator answered {status}");
                    }
                })
            })
            .collect();
        workers.into_iter().try_for_each(|worker| worker.join().expect("a worker returns its errors"))
    })?;
    Ok(start.elapsed())
}

fn median(runs: impl Iterator<Item = Result<Duration>>) -> Result<Duration> {
    let mut times = runs.collect::<Result<Vec<_>>>()?;
    times.sort();
    times.get(times.len() / 2).copied().context("nothing was run")
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_compared_the_right_way_round() {
        assert!(Figure::new("a", 1.0, "×", Bound::AtMost(1.1)).met);
        assert!(!Figure::new("a", 1.2, "×", Bound::AtMost(1.1)).met);
        assert!(!Figure::new("a", 0.6, "×", Bound::AtLeast(0.7)).met);
    }
}
