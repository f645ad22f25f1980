use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use thiserror::Error;

use super::{OsUserError, SettingError};

/// Why a program did not do its job. Nothing that it printed is repeated: that is in its log.
#[derive(Debug, Error)]
pub enum ProgramError {
    /// The program.
    #[error("the program {} cannot be read: {source}; correct `program`, or its rights", path.display())]
    Unreadable {
        /// As configured.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is another one.
    #[error(
        "the program {} has the SHA-256 {found}, and {expected} is configured: it was not started; if it was \
         replaced on purpose, write the new digest into the configuration", path.display()
    )]
    Digest {
        /// As configured.
        path: PathBuf,
        /// As configured.
        expected: String,
        /// Of its bytes.
        found: String,
    },
    /// Its private folder.
    #[error("there is no private folder for the program: {source}; look at its room and rights")]
    Folder {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A setting.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// Somebody else runs nothing for us.
    #[error(transparent)]
    User(#[from] OsUserError),
    /// It does not start.
    #[error(
        "the program {} cannot be started as user {user}: {source}; it must be for this machine, the folder it is \
         copied to must allow programs, and only root may start programs as somebody else", path.display()
    )]
    Start {
        /// As configured.
        path: PathBuf,
        /// As configured.
        user: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The system lost it.
    #[error("the program cannot be waited for: {source}")]
    Wait {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It took too long.
    #[error("the program was stopped: it was not done after {} s", after.as_secs())]
    TimedOut {
        /// Its limit.
        after: Duration,
    },
    /// It prints without end.
    #[error("the program was stopped: it printed more than {most} bytes")]
    TooMuchOutput {
        /// Its limit.
        most: u64,
    },
    /// Somebody asked it to end.
    #[error("the program was stopped, as was asked for")]
    Cancelled,
    /// It failed.
    #[error("the program ended with {}; its log says more", .code.map_or_else(|| "a signal".to_owned(), |code| format!("status {code}")))]
    Failed {
        /// Its status; nothing if a signal ended it.
        code: Option<i32>,
    },
    /// It says that it is done, and there is no file.
    #[error("the program ended well and wrote no file; its log may say why")]
    NoFile,
    /// The file is a link, or somebody else's.
    #[error("what the program left in place of a file is {what}; it is not read")]
    ForeignFile {
        /// What it is.
        what: &'static str,
    },
}

pub(super) fn of_status(status: ExitStatus) -> Result<(), ProgramError> {
    if status.success() { Ok(()) } else { Err(ProgramError::Failed { code: status.code() }) }
}
