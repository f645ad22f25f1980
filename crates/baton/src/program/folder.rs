use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use crypto::{constant_time_eq, hex};

use super::end::SyncedFile;
use super::error::ProgramError;
use super::os_user::OsUser;
use super::stray;
use crate::private_folder::PrivateFolder;

/// What the names of all such folders begin with.
const PREFIX: &str = "baton-program-";
/// Where a program works, in its folder.
const WORK: &str = "work";
/// Name of the file of a sync.
const FILE: &str = "sync.c1z";
/// Most bytes of a program.
const MOST_BYTES: u64 = 2 << 30;

/// A folder for one run: the copy of the program that was checked, and a place where it works. It goes with this.
#[derive(Debug)]
pub(super) struct ProgramFolder {
    folder: PrivateFolder,
    program: PathBuf,
}

impl ProgramFolder {
    /// Copies the program into a new folder below `parent` and checks the copy. What killed processes left there of
    /// others is ended and removed.
    pub(super) fn make(
        parent: &Path,
        (path, sha256): (&Path, &[u8; 32]),
        (user, given): (&OsUser, Option<&Path>),
    ) -> Result<Self, ProgramError> {
        let failed = |source| ProgramError::Folder { source };
        PrivateFolder::remove_left(parent, PREFIX, |left| stray::kill_at_home(&left.join(WORK)));
        let folder = PrivateFolder::make(parent, PREFIX).map_err(failed)?;
        // The program needs its name: one program may be several connectors.
        let unnamed = || ProgramError::Unreadable {
            path: path.to_owned(),
            source: io::Error::from(io::ErrorKind::InvalidInput),
        };
        let program = folder.path().join("program").join(path.file_name().ok_or_else(unnamed)?);
        let made = Self { folder, program };
        for place in [made.program.parent().unwrap_or(Path::new("")), &made.work()] {
            private(place).map_err(failed)?;
        }
        let found = copy(path, &made.program)
            .map_err(|source| ProgramError::Unreadable { path: path.to_owned(), source })?;
        if !constant_time_eq(&found, sha256) {
            let (expected, found) = (hex(sha256), hex(&found));
            return Err(ProgramError::Digest { path: path.to_owned(), expected, found });
        }
        if let Some(given) = given {
            fs::copy(given, made.file()).map_err(failed)?;
        }
        made.give(user).map_err(failed)?;
        Ok(made)
    }

    /// The copy that runs.
    pub(super) fn program(&self) -> &Path {
        &self.program
    }

    /// Where it works.
    pub(super) fn work(&self) -> PathBuf {
        self.folder.path().join(WORK)
    }

    /// Where it writes, or finds, a file.
    pub(super) fn file(&self) -> PathBuf {
        self.work().join(FILE)
    }

    /// The file that it left. All its processes must be gone.
    pub(super) fn into_file(self, user: &OsUser) -> Result<SyncedFile, ProgramError> {
        // Away from where the program's user may put another in its place: what is looked at is what is read.
        let (file, failed) = (self.folder.path().join(FILE), |source| ProgramError::Folder { source });
        match fs::rename(self.file(), &file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(ProgramError::NoFile),
            moved => moved.map_err(failed)?,
        }
        let found = fs::symlink_metadata(&file).map_err(failed)?;
        let foreign = |what| ProgramError::ForeignFile { what };
        if found.is_symlink() {
            return Err(foreign("a link"));
        }
        if !found.is_file() {
            return Err(foreign("no file"));
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            if found.uid() != user.user {
                return Err(foreign("somebody else's file"));
            }
            if found.nlink() != 1 {
                return Err(foreign("a file with a second name"));
            }
        }
        #[cfg(not(unix))]
        let _ = user;
        // Nothing is what an early end leaves (baton R-8).
        if found.len() == 0 {
            return Err(ProgramError::NoFile);
        }
        Ok(SyncedFile::new(file, self.folder))
    }

    /// Lets the user that the program runs as read the program and have the place where it works. The program and
    /// what is around it stay ours.
    #[cfg(unix)]
    fn give(&self, user: &OsUser) -> io::Result<()> {
        use std::os::unix::fs::{PermissionsExt as _, chown};

        let allow = |place: &Path, mode| fs::set_permissions(place, fs::Permissions::from_mode(mode));
        if user.is_own() {
            return allow(&self.program, 0o500);
        }
        allow(&self.program, 0o555)?;
        for place in [self.folder.path(), self.program.parent().unwrap_or(Path::new(""))] {
            allow(place, 0o711)?;
        }
        for place in [self.work(), self.file()] {
            match chown(&place, Some(user.user), Some(user.group)) {
                // A sync finds no file.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                given => given?,
            }
        }
        Ok(())
    }

    #[cfg(not(unix))]
    fn give(&self, _user: &OsUser) -> io::Result<()> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }
}

fn private(place: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(place)
}

/// Copies a program and says the digest of what was written.
fn copy(from: &Path, to: &Path) -> io::Result<[u8; 32]> {
    let program = File::open(from)?;
    if !program.metadata()?.is_file() {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o700);
    let mut copied = Copied { from: program.take(MOST_BYTES), to: options.open(to)? };
    crypto::sha256_of(&mut copied)
}

/// Writes down what is read through it.
struct Copied {
    from: io::Take<File>,
    to: File,
}

impl io::Read for Copied {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        self.to.write_all(buffer.get(..read).unwrap_or_default())?;
        Ok(read)
    }
}
