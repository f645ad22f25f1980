//! A mail server for tests: PyPI's `aiosmtpd`, in the version and with the hashes that
//! `xtask/services/smtp/requirements.txt` names.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use super::{Server, log, program, python, quiet};
use crate::cargo;

/// Starts it and gives what it says: a JSON object with its ports, the folder of its mails, and the
/// certificate that its own is signed by.
pub(super) fn start() -> Result<(Server, String)> {
    let programs = python::environment("smtp", "xtask/services/smtp/requirements.txt")
        .context("set TUTELA_TEST_SMTP to use another mail server")?;
    let folder = tempfile::Builder::new().prefix("tutela-test-").tempdir()?;
    let (certificate, key) = certificate(folder.path())?;
    let mut process = Command::new(programs.join("python"))
        .arg(cargo::top().join("xtask/services/smtp/server.py"))
        .arg(folder.path())
        .args([certificate, key])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log(folder.path())?)
        .spawn()
        .context("the mail server cannot be started")?;
    let out = process.stdout.take().context("the mail server has no output")?;
    // It listens before it says where, and ends its output when it fails.
    let mut says = String::new();
    BufReader::new(out).read_line(&mut says)?;
    let server = Server { process, signal: "-TERM", folder };
    let says = says.trim();
    if says.is_empty() {
        bail!("the mail server ended instead of starting:\n{}", server.log());
    }
    Ok((server, says.to_owned()))
}

/// A certificate for this machine, signed by itself, and its key.
fn certificate(folder: &Path) -> Result<(PathBuf, PathBuf)> {
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    let mut openssl = Command::new(program("openssl")?);
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]);
    openssl.args(["-days", "2", "-subj", "/CN=localhost"]);
    openssl.args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]);
    openssl.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
    openssl.arg("-keyout").arg(&key).arg("-out").arg(&certificate);
    quiet(&mut openssl)?;
    Ok((certificate, key))
}
