use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crypto::{KeyError, KeyRing, KeySource};
use model::{Clock, RandomIds};
use store::{Access, Store, StoreError, StoreParts, StorePlace};
use thiserror::Error;
use tokio::runtime::Handle;
use tonic::Code;

use crate::exit::Exit;
use crate::private_folder::is_still;

/// Time between two looks at a folder that another process holds.
const LOOK: Duration = Duration::from_millis(200);
/// Held by who works in a folder. It is the first thing that is made in it and the last that is removed: a folder
/// that has other things in it and no lock is somebody else's.
const LOCK: &str = "lock";
/// What opens the state.
const KEY: &str = "key";
/// The state.
const STATE: &str = "state.db";
/// Names the job that the state is of, where several come one after the other.
const JOB: &str = "job";
/// What is removed last, in this order.
const LAST: [&str; 2] = [KEY, LOCK];

/// What a job keeps until it is done: a state, and the key that opens it, in a folder beside the file.
///
/// One process works in it at a time; one that is killed lets go of it at once. Whoever reads the folder can
/// open what is in it, so nobody but its owner may, and it is gone when the job is done.
#[derive(Debug)]
pub(crate) struct JobFolder {
    path: PathBuf,
    /// Holds the lock; that of a folder that was taken away counts for nothing.
    _lock: File,
}

impl JobFolder {
    /// Takes the folder beside `file` whose name ends with `ending`, and makes it if it is not there. Waits for
    /// another process that works in it, not longer than `wait`.
    pub(crate) async fn take(
        file: &Path,
        (ending, wait): (&str, Duration),
        clock: &dyn Clock,
    ) -> Result<Self, FolderError> {
        let mut name =
            file.file_name().ok_or_else(|| FolderError::NoFile { path: file.to_owned() })?.to_owned();
        name.push(".");
        name.push(ending);
        let path = file.with_file_name(name);
        let wait = jiff::SignedDuration::try_from(wait).unwrap_or_default();
        let begun = clock.now();
        loop {
            if let Some(folder) = Self::try_take(&path)? {
                return Ok(folder);
            }
            if clock.now().duration_since(begun) >= wait {
                return Err(FolderError::Busy { path });
            }
            clock.sleep(LOOK).await;
        }
    }

