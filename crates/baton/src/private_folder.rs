//! Folders for what must not outlive its process: rows about people on their way, and programs of somebody else.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use tempfile::TempDir;

/// How often another one is made, if somebody took the first for one that was left.
const ATTEMPTS: u32 = 10;

/// A folder of its owner alone, which goes with this. Whoever has one holds the lock on it, and lets go of that by being
/// killed: so what was left is told from what somebody works in.
#[derive(Debug)]
pub(crate) struct PrivateFolder {
    // It goes before the lock on it does.
    folder: TempDir,
    /// Nothing where folders have no locks: nobody finds what is left there.
    _lock: Option<File>,
}

impl PrivateFolder {
    /// A new one below `parent`, whose name begins with `prefix`.
    pub(crate) fn make(parent: &Path, prefix: &str) -> io::Result<Self> {
        // As it is looked for when it is left: whoever ends what runs in it knows it by its name.
        let parent = std::path::absolute(parent)?;
        for _ in 0..ATTEMPTS {
            let mut named = tempfile::Builder::new();
            named.prefix(prefix);
            #[cfg(unix)]
            named.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
            let folder = named.tempdir_in(&parent)?;
            match lock(folder.path())? {
                Locked::Held(held) => return Ok(Self { folder, _lock: Some(held) }),
                Locked::Taken => {}
                Locked::Never => return Ok(Self { folder, _lock: None }),
            }
        }
        Err(io::Error::new(io::ErrorKind::WouldBlock, "a private folder cannot be locked"))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Removes what killed processes left of such folders below `parent`; before each goes, it is handed to `end`. What
    /// cannot be removed is told and stays.
    pub(crate) fn remove_left(parent: &Path, prefix: &str, mut end: impl FnMut(&Path)) {
        // Absolute, as those are that are made.
        let Ok(entries) = std::path::absolute(parent).and_then(fs::read_dir) else { return };
        for entry in entries.flatten() {
            if !entry.file_name().to_str().is_some_and(|name| name.starts_with(prefix)) {
                continue;
            }
            let path = entry.path();
            match remove_if_left(&path, &mut end) {
                Ok(()) => {}
                // Whoever had it, or looked for it too, was faster.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    tracing::warn!(folder = %path.display(), %error, "what a killed process left cannot be removed");
                }
            }
        }
    }
}

#[cfg(unix)]
fn remove_if_left(path: &Path, end: &mut impl FnMut(&Path)) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;

    let found = fs::symlink_metadata(path)?;
    // In a folder for temporary files everybody may have made it.
    if !found.is_dir() || found.uid() != rustix::process::geteuid().as_raw() {
        return Ok(());
    }
    // Without locks nobody knows whose it is.
    let Locked::Held(_lock) = lock(path)? else { return Ok(()) };
    end(path);
    fs::remove_dir_all(path)
}

#[cfg(not(unix))]
fn remove_if_left(_path: &Path, _end: &mut impl FnMut(&Path)) -> io::Result<()> {
    Ok(())
}

/// What came of taking a lock.
#[derive(Debug)]
enum Locked {
    Held(File),
    /// Somebody has it, or took the folder away.
    Taken,
    /// Folders have no locks here.
    Never,
}

/// Takes the lock on a folder.
///
/// # Errors
/// If the folder cannot be opened. Used without its lock, it would pass for one that was left.
#[cfg(unix)]
fn lock(path: &Path) -> io::Result<Locked> {
    let folder = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Locked::Taken),
        opened => opened?,
    };
    Ok(match folder.try_lock() {
        Ok(()) if is_still(&folder, path) => Locked::Held(folder),
        Ok(()) | Err(fs::TryLockError::WouldBlock) => Locked::Taken,
        Err(fs::TryLockError::Error(_)) => Locked::Never,
    })
}

#[cfg(not(unix))]
fn lock(_path: &Path) -> io::Result<Locked> {
    Ok(Locked::Never)
}

/// Whether what was locked is what stands there: between opening and locking, the one that held it may have taken it
/// away.
#[cfg(unix)]
pub(crate) fn is_still(lock: &File, place: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let (Ok(own), Ok(there)) = (lock.metadata(), fs::metadata(place)) else { return false };
    (own.dev(), own.ino()) == (there.dev(), there.ino())
}

#[cfg(not(unix))]
pub(crate) fn is_still(_lock: &File, place: &Path) -> bool {
    place.exists()
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    const PREFIX: &str = "baton-test-";

    // rule: architecture law 8
    #[test]
    fn what_a_killed_process_left_is_removed_and_nothing_else_is() {
        let parent = tempfile::tempdir().unwrap();
        let path = |name: &str| parent.path().join(name);
        let held = PrivateFolder::make(parent.path(), PREFIX).unwrap();
        fs::write(held.path().join("names"), "Ana").unwrap();
        // Killed, a process lets go of its lock and removes nothing.
        for name in ["baton-test-left", "baton-other"] {
            fs::create_dir(path(name)).unwrap();
            fs::write(path(name).join("names"), "Ana").unwrap();
        }
        fs::write(path("baton-test-file"), "").unwrap();
        symlink(path("baton-other"), path("baton-test-link")).unwrap();
        let mut ended = Vec::new();

        PrivateFolder::remove_left(parent.path(), PREFIX, |left| ended.push(left.join("names").exists()));

        assert_eq!(ended, [true]);
        assert!(!path("baton-test-left").exists());
        assert!(held.path().join("names").exists());
        for name in ["baton-other/names", "baton-test-file", "baton-test-link"] {
            assert!(path(name).exists(), "{name}");
        }
    }

    // What runs in a folder that was left is known by the folder's name.
    #[test]
    fn a_folder_has_the_same_name_when_it_is_left_however_its_parent_is_written() {
        let parent = tempfile::tempdir().unwrap();
        let written = parent.path().join(".");
        let made = PrivateFolder::make(&written, PREFIX).unwrap();
        let path = made.path().to_owned();
        // As of a process that was killed.
        let PrivateFolder { folder, _lock: lock } = made;
        let _ = folder.keep();
        drop(lock);
        let mut ended = Vec::new();

        PrivateFolder::remove_left(&written, PREFIX, |left| ended.push(left.to_owned()));

        assert_eq!(ended, [path]);
    }

    // rule: architecture law 8
    #[test]
    fn a_folder_is_its_owners_alone_and_goes_with_who_has_it() {
        let parent = tempfile::tempdir().unwrap();

        let made = PrivateFolder::make(parent.path(), PREFIX).unwrap();

        assert_eq!(fs::metadata(made.path()).unwrap().permissions().mode() & 0o777, 0o700);
        assert!(matches!(lock(made.path()).unwrap(), Locked::Taken), "it is held");
        drop(made);
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }
}
