use std::path::{Path, PathBuf};

use protos::c1::connector::v2::{Resource, ResourceId};

mod database;
mod decode;
mod error;
mod find;
mod limits;
mod manifest;
mod run;
mod scan;
mod stored;
mod unpack;

pub use error::ReadError;
pub use limits::{DeclaredLength, Limits};
pub use run::{RunChoice, SyncRun};
pub use scan::{Filter, Page, PageStart, Rows};
pub use stored::Stored;

pub(crate) use find::{Finder, find};

use crate::layout::Table;
use database::Database;

/// Reads a `.c1z` file of version 1, whoever wrote it.
///
/// The file is not believed: it is unpacked into a file of ours up to a limit, opened for reading only, its tables are
/// checked for being tables with the columns that are read, and each content is checked when it is read. Memory holds
/// one page of rows.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    /// Nothing stands in a file that is missing or empty (baton F-2).
    database: Option<Database>,
    runs: Vec<SyncRun>,
}

impl Reader {
    /// Opens a file. Its database lies unpacked in `folder`, or where the system has temporary files, readable by
    /// nobody else, and goes with the reader.
    ///
    /// # Errors
    /// If it is no such file, or damaged, or larger than the limits. [`ReadError::Version3`] tells its engine.
    pub fn open(path: &Path, folder: Option<&Path>, limits: &Limits) -> Result<Self, ReadError> {
        let unpacked = unpack::unpack(path, folder, limits)?;
        let database = unpacked.map(Database::open).transpose()?;
        let runs = database.as_ref().map(run::list).transpose()?.unwrap_or_default();
        Ok(Self { path: path.to_owned(), database, runs })
    }

    /// The file, as it was named.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its runs, in the order they were begun.
    pub fn runs(&self) -> &[SyncRun] {
        &self.runs
    }

    /// The run to look at (baton R-4).
    ///
    /// # Errors
    /// If a run was named that is not there, or there is none.
    pub fn run(&self, choice: &RunChoice) -> Result<&SyncRun, ReadError> {
        run::choose(&self.runs, choice)
    }

    /// The newest finished runs of everything, newest first: what `diff` compares.
    pub fn full_runs(&self) -> Vec<&SyncRun> {
        run::full(&self.runs)
    }

    /// One page of a run's rows (baton DB-10); a page of large rows is shorter than was asked for.
    ///
    /// # Errors
    /// If the file is damaged.
    pub fn page<T: Stored>(
        &self,
        run: &SyncRun,
        filter: &Filter,
        start: PageStart,
    ) -> Result<Page<T>, ReadError> {
        match &self.database {
            Some(database) => scan::page(database, &run.id, filter, start),
            None => Ok(Page { rows: Vec::new(), next: None }),
        }
    }

    /// All of a run's rows, a page at a time.
    pub fn rows<'a, T: Stored>(&'a self, run: &'a SyncRun, filter: &'a Filter) -> Rows<'a, T> {
        Rows::new(self, run, filter)
    }

    /// The entitlement, grant or resource type of a run with this id.
    ///
    /// # Errors
    /// If the file is damaged.
    pub fn find<T: Stored>(&self, run: &SyncRun, id: &str) -> Result<Option<T>, ReadError> {
        find(self, &run.id, id)
    }

    /// The resource of a run with this type and id.
    ///
    /// # Errors
    /// If the file is damaged.
    pub fn find_resource(&self, run: &SyncRun, id: &ResourceId) -> Result<Option<Resource>, ReadError> {
        let found = Finder::new(self, run).resource(id)?;
        Ok(found.map(|resource| Resource::clone(&resource)))
    }

    /// How many rows of a run the filter leaves.
    pub(crate) fn count(&self, run: &SyncRun, table: Table, filter: &Filter) -> Result<u64, ReadError> {
        self.database.as_ref().map_or(Ok(0), |database| scan::count(database, table, &run.id, filter))
    }

    /// Gives columns of text of a run's rows to `each`; what is nothing comes as an empty text.
    pub(crate) fn columns<const N: usize>(
        &self,
        run: &SyncRun,
        columns: (Table, &str),
        each: &mut dyn FnMut([&str; N]),
    ) -> Result<(), ReadError> {
        self.database.as_ref().map_or(Ok(()), |database| scan::columns(database, columns, &run.id, each))
    }

    pub(crate) fn database(&self) -> Option<&Database> {
        self.database.as_ref()
    }
}
