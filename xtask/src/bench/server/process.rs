//! A process of Tutela that stays, and what the system says of it.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::http::{CLIENT, CLIENT_SECRET};

/// A server or a worker; ends with this value.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    description: Value,
}

/// Where processes run that share one state.
#[derive(Debug)]
pub(super) struct Place<'a> {
    pub(super) program: &'a Path,
    pub(super) folder: PathBuf,
    /// The state, where it is not in the data folder.
    pub(super) state: Option<String>,
    /// Where the hosts of the simulated application lead.
    pub(super) simulator: String,
}

impl Place<'_> {
    /// `tutela serve`, as soon as it answers.
    pub(super) fn serve(&self) -> Result<Process> {
        self.start(&["serve", "--listen", "127.0.0.1:0"])
    }

    /// `tutela worker`, as soon as it works.
    pub(super) fn worker(&self) -> Result<Process> {
        self.start(&["worker"])
    }

    fn start(&self, arguments: &[&str]) -> Result<Process> {
        let simulator = &self.simulator;
        let routes = ["api.segmentapis.com", "profiles.segment.com"].map(|host| (host, simulator.clone()));
        let log = File::options().create(true).append(true).open(self.folder.join("log"))?;
        let mut command = Command::new(self.program);
        command
            .args(["--format", "json"])
            .args(arguments)
            .args(["--data", "data"])
            .current_dir(&self.folder)
            .env("TUTELA_CLIENT_ID", CLIENT)
            .env("TUTELA_CLIENT_SECRET", CLIENT_SECRET)
            .env("TUTELA_OWNER_USERNAME", "owner")
            .env("TUTELA_OWNER_PASSWORD", "Bench-password-1!")
            .env("TUTELA_EXECUTION_MASKING_STRICT", "false")
            // Lists are called thousands of times in a minute.
            .env("TUTELA_SECURITY_REQUEST_RATE_LIMIT", "1000000/second")
            .env("TUTELA_EGRESS_ALLOW", r#"["127.0.0.1/32"]"#)
            .env("TUTELA_EGRESS_ROUTES", serde_json::to_string(&Value::from_iter(routes))?)
            .stdout(Stdio::piped())
            .stderr(log);
        if let Some(state) = &self.state {
            command.args(["--state", state]);
        }
        let mut child = command.spawn().context("the program cannot be started")?;
        let output = child.stdout.take().context("the program has no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let description = serde_json::from_str(&line)
            .with_context(|| fs::read_to_string(self.folder.join("log")).unwrap_or_default())?;
        Ok(Process { child, description })
    }
}

impl Process {
    pub(super) fn url(&self) -> Result<&str> {
        self.description.get("url").and_then(Value::as_str).context("it does not say where it is")
    }

    /// What it has computed, in seconds.
    pub(super) fn cpu_s(&self) -> Result<f64> {
        cpu_s(self.child.id())
    }

    /// Most memory in use at once so far, in MiB.
    pub(super) fn peak_mib(&self) -> Result<f64> {
        Ok(self.status("VmHWM:")? / 1024.0)
    }

    /// Memory in use now, in MiB.
    pub(super) fn memory_mib(&self) -> Result<f64> {
        Ok(self.status("VmRSS:")? / 1024.0)
    }

    /// From now on, [`Process::peak_mib`] is the most that is in use from now on.
    pub(super) fn forget_peak(&self) -> Result<()> {
        Ok(fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5")?)
    }

    /// How often its threads were woken so far.
    pub(super) fn wakes(&self) -> Result<Wakes> {
        let mut wakes = Wakes::default();
        for thread in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let thread = thread?;
            // One that ended meanwhile has no status any more.
            let Ok(status) = fs::read_to_string(thread.path().join("status")) else { continue };
            let count = member(&status, "voluntary_ctxt_switches:").unwrap_or_default();
            wakes.0.insert(thread.file_name(), count);
        }
        Ok(wakes)
    }

    fn status(&self, name: &str) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        member(&status, name).with_context(|| format!("the system does not tell `{name}`"))
    }

    /// Asks it to end, and waits until it did.
    pub(super) fn end(mut self) -> Result<()> {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status()?;
        anyhow::ensure!(asked.success(), "the process cannot be asked to end");
        let status = self.child.wait()?;
        anyhow::ensure!(status.success(), "the process ended with {status}");
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn member(status: &str, name: &str) -> Option<f64> {
    status.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

/// What Linux shows times in, on every machine.
const TICKS_PER_SECOND: f64 = 100.0;

/// What a process has computed, in seconds; with the processes that it started and that have ended.
fn cpu_s(process: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name stands in brackets, and may hold anything.
    let (_, rest) = stat.rsplit_once(')').context("the system tells nothing useful")?;
    let times = rest.split_ascii_whitespace().skip(11).take(4).map(str::parse::<u64>);
    Ok(times.sum::<Result<u64, _>>()? as f64 / TICKS_PER_SECOND)
}

/// The same with the processes that it started and that still run.
pub(super) fn family_cpu_s(process: u32) -> Result<f64> {
    let mut seconds = cpu_s(process)?;
    let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children"))?;
    for child in children.split_ascii_whitespace() {
        // One that ended in between counts with its parent the next time.
        seconds += cpu_s(child.parse()?).unwrap_or_default();
    }
    Ok(seconds)
}

/// How often each thread was woken. Threads come and go.
#[derive(Debug, Default)]
pub(super) struct Wakes(HashMap<OsString, f64>);

impl Wakes {
    /// How often they were woken since; of a thread that ended since then, nothing is known.
    pub(super) fn since(&self, before: &Self) -> f64 {
        let new = self.0.iter().map(|(thread, count)| count - before.0.get(thread).unwrap_or(&0.0));
        new.sum()
    }
}