    fn try_take(path: &Path) -> Result<Option<Self>, FolderError> {
        let failed = |source| FolderError::Unusable { path: path.to_owned(), source };
        make(path).map_err(failed)?;
        check(path)?;
        let place = path.join(LOCK);
        let lock = match open(&place) {
            // The one that held it has just taken the folder away.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(failed)?,
        };
        match lock.try_lock() {
            Ok(()) if is_still(&lock, &place) => Ok(Some(Self { path: path.to_owned(), _lock: lock })),
            Ok(()) | Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// Opens the state in it.
    pub(crate) async fn open(&self, clock: Arc<dyn Clock>) -> Result<Store, FolderError> {
        let key = KeySource::Own(self.path.join(KEY))
            .load()
            .map_err(|source| FolderError::Key { path: self.path.clone(), source })?;
        let parts = StoreParts {
            place: StorePlace::File(self.path.join(STATE)),
            keys: KeyRing::new(key),
            clock,
            ids: Arc::new(RandomIds),
            access: Access::Write,
            max_bytes: None,
        };
        // On a thread of its own: the compiler cannot see that what opens a database may change threads.
        let runtime = Handle::current();
        match tokio::task::spawn_blocking(move || runtime.block_on(Store::open(parts))).await {
            Ok(opened) => Ok(opened?),
            Err(ended) => match ended.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime is going down and takes this task with it.
                Err(_) => std::future::pending().await,
            },
        }
    }

    /// Keeps what is there if it is of `job`; of another it is removed. Nothing of the folder may be open.
    pub(crate) fn keep_for(&self, job: &str) -> Result<(), FolderError> {
        let unusable = |source| FolderError::Unusable { path: self.path.clone(), source };
        let place = self.path.join(JOB);
        if fs::read_to_string(&place).is_ok_and(|found| found == job) {
            return Ok(());
        }
        self.empty()?;
        fs::write(place, job).map_err(unusable)
    }

    /// Removes what was kept; the key stays. Nothing of it may be open.
    pub(crate) fn empty(&self) -> Result<(), FolderError> {
        remove_state(&self.path).map_err(|source| FolderError::Unusable { path: self.path.clone(), source })
    }

    /// How large the state is, in bytes.
    pub(crate) fn state_bytes(&self) -> u64 {
        fs::metadata(self.path.join(STATE)).map_or(0, |found| found.len())
    }

    /// Takes it away. What is left of it is found by the next command, which begins anew.
    pub(crate) fn remove(self) {
        if let Err(error) = take_away(&self.path) {
            tracing::warn!(folder = %self.path.display(), %error, "what a job left cannot be removed");
        }
    }
}

fn make(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

/// Removes the files of a job: the key after what it opens, the lock after all else. What a crash leaves of them is
/// still known as a job's, and whoever takes the folder next finds nothing in it that is going to be removed.
fn take_away(path: &Path) -> io::Result<()> {
    remove_state(path)?;
    for last in LAST {
        match fs::remove_file(path.join(last)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed?,
        }
    }
    match fs::remove_dir(path) {
        // Somebody has begun the next job in it.
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
        removed => removed,
    }
}

/// All but the key and the lock.
fn remove_state(path: &Path) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if !LAST.iter().any(|last| entry.file_name().to_str() == Some(*last)) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// A folder of somebody else, or that others may read, that leads elsewhere or that is there for something else is not
/// ours to put a key into, nor to take away: in a folder for temporary files everybody may have made it before.
fn check(path: &Path) -> Result<(), FolderError> {
    let unusable = |source| FolderError::Unusable { path: path.to_owned(), source };
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found.map_err(unusable)?,
    };
    #[cfg(unix)]
    let is_private = is_private(&found, rustix::process::geteuid().as_raw());
    #[cfg(not(unix))]
    let is_private = true;
    let is_ours = found.is_dir()
        && is_private
        && match is_of_job(path) {
            // The one that held it has just taken the folder away.
            Err(error) if error.kind() == io::ErrorKind::NotFound => true,
            found => found.map_err(unusable)?,
        };
    if is_ours { Ok(()) } else { Err(FolderError::Foreign { path: path.to_owned() }) }
}

/// Whether it is `user`'s and nobody else's.
#[cfg(unix)]
fn is_private(found: &fs::Metadata, user: u32) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let for_others = found.mode() & 0o077;
    found.uid() == user && for_others == 0
}

/// Whether a folder has its lock, or nothing in it yet.
fn is_of_job(path: &Path) -> io::Result<bool> {
    let mut is_empty = true;
    for entry in fs::read_dir(path)? {
        if entry?.file_name().to_str() == Some(LOCK) {
            return Ok(true);
        }
        is_empty = false;
    }
    Ok(is_empty)
}

fn open(place: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(place)
}

/// Why a job has no place to keep what it needs.
#[derive(Debug, Error)]
pub enum FolderError {
    /// The file has no name.
    #[error("`{}` names no file; correct `file`", path.display())]
    NoFile {
        /// As given.
        path: PathBuf,
    },
    /// Another process has it.
    #[error("another process is working on this file (`{}`); wait for it, or name another `file`", path.display())]
    Busy {
        /// The folder.
        path: PathBuf,
    },
    /// It is no folder of its owner alone, or holds something else.
    #[error(
        "`{}` would hold what the job needs until it is done, and is no folder that is its user's alone, or has \
         other things in it; name another `file`, or move it away",
        path.display()
    )]
    Foreign {
        /// The folder.
        path: PathBuf,
    },
    /// The disk or the rights do not allow it.
    #[error("`{}` cannot be used: {source}; correct `file`, or the rights of its folder", path.display())]
    Unusable {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The key in it.
    #[error("the key in `{}` cannot be used: {source}; remove the folder to begin anew", path.display())]
    Key {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: KeyError,
    },
    /// The state in it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl FolderError {
    /// The status with which the process ends.
    pub(crate) fn exit(&self) -> Exit {
        Exit::of(match self {
            Self::NoFile { .. } => Code::InvalidArgument,
            Self::Busy { .. } => Code::Unavailable,
            Self::Foreign { .. } => Code::FailedPrecondition,
            Self::Unusable { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Code::PermissionDenied
            }
            Self::Unusable { .. } | Self::Key { .. } | Self::Store(_) => Code::Internal,
        })
    }
}

