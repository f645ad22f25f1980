//! A Baton connector program of somebody else, run as a child process: one job, one file, and nothing of ours in
//! its hands but what it is configured to get.
//!
//! The program is named with its path, the digest of its bytes and the user that it runs as. Its bytes are copied
//! into a private folder and the copy is what is checked and what runs, so that nobody changes it between the two.
//! It gets no variable of this process's environment. It calls the application by itself, outside of the one door
//! out: whoever names a program trusts it with the application's credentials, and with nothing else.

mod end;
mod environment;
mod error;
mod folder;
mod job;
mod log;
mod os_user;
mod outputs;
mod redaction;
mod running;
mod stray;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crypto::Secret;
use engine::Cancellation;
use jiff::SignedDuration;
use model::{Clock, IdSource};

pub use end::SyncedFile;
pub use error::ProgramError;
pub use job::ProgramJob;
pub use log::ProgramLog;
pub use os_user::{OsUser, OsUserError};
pub use spec::{BatonSettingError as SettingError, check_baton_setting as check_setting};

use folder::ProgramFolder;
use redaction::Redaction;
use running::Running;

/// A connector program, as the configuration names it.
pub struct Program {
    /// The program itself.
    pub path: PathBuf,
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// Who it runs as.
    pub user: OsUser,
    /// Its settings by the names of its flags.
    pub settings: Vec<(String, String)>,
    /// The same for what must not be seen.
    pub secrets: Vec<(String, Secret<String>)>,
}

/// Shows names only.
impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program").field("path", &self.path).field("user", &self.user).finish_non_exhaustive()
    }
}

/// How much a program may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProgramLimits {
    /// How long one job may take.
    pub time: Duration,
    /// What it has to end in when it is asked to.
    pub grace: Duration,
    /// Most bytes that it may print.
    pub output_bytes: u64,
    /// Largest file that it may write.
    pub file_bytes: u64,
}

impl Default for ProgramLimits {
    fn default() -> Self {
        Self {
            time: Duration::from_hours(6),
            grace: Duration::from_secs(5),
            output_bytes: 64 << 20,
            file_bytes: 16 << 30,
        }
    }
}

/// What surrounds a job.
#[derive(Debug, Clone)]
pub struct ProgramParts {
    /// Where private folders are made.
    pub folder: PathBuf,
    /// Limits.
    pub limits: ProgramLimits,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Where the name of a run comes from.
    pub ids: Arc<dyn IdSource>,
    /// Asks it to end.
    pub cancellation: Cancellation,
}

impl Program {
    /// Runs one job and waits for its end. Whatever happens, no process of it is left, and what it printed is in
    /// `log`.
    ///
    /// # Errors
    /// [`ProgramError`] if it is not what was configured, cannot be started, is stopped, fails, or leaves no file.
    ///
    /// # Cancel safety
    /// Dropping the future kills it.
    pub async fn run(
        &self,
        job: &ProgramJob<'_>,
        parts: &ProgramParts,
        log: &mut ProgramLog,
    ) -> Result<SyncedFile, ProgramError> {
        let name = parts.ids.next_uuid().to_string();
        let folder = self.carry_out(&name, job, (parts, log)).await?;
        folder.into_file(&self.user)
    }

    /// Runs one job that changes something, and waits for its end. Whatever is started is marked with `run`, so that
    /// [`end_left_behind`] finds it if this process does not end it.
    ///
    /// # Errors
    /// As [`Program::run`]; what stands in place of its file does not matter.
    ///
    /// # Cancel safety
    /// Dropping the future kills it.
    pub async fn change(
        &self,
        run: &str,
        job: &ProgramJob<'_>,
        (parts, log): (&ProgramParts, &mut ProgramLog),
    ) -> Result<(), ProgramError> {
        self.carry_out(run, job, (parts, log)).await.map(|_| ())
    }

    async fn carry_out(
        &self,
        name: &str,
        job: &ProgramJob<'_>,
        (parts, log): (&ProgramParts, &mut ProgramLog),
    ) -> Result<ProgramFolder, ProgramError> {
        self.user.check_startable()?;
        let folder = self.prepare(job, parts).await?;
        let marker = stray::Marker::new(name);
        let redaction = Redaction::of(self.secrets.iter().map(|(_, secret)| secret));
        let mut running = Running::start(self, (job, &folder), (marker, redaction), parts).await?;
        let ended = self.wait(&mut running, parts).await;
        running.end_all(parts).await;
        running.take_log(log);
        ended?;
        Ok(folder)
    }

    async fn prepare(
        &self,
        job: &ProgramJob<'_>,
        parts: &ProgramParts,
    ) -> Result<ProgramFolder, ProgramError> {
        let (path, sha256, user) = (self.path.clone(), self.sha256, self.user.clone());
        let (parent, given) = (parts.folder.clone(), job.file().map(ToOwned::to_owned));
        let made = tokio::task::spawn_blocking(move || {
            ProgramFolder::make(&parent, (&path, &sha256), (&user, given.as_deref()))
        });
        made.await.map_err(|_| ProgramError::Folder { source: std::io::Error::other("it broke off") })?
    }

    async fn wait(&self, running: &mut Running, parts: &ProgramParts) -> Result<(), ProgramError> {
        /// Time between two looks at the process.
        const LOOK: Duration = Duration::from_millis(25);
        let begun = parts.clock.now();
        let time = SignedDuration::try_from(parts.limits.time).unwrap_or(SignedDuration::MAX);
        loop {
            if let Some(status) = running.try_wait()? {
                return error::of_status(status);
            }
            if running.has_printed_too_much() {
                return Err(ProgramError::TooMuchOutput { most: parts.limits.output_bytes });
            }
            if parts.clock.now().duration_since(begun) >= time {
                return Err(ProgramError::TimedOut { after: parts.limits.time });
            }
            tokio::select! {
                () = parts.clock.sleep(LOOK) => {}
                () = parts.cancellation.cancelled() => {
                    running.ask_to_end(parts).await;
                    return Err(ProgramError::Cancelled);
                }
            }
        }
    }
}

/// Kills what a process that is gone left running of a job that was called so.
pub fn end_left_behind(run: &str) {
    stray::kill(&stray::Marker::new(run));
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
