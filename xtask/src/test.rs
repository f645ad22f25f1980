//! Everything that must pass before a change is pushed.

use std::time::Instant;

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
    let begun = Instant::now();
    step(&begun, "format");
    cargo::run(&["fmt", "--all", "--check"])?;
    step(&begun, "layers");
    layers::run()?;
    step(&begun, "rules");
    rules::run(rules::Show::Missing)?;
    step(&begun, "lints");
    let clippy = ["clippy", "--workspace", "--all-targets", "--quiet", "--features", FEATURES];
    cargo::run(&[&clippy[..], &["--", "-D", "warnings"]].concat())?;
    step(&begun, "tests");
    nextest()?;
    step(&begun, "examples in the documentation");
    cargo::run(&["test", "--workspace", "--doc", "--quiet", "--features", FEATURES])?;
    step(&begun, "reference pages");
    cargo::docs(true)?;
    step(&begun, "made-up input, and meanwhile image, manifests and unit");
    probe_and_deploy()?;
    step(&begun, "all passed");
    Ok(())
}

/// Calls are made up for a fixed time and wait for answers for most of it: meanwhile the image's program is built, or in
/// continuous integration, which has 45 minutes for everything, only what it is built of is looked at.
fn probe_and_deploy() -> Result<()> {
    let image = if cargo::in_ci() { deploy::Image::Look } else { deploy::Image::Build };
    std::thread::scope(|scope| {
        let image = scope.spawn(|| deploy::run(image));
        let probed = probe::run(PROBE_SECONDS);
        let image = image.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        probed.and(image)
    })
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
    report("== installing cargo-nextest");
    cargo::run(&["install", "cargo-nextest", "--version", NEXTEST, "--locked"]).context(
        "the tests need cargo-nextest; install it by hand (https://nexte.st) and run `cargo xtask test` again",
    )
}

/// Says what comes next and when: what takes long is seen in the output.
fn step(begun: &Instant, name: &str) {
    report(&format!("== {name} (after {} s)", begun.elapsed().as_secs()));
}
