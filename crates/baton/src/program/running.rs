use std::io;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use model::Clock;

use super::environment::variable;
use super::error::ProgramError;
use super::folder::ProgramFolder;
use super::job::ProgramJob;
use super::log::ProgramLog;
use super::outputs::Outputs;
use super::redaction::Redaction;
use super::stray::{self, Marker};
use super::{Program, ProgramParts, SettingError, check_setting};

/// Attempts to start a program whose copy another child of ours still holds open.
const STARTS: u32 = 20;
const START_PAUSE: Duration = Duration::from_millis(20);
/// How long the threads that read are waited for when all processes are gone.
const READ_WITHIN: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(10);

/// A program that was started. It leads a group of its own.
pub(super) struct Running {
    child: Child,
    status: Option<ExitStatus>,
    outputs: Outputs,
    readers: Vec<JoinHandle<()>>,
    marker: Marker,
}

impl Running {
    pub(super) async fn start(
        program: &Program,
        (job, folder): (&ProgramJob<'_>, &ProgramFolder),
        (marker, redaction): (Marker, Redaction),
        parts: &ProgramParts,
    ) -> Result<Self, ProgramError> {
        let mut command = command(program, (job, folder), &marker)?;
        let failed = |source| ProgramError::Start {
            path: program.path.clone(),
            user: program.user.to_string(),
            source,
        };
        let mut child = spawn(&mut command, &*parts.clock).await.map_err(failed)?;
        limit(&child, parts.limits.file_bytes);
        let outputs = Outputs::new(redaction, parts.limits.output_bytes);
        let mut readers = Vec::new();
        if let Some(output) = child.stdout.take() {
            let outputs = outputs.clone();
            readers.push(std::thread::spawn(move || outputs.discard(output)));
        }
        if let Some(output) = child.stderr.take() {
            let outputs = outputs.clone();
            readers.push(std::thread::spawn(move || outputs.keep(output)));
        }
        Ok(Self { child, status: None, outputs, readers, marker })
    }

    /// Its status, if it has ended. Its group ends with it.
    pub(super) fn try_wait(&mut self) -> Result<Option<ExitStatus>, ProgramError> {
        if self.status.is_none() {
            let failed = |source| ProgramError::Wait { source };
            if !self.has_ended().map_err(failed)? {
                return Ok(None);
            }
            // Its number is that of its group, and may be another process's as soon as it is fetched.
            self.signal(Sent::Kill);
            self.status = self.child.try_wait().map_err(failed)?;
        }
        Ok(self.status)
    }

    pub(super) fn has_printed_too_much(&self) -> bool {
        self.outputs.is_too_much()
    }

    /// Asks it to end, and gives it a while.
    pub(super) async fn ask_to_end(&mut self, parts: &ProgramParts) {
        self.signal(Sent::Term);
        let mut left = parts.limits.grace;
        while !left.is_zero() && matches!(self.try_wait(), Ok(None)) {
            parts.clock.sleep(LOOK).await;
            left = left.saturating_sub(LOOK);
        }
    }

    /// Kills what is left of it, and reads what it printed to the end.
    pub(super) async fn end_all(&mut self, parts: &ProgramParts) {
        self.kill();
        let mut left = READ_WITHIN;
        while !left.is_zero() && !self.is_quiet() {
            parts.clock.sleep(LOOK).await;
            left = left.saturating_sub(LOOK);
        }
    }

    pub(super) fn take_log(&self, log: &mut ProgramLog) {
        log.append(self.outputs.take_log());
    }

    /// Whether it was fetched, and nobody prints any more.
    fn is_quiet(&mut self) -> bool {
        !matches!(self.try_wait(), Ok(None)) && self.readers.iter().all(JoinHandle::is_finished)
    }

    /// Kills its group, and who left it.
    fn kill(&mut self) {
        self.signal(Sent::Kill);
        stray::kill(&self.marker);
    }

    /// Whether it has ended; it is not fetched by that.
    #[cfg(unix)]
    fn has_ended(&self) -> io::Result<bool> {
        use rustix::process::{WaitId, WaitIdOptions, waitid};

        let process = self.process().ok_or(io::ErrorKind::NotFound)?;
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        Ok(waitid(WaitId::Pid(process), look)?.is_some())
    }

    #[cfg(not(unix))]
    fn has_ended(&self) -> io::Result<bool> {
        // Fetching it says it.
        Ok(true)
    }

    /// Its number, until it is fetched.
    #[cfg(unix)]
    fn process(&self) -> Option<rustix::process::Pid> {
        let number = i32::try_from(self.child.id()).ok().filter(|_| self.status.is_none())?;
        rustix::process::Pid::from_raw(number)
    }

    /// Tells its group, which is gone when it was fetched.
    #[cfg(unix)]
    fn signal(&self, sent: Sent) {
        use rustix::process::{Signal, kill_process_group};

        let signal = match sent {
            Sent::Term => Signal::TERM,
            Sent::Kill => Signal::KILL,
        };
        if let Some(group) = self.process() {
            let _ = kill_process_group(group, signal);
        }
    }

    #[cfg(not(unix))]
    fn signal(&self, _sent: Sent) {}
}

#[derive(Debug, Clone, Copy)]
enum Sent {
    Term,
    Kill,
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.status.is_none() || !self.is_quiet() {
            self.kill();
            // Killed: this does not wait for what it does.
            let _ = self.child.wait();
        }
    }
}

