#![expect(clippy::indexing_slicing, reason = "helpers of tests stop at what is not there")]
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::program::{Program, Ran};

/// A server that answers calls. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Running {
    child: Option<Child>,
    /// Where it is, without a path.
    pub(crate) url: String,
    /// Where its numbers are, if anybody may read them.
    pub(crate) metrics: Option<String>,
}

impl Running {
    /// Starts it on a free port with its state in `data`, and waits for its address.
    pub(crate) fn start(program: &Program, more: &[&str]) -> Self {
        let mut arguments = vec!["--format", "json", "serve", "--listen", "127.0.0.1:0", "--data", "data"];
        arguments.extend(more);
        Self::of(&mut program.command(&arguments))
    }

    /// Starts it by a command that prints its address as data.
    pub(crate) fn of(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        // Byte by byte: what comes behind the line stays for the end.
        let stdout = child.stdout.take().unwrap();
        let mut reader = BufReader::with_capacity(1, stdout);
        reader.read_line(&mut line).unwrap();
        child.stdout = Some(reader.into_inner());
        if line.is_empty() {
            let mut said = String::new();
            child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
            panic!("the server did not start:\n{said}");
        }
        let description: Value = serde_json::from_str(&line).unwrap();
        let metrics = description["metrics"].as_str().map(str::to_owned);
        Self { child: Some(child), url: description["url"].as_str().unwrap().to_owned(), metrics }
    }

    /// Asks it to end; says nothing yet of whether it does.
    pub(crate) fn ask_to_end(&self) {
        let id = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }

    /// Waits until it was killed, and how it ended if it was not.
    pub(crate) fn wait_for_kill(mut self) -> Result<(), String> {
        use std::os::unix::process::ExitStatusExt as _;

        let ended = self.child.take().unwrap().wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        if ended.status.signal() == Some(9) { Ok(()) } else { Err(format!("{:?}: {said}", ended.status)) }
    }

    /// Waits until it has ended.
    pub(crate) fn wait(mut self) -> Ran {
        Ran::of(self.child.take().unwrap().wait_with_output().unwrap())
    }

    /// Ends it.
    pub(crate) fn end(self) -> Ran {
        self.ask_to_end();
        self.wait()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// What a call gave.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}

/// Calls a server: `GET /health`.
pub(crate) async fn call(running: &Running, line: &str, token: Option<&str>, body: Option<&Value>) -> Reply {
    call_at(&running.url, line, token, body).await
}

/// Calls the server at an address.
#[expect(clippy::disallowed_types, reason = "the server is called as its users call it")]
pub(crate) async fn call_at(url: &str, line: &str, token: Option<&str>, body: Option<&Value>) -> Reply {
    let (method, path) = line.split_once(' ').unwrap();
    let client = reqwest::Client::builder().tls_danger_accept_invalid_certs(true).build().unwrap();
    let mut request = client.request(method.parse().unwrap(), format!("{url}{path}"));
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    if let Some(body) = body {
        request = request.header("content-type", "application/json").body(body.to_string());
    }
    let answer = request.send().await.unwrap();
    Reply { status: answer.status().as_u16(), text: answer.text().await.unwrap() }
}

/// A token of the root client `setup`.
pub(crate) async fn root_token(running: &Running, secret: &str) -> String {
    let form = format!("grant_type=client_credentials&client_id=setup&client_secret={secret}");
    let text = post_form(&format!("{}/api/v1/oauth/token", running.url), form).await;
    let reply: Value = serde_json::from_str(&text).unwrap();
    reply["access_token"].as_str().unwrap_or_else(|| panic!("{reply}")).to_owned()
}

/// What a form is answered with, whatever the status.
#[expect(clippy::disallowed_types, reason = "the server is called as its users call it")]
pub(crate) async fn post_form(url: &str, form: String) -> String {
    let request =
        reqwest::Client::new().post(url).header("content-type", "application/x-www-form-urlencoded");
    request.body(form).send().await.unwrap().text().await.unwrap()
}
