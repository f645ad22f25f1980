use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use super::LogError;

/// Where lines go.
#[derive(Debug)]
pub(super) struct Sink(Mutex<Vec<Place>>);

#[derive(Debug)]
enum Place {
    StandardError,
    StandardOutput,
    File(File),
}

impl Sink {
    /// Opens the files. `stderr` and `stdout` alone, without a folder, name the process's own.
    pub(super) fn open(paths: &[PathBuf]) -> Result<Self, LogError> {
        let open = |path: &PathBuf| match path.to_str() {
            Some("stderr") => Ok(Place::StandardError),
            Some("stdout") => Ok(Place::StandardOutput),
            Some(_) | None => {
                let opened = OpenOptions::new().create(true).append(true).open(path);
                opened.map(Place::File).map_err(|source| LogError { path: path.clone(), source })
            }
        };
        let mut places = paths.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        if places.is_empty() {
            places.push(Place::StandardError);
        }
        Ok(Self(Mutex::new(places)))
    }

    /// Writes one line. A place that takes none, a full disk say, must not stop the work.
    pub(super) fn write(&self, line: &str) {
        for place in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter_mut() {
            let _ = match place {
                Place::StandardError => io::stderr().write_all(line.as_bytes()),
                Place::StandardOutput => io::stdout().write_all(line.as_bytes()),
                Place::File(file) => file.write_all(line.as_bytes()),
            };
        }
    }
}
