//! Calls of cargo, always from the top of the repository.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use cargo_metadata::MetadataCommand;

use crate::test;

/// The top of the repository.
pub(crate) fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies below the top").to_path_buf()
}

/// The folder that cargo builds into, wherever the environment or a configuration puts it.
pub(crate) fn target() -> Result<PathBuf> {
    let mut metadata = MetadataCommand::new();
    metadata.manifest_path(top().join("Cargo.toml")).no_deps().other_options(vec!["--offline".to_owned()]);
    Ok(metadata.exec().context("`cargo metadata` failed")?.target_directory.into())
}

/// Runs cargo with `arguments` and fails if it does.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    run_with(arguments, &[])
}

/// The same with variables added to the environment.
pub(crate) fn run_with(arguments: &[&str], environment: &[(&str, String)]) -> Result<()> {
    let status = command()
        .args(arguments)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .status()
        .context("cargo cannot be started")?;
    if !status.success() {
        bail!("`cargo {}` failed", arguments.join(" "));
    }
    Ok(())
}

/// Whether `cargo SUBCOMMAND --version` works.
pub(crate) fn has(subcommand: &str) -> bool {
    command().args([subcommand, "--version"]).output().is_ok_and(|output| output.status.success())
}

/// Writes the generated pages, or with `check` compares them with what is there.
pub(crate) fn docs(check: bool) -> Result<()> {
    let built = built_as_tests()?;
    for page in PAGES {
        let mut writes = Command::new(built.join("examples").join(page));
        writes.args(check.then_some("--check"));
        if !writes.status().with_context(|| format!("`{page}` cannot be started"))?.success() {
            bail!("`{page}` failed");
        }
    }
    Ok(())
}

/// Examples that write the generated pages.
const PAGES: [&str; 2] = ["reference", "api_reference"];

/// Builds the program and the examples that write pages, and gives the folder with them.
///
/// Always all of them, with the features of the tests and with an example among them: only then does
/// cargo give every dependency the features that it has in the tests, and builds nothing a second time.
pub(crate) fn built_as_tests() -> Result<PathBuf> {
    let examples = PAGES.map(|page| ["--example", page]).concat();
    let arguments = ["build", "--quiet", "--workspace", "--features", test::FEATURES, "--bin", "tutela"];
    run(&[&arguments[..], &examples].concat())?;
    Ok(target()?.join("debug"))
}

fn command() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(top());
    if in_ci() {
        // Nothing is built a second time there, and what would make that fast takes gigabytes.
        command.env("CARGO_INCREMENTAL", "0");
        // What a test says is read there before the frames that led to it, and logs are cut.
        command.env("RUST_BACKTRACE", "0");
    }
    command
}

/// Whether this is continuous integration.
pub(crate) fn in_ci() -> bool {
    std::env::var_os("CI").is_some()
}
