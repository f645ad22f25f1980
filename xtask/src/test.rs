//! Everything that must pass before a change is pushed.

use anyhow::{Context as _, Result};

use crate::{cargo, layers, report, rules, services};

/// Runs all checks, cheapest first, and stops at the first that fails.
pub(crate) fn run() -> Result<()> {
    step("format");
    cargo::run(&["fmt", "--all", "--check"])?;
    step("layers");
    layers::run()?;
    step("rules");
    rules::run(rules::Show::Missing)?;
    step("lints");
    cargo::run(&["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"])?;
    step("tests");
    nextest()?;
    step("examples in the documentation");
    cargo::run(&["test", "--workspace", "--doc", "--quiet"])?;
    step("reference pages");
    cargo::docs(true)
}

fn nextest() -> Result<()> {
    if !cargo::has("nextest") {
        step("installing cargo-nextest");
        cargo::run(&["install", "cargo-nextest", "--locked"]).context(
            "the tests need cargo-nextest; install it by hand (https://nexte.st) and run `cargo xtask test` again",
        )?;
    }
    let services = services::Services::start()?;
    cargo::run_with(&["nextest", "run", "--workspace", "--no-fail-fast"], services.environment())
}

fn step(name: &str) {
    report(&format!("== {name}"));
}
