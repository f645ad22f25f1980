use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::WriteError;
use crate::container::V1_MAGIC;
use crate::frame::Frame;

/// Where a file goes, and the draft beside it.
pub(super) struct Target {
    path: PathBuf,
    draft: NamedTempFile,
}

impl Target {
    /// A draft in the target's folder: only there can it take the target's place in one step.
    pub(super) fn create(path: &Path) -> Result<Self, WriteError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let draft = tempfile::Builder::new()
            .prefix(&format!(".{name}."))
            .suffix(".tmp")
            .tempfile_in(folder(path))
            .map_err(|source| WriteError::Target { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), draft })
    }

    /// Puts the frame into the draft and gives it the target's name (baton F-3, F-5); says its length.
    pub(super) fn put(self, frame: Frame) -> Result<u64, WriteError> {
        let path = self.path.clone();
        self.write(frame).map_err(|source| WriteError::Target { path, source })
    }

    fn write(mut self, frame: Frame) -> io::Result<u64> {
        let draft = self.draft.as_file_mut();
        draft.write_all(&V1_MAGIC)?;
        frame.write(draft)?;
        let file = self.draft.as_file();
        public(file)?;
        file.sync_all()?;
        let bytes = file.metadata()?.len();
        self.draft.persist(&self.path).map_err(|error| error.error)?;
        // The name is a change of the folder, which has to last too.
        sync_folder(folder(&self.path))?;
        Ok(bytes)
    }
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Other programs of the machine read the finished file (baton F-5).
#[cfg(unix)]
fn public(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn public(_file: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
