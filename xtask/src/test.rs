//! Everything that must pass before a change is pushed.

use anyhow::{Context as _, Result};

use crate::{cargo, deploy, layers, probe, report, rules, services};

/// What one test build of the workspace has besides the program: points at which it may be killed, and
/// defects that tests must notice. Both do nothing unless the environment asks for it, and no release
/// has them.
pub(crate) const FEATURES: &str = "tutela/kill-points,tutela/planted-defects";

/// How long calls are made up for.
const PROBE_SECONDS: u32 = 120;

/// Runs all checks, cheapest first, and stops at the first that fails.
pub(crate) fn run() -> Result<()> {
    step("format");
    cargo::run(&["fmt", "--all", "--check"])?;
    step("layers");
    layers::run()?;
    step("rules");
    rules::run(rules::Show::Missing)?;
    step("lints");
    let clippy = ["clippy", "--workspace", "--all-targets", "--quiet", "--features", FEATURES];
    cargo::run(&[&clippy[..], &["--", "-D", "warnings"]].concat())?;
    step("tests");
    nextest()?;
    step("examples in the documentation");
    cargo::run(&["test", "--workspace", "--doc", "--quiet", "--features", FEATURES])?;
    step("reference pages");
    cargo::docs(true)?;
    step("made-up input");
    probe::run(PROBE_SECONDS)?;
    step("image, manifests and unit");
    deploy::run(deploy::Image::Build)
}

/// The long kill sweep: every `step`-th passing of every point, alone and beside every fault of every
/// write, on both databases.
pub(crate) fn sweep(step: usize) -> Result<()> {
    need_nextest()?;
    let services = services::Services::start()?;
    let mut environment = services.environment().to_vec();
    environment.push(("TUTELA_SWEEP_STEP", step.to_string()));
    let arguments = ["nextest", "run", "--profile", "sweep", "--package", "tutela", "--features", SWEEP];
    // How far it is, and what fails, is seen while it runs; the databases take their turns.
    let chosen = ["--run-ignored", "only", "--no-fail-fast", "--no-capture", "-E", "test(/^sweep::/)"];
    cargo::run_with(&[&arguments[..], &chosen[..]].concat(), &environment)
}

const SWEEP: &str = "kill-points,planted-defects";

fn nextest() -> Result<()> {
    need_nextest()?;
    let services = services::Services::start()?;
    let profile = if cargo::in_ci() { "ci" } else { "default" };
    let arguments = ["nextest", "run", "--profile", profile, "--workspace", "--no-fail-fast"];
    cargo::run_with(&[&arguments[..], &["--features", FEATURES]].concat(), services.environment())
}

/// The version that is installed where there is none.
const NEXTEST: &str = "0.9.143";

fn need_nextest() -> Result<()> {
    if cargo::has("nextest") {
        return Ok(());
    }
    step("installing cargo-nextest");
    cargo::run(&["install", "cargo-nextest", "--version", NEXTEST, "--locked"]).context(
        "the tests need cargo-nextest; install it by hand (https://nexte.st) and run `cargo xtask test` again",
    )
}

fn step(name: &str) {
    report(&format!("== {name}"));
}
