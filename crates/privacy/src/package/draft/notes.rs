use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use super::{ATTEMPTS, Cleared, clear_draft, is_draft, private, remove};

/// The notes about drafts of packages, in the data folder.
///
/// A draft holds personal data and lies beside the file it becomes. If the program is killed in
/// between nobody removes it, so a note in the data folder says where it is, from before it is there
/// until it is gone. A note is locked by its writer; one that is not locked has lost it, and
/// [`Drafts::clear`] removes it with its draft.
#[derive(Debug, Clone)]
pub struct Drafts {
    pub(super) folder: PathBuf,
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
        crate::package::create_folder(&folder)?;
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
    pub(super) fn clear_of(&self, path: &Path) -> io::Result<()> {
        let prefix = note_prefix(path)?;
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if entry.file_name().to_str().is_some_and(|name| name.starts_with(&prefix)) {
                clear_one(&entry.path())?;
            }
        }
        Ok(())
    }

    /// Notes `draft`, which will become `path`; the note goes with the value.
    pub(super) fn note(&self, draft: &Path, path: &Path) -> io::Result<Option<Note>> {
        let Some(text) = std::path::absolute(draft)?.to_str().map(str::to_owned) else {
            return Ok(None);
        };
        let (old, mut file) = self.empty_note()?;
        file.rewind()?;
        file.write_all(text.as_bytes())?;
        let path = self.folder.join(format!("{}{}", note_prefix(path)?, Uuid::now_v7()));
        fs::rename(old, &path)?;
        Ok(Some(Note { path, file: Some(file), idle: Arc::clone(&self.idle) }))
    }

    /// An empty note that is locked, so that nobody takes it for one left behind.
    pub(super) fn empty_note(&self) -> io::Result<(PathBuf, File)> {
        let idle = self.idle.notes().pop();
        // A person may have cleared the folder.
        if let Some(idle) = idle.filter(|(path, _)| path.exists()) {
            return Ok(idle);
        }
        let mut options = File::options();
        options.write(true).create_new(true);
        private(&mut options);
        for _ in 0..ATTEMPTS {
            let path = self.folder.join(format!("new-{}", Uuid::now_v7()));
            let file = options.open(&path)?;
            // Whoever clears notes may have come before the lock.
            if file.try_lock().is_ok() && path.exists() {
                return Ok((path, file));
            }
        }
        Err(io::Error::new(io::ErrorKind::WouldBlock, "a note cannot be locked"))
    }
}

/// How the names of all notes begin about drafts of `path`.
fn note_prefix(path: &Path) -> io::Result<String> {
    let hash = crypto::sha256(std::path::absolute(path)?.as_os_str().as_encoded_bytes());
    let short = hash.first_chunk::<8>().expect("a SHA-256 has more than 8 bytes");
    Ok(format!("{}-", crypto::hex(short)))
}

/// Removes what a note names, and the note, unless somebody is at it.
fn clear_one(note: &Path) -> io::Result<Option<PathBuf>> {
    let mut file = match File::open(note) {
        Ok(file) => file,
        // Its writer finished meanwhile.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    let draft = PathBuf::from(&text);
    if !is_draft(&draft) {
        // One that was not written to its end, or not yet: its draft was not begun.
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
pub(super) struct Note {
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

#[cfg(test)]
impl Note {
    /// As when its writer is killed.
    pub(super) fn lose_lock(&mut self) {
        self.file = None;
    }
}
