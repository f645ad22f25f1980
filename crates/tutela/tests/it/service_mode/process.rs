//! Processes of a self-hosted connector.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sandbox::segment::SegmentSandbox;
use serde_json::json;

use super::plane::{HOST, Plane};
use crate::program::Program;

/// Longest wait for a process.
const LIMIT: Duration = Duration::from_mins(1);
const BEAT: Duration = Duration::from_millis(20);

/// What the processes of one connector share: their credentials, and the machine they run on.
pub(super) struct Place {
    pub(super) program: Program,
    secrets: Vec<String>,
    started: AtomicUsize,
}

impl Place {
    pub(super) async fn new(sandbox: &SegmentSandbox, plane: &Plane) -> Self {
        let fresh = plane.rotate().await;
        let control = (HOST.to_owned(), format!("http://{}", plane.address));
        Self::with(sandbox, control, (fresh.client_id.as_str(), fresh.client_secret.expose()))
    }

    /// Reaches the control plane `host` at another origin.
    pub(super) fn with(
        sandbox: &SegmentSandbox,
        (host, origin): (String, String),
        (client_id, client_secret): (&str, &str),
    ) -> Self {
        let token = &sandbox.description().tokens.access_token;
        let routes = json!({ "api.segmentapis.com": sandbox.url(), host: origin }).to_string();
        let program = Program::new()
            .with_environment("BATON_TOKEN", token)
            .with_environment("BATON_CLIENT_ID", client_id)
            .with_environment("BATON_CLIENT_SECRET", client_secret)
            // What a lost answer is waited for.
            .with_environment("BATON_HTTP_TIMEOUT_SECONDS", "1")
            .with_environment("BATON_C1Z_TEMP_DIR", "temp")
            .with_environment("TUTELA_EGRESS_ROUTES", &routes)
            .with_environment("TUTELA_EGRESS_ALLOW", r#"["127.0.0.1/32"]"#);
        fs::create_dir(program.folder().join("temp")).unwrap();
        // The last part of the secret is the key.
        let key = client_secret.rsplit(':').next().unwrap();
        Self { program, secrets: vec![token.clone(), key.to_owned()], started: AtomicUsize::new(0) }
    }

    pub(super) fn start(&self, more: &[&str]) -> Process {
        let number = self.started.fetch_add(1, Ordering::SeqCst);
        let path = |name: &str| self.program.folder().join(format!("{name}-{number}"));
        let (stdout, stderr) = (path("stdout"), path("stderr"));
        let mut command = self.program.command(&[&["baton", "segment"], more].concat());
        command.env("BATON_HOST_ID", format!("pod-{number}"));
        let child = command
            .stdout(Stdio::from(File::create(&stdout).unwrap()))
            .stderr(Stdio::from(File::create(&stderr).unwrap()))
            .spawn()
            .unwrap();
        Process { child, stdout, stderr }
    }

    /// What lies in the folder for temporary files.
    pub(super) fn left(&self) -> Vec<String> {
        let entries = fs::read_dir(self.program.folder().join("temp")).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// No secret stands in `text`.
    #[track_caller]
    pub(super) fn assert_not_in(&self, text: &str) {
        assert!(!self.secrets.iter().any(|secret| text.contains(secret)), "a secret is told");
    }

    /// No secret stands in what a process says, nor in any file.
    #[track_caller]
    pub(super) fn assert_no_secret(&self, process: &Process) {
        for secret in &self.secrets {
            assert!(!process.log().contains(secret), "a secret stands in the log");
            for (path, bytes) in self.program.files() {
                let is_in = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
                assert!(!is_in, "a secret stands in {}", path.display());
            }
        }
    }
}

/// One process. Dropping it kills it.
pub(super) struct Process {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Process {
    pub(super) fn log(&self) -> String {
        fs::read_to_string(&self.stderr).unwrap()
    }

    pub(super) fn stdout(&self) -> String {
        fs::read_to_string(&self.stdout).unwrap()
    }

    /// Asks it to stop, and waits for its status.
    pub(super) fn stop(&mut self) -> i32 {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.ended()
    }

    /// Its status, once it has ended by itself.
    pub(super) fn ended(&mut self) -> i32 {
        // One that never ends is ended by the test runner, with the name of the test.
        self.child.wait().unwrap().code().expect("it was not killed")
    }

    /// Kills it as soon as something is so.
    pub(super) async fn kill_when(&mut self, is_so: impl Fn() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < LIMIT, "nothing to kill it for:\n{}", self.log());
            assert!(self.child.try_wait().unwrap().is_none(), "it has ended:\n{}", self.log());
            tokio::time::sleep(BEAT).await;
        }
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
