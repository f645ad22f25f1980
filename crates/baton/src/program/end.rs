use std::path::{Path, PathBuf};

use crate::private_folder::PrivateFolder;

/// The file that a program left, not yet looked into. It goes with this.
#[derive(Debug)]
pub struct SyncedFile {
    path: PathBuf,
    folder: PrivateFolder,
}

impl SyncedFile {
    pub(super) fn new(path: PathBuf, folder: PrivateFolder) -> Self {
        Self { path, folder }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The private folder around it, where it may be unpacked.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}
