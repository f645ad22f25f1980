use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crypto::{KeyError, KeyRing, KeySource};
use model::{Clock, RandomIds};
use store::{Access, Store, StoreError, StoreParts, StorePlace};
use thiserror::Error;

/// Time between two looks at a folder that another process holds.
const LOOK: Duration = Duration::from_millis(200);

/// What a job keeps until it is done: a state, and the key that opens it, in a folder beside the file.
///
/// One process works in it at a time; one that is killed lets go of it at once. Whoever reads the folder can
/// open what is in it, so nobody but its owner may, and it is gone when the job is done.
#[derive(Debug)]
pub(super) struct JobFolder {
    path: PathBuf,
    /// Holds the lock; that of a folder that was taken away counts for nothing.
    _lock: File,
}

impl JobFolder {
    /// Takes the folder beside `file` whose name ends with `ending`, and makes it if it is not there. Waits for
    /// another process that works in it, not longer than `wait`.
    pub(super) async fn take(
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
        let place = path.join("lock");
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
    pub(super) async fn open(&self, clock: Arc<dyn Clock>) -> Result<Store, FolderError> {
        let key = KeySource::Own(self.path.join("key"))
            .load()
            .map_err(|source| FolderError::Key { path: self.path.clone(), source })?;
        Ok(Store::open(StoreParts {
            place: StorePlace::File(self.path.join("state.db")),
            keys: KeyRing::new(key),
            clock,
            ids: Arc::new(RandomIds),
            access: Access::Write,
            max_bytes: None,
        })
        .await?)
    }

    /// Takes it away. What is left of it is found by the next command, which begins anew.
    pub(super) fn remove(self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
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

/// A folder that others may read or that leads elsewhere is not ours to put a key into.
fn check(path: &Path) -> Result<(), FolderError> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found.map_err(|source| FolderError::Unusable { path: path.to_owned(), source })?,
    };
    #[cfg(unix)]
    let is_open = std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o077 != 0;
    #[cfg(not(unix))]
    let is_open = false;
    if found.is_dir() && !is_open { Ok(()) } else { Err(FolderError::Foreign { path: path.to_owned() }) }
}

fn open(place: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(place)
}

/// Whether the file that was locked is the one that stands there: between opening and locking, the one that
/// held it may have taken it away.
#[cfg(unix)]
fn is_still(lock: &File, place: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let (Ok(own), Ok(there)) = (lock.metadata(), fs::metadata(place)) else { return false };
    (own.dev(), own.ino()) == (there.dev(), there.ino())
}

#[cfg(not(unix))]
fn is_still(_lock: &File, place: &Path) -> bool {
    place.exists()
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
    /// It is no folder of its owner alone.
    #[error(
        "`{}` would hold what a sync needs until it is done, and is no folder that only its owner can read; remove \
         it, or name another `file`",
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

        fs::create_dir(folder.path().join("open.sync")).unwrap();
        symlink(folder.path(), folder.path().join("link.sync")).unwrap();
        for name in ["open", "link"] {
            let refused = JobFolder::take(&folder.path().join(name), ("sync", SHORT), &SystemClock).await;
            assert!(matches!(refused, Err(FolderError::Foreign { .. })), "{name}: {refused:?}");
        }
    }
}
