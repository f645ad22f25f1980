//! The package of an access request: three files in a folder.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use engine::{RunOutcome, SpoolError};
use graph::Graph;
use jiff::Timestamp;
use model::Identities;
use spec::Policy;
use tempfile::NamedTempFile;
use thiserror::Error;

use crate::Report;

mod access;
mod contents;
mod page;
mod shown;

/// How much of each collection the readable page shows.
const ROWS_SHOWN: usize = 200;

/// What goes into the package.
#[derive(Debug, Clone, Copy)]
pub enum Contents<'a> {
    /// Everything that was read.
    Everything,
    /// What the access rules of a policy target, by the categories that the graph's datasets give
    /// to their fields. Several rules deliver what any of them targets.
    Targeted {
        /// The policy.
        policy: &'a Policy,
        /// The graph that was walked.
        graph: &'a Graph,
    },
}

/// How the package is written.
#[derive(Debug, Clone, Copy)]
pub struct PackageOptions<'a> {
    /// What goes in.
    pub contents: Contents<'a>,
    /// Who it is about; shown on the readable page.
    pub subject: Option<&'a Identities>,
    /// When it was made; shown on the readable page.
    pub made_at: Option<Timestamp>,
    /// Rows of each collection on the readable page; `access.json` always has all.
    pub rows_shown: usize,
}

impl<'a> PackageOptions<'a> {
    /// Options with nobody named, no date, and 200 rows shown.
    pub fn new(contents: Contents<'a>) -> Self {
        Self { contents, subject: None, made_at: None, rows_shown: ROWS_SHOWN }
    }
}

/// Where the files of a package are.
#[derive(Debug, Clone)]
pub struct Package {
    /// The folder.
    pub folder: PathBuf,
    /// `access.json`: address → rows.
    pub access: PathBuf,
    /// `report.json`: address → what was read and what is missing.
    pub report: PathBuf,
    /// `index.html`: both, readable.
    pub index: PathBuf,
    /// What the report says.
    pub contents: Report,
}

/// Why a package could not be written; nothing of it is left behind.
#[derive(Debug, Error)]
pub enum PackageError {
    /// A file or folder of the package cannot be made.
    #[error("cannot write {}; check that the folder may be written and the disk is not full", .path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The rows cannot be read back.
    #[error(transparent)]
    Rows(#[from] SpoolError),
    /// The readable page cannot be made.
    #[error("cannot make the readable page")]
    Page(#[from] minijinja::Error),
}

/// Writes `access.json`, `report.json` and `index.html` into `folder`, which is made if needed.
///
/// Rows stream from the sealed pages; memory depends on the size of a page and of the rows shown. Each file is
/// written under another name and takes its own name at the end, all three one after the other, so
/// that a crash never leaves half a file. Files are for their owner only. For equal data
/// `access.json` is equal to the byte. Blocks: from asynchronous code use `spawn_blocking`.
///
/// # Errors
/// [`PackageError`]; files of an earlier package in `folder` stay as they were.
pub fn write(
    folder: &Path,
    outcome: &RunOutcome,
    options: &PackageOptions<'_>,
) -> Result<Package, PackageError> {
    create_folder(folder).map_err(|source| PackageError::Write { path: folder.to_owned(), source })?;
    let report = Report::of(outcome);

    let access = Draft::new(folder, "access.json")?;
    let shown = access.fill(|file| access::write(file, outcome, options))?;
    let index = Draft::new(folder, "index.html")?;
    let html = page::render(&report, &shown, options)?;
    index.fill(|file| file.write_all(html.as_bytes()).map_err(Failed::Write))?;
    let report_file = Draft::new(folder, "report.json")?;
    report_file.fill(|file| {
        serde_json::to_writer_pretty(&mut *file, &report).map_err(|error| Failed::Write(error.into()))?;
        file.write_all(b"\n").map_err(Failed::Write)
    })?;

    Ok(Package {
        folder: folder.to_owned(),
        access: access.finish()?,
        index: index.finish()?,
        report: report_file.finish()?,
        contents: report,
    })
}

/// A file under another name, gone unless finished.
struct Draft {
    file: NamedTempFile,
    path: PathBuf,
}

/// Why a draft could not be filled.
enum Failed {
    Write(io::Error),
    Rows(SpoolError),
}

impl Draft {
    /// `NamedTempFile` makes files of mode 0600.
    fn new(folder: &Path, name: &str) -> Result<Self, PackageError> {
        let path = folder.join(name);
        let file = tempfile::Builder::new().prefix(&format!(".{name}-")).tempfile_in(folder);
        match file {
            Ok(file) => Ok(Self { file, path }),
            Err(source) => Err(PackageError::Write { path, source }),
        }
    }

    fn fill<T>(&self, write: impl FnOnce(&mut dyn Write) -> Result<T, Failed>) -> Result<T, PackageError> {
        let mut buffered = BufWriter::new(self.file.as_file());
        let written = write(&mut buffered).and_then(|written| {
            buffered.flush().map_err(Failed::Write)?;
            self.file.as_file().sync_all().map_err(Failed::Write)?;
            Ok(written)
        });
        written.map_err(|failed| match failed {
            Failed::Write(source) => PackageError::Write { path: self.path.clone(), source },
            Failed::Rows(error) => PackageError::Rows(error),
        })
    }

    fn finish(self) -> Result<PathBuf, PackageError> {
        match self.file.persist(&self.path) {
            Ok(_) => Ok(self.path),
            Err(error) => Err(PackageError::Write { path: self.path, source: error.error }),
        }
    }
}

fn create_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(folder)
}
