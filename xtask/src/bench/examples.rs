//! Measurements that are programs of their own, because they need more than the command line shows.

use std::collections::HashMap;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::bench::{Bound, Figure};
use crate::cargo;

/// What `store`'s example `speed` prints.
#[derive(Debug, Deserialize)]
struct Speed {
    audit_entries_per_s: f64,
}

/// What `engine`'s example `erasures` prints.
#[derive(Debug, Deserialize)]
struct Erasures {
    ledgered_s: f64,
    bare_s: f64,
    commits_per_write: f64,
    writes: u64,
}

/// The audit log, sequenced in batches.
pub(crate) fn audit_log() -> Result<Vec<Figure>> {
    let speed: Speed = example("store", "speed")?;
    Ok(vec![Figure::new("audit log: entries/s", speed.audit_entries_per_s, "", Bound::AtLeast(10_000.0))])
}

/// Erasures beside a bare client.
pub(crate) fn erasures() -> Result<Vec<Figure>> {
    let erasures: Erasures = example("engine", "erasures")?;
    let detail = format!(
        "{:.2} s, bare {:.2} s, {:.0} writes/s",
        erasures.ledgered_s,
        erasures.bare_s,
        erasures.writes as f64 / erasures.ledgered_s
    );
    Ok(vec![
        Figure::new(
            "1,000 erasures: time / bare client",
            erasures.ledgered_s / erasures.bare_s,
            "×",
            Bound::AtMost(1.5),
        )
        .with_detail(detail),
        Figure::new("1,000 erasures: commits / write", erasures.commits_per_write, "", Bound::AtMost(1.0)),
    ])
}

/// Builds and runs an example; reads the last line that it prints.
pub(crate) fn example<T: for<'de> Deserialize<'de>>(package: &str, name: &str) -> Result<T> {
    let text = printed(package, name)?;
    let line = text.lines().last().with_context(|| format!("{name} printed nothing"))?;
    serde_json::from_str(line).with_context(|| format!("{name} printed something else: {line}"))
}

/// Builds and runs an example; reads the lines that it prints, a name and a number each.
pub(crate) fn lines(package: &str, name: &str) -> Result<HashMap<String, f64>> {
    let text = printed(package, name)?;
    let pair = |line: &str| {
        let (name, number) = line.split_once(' ')?;
        Some((name.to_owned(), number.trim().parse().ok()?))
    };
    Ok(text.lines().filter_map(pair).collect())
}

fn printed(package: &str, name: &str) -> Result<String> {
    cargo::run(&["build", "--release", "--quiet", "--package", package, "--example", name])?;
    let program = cargo::target()?.join("release/examples").join(name);
    let output = Command::new(&program).output().with_context(|| format!("{name} cannot be started"))?;
    if !output.status.success() {
        bail!("{name}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}
