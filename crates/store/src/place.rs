use std::fmt;
use std::path::{Path, PathBuf};

use crypto::Secret;

use crate::StoreError;
use crate::dialect::Dialect;

/// Where the state is kept.
#[derive(Clone)]
pub enum StorePlace {
    /// A SQLite file in the data folder; made (mode 0600) if it is not there.
    File(PathBuf),
    /// A PostgreSQL database, by URL. It may hold a password and is never shown.
    Postgres(Secret<String>),
}

impl StorePlace {
    /// Reads a setting: a `postgres://` URL, `sqlite:PATH`, or a path.
    pub fn parse(text: &str) -> Result<Self, StoreError> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(Secret::new(text.to_owned())));
        }
        if let Some(path) = text.strip_prefix("sqlite://").or_else(|| text.strip_prefix("sqlite:")) {
            return Ok(Self::File(path.into()));
        }
        match text.split_once("://") {
            Some((scheme, _)) => Err(StoreError::Place { scheme: scheme.to_owned() }),
            None => Ok(Self::File(text.into())),
        }
    }

    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Self::File(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Makes the file, so that nobody else may read it from the beginning.
    pub(crate) fn make(&self) -> Result<(), StoreError> {
        match self {
            Self::Postgres(_) => Ok(()),
            Self::File(path) => {
                make_file(path).map_err(|source| StoreError::File { path: path.clone(), source })
            }
        }
    }

    /// The URL by which `sqlx` knows it.
    pub(crate) fn url(&self) -> Secret<String> {
        match self {
            Self::Postgres(url) => url.clone(),
            Self::File(path) => Secret::new(format!("sqlite://{}?mode=rw", encode(path))),
        }
    }
}

fn make_file(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        // A file that may only be read can still be looked at.
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied && path.exists() => Ok(()),
        other => other.map(|_| ()),
    }
}

/// Percent-encodes what has a meaning in a URL.
fn encode(path: &Path) -> String {
    let mut out = String::new();
    for byte in path.to_string_lossy().bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&crypto::hex(&[byte]));
        }
    }
    out
}

impl fmt::Debug for StorePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "File({})", path.display()),
            Self::Postgres(_) => f.write_str("Postgres(…)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_told_apart_and_passwords_never_shown() {
        let postgres = StorePlace::parse("postgres://tutela:canary@db.example.com/tutela").unwrap();

        assert!(!format!("{postgres:?}").contains("canary"));
        assert!(
            matches!(StorePlace::parse("sqlite:/a/b.db").unwrap(), StorePlace::File(path) if path == Path::new("/a/b.db"))
        );
        assert!(matches!(StorePlace::parse("state.db").unwrap(), StorePlace::File(_)));
        let refused = StorePlace::parse("mysql://root:canary@db.example.com").unwrap_err().to_string();
        assert!(refused.contains("mysql") && !refused.contains("canary"), "{refused}");
    }
}
