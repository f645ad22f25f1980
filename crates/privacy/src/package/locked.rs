//! A package that only opens with a password.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

use crypto::Secret;
use thiserror::Error;
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{AesMode, CompressionMethod, ZipArchive, ZipWriter};

/// Why a package was not locked.
#[derive(Debug, Error)]
pub enum LockError {
    /// The package, or what is made of it, cannot be read or written.
    #[error("a package could not be read or written while it was locked")]
    File(#[from] io::Error),
    /// It is no archive.
    #[error("a package is no archive that can be read; make it again")]
    Archive(#[source] ZipError),
}

impl From<ZipError> for LockError {
    fn from(error: ZipError) -> Self {
        match error {
            ZipError::Io(error) => Self::File(error),
            error => Self::Archive(error),
        }
    }
}

/// A package that is to be locked, open for reading.
pub struct Unlocked {
    /// Its name, without suffix.
    name: String,
    archive: Box<dyn Archive>,
}

/// What an archive is read from.
trait Archive: Read + Seek + Send {}

impl<T: Read + Seek + Send> Archive for T {}

impl Unlocked {
    /// A package in a file.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn file(path: &Path) -> io::Result<Self> {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        Ok(Self::new(&name, File::open(path)?))
    }

    /// A package called `name`, without suffix, that is read from somewhere else.
    pub fn new(name: &str, archive: impl Read + Seek + Send + 'static) -> Self {
        Self { name: name.to_owned(), archive: Box::new(archive) }
    }
}

/// Shows its name, never what it holds.
impl fmt::Debug for Unlocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unlocked").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Copies packages so that their files open only with `password`: one archive with AES-256 of the kind
/// that common programs open. Of several, each has a folder with its name. The names of files stay
/// readable. What is given back stands at its beginning and has no name on the disk.
///
/// Blocks: from asynchronous code use `spawn_blocking`. Memory does not depend on the size.
///
/// # Errors
/// [`LockError`].
pub fn lock(packages: Vec<Unlocked>, password: &Secret<String>) -> Result<File, LockError> {
    let mut writer = ZipWriter::new(tempfile::tempfile()?);
    let is_alone = packages.len() == 1;
    for Unlocked { name, archive } in packages {
        let folder = if is_alone { String::new() } else { format!("{name}/") };
        copy((archive, &folder), &mut writer, password)?;
    }
    finished(writer)
}

/// The same for an archive that is open already.
///
/// # Errors
/// [`LockError`].
pub fn lock_archive(package: impl Read + Seek, password: &Secret<String>) -> Result<File, LockError> {
    let mut writer = ZipWriter::new(tempfile::tempfile()?);
    copy((package, ""), &mut writer, password)?;
    finished(writer)
}

fn copy(
    (package, folder): (impl Read + Seek, &str),
    writer: &mut ZipWriter<File>,
    password: &Secret<String>,
) -> Result<(), LockError> {
    let mut archive = ZipArchive::new(package)?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        let name = format!("{folder}{}", entry.name()?);
        if entry.is_dir() {
            writer.add_directory(name, SimpleFileOptions::default())?;
            continue;
        }
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .large_file(true)
            .with_aes_encryption(AesMode::Aes256, password.expose());
        writer.start_file(name, options)?;
        io::copy(&mut entry, writer)?;
    }
    Ok(())
}

fn finished(writer: ZipWriter<File>) -> Result<File, LockError> {
    let mut file = writer.finish()?;
    file.rewind()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;

    const CANARY: &str = "canary-ana@example.com";

    #[test]
    fn a_locked_package_opens_with_its_password_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("package.zip");
        let mut plain = ZipWriter::new(File::create(&path).unwrap());
        plain.start_file("access.json", SimpleFileOptions::default()).unwrap();
        plain.write_all(CANARY.as_bytes()).unwrap();
        plain.finish().unwrap();

        let mut locked =
            lock(vec![Unlocked::file(&path).unwrap()], &Secret::new("correct horse battery".to_owned()))
                .unwrap();

        let mut bytes = Vec::new();
        locked.read_to_end(&mut bytes).unwrap();
        assert!(!bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()));
        let mut archive = ZipArchive::new(io::Cursor::new(bytes)).unwrap();
        assert!(archive.by_index(0).is_err(), "without a password");
        assert!(archive.by_index_decrypt(0, b"wrong").is_err(), "with another one");
        let mut text = String::new();
        let mut entry = archive.by_index_decrypt(0, b"correct horse battery").unwrap();
        entry.read_to_string(&mut text).unwrap();
        assert_eq!((entry.name().unwrap().as_ref(), text.as_str()), ("access.json", CANARY));
    }

    #[test]
    fn several_packages_lie_beside_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["one.zip", "two.zip"].map(|name| folder.path().join(name));
        for path in &paths {
            let mut plain = ZipWriter::new(File::create(path).unwrap());
            plain.start_file("access.json", SimpleFileOptions::default()).unwrap();
            plain.write_all(path.to_string_lossy().as_bytes()).unwrap();
            plain.finish().unwrap();
        }

        let packages = paths.iter().map(|path| Unlocked::file(path).unwrap()).collect();
        let locked = lock(packages, &Secret::new("correct horse battery".to_owned())).unwrap();

        let mut archive = ZipArchive::new(locked).unwrap();
        for (index, (name, path)) in ["one/access.json", "two/access.json"].iter().zip(&paths).enumerate() {
            let mut text = String::new();
            let mut entry = archive.by_index_decrypt(index, b"correct horse battery").unwrap();
            entry.read_to_string(&mut text).unwrap();
            assert_eq!((entry.name().unwrap().as_ref(), text.as_str()), (*name, path.to_str().unwrap()));
        }
        assert_eq!(archive.len(), 2);
    }
}