fn command(
    program: &Program,
    (job, folder): (&ProgramJob<'_>, &ProgramFolder),
    marker: &Marker,
) -> Result<Command, ProgramError> {
    let work = folder.work();
    let mut command = Command::new(folder.program());
    command.env_clear().current_dir(&work).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let settings = program.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let secrets = program.secrets.iter().map(|(name, value)| (name.as_str(), value.expose().as_str()));
    for (name, value) in settings.chain(secrets) {
        check_setting(name)?;
        if value.contains('\0') {
            return Err(SettingError::Value { name: name.to_owned() }.into());
        }
        command.env(variable(name), value);
    }
    for (flag, value) in job.flags() {
        if value.contains('\0') {
            return Err(SettingError::Value { name: flag.to_owned() }.into());
        }
        command.env(variable(flag), value);
    }
    // As variables: arguments are seen by everybody, and runtimes differ in which flags they know (baton C-2, F-8).
    command
        .env(variable("file"), folder.file())
        .env(variable("log-format"), "json")
        .env(variable("storage-engine"), "sqlite")
        .env("HOME", &work)
        .env("TMPDIR", &work)
        // Times in files have no zone (baton DB-5).
        .env("TZ", "UTC");
    let (name, value) = marker.variable();
    command.env(name, value);
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt as _;
        command.process_group(0);
        if !program.user.is_own() {
            command.uid(program.user.user).gid(program.user.group);
        }
    }
    Ok(command)
}

/// Another child that was started while the program was copied holds the copy open for a moment, and what is open
/// for writing does not start.
async fn spawn(command: &mut Command, clock: &dyn Clock) -> io::Result<Child> {
    let mut starts = 1;
    loop {
        match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy && starts < STARTS => {
                starts += 1;
                clock.sleep(START_PAUSE).await;
            }
            spawned => return spawned,
        }
    }
}

/// Bounds the files that it writes, and leaves no image of its memory behind.
#[cfg(target_os = "linux")]
fn limit(child: &Child, file_bytes: u64) {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};

    let Some(process) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else { return };
    for (resource, most) in [(Resource::Fsize, file_bytes), (Resource::Core, 0)] {
        let limit = Rlimit { current: Some(most), maximum: Some(most) };
        // One that has ended already has no limits.
        let _ = prlimit(Some(process), resource, limit);
    }
}

#[cfg(not(target_os = "linux"))]
fn limit(_child: &Child, _file_bytes: u64) {}
