//! An S3 server for tests: a binary of this package, built when it is needed.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use cargo_metadata::Message;

use super::{Server, log};
use crate::cargo;

const BUCKET: &str = "tutela-test";
const ACCESS_KEY_ID: &str = "tutela-test-account";
const SECRET_ACCESS_KEY: &str = "tutela-test-secret";

/// Starts it, with one bucket in a folder of its own, and gives `http://ACCOUNT:SECRET@HOST/BUCKET`.
pub(super) fn start() -> Result<(Server, String)> {
    let program = build()?;
    let folder = tempfile::Builder::new().prefix("tutela-test-").tempdir()?;
    let mut process = Command::new(program)
        .arg(folder.path().join("data"))
        .arg(BUCKET)
        .env("TUTELA_S3_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .env("TUTELA_S3_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log(folder.path())?)
        .spawn()
        .context("the S3 server cannot be started")?;
    let out = process.stdout.take().context("the S3 server has no output")?;
    // It listens before it says where, and ends its output when it fails.
    let mut address = String::new();
    BufReader::new(out).read_line(&mut address)?;
    let server = Server { process, signal: "-TERM", folder };
    let address = address.trim();
    if address.is_empty() {
        bail!("the S3 server ended instead of starting:\n{}", server.log());
    }
    Ok((server, format!("http://{ACCESS_KEY_ID}:{SECRET_ACCESS_KEY}@{address}/{BUCKET}")))
}

fn build() -> Result<PathBuf> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(cargo::top()).args(["build", "--quiet", "--package", "xtask", "--bin", "s3-server"]);
    cargo.args(["--features", "s3-server", "--message-format", "json-render-diagnostics"]);
    let output = cargo.stderr(Stdio::inherit()).output().context("cargo cannot be started")?;
    if !output.status.success() {
        bail!("the S3 server for tests cannot be built; set TUTELA_TEST_S3 to use another");
    }
    Message::parse_stream(&output.stdout[..])
        .filter_map(Result::ok)
        .find_map(|message| match message {
            Message::CompilerArtifact(built) => built.executable,
            _ => None,
        })
        .map(PathBuf::from)
        .context("cargo does not say where the S3 server is")
}
