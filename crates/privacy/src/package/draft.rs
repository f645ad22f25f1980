//! Files under another name until they are whole, and the notes that find those left behind.

mod notes;

use std::fs::{self, File, TryLockError};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

pub use notes::Drafts;
use notes::Note;
use tempfile::NamedTempFile;
use uuid::Uuid;

use super::{Failed, PackageError};

/// Every draft is called `.NAME-RANDOM.draft`.
const SUFFIX: &str = ".draft";

/// Packages can be large, and a call of the system for every few kilobytes adds up.
const BUFFER_BYTES: usize = 256 * 1024;

/// Attempts to make a draft that nobody clears away before it is locked.
const ATTEMPTS: usize = 8;

enum Cleared {
    InUse,
    Absent,
    Removed,
}

/// Removes one draft unless somebody is writing it.
fn clear_draft(draft: &Path) -> io::Result<Cleared> {
    let file = match File::open(draft) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Cleared::Absent),
        Err(error) => return Err(error),
    };
    match file.try_lock() {
        Ok(()) => Ok(if remove(draft)? { Cleared::Removed } else { Cleared::Absent }),
        Err(TryLockError::WouldBlock) => Ok(Cleared::InUse),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Removes drafts in `folder` whose names begin so and whose writers are gone.
fn clear_in(folder: &Path, prefix: &str) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = std::path::absolute(entry?.path())?;
        let is_ours =
            path.file_name().and_then(|own| own.to_str()).is_some_and(|own| own.starts_with(prefix));
        if is_ours && is_draft(&path) {
            clear_draft(&path)?;
        }
    }
    Ok(())
}

/// Whether the name is one that only drafts have: nothing else is ever removed.
fn is_draft(path: &Path) -> bool {
    path.is_absolute()
        && path.file_name().and_then(|name| name.to_str()).is_some_and(|name| {
            name.starts_with('.') && name.strip_suffix(SUFFIX).is_some_and(|name| name.contains('-'))
        })
}

fn remove(path: &Path) -> io::Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

pub(crate) fn private(options: &mut fs::OpenOptions) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    #[cfg(not(unix))]
    let _ = options;
}

/// A file under another name, gone unless finished.
#[derive(Debug)]
pub(crate) struct Draft {
    file: NamedTempFile,
    path: PathBuf,
    note: Option<Note>,
}

impl Draft {
    /// A draft of `folder`/`name`. Drafts of the same file that somebody left behind are removed.
    ///
    /// `NamedTempFile` makes files of mode 0600.
    pub(crate) fn new(folder: &Path, name: &str, drafts: Option<&Drafts>) -> Result<Self, PackageError> {
        let path = folder.join(name);
        Self::make(folder, name, drafts)
            .map(|(file, note)| Self { file, note, path: path.clone() })
            .map_err(|source| PackageError::Write { path, source })
    }

    fn make(folder: &Path, name: &str, drafts: Option<&Drafts>) -> io::Result<(NamedTempFile, Option<Note>)> {
        let prefix = format!(".{name}-");
        let path = folder.join(name);
        match drafts {
            // A path that no note can name is only found where it is.
            Some(drafts) if path.to_str().is_some() => drafts.clear_of(&path)?,
            Some(_) | None => clear_in(folder, &prefix)?,
        }
        for _ in 0..ATTEMPTS {
            let own = format!("{prefix}{}{SUFFIX}", Uuid::now_v7().simple());
            // Noted before it is there: there is no moment at which nobody would find it.
            let note = drafts.map(|drafts| drafts.note(&folder.join(&own), &path)).transpose()?.flatten();
            let file = tempfile::Builder::new().prefix(&own).rand_bytes(0).tempfile_in(folder)?;
            // Empty so far: whoever clears the folder may take it for one left behind, before it is locked.
            if file.as_file().try_lock().is_ok() && file.path().exists() {
                return Ok((file, note));
            }
        }
        Err(io::Error::new(io::ErrorKind::WouldBlock, "a draft cannot be locked"))
    }

