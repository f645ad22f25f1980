//! Measures speed and memory of a release build against the Segment simulator, each time beside a
//! bare client that makes the same calls in the same run.

mod access;
mod client;
mod database;
mod examples;
mod measure;
mod program;
mod project;
mod server;

use std::path::PathBuf;

use anyhow::{Result, bail};
use serde::Serialize;

use crate::{cargo, report, say};
use measure::Bench;

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Folder with the connector files of the check measurement; left out if it is not there.
    #[arg(long, default_value = "../shared/corpus/fides/config")]
    corpus: PathBuf,
    /// Measure this program instead of a fresh release build.
    #[arg(long)]
    program: Option<PathBuf>,
    /// Only measurements with this in their name, as in `1,000 erasures`.
    #[arg(long)]
    only: Option<String>,
    /// Fail if a figure misses its bound.
    #[arg(long)]
    strict: bool,
    /// Also write the figures as JSON to this file.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// One figure beside its bound.
#[derive(Debug, Serialize)]
pub(crate) struct Figure {
    name: &'static str,
    measured: f64,
    unit: &'static str,
    bound: Bound,
    met: bool,
    detail: String,
}

/// What a figure has to keep.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Bound {
    AtMost(f64),
    AtLeast(f64),
    /// Shown only.
    None,
}

impl Figure {
    pub(crate) fn new(name: &'static str, measured: f64, unit: &'static str, bound: Bound) -> Self {
        let met = match bound {
            Bound::AtMost(most) => measured <= most,
            Bound::AtLeast(least) => measured >= least,
            Bound::None => true,
        };
        Self { name, measured, unit, bound, met, detail: String::new() }
    }

    pub(crate) fn with_detail(self, detail: String) -> Self {
        Self { detail, ..self }
    }

    fn line(&self) -> String {
        let bound = match self.bound {
            Bound::AtMost(most) => format!("≤ {most}"),
            Bound::AtLeast(least) => format!("≥ {least}"),
            Bound::None => String::new(),
        };
        let mark = if self.met { "ok  " } else { "MISS" };
        format!("{mark} {:<44} {:>9.3} {:<4} {bound:<8} {}", self.name, self.measured, self.unit, self.detail)
    }
}

/// One part of the measurements; the names of its figures begin with that of the part.
type Part = fn(&Bench, &Arguments) -> Result<Vec<Figure>>;

/// Builds, measures and prints.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let parts: [(&str, Part); 13] = [
        ("tutela --help", |bench, _| bench.start_up()),
        ("connector check", |bench, arguments| bench.check(&cargo::top().join(&arguments.corpus))),
        ("2,000 pages", |bench, _| bench.pages()),
        ("1,000,000 rows", |bench, _| bench.rows()),
        ("200 people", |bench, _| bench.people()),
        ("1,000,000 database rows", |bench, _| bench.database_rows(&database::Server::start()?)),
        ("100,000 rows masked", |bench, _| bench.database_masking(&database::Server::start()?)),
        ("audit log", |_, _| examples::audit_log()),
        ("1,000 erasures", |_, _| examples::erasures()),
        ("sync of 100,000 users", |bench, _| access::sync(bench)),
        ("c1z file", |_, _| access::file()),
        ("a million grants", |_, _| access::reach()),
        ("inventory", |_, _| access::inventory()),
    ];
    let parts: Vec<(&str, Part)> = parts.into_iter().chain(server::PARTS).collect();
    let is_chosen = |name: &str| arguments.only.as_deref().is_none_or(|only| name.contains(only));
    let chosen: Vec<_> = parts.iter().filter(|(name, _)| is_chosen(name)).collect();
    if chosen.is_empty() {
        let names: Vec<_> = parts.iter().map(|(name, _)| *name).collect();
        bail!("nothing is measured under that name; there are: {}", names.join("; "));
    }
    let program = if let Some(program) = &arguments.program {
        program.clone()
    } else {
        cargo::run(&["build", "--release", "--quiet", "--package", "tutela"])?;
        cargo::target()?.join("release/tutela")
    };
    let bench = Bench::new(&program)?;
    let mut figures = Vec::new();
    for (name, part) in chosen {
        report(&format!("== {name}"));
        for figure in part(&bench, arguments)? {
            anyhow::ensure!(figure.name.starts_with(name), "`{}` is no figure of `{name}`", figure.name);
            say(&figure.line());
            figures.push(figure);
        }
    }
    let json = serde_json::to_string_pretty(&figures)?;
    match &arguments.json {
        Some(path) => std::fs::write(path, json)?,
        None => say(&json),
    }
    let missed = figures.iter().filter(|figure| !figure.met).count();
    if arguments.strict && missed > 0 {
        bail!("{missed} figures miss their bounds");
    }
    Ok(())
}
