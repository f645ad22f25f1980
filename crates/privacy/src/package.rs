//! The package of an access request: three files in a folder, or one ZIP archive.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use engine::{CollectionOutcome, RowsError, RunOutcome, Status};
use graph::{Graph, Selection};
use jiff::Timestamp;
use model::{CollectionAddress, Identities, Row};
use spec::{PackageFormat, Policy, Rule};
use store::StoreError;
use thiserror::Error;

use crate::Report;
use crate::manual_task::{BroughtFile, NotBrought};

mod access;
mod archive;
mod check;
mod contents;
pub(crate) mod draft;
mod html;
mod locked;
mod names;
mod page;
mod records;
mod redaction;
mod shown;
mod site;
mod table;

pub use archive::write_zip;
pub use check::{CheckError, check_archive};
pub use draft::Drafts;
pub use locked::{LockError, Unlocked, lock, lock_archive};
pub use redaction::{NamePatterns, PatternError, Redaction};

use draft::Draft;

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
    /// The same for a single access rule of the policy: each rule may have a place of its own.
    OfRule {
        /// The policy.
        policy: &'a Policy,
        /// The rule.
        rule: &'a Rule,
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
    /// Where unfinished files are noted, for the case that the program is killed.
    pub drafts: Option<&'a Drafts>,
    /// Rows that people brought, each under a key of its own; they go in as they are.
    pub brought: &'a [(String, Row)],
    /// Files that people brought; they go into archives only.
    pub files: &'a [BroughtFile],
    /// Tasks that brought nothing; the report has a line for each.
    pub not_brought: &'a [NotBrought],
    /// Names that pages for people do not show.
    pub redaction: Option<&'a Redaction>,
}

