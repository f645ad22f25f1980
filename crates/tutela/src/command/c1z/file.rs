use std::path::{Path, PathBuf};

use c1z::{DeclaredLength, Explorer, Limits, ReadError, Reader, RunChoice};
use model::{Clock as _, SystemClock};

use crate::failure::Failure;
use crate::output;

/// Which file, and which of its runs.
#[derive(Debug, clap::Args)]
pub(crate) struct FileArguments {
    /// The file.
    #[arg(short, long, global = true, value_name = "FILE", default_value = "sync.c1z")]
    file: PathBuf,
    /// The sync run to look at, in place of the newest finished one of everything.
    #[arg(long, global = true, value_name = "ID")]
    sync_id: Option<String>,
}

/// A file that is open.
pub(crate) struct Opened {
    reader: Reader,
    choice: RunChoice,
}

impl FileArguments {
    /// The newest finished run of this file.
    pub(crate) fn newest(file: &Path) -> Self {
        Self { file: file.to_owned(), sync_id: None }
    }

    /// Opens the file.
    pub(crate) fn open(&self) -> Result<Opened, Failure> {
        self.open_other(&self.file)
    }

    /// Refuses `--sync-id` for a command that does not look at one run: an answer about others would pass for one about
    /// the run that was named.
    pub(super) fn refuse_run(&self, command: &str) -> Result<(), Failure> {
        match self.sync_id {
            Some(_) => Err(Failure::BadInput(format!(
                "`{command}` chooses the sync runs itself and takes no `--sync-id`; leave it out"
            ))),
            None => Ok(()),
        }
    }

    /// Opens another file by the same rules.
    pub(super) fn open_other(&self, path: &Path) -> Result<Opened, Failure> {
        // A missing file is an empty store to a connector that is about to write it, and a mistake to who looks at it.
        std::fs::metadata(path).map_err(|error| Failure::unreadable(path, &error))?;
        let folder = std::env::var_os("BATON_TMPDIR").filter(|folder| !folder.is_empty()).map(PathBuf::from);
        let reader = Reader::open(path, folder.as_deref(), &limits()?).map_err(|error| failure(&error))?;
        let choice = match (&self.sync_id, path == self.file) {
            (Some(id), true) => RunChoice::Named(id.clone()),
            (Some(_), false) | (None, _) => RunChoice::Newest { now: SystemClock.now() },
        };
        Ok(Opened { reader, choice })
    }
}

impl Opened {
    pub(crate) fn reader(&self) -> &Reader {
        &self.reader
    }

    /// The run that was asked for.
    pub(crate) fn run(&self) -> Result<&c1z::SyncRun, Failure> {
        self.reader.run(&self.choice).map_err(|error| failure(&error))
    }

    /// An explorer of the run that was asked for.
    pub(super) fn explorer(&self) -> Result<Explorer<'_>, Failure> {
        let run = self.run()?;
        if !run.finished {
            output::complain(&format!("warning: sync run {} is not finished; rows may be missing", run.id));
        }
        Ok(Explorer::new(&self.reader, run))
    }
}

/// Says on standard error that rows name things that are not there (baton X-2).
pub(super) fn tell_missing(explorer: &Explorer<'_>) {
    if explorer.missing() > 0 {
        output::complain(
            "error: something that these rows name is missing; `tutela c1z check` says what and why",
        );
    }
}

/// What a file's fault means for the program.
pub(super) fn failure(error: &ReadError) -> Failure {
    match error {
        ReadError::Working(_) => Failure::failed(error),
        ReadError::File { .. }
        | ReadError::NotC1z { .. }
        | ReadError::Version3 { .. }
        | ReadError::Manifest { .. }
        | ReadError::Unpack { .. }
        | ReadError::TooLarge { .. }
        | ReadError::NotDatabase
        | ReadError::Database { .. }
        | ReadError::NotTable { .. }
        | ReadError::Column { .. }
        | ReadError::Value { .. }
        | ReadError::Rows { .. }
        | ReadError::Content { .. }
        | ReadError::NoSuchRun { .. }
        | ReadError::NoRun
        | ReadError::TooFewRuns { .. }
        | ReadError::NoSuch { .. } => Failure::bad_input(error),
    }
}

/// The limits, as the variables of connectors set them (baton F-4).
fn limits() -> Result<Limits, Failure> {
    let mut limits = Limits::default();
    if let Some(bytes) = mebibytes("BATON_DECODER_MAX_DECODED_SIZE_MB")? {
        limits.decoded_bytes = bytes;
    }
    if let Some(bytes) = mebibytes("BATON_DECODER_MAX_MEMORY_MB")? {
        limits.window_bytes = bytes;
    }
    let ignored =
        std::env::var("BATON_DISABLE_FCS_FAIL_FAST").is_ok_and(|value| value == "true" || value == "1");
    if ignored {
        limits.declared = DeclaredLength::Ignored;
    }
    Ok(limits)
}

fn mebibytes(name: &str) -> Result<Option<u64>, Failure> {
    let Some(value) = std::env::var_os(name).filter(|value| !value.is_empty()) else { return Ok(None) };
    let number = value.to_str().and_then(|text| text.parse::<u64>().ok()).filter(|number| *number > 0);
    let bytes = number.and_then(|number| number.checked_mul(1 << 20));
    bytes.map(Some).ok_or_else(|| Failure::BadInput(format!("{name} has to be a number of MiB above 0")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_refused_where_it_would_be_ignored() {
        let arguments = |sync_id: Option<&str>| FileArguments {
            file: PathBuf::from("sync.c1z"),
            sync_id: sync_id.map(str::to_owned),
        };

        let refused = arguments(Some("3MRtGGH2nQlWkwulXiopoxBpLgw")).refuse_run("diff");

        assert!(matches!(refused, Err(Failure::BadInput(why)) if why.contains("--sync-id")));
        assert!(arguments(None).refuse_run("diff").is_ok());
    }
}
