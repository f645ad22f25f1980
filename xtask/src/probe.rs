//! Calls every operation of the interface with made-up input: none may be a server error.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tempfile::TempDir;

use crate::services::python;
use crate::{cargo, report};

/// Operations that end the caller's own token, after which all would be refused, one that goes on
/// without end, and those that take archives, which schemathesis cannot make up.
const LEFT_OUT: &str = "^/api/v1/(logout|session)$|/events$|/connector[-_]templates?/register$";
/// Fewer calls than this in a run mean that it did not run.
const FEWEST_CALLS: u64 = 500;
/// The same calls in every run, so that what was found is found again.
const SEED: &str = "1";
/// How long schemathesis may take beyond the time that it is given.
const GRACE: Duration = Duration::from_mins(2);
const CLIENT: &str = "probe";
const SECRET: &str = "canary-probe-secret";

/// Runs for about so many seconds.
pub(crate) fn run(seconds: u32) -> Result<()> {
    let installed = python::environment("schemathesis", "xtask/services/schemathesis/requirements.txt")?;
    let program = cargo::built_as_tests()?.join("tutela");
    let mut server = Server::start(&program)?;
    let token = server.token()?;
    let mut schemathesis = Command::new(installed.join("schemathesis"));
    schemathesis
        .current_dir(server.folder.path())
        .arg("--config-file")
        .arg(cargo::top().join("xtask/services/schemathesis/schemathesis.toml"))
        .args(["run", &format!("{}/openapi.json", server.url)])
        .args(["--header", &format!("Authorization: Bearer {token}")])
        .args(["--exclude-path-regex", LEFT_OUT, "--checks", "not_a_server_error"])
        // One worker: the parser of Python 3.11 fails now and then when two threads use it.
        .args(["--max-time", &seconds.to_string(), "--workers", "1", "--request-timeout", "90"])
        .args(["--seed", SEED])
        .args(["--continue-on-failure", "--max-failures", "20", "--suppress-health-check", "all"])
        .args(["--generation-database", "none", "--warnings", "off", "--no-color"]);
    let limit = Duration::from_secs(seconds.into()) + GRACE;
    let (said, complained) = ended(&mut schemathesis, server.folder.path(), limit)?;
    let broken = |what: &str, server: &Server| {
        anyhow!("made-up input: {what}\n{said}\n{complained}\nthe server said:\n{}", server.said())
    };
    if let Some(status) = server.process.try_wait()? {
        return Err(broken(&format!("the server ended ({status})"), &server));
    }
    let Some((_, summary)) = said.rsplit_once("= SUMMARY =") else {
        return Err(broken("schemathesis printed no summary", &server));
    };
    // What schemathesis cannot make up it calls an error; that is no finding about the server.
    if ["Failures:", "Network Error"].iter().any(|mark| summary.contains(mark)) {
        return Err(broken("there are server errors, or calls without an answer", &server));
    }
    let calls = calls(summary).unwrap_or_default();
    if calls < FEWEST_CALLS {
        return Err(broken(&format!("{calls} calls were made, which is too few"), &server));
    }
    report(&format!("{calls} calls, none of them a server error"));
    Ok(())
}

/// What a program said and complained about, when it has ended; it is killed when it takes longer.
fn ended(command: &mut Command, folder: &Path, limit: Duration) -> Result<(String, String)> {
    let files = ["said", "complained"].map(|name| folder.join(name));
    let [said, complained] = &files;
    let to = |file: &Path| std::fs::File::create(file).map(Stdio::from);
    command.stdin(Stdio::null()).stdout(to(said)?).stderr(to(complained)?);
    let mut process = command.spawn().context("schemathesis cannot be started")?;
    let begun = Instant::now();
    while process.try_wait()?.is_none() {
        if begun.elapsed() > limit {
            process.kill()?;
            process.wait()?;
            bail!(
                "schemathesis did not end within {} s:\n{}",
                limit.as_secs(),
                String::from_utf8_lossy(&std::fs::read(said)?)
            );
        }
        std::thread::park_timeout(Duration::from_millis(200));
    }
    let text = |file: &Path| std::fs::read(file).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Ok((text(said)?, text(complained)?))
}

/// How many calls were made: `12896 generated` of the summary.
fn calls(summary: &str) -> Option<u64> {
    summary.split(" generated").next()?.rsplit(char::is_whitespace).next()?.parse().ok()
}

/// A server with a folder of its own.
struct Server {
    process: Child,
    url: String,
    folder: TempDir,
}

impl Server {
    fn start(program: &Path) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("tutela-test-").tempdir()?;
        let log = std::fs::File::create(folder.path().join("log"))?;
        let mut command = Command::new(program);
        // Whoever runs this may have settings of their own, even a state.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("TUTELA_") {
                command.env_remove(name);
            }
        }
        let mut process = command
            .current_dir(folder.path())
            .args(["--format", "json", "serve", "--listen", "127.0.0.1:0", "--data", "data"])
            .env("TUTELA_KEY", STANDARD.encode([7; 32]))
            .env("TUTELA_CLIENT_ID", CLIENT)
            .env("TUTELA_CLIENT_SECRET", SECRET)
            .env("TUTELA_OWNER_USERNAME", "owner")
            .env("TUTELA_OWNER_PASSWORD", "Canary-owner-1")
            .env("TUTELA_SECURITY_REQUEST_RATE_LIMIT", "1000000/second")
            .env("TUTELA_SECURITY_PUBLIC_RATE_LIMIT", "1000000/second")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .context("the server cannot be started")?;
        let out = process.stdout.take().context("the server has no output")?;
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        let mut server = Self { process, url: String::new(), folder };
        let said: Value = serde_json::from_str(&line)
            .with_context(|| format!("the server does not say where it is:\n{}", server.said()))?;
        let url = said.get("url").and_then(Value::as_str);
        url.context("the server does not say where it is")?.clone_into(&mut server.url);
        Ok(server)
    }

    fn token(&self) -> Result<String> {
        let form = format!("client_id={CLIENT}&client_secret={SECRET}");
        let address = self.url.strip_prefix("http://").context("the server speaks plain HTTP")?;
        let mut stream = TcpStream::connect(address)?;
        write!(
            stream,
            "POST /api/v1/oauth/token HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n\
             content-type: application/x-www-form-urlencoded\r\n\r\n{form}",
            form.len()
        )?;
        let mut reply = String::new();
        stream.read_to_string(&mut reply)?;
        let body = reply.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let token: Value = serde_json::from_str(body).with_context(|| format!("no token came: {reply}"))?;
        let text = token.get("access_token").and_then(Value::as_str);
        Ok(text.context("the server gives no token")?.to_owned())
    }

    fn said(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