impl<'a> PackageOptions<'a> {
    /// Options with nobody named, no date, and 200 rows shown.
    pub fn new(contents: Contents<'a>) -> Self {
        Self {
            contents,
            subject: None,
            made_at: None,
            rows_shown: ROWS_SHOWN,
            drafts: None,
            brought: &[],
            files: &[],
            not_brought: &[],
            redaction: None,
        }
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
    /// The archive cannot be locked.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The archive cannot be passed on.
    #[error("the package cannot be passed on to its place")]
    Stream(#[source] io::Error),
    /// The rows cannot be read back.
    #[error(transparent)]
    Rows(#[from] Box<RowsError>),
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
    let report = report_of(outcome, options);

    let access = Draft::new(folder, "access.json", options.drafts)?;
    let shown = access.fill(|file| access::write(file, outcome, options))?;
    let index = Draft::new(folder, "index.html", options.drafts)?;
    let redacted = options.redaction.map(|redaction| redaction.report(&report));
    let html = page::render(redacted.as_ref().unwrap_or(&report), &shown, options)?;
    index.fill(|file| file.write_all(html.as_bytes()).map_err(Failed::Write))?;
    let report_file = draft_report(folder, &report, options)?;

    Ok(Package {
        folder: folder.to_owned(),
        access: access.finish()?,
        index: index.finish()?,
        report: report_file.finish()?,
        contents: report,
    })
}

/// Writes the rows alone to `out`, as `access.json` has them.
///
/// Blocks: from asynchronous code use `spawn_blocking`.
///
/// # Errors
/// [`PackageError`]; what has been written to `out` is then no JSON.
pub fn write_rows(
    out: &mut dyn Write,
    outcome: &RunOutcome,
    options: &PackageOptions<'_>,
) -> Result<(), PackageError> {
    let options = PackageOptions { rows_shown: 0, ..*options };
    access::write(out, outcome, &options).map_err(Failed::in_stream).map(drop)
}

/// Writes `report.json` alone into `folder`, for a run whose packages go elsewhere.
///
/// # Errors
/// [`PackageError`]; an earlier report stays as it was.
pub fn write_report(
    folder: &Path,
    outcome: &RunOutcome,
    options: &PackageOptions<'_>,
) -> Result<Report, PackageError> {
    create_folder(folder).map_err(|source| PackageError::Write { path: folder.to_owned(), source })?;
    let report = report_of(outcome, options);
    draft_report(folder, &report, options)?.finish()?;
    Ok(report)
}

/// What `report.json` says.
fn report_of(outcome: &RunOutcome, options: &PackageOptions<'_>) -> Report {
    Report::of(outcome).with_not_brought(options.not_brought)
}

fn draft_report(folder: &Path, report: &Report, options: &PackageOptions<'_>) -> Result<Draft, PackageError> {
    let draft = Draft::new(folder, "report.json", options.drafts)?;
    draft.fill(|file| {
        serde_json::to_writer_pretty(&mut *file, report).map_err(|error| Failed::Write(error.into()))?;
        file.write_all(b"\n").map_err(Failed::Write)
    })?;
    Ok(draft)
}

/// Writes the package as one ZIP archive, for its owner only; see [`write_zip`].
///
/// The folder of `file` is made if needed. The file takes its name when it is whole.
///
/// # Errors
/// [`PackageError`]; an earlier file of the name stays as it was.
pub fn write_zip_file(
    file: &Path,
    outcome: &RunOutcome,
    options: &PackageOptions<'_>,
    formats: &[PackageFormat],
) -> Result<Report, PackageError> {
    let failed = |source| PackageError::Write { path: file.to_owned(), source };
    let (Some(folder), Some(name)) = (file.parent(), file.file_name().and_then(|name| name.to_str())) else {
        return Err(failed(io::ErrorKind::InvalidInput.into()));
    };
    create_folder(folder).map_err(failed)?;
    let draft = Draft::new(folder, name, options.drafts)?;
    let report = draft.fill(|out| archive::write(out, outcome, options, formats))?;
    draft.finish()?;
    Ok(report)
}

/// Why something of a package could not be written.
#[derive(Debug)]
pub(crate) enum Failed {
    Write(io::Error),
    Rows(Box<RowsError>),
    Page(minijinja::Error),
}

impl Failed {
    /// What it is called if it was to become `path`.
    fn in_file(self, path: &Path) -> PackageError {
        match self {
            Self::Write(source) => PackageError::Write { path: path.to_owned(), source },
            Self::Rows(error) => PackageError::Rows(error),
            Self::Page(error) => PackageError::Page(error),
        }
    }

    /// What it is called if it was to be passed on.
    fn in_stream(self) -> PackageError {
        match self {
            Self::Write(source) => PackageError::Stream(source),
            Self::Rows(error) => PackageError::Rows(error),
            Self::Page(error) => PackageError::Page(error),
        }
    }
}

impl From<RowsError> for Failed {
    fn from(error: RowsError) -> Self {
        Self::Rows(Box::new(error))
    }
}

impl From<minijinja::Error> for Failed {
    fn from(error: minijinja::Error) -> Self {
        Self::Page(error)
    }
}

/// Goes through what is delivered of a collection, row by row.
fn each_row(
    collection: &CollectionOutcome,
    selection: &Selection,
    mut take: impl FnMut(Row) -> Result<(), Failed>,
) -> Result<(), Failed> {
    for page in collection.sealed.pages() {
        for row in page? {
            if let Some(row) = selection.pick(row) {
                take(row)?;
            }
        }
    }
    Ok(())
}

/// Goes through the rows of a collection as the text they are stored as; through none if nothing of them is
/// delivered.
fn each_text(
    (address, collection): (&CollectionAddress, &CollectionOutcome),
    selection: &Selection,
    mut take: impl FnMut(&str) -> Result<(), Failed>,
) -> Result<(), Failed> {
    let mut pages = collection.sealed.pages();
    while *selection != Selection::Nothing
        && let Some(text) = pages.next_text()
    {
        let text = text?;
        let text = std::str::from_utf8(&text).map_err(|_| damaged(address))?;
        text.split('\n').filter(|row| !row.is_empty()).try_for_each(&mut take)?;
    }
    Ok(())
}

fn damaged(address: &CollectionAddress) -> RowsError {
    RowsError::Store {
        collection: Box::new(address.clone()),
        source: Box::new(StoreError::Damaged { what: "a page of rows" }),
    }
}

fn was_read(collection: &CollectionOutcome) -> bool {
    match collection.status {
        Status::Complete | Status::Incomplete => true,
        Status::Failed | Status::Skipped => false,
    }
}

pub(crate) fn create_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(folder)
}