    pub(crate) fn fill<T>(
        &self,
        write: impl FnOnce(&mut dyn Write) -> Result<T, Failed>,
    ) -> Result<T, PackageError> {
        let mut buffered = BufWriter::with_capacity(BUFFER_BYTES, self.file.as_file());
        let written = write(&mut buffered).and_then(|written| {
            buffered.flush().map_err(Failed::Write)?;
            self.file.as_file().sync_all().map_err(Failed::Write)?;
            Ok(written)
        });
        written.map_err(|failed| failed.in_file(&self.path))
    }

    /// The same for something that writes a whole package.
    pub(crate) fn fill_package<T>(
        &self,
        write: impl FnOnce(&mut dyn Write) -> Result<T, PackageError>,
    ) -> Result<T, PackageError> {
        self.fill(|out| {
            write(out).map_err(|error| match error {
                PackageError::Write { source, .. } | PackageError::Stream(source) => Failed::Write(source),
                PackageError::Lock(error) => Failed::Write(io::Error::other(error)),
                PackageError::Rows(error) => Failed::Rows(error),
                PackageError::Page(error) => Failed::Page(error),
            })
        })
    }

    pub(crate) fn finish(self) -> Result<PathBuf, PackageError> {
        let Self { file, path, note } = self;
        let finished = match file.persist(&path) {
            Ok(_) => Ok(path),
            Err(error) => Err(PackageError::Write { path, source: error.error }),
        };
        drop(note);
        finished
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// Notes that note something.
    fn noted(drafts: &Drafts) -> usize {
        let entries = fs::read_dir(&drafts.folder).unwrap();
        entries.filter(|entry| entry.as_ref().unwrap().metadata().unwrap().len() > 0).count()
    }

    /// A draft whose writer was killed: the file and its note are there, the lock is not.
    fn left_behind(out: &Path, drafts: &Drafts) -> PathBuf {
        let draft = Draft::new(out, "access.json", Some(drafts)).unwrap();
        draft.fill(|file| file.write_all(b"personal").map_err(Failed::Write)).unwrap();
        let Draft { file, note, .. } = draft;
        let mut note = note.unwrap();
        note.lose_lock();
        std::mem::forget(note);
        let (_, path) = file.keep().unwrap();
        path
    }

    #[test]
    fn a_finished_draft_leaves_its_file_and_nothing_else() {
        let (out, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let drafts = Drafts::open(data.path()).unwrap();

        let draft = Draft::new(out.path(), "a.json", Some(&drafts)).unwrap();
        assert_eq!(noted(&drafts), 1, "noted while it is written");
        draft.fill(|file| file.write_all(b"{}").map_err(Failed::Write)).unwrap();
        draft.finish().unwrap();

        assert_eq!(names(out.path()), ["a.json"]);
        assert_eq!(noted(&drafts), 0);
        let folder = drafts.folder.clone();
        drop(drafts);
        assert!(names(&folder).is_empty());
    }

    #[test]
    fn one_note_serves_many_drafts_and_is_not_missed_when_somebody_clears_it_away() {
        let (out, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let drafts = Drafts::open(data.path()).unwrap();

        for name in ["a.json", "a much longer name.json", "b.json"] {
            let draft = Draft::new(out.path(), name, Some(&drafts)).unwrap();
            let [note] = <[String; 1]>::try_from(names(&drafts.folder)).unwrap();
            let text = fs::read_to_string(drafts.folder.join(note)).unwrap();
            assert_eq!(Path::new(&text), draft.file.path(), "nothing of the last one behind it");
            draft.finish().unwrap();
        }
        Drafts::open(data.path()).unwrap().clear().unwrap();
        let draft = Draft::new(out.path(), "c.json", Some(&drafts)).unwrap();

        assert_eq!(noted(&drafts), 1);
        draft.finish().unwrap();
    }

    #[test]
    fn a_draft_left_behind_is_cleared_at_the_next_start() {
        let (out, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let drafts = Drafts::open(data.path()).unwrap();
        let draft = left_behind(out.path(), &drafts);

        let cleared = drafts.clear().unwrap();

        assert_eq!(cleared, [draft]);
        assert!(names(out.path()).is_empty());
        assert!(names(&drafts.folder).is_empty());
    }

    #[test]
    fn a_draft_that_is_being_written_is_not_cleared() {
        let (out, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let drafts = Drafts::open(data.path()).unwrap();
        let draft = Draft::new(out.path(), "access.json", Some(&drafts)).unwrap();

        assert!(drafts.clear().unwrap().is_empty());

        assert_eq!(names(&drafts.folder).len(), 1);
        draft.finish().unwrap();
        assert_eq!(names(out.path()), ["access.json"]);
    }

    #[test]
    fn the_next_package_in_a_folder_removes_what_the_last_one_left_there() {
        let (out, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        left_behind(out.path(), &Drafts::open(data.path()).unwrap());
        fs::write(out.path().join(".access.json-notes"), "mine").unwrap();

        Draft::new(out.path(), "access.json", None).unwrap().finish().unwrap();

        let mut names = names(out.path());
        names.sort();
        assert_eq!(names, [".access.json-notes", "access.json"], "and nothing that is no draft");
    }

    #[test]
    fn the_next_draft_of_a_file_finds_the_last_one_by_its_note_and_leaves_those_of_others() {
        let (out, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let drafts = Drafts::open(data.path()).unwrap();
        left_behind(out.path(), &drafts);

        Draft::new(out.path(), "report.json", Some(&drafts)).unwrap().finish().unwrap();
        assert_eq!(names(out.path()).len(), 2, "of another file");

        Draft::new(out.path(), "access.json", Some(&drafts)).unwrap().finish().unwrap();
        let mut names_left = names(out.path());
        names_left.sort();
        assert_eq!(names_left, ["access.json", "report.json"]);
        assert_eq!(noted(&drafts), 0);
    }

    /// Another process that starts looks through the notes while they are being written.
    #[test]
    fn a_note_is_never_cleared_away_before_it_is_written() {
        let (out, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let drafts = Drafts::open(data.path()).unwrap();
        let other = Drafts::open(data.path()).unwrap();

        let empty = drafts.empty_note().unwrap();
        assert!(other.clear().unwrap().is_empty());
        assert!(empty.0.exists());

        drop(empty);
        other.clear().unwrap();
        assert!(names(&drafts.folder).is_empty(), "one that nobody has is");
        let begun = drafts.note(&out.path().join(".a-1.draft"), &out.path().join("a")).unwrap();
        assert!(other.clear().unwrap().is_empty());
        assert_eq!(noted(&drafts), 1, "its draft is not there yet");
        drop(begun);
    }

    #[test]
    fn a_note_that_names_no_draft_removes_nothing() {
        let data = tempfile::tempdir().unwrap();
        let drafts = Drafts::open(data.path()).unwrap();
        let kept = data.path().join("kept.json");
        fs::write(&kept, "{}").unwrap();
        fs::write(drafts.folder.join("forged"), kept.to_str().unwrap()).unwrap();

        assert!(drafts.clear().unwrap().is_empty());

        assert!(kept.exists());
        assert!(names(&drafts.folder).is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn notes_and_drafts_are_for_their_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let (out, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let drafts = Drafts::open(data.path()).unwrap();
        let draft = Draft::new(out.path(), "a", Some(&drafts)).unwrap();

        let note = fs::read_dir(&drafts.folder).unwrap().next().unwrap().unwrap();
        for path in [note.path(), draft.file.path().to_owned()] {
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(fs::metadata(&drafts.folder).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
