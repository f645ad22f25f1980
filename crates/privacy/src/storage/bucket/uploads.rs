use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::package::create_folder;
use crate::package::draft::private;

/// Notes about uploads that were begun, in the data folder.
///
/// Parts of an upload lie invisible in the bucket until it is completed. If the program is killed
/// before, the note says which upload is to be taken back. A note is locked by the program that
/// writes the upload.
#[derive(Debug)]
pub(super) struct Uploads {
    folder: PathBuf,
}

/// What a note says. No personal data, and no secret: an upload's id opens nothing by itself.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NotedUpload {
    pub(super) storage: String,
    pub(super) bucket: String,
    pub(super) object: String,
    pub(super) upload: String,
}

/// A note, locked as long as this lives. It stays on disk until it is removed.
#[derive(Debug)]
pub(super) struct Note {
    path: PathBuf,
    #[expect(dead_code, reason = "holds the lock")]
    file: File,
}

impl Note {
    /// The upload came to an end.
    pub(super) fn remove(self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(error = %error.kind(), "the note about an upload that has ended stays");
        }
    }
}

impl Uploads {
    pub(super) fn open(data: &Path) -> io::Result<Self> {
        let folder = data.join("uploads");
        create_folder(&folder)?;
        Ok(Self { folder })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn note(&self, upload: &NotedUpload) -> io::Result<Note> {
        let path = self.folder.join(format!("{}.json", Uuid::now_v7()));
        let mut options = File::options();
        options.write(true).create_new(true);
        private(&mut options);
        let mut file = options.open(&path)?;
        file.lock()?;
        file.write_all(&serde_json::to_vec(upload)?)?;
        file.sync_all()?;
        Ok(Note { path, file })
    }

    /// The notes whose programs are gone, locked.
    pub(super) fn left(&self) -> io::Result<Vec<(Note, NotedUpload)>> {
        let mut left = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let mut file = match File::open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => continue,
                Err(TryLockError::Error(error)) => return Err(error),
            }
            let mut text = String::new();
            file.read_to_string(&mut text)?;
            // An empty note was not locked yet by its program; no part has been sent.
            if let Ok(noted) = serde_json::from_str(&text) {
                left.push((Note { path, file }, noted));
            }
        }
        Ok(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upload() -> NotedUpload {
        NotedUpload { storage: "s".into(), bucket: "b".into(), object: "o".into(), upload: "id".into() }
    }

    #[test]
    fn a_note_counts_as_left_only_when_its_program_is_gone() {
        let data = tempfile::tempdir().unwrap();
        let uploads = Uploads::open(data.path()).unwrap();
        let note = uploads.note(&upload()).unwrap();
        assert!(uploads.left().unwrap().is_empty());

        drop(note);

        let mut left = uploads.left().unwrap();
        let (note, noted) = left.pop().unwrap();
        assert_eq!(noted, upload());
        note.remove();
        assert!(uploads.left().unwrap().is_empty());
    }
}
