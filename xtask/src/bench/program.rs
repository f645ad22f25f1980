//! Programs under measurement: the simulator, and Tutela itself.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::bench::client::Client;

/// A simulator in a process of its own; ends with this value.
#[derive(Debug)]
pub(crate) struct Simulator {
    child: Child,
    description: Value,
}

impl Simulator {
    /// Starts it with `flags` and waits until it says where it is.
    pub(crate) fn start(program: &Path, flags: &[&str]) -> Result<Self> {
        let mut child = Command::new(program)
            .args(["sandbox", "segment", "--port", "0", "--limits", "off"])
            .args(flags)
            .stdout(Stdio::piped())
            .spawn()
            .context("the simulator cannot be started")?;
        let output = child.stdout.take().context("the simulator has no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let description = serde_json::from_str(&line).context("the simulator said nothing useful")?;
        Ok(Self { child, description })
    }

    /// How many calls it has answered.
    pub(crate) fn calls(&self) -> Result<u64> {
        self.counted("calls")
    }

    /// How many of them wrote something.
    pub(crate) fn writes(&self) -> Result<u64> {
        self.counted("writes")
    }

    fn counted(&self, name: &str) -> Result<u64> {
        let (status, state) = Client::connect(self.get("/url")?, "")?.get("/__sandbox/state")?;
        anyhow::ensure!(status == 200, "the simulator answered {status}");
        let state: Value = serde_json::from_slice(&state)?;
        state.get(name).and_then(Value::as_u64).context("the simulator does not count its calls")
    }

    /// One member of its description, by JSON pointer.
    pub(crate) fn get(&self, name: &str) -> Result<&str> {
        self.description.pointer(name).and_then(Value::as_str).with_context(|| format!("it has no `{name}`"))
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What one run cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub(crate) time: Duration,
    /// Most memory in use at once, in MiB; 0 where the system does not tell.
    pub(crate) peak_mib: f64,
}

/// Runs the program to its end, watching its memory.
pub(crate) fn run(program: &Path, folder: &Path, arguments: &[&str]) -> Result<Run> {
    run_with(program, folder, arguments, &[])
}

/// The same with variables added to the environment.
pub(crate) fn run_with(
    program: &Path,
    folder: &Path,
    arguments: &[&str],
    environment: &[(&str, String)],
) -> Result<Run> {
    let start = Instant::now();
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdout(Stdio::null())
        .spawn()
        .context("the program cannot be started")?;
    let mut peak_mib: f64 = 0.0;
    let status = loop {
        peak_mib = peak_mib.max(peak_of(child.id()));
        if let Some(status) = child.try_wait()? {
            break status;
        }
        pause();
    };
    if !status.success() {
        bail!("`tutela {}` ended with {status}", arguments.join(" "));
    }
    Ok(Run { time: start.elapsed(), peak_mib })
}

#[expect(clippy::disallowed_methods, reason = "a measurement looks at another process now and then")]
fn pause() {
    std::thread::sleep(Duration::from_millis(2));
}

/// The kernel keeps the highest value itself, so looking now and then misses only the last moments.
fn peak_of(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: Option<f64> =
        line.and_then(|line| line.split_whitespace().next()).and_then(|kib| kib.parse().ok());
    kib.unwrap_or_default() / 1024.0
}
