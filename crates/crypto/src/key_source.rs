use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use thiserror::Error;
use zeroize::Zeroize;

use crate::{MasterKey, Secret};

/// Where the master key comes from (architecture §13.8).
#[derive(Debug)]
pub enum KeySource {
    /// `TUTELA_KEY`: the key itself in base64.
    Text(Secret<String>),
    /// `TUTELA_KEY_FILE`: a file that holds it.
    File(PathBuf),
    /// `TUTELA_KEY_COMMAND`: a program that prints it, run through the shell.
    Command(String),
    /// Nothing given: a file in the user's configuration folder, made at first use.
    Own(PathBuf),
}

impl KeySource {
    /// Chooses by environment: text, then file, then command, then `own`. `variable` looks a name up;
    /// an empty value counts as none.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>, own: impl Into<PathBuf>) -> Self {
        let given = |name| variable(name).filter(|value| !value.trim().is_empty());
        if let Some(text) = given("TUTELA_KEY") {
            Self::Text(Secret::new(text))
        } else if let Some(path) = given("TUTELA_KEY_FILE") {
            Self::File(path.into())
        } else if let Some(command) = given("TUTELA_KEY_COMMAND") {
            Self::Command(command)
        } else {
            Self::Own(own.into())
        }
    }

    /// Reads the key. Only [`KeySource::Own`] ever makes one, in a file that nobody else may read.
    pub fn load(&self) -> Result<MasterKey, KeyError> {
        match self {
            Self::Text(text) => MasterKey::from_base64(text.expose()),
            Self::File(path) => read_file(path),
            Self::Command(command) => run(command),
            Self::Own(path) => match read_file(path) {
                Err(KeyError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => make(path),
                other => other,
            },
        }
    }
}

fn read_file(path: &Path) -> Result<MasterKey, KeyError> {
    check_mode(path)?;
    let text = fs::read_to_string(path).map_err(|source| KeyError::File { path: path.to_owned(), source })?;
    MasterKey::from_base64(Secret::new(text).expose())
}

#[cfg(unix)]
fn check_mode(path: &Path) -> Result<(), KeyError> {
    use std::os::unix::fs::PermissionsExt as _;
    let open =
        fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o007 != 0);
    if open { Err(KeyError::Readable { path: path.to_owned() }) } else { Ok(()) }
}

#[cfg(not(unix))]
fn check_mode(_path: &Path) -> Result<(), KeyError> {
    Ok(())
}

/// Writes a fresh key beside its place and links it there, so that of two first uses at once both
/// end with the same key.
fn make(path: &Path) -> Result<MasterKey, KeyError> {
    let failed = |source| KeyError::File { path: path.to_owned(), source };
    let folder = path.parent().unwrap_or(Path::new("."));
    make_folder(folder).map_err(failed)?;
    let key = MasterKey::random();
    let draft = folder.join(format!(".{}.{}", key.id(), std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&draft).and_then(|mut file| {
        file.write_all(key.to_base64().expose().as_bytes())?;
        file.sync_all()
    });
    let linked = written.and_then(|()| fs::hard_link(&draft, path));
    let removed = fs::remove_file(&draft);
    match linked {
        Ok(()) => removed.and_then(|()| fs::File::open(folder)?.sync_all()).map_err(failed).map(|()| key),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => read_file(path),
        Err(error) => Err(failed(error)),
    }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn run(command: &str) -> Result<MasterKey, KeyError> {
    let output = Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|source| KeyError::CommandStart { source })?;
    let mut stdout = output.stdout;
    if !output.status.success() {
        stdout.zeroize();
        return Err(KeyError::CommandFailed { code: output.status.code() });
    }
    let text = Secret::new(String::from_utf8(stdout).map_err(|_| KeyError::NotBase64)?);
    MasterKey::from_base64(text.expose())
}

/// A master key that cannot be had. Never shows any of it.
#[derive(Debug, Error)]
pub enum KeyError {
    /// Not base64.
    #[error("the master key is not base64; make one with `head -c 32 /dev/urandom | base64`")]
    NotBase64,
    /// Base64 of something else.
    #[error(
        "the master key has {length} bytes and needs 32; make one with `head -c 32 /dev/urandom | base64`"
    )]
    WrongLength {
        /// How many bytes there are.
        length: usize,
    },
    /// The file cannot be read or made.
    #[error("the master key file {} cannot be used", .path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Everybody on this machine may read the file.
    #[error("the master key file {} is open to everybody on this machine; run `chmod 600` on it and change the key", .path.display())]
    Readable {
        /// Which file.
        path: PathBuf,
    },
    /// The command cannot be started.
    #[error("the command of TUTELA_KEY_COMMAND cannot be started")]
    CommandStart {
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The command failed.
    #[error("the command of TUTELA_KEY_COMMAND ended with {}; run it by hand to see why", .code.map_or_else(|| "a signal".to_owned(), |code| format!("code {code}")))]
    CommandFailed {
        /// Its exit code, unless a signal ended it.
        code: Option<i32>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_key_is_made_once_with_mode_0600_and_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let source = KeySource::from_environment(|_| None, folder.path().join("tutela/master.key"));

        let first = source.load().unwrap();
        let second = source.load().unwrap();

        assert_eq!(first.id(), second.id());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode =
                |path: &str| fs::metadata(folder.path().join(path)).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode("tutela"), mode("tutela/master.key")), (0o700, 0o600));
        }
        assert_eq!(fs::read_dir(folder.path().join("tutela")).unwrap().count(), 1);
    }

    #[test]
    fn environment_comes_before_the_own_file_and_empty_counts_as_none() {
        let key = MasterKey::random();
        let text = key.to_base64();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        make(&file).unwrap();
        let load = |name: &'static str, value: String| {
            KeySource::from_environment(
                move |asked| (asked == name).then(|| value.clone()),
                folder.path().join("own"),
            )
            .load()
        };

        assert_eq!(load("TUTELA_KEY", text.expose().clone()).unwrap().id(), key.id());
        assert_eq!(
            load("TUTELA_KEY_FILE", file.display().to_string()).unwrap().id(),
            read_file(&file).unwrap().id()
        );
        assert_eq!(load("TUTELA_KEY_COMMAND", format!("echo {}", text.expose())).unwrap().id(), key.id());
        assert!(!folder.path().join("own").exists());
        load("TUTELA_KEY", " ".to_owned()).unwrap();
        assert!(folder.path().join("own").exists());
    }

    #[test]
    fn missing_file_failing_command_and_open_file_are_errors_and_make_no_key() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing");

        assert!(matches!(KeySource::File(missing.clone()).load(), Err(KeyError::File { .. })));
        assert!(!missing.exists());
        assert!(matches!(
            KeySource::Command("exit 3".to_owned()).load(),
            Err(KeyError::CommandFailed { code: Some(3) })
        ));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            make(&missing).unwrap();
            fs::set_permissions(&missing, fs::Permissions::from_mode(0o644)).unwrap();
            assert!(matches!(KeySource::File(missing).load(), Err(KeyError::Readable { .. })));
        }
    }
}