#[cfg(test)]
mod tests {
    use model::SystemClock;

    use super::*;

    const SHORT: Duration = Duration::from_millis(300);

    // rule: issue 6, "Decided here": checkpoints lie beside the output file
    #[tokio::test]
    async fn one_process_at_a_time_has_the_folder_and_the_last_one_takes_it_away() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sync.c1z");
        let take = || JobFolder::take(&file, ("sync", SHORT), &SystemClock);
        let first = take().await.unwrap();

        let second = take().await;

        assert!(matches!(second, Err(FolderError::Busy { .. })), "{second:?}");
        first.remove();
        assert!(!folder.path().join("sync.c1z.sync").exists());
        let third = take().await.unwrap();
        drop(third);
        // One that was killed lets go, and what it kept stays.
        assert!(folder.path().join("sync.c1z.sync/lock").exists());
        take().await.unwrap().remove();
    }

    // rule: architecture law 8
    #[cfg(unix)]
    #[tokio::test]
    async fn key_and_state_are_for_the_owner_alone_and_a_folder_of_others_is_refused() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sync.c1z");
        let taken = JobFolder::take(&file, ("sync", SHORT), &SystemClock).await.unwrap();
        taken.open(Arc::new(SystemClock)).await.unwrap().close().await;

        let mode = |name: &str| fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode("sync.c1z.sync"), 0o700);
        for name in ["key", "state.db", "lock"] {
            assert_eq!(mode(&format!("sync.c1z.sync/{name}")), 0o600, "{name}");
        }

        let own = fs::metadata(folder.path().join("sync.c1z.sync")).unwrap();
        let user = rustix::process::geteuid().as_raw();
        assert!(is_private(&own, user) && !is_private(&own, user + 1), "the owner does not count");

        fs::create_dir(folder.path().join("open.sync")).unwrap();
        symlink(folder.path(), folder.path().join("link.sync")).unwrap();
        for name in ["open", "link"] {
            let refused = JobFolder::take(&folder.path().join(name), ("sync", SHORT), &SystemClock).await;
            assert!(matches!(refused, Err(FolderError::Foreign { .. })), "{name}: {refused:?}");
        }
    }
    // rule: issue 6, "Decided here": what somebody else put beside the file is not removed
    #[cfg(unix)]
    #[tokio::test]
    async fn folder_with_things_of_others_is_refused_and_nothing_in_it_is_touched() {
        let folder = tempfile::tempdir().unwrap();
        let (file, path) = (folder.path().join("sync.c1z"), folder.path().join("sync.c1z.sync"));
        make(&path).unwrap();
        fs::write(path.join("notes.txt"), "mine").unwrap();

        let refused = JobFolder::take(&file, ("sync", SHORT), &SystemClock).await;

        assert!(matches!(refused, Err(FolderError::Foreign { .. })), "{refused:?}");
        let left: Vec<_> = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, [std::ffi::OsString::from("notes.txt")]);
        // An empty one is what is left of a process that was killed before it began.
        fs::remove_file(path.join("notes.txt")).unwrap();
        JobFolder::take(&file, ("sync", SHORT), &SystemClock).await.unwrap().remove();
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn what_a_crash_leaves_of_a_folder_is_taken_up_and_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        let (file, path) = (folder.path().join("sync.c1z"), folder.path().join("sync.c1z.sync"));
        let taken = JobFolder::take(&file, ("sync", SHORT), &SystemClock).await.unwrap();
        taken.open(Arc::new(SystemClock)).await.unwrap().close().await;
        drop(taken);
        // The state is removed before its key, and both before the lock.
        fs::remove_file(path.join("state.db")).unwrap();

        let again = JobFolder::take(&file, ("sync", SHORT), &SystemClock).await.unwrap();
        again.open(Arc::new(SystemClock)).await.unwrap().close().await;
        again.remove();

        assert!(!path.exists());
    }
}
