//! Files under another name until they are whole, and the notes that find those left behind.

use std::fs::{self, File, TryLockError};
use std::io::{self, BufWriter, Seek as _, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tempfile::NamedTempFile;
use uuid::Uuid;

use super::{Failed, PackageError};

/// Every draft is called `.NAME-XXXXXX.draft`.
const SUFFIX: &str = ".draft";

/// Packages can be large, and a call of the system for every few kilobytes adds up.
const BUFFER_BYTES: usize = 256 * 1024;

/// Attempts to make a draft that nobody clears away before it is locked.
const ATTEMPTS: usize = 8;

/// The notes about drafts of packages, in the data folder.
///
/// A draft holds personal data and lies beside the file it becomes. If the program is killed in
/// between nobody removes it, so a note in the data folder says where it is. A draft is locked by
/// its writer; one that is not locked has lost it, and [`Drafts::clear`] removes it.
#[derive(Debug, Clone)]
pub struct Drafts {
    folder: PathBuf,
    idle: Arc<IdleNotes>,
}

/// Notes that note nothing at present. They are written anew under another name: making and removing a
/// file for each package costs a file system more than the package. They go with the last [`Drafts`].
#[derive(Debug, Default)]
struct IdleNotes(Mutex<Vec<(PathBuf, File)>>);

/// As many as packages are written at the same time.
const IDLE_NOTES: usize = 16;

impl IdleNotes {
    fn notes(&self) -> MutexGuard<'_, Vec<(PathBuf, File)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for IdleNotes {
    fn drop(&mut self) {
        for (path, _) in self.notes().drain(..) {
            // An empty one is removed at the next start.
            let _ = remove(&path);
        }
    }
}

impl Drafts {
    /// The notes in the data folder `data`; their folder is made if needed.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn open(data: &Path) -> io::Result<Self> {
        let folder = data.join("drafts");
        super::create_folder(&folder)?;
        Ok(Self { folder, idle: Arc::default() })
    }

    /// Removes the drafts whose writers are gone, and gives back where they lay. To be called when
    /// the program starts.
    ///
    /// # Errors
    /// A note or a draft cannot be read or removed; the rest has been cleared.
    pub fn clear(&self) -> io::Result<Vec<PathBuf>> {
        let mut cleared = Vec::new();
        let mut failed = Ok(());
        for entry in fs::read_dir(&self.folder)? {
            let note = entry?.path();
            match clear_one(&note) {
                Ok(Some(draft)) => cleared.push(draft),
                Ok(None) => {}
                Err(error) => failed = Err(error),
            }
        }
        failed.map(|()| cleared)
    }

    /// Removes drafts of `path` whose writers are gone. Notes are few; what lies in a folder of packages may
    /// be many.
    fn clear_of(&self, path: &Path) -> io::Result<()> {
        let prefix = note_prefix(path)?;
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let is_of_path = entry.file_name().to_str().is_some_and(|name| name.starts_with(&prefix));
            // One that is still empty is being written this moment.
            if is_of_path && entry.metadata().is_ok_and(|found| found.len() > 0) {
                clear_one(&entry.path())?;
            }
        }
        Ok(())
    }

    /// Notes `draft`, which becomes `path`; the note goes with the value.
    fn note(&self, draft: &Path, path: &Path) -> io::Result<Option<Note>> {
        let Some(text) = std::path::absolute(draft)?.to_str().map(str::to_owned) else {
            return Ok(None);
        };
        let path = self.folder.join(format!("{}{}", note_prefix(path)?, Uuid::now_v7()));
        let mut file = self.empty_note(&path)?;
        file.rewind()?;
        file.write_all(text.as_bytes())?;
        Ok(Some(Note { path, file: Some(file), idle: Arc::clone(&self.idle) }))
    }

    /// An empty note of this name.
    fn empty_note(&self, path: &Path) -> io::Result<File> {
        let idle = self.idle.notes().pop();
        // Another process may have cleared it away.
        if let Some((old, file)) = idle
            && fs::rename(old, path).is_ok()
        {
            return Ok(file);
        }
        let mut options = File::options();
        options.write(true).create_new(true);
        private(&mut options);
        options.open(path)
    }
}

/// How the names of all notes begin about drafts of `path`.
fn note_prefix(path: &Path) -> io::Result<String> {
    let hash = crypto::sha256(std::path::absolute(path)?.as_os_str().as_encoded_bytes());
    let short = hash.first_chunk::<8>().expect("a SHA-256 has more than 8 bytes");
    Ok(format!("{}-", crypto::hex(short)))
}

/// Removes what a note names, unless somebody is writing it, and the note.
fn clear_one(note: &Path) -> io::Result<Option<PathBuf>> {
    let text = match fs::read_to_string(note) {
        Ok(text) => text,
        // Its writer finished meanwhile.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let draft = PathBuf::from(&text);
    if !is_draft(&draft) {
        // A note that was not written to its end names nothing; its draft is still empty.
        remove(note)?;
        return Ok(None);
    }
    match clear_draft(&draft)? {
        Cleared::InUse => Ok(None),
        Cleared::Absent => remove(note).map(|_| None),
        Cleared::Removed => remove(note).map(|_| Some(draft)),
    }
}

/// A note about a draft that is being written.
#[derive(Debug)]
struct Note {
    path: PathBuf,
    /// Nothing while this is dropped.
    file: Option<File>,
    idle: Arc<IdleNotes>,
}

impl Drop for Note {
    fn drop(&mut self) {
        let emptied = self.file.take().filter(|file| file.set_len(0).is_ok());
        let mut notes = self.idle.notes();
        if let Some(file) = emptied
            && notes.len() < IDLE_NOTES
        {
            notes.push((std::mem::take(&mut self.path), file));
        } else {
            // What stays is found when the program starts again.
            let _ = remove(&self.path);
        }
    }
}

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
            let file = tempfile::Builder::new().prefix(&prefix).suffix(SUFFIX).tempfile_in(folder)?;
            // Empty so far: whoever clears drafts may take it for one left behind, before it is locked.
            if file.as_file().try_lock().is_ok() && file.path().exists() {
                let note = drafts.map(|drafts| drafts.note(file.path(), &path)).transpose()?.flatten();
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
