use std::path::{Path, PathBuf};

use jiff::Timestamp;
use protos::c1::connector::v2::{Entitlement, Grant, Resource, ResourceType};

use crate::layout::{TABLES, Table};
use crate::pages::{Database, Field};
use crate::statistics::Statistics;
use crate::wall_clock::write_time;

mod error;
mod keep;

mod merge;
mod messages;
mod rows;
mod target;

pub use error::WriteError;
pub use rows::{AssetRow, EntitlementRow, GrantRow, ResourceRow, ResourceTypeRow};

pub(crate) use rows::MOST_BLOB_BYTES;

use messages::{encode, split_expansion};
use target::Target;

/// The run whose rows are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    /// Its id, a `protos::Ksuid` of the second at which it began: readers tell zones by it.
    pub sync_id: String,
    /// When it began. Rows count as discovered then, unless [`Writer::discovered`] says otherwise.
    pub started_at: Timestamp,
    /// What it covers.
    pub sync_type: SyncType,
    /// The run it adds to; empty unless it is partial.
    pub parent_sync_id: String,
}

/// What a run covers (baton R-2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncType {
    /// Everything.
    Full,
    /// Resources that were named.
    Partial,
    /// No entitlements and no grants.
    ResourcesOnly,
}

impl SyncType {
    /// Its name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Partial => "partial",
            Self::ResourcesOnly => "resources_only",
        }
    }
}

/// Whether grants that follow from others are in a run (baton §9).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Expansion {
    /// They are.
    #[default]
    Done,
    /// Whoever reads the run adds them: its rows say where that is needed (baton DB-7).
    Left,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunEnd {
    /// When.
    pub ended_at: Timestamp,
    /// How many steps it took; they stand in the token that a finished run keeps.
    pub actions: u64,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Length of the file.
    pub bytes: u64,
    /// What the run holds.
    pub statistics: Statistics,
}

/// Writes a `.c1z` file of version 1, row by row.
///
/// Nothing stands at the target before [`Writer::finish`]: a writer that is dropped leaves everything as it was. Rows
/// lie in files without names, and memory holds some megabytes of keys, however many rows come. The same rows in the
/// same order, with the same run, give the same bytes.
///
/// A row with an id that came before in the same run replaces the content of the earlier one and keeps its place and
/// columns (baton DB-4).
pub struct Writer {
    database: Database,
    target: Target,
    folder: Option<PathBuf>,
    run: NewRun,
    discovered_at: String,
    statistics: Statistics,
    expansion_of_run: Expansion,
    kept: Vec<KeptRun>,
    blob: Vec<u8>,
    expansion: Vec<u8>,
}

/// An earlier run that goes along, as its row says.
#[derive(Debug, Clone)]
pub(crate) struct KeptRun {
    pub(crate) sync_id: String,
    pub(crate) started_at: String,
    pub(crate) ended_at: Option<String>,
    pub(crate) token: String,
    pub(crate) sync_type: String,
    pub(crate) parent_sync_id: String,
    pub(crate) stats: Option<String>,
}

impl Writer {
    /// A writer for the file at `target`, with its working files in `folder`, or where the system has temporary files.
    ///
    /// # Errors
    /// If one of the two folders is not there or not writable.
    pub fn create(target: &Path, folder: Option<&Path>, run: NewRun) -> Result<Self, WriteError> {
        let database = Database::create(TABLES, folder).map_err(WriteError::Working)?;
        let target = Target::create(target)?;
        Ok(Self {
            database,
            target,
            folder: folder.map(Path::to_owned),
            discovered_at: write_time(run.started_at),
            run,
            statistics: Statistics::default(),
            expansion_of_run: Expansion::Done,
            kept: Vec::new(),
            blob: Vec::new(),
            expansion: Vec::new(),
        })
    }

    /// Says when the rows that follow were discovered.
    pub fn discovered(&mut self, at: Timestamp) {
        self.discovered_at = write_time(at);
    }

    /// Says whether the grants that follow are all of their run.
    pub fn expanded(&mut self, expansion: Expansion) {
        self.expansion_of_run = expansion;
    }

    /// Adds a resource type.
    pub fn resource_type(&mut self, resource_type: &ResourceType) -> Result<(), WriteError> {
        let mut blob = std::mem::take(&mut self.blob);
        encode(resource_type, &mut blob);
        let done = self.resource_type_row(&ResourceTypeRow { id: &resource_type.id, data: &blob });
        self.blob = blob;
        done
    }

    /// Adds a resource.
    pub fn resource(&mut self, resource: &Resource) -> Result<(), WriteError> {
        let mut blob = std::mem::take(&mut self.blob);
        encode(resource, &mut blob);
        let done = self.resource_row(&ResourceRow::of(resource, &blob));
        self.blob = blob;
        done
    }

    /// Adds an entitlement.
    pub fn entitlement(&mut self, entitlement: &Entitlement) -> Result<(), WriteError> {
        let mut blob = std::mem::take(&mut self.blob);
        encode(entitlement, &mut blob);
        let done = self.entitlement_row(&EntitlementRow::of(entitlement, &blob));
        self.blob = blob;
        done
    }

    /// Adds a grant. Its annotation `GrantExpandable` is kept apart (baton DB-7).
    pub fn grant(&mut self, grant: &Grant) -> Result<(), WriteError> {
        let mut blob = std::mem::take(&mut self.blob);
        let mut expansion = std::mem::take(&mut self.expansion);
        let expandable = split_expansion(grant, &mut blob, &mut expansion);
        let done = self.grant_row(&GrantRow::of(grant, &blob, expandable.then_some(&expansion)));
        self.blob = blob;
        self.expansion = expansion;
        done
    }

    /// Adds a resource type by its columns.
    pub fn resource_type_row(&mut self, row: &ResourceTypeRow<'_>) -> Result<(), WriteError> {
        self.insert(Table::ResourceTypes, &row.fields()?)?;
        self.statistics.count(Table::ResourceTypes, row.id, 1);
        Ok(())
    }

    /// Adds a resource by its columns.
    pub fn resource_row(&mut self, row: &ResourceRow<'_>) -> Result<(), WriteError> {
        let external_id = row.external_id();
        self.insert(Table::Resources, &row.fields(&external_id)?)?;
        self.statistics.count(Table::Resources, row.resource_type, 1);
        Ok(())
    }

    /// Adds an entitlement by its columns.
    pub fn entitlement_row(&mut self, row: &EntitlementRow<'_>) -> Result<(), WriteError> {
        self.insert(Table::Entitlements, &row.fields()?)?;
        self.statistics.count(Table::Entitlements, row.resource_type, 1);
        Ok(())
    }

    /// Adds a grant by its columns.
    pub fn grant_row(&mut self, row: &GrantRow<'_>) -> Result<(), WriteError> {
        self.insert(Table::Grants, &row.fields(self.expansion_of_run)?)?;
        self.statistics.count(Table::Grants, row.resource_type, 1);
        Ok(())
    }

    /// Adds an asset. An empty one is left out (baton DB-12).
    pub fn asset_row(&mut self, row: &AssetRow<'_>) -> Result<(), WriteError> {
        if row.data.is_empty() {
            return Ok(());
        }
        self.insert(Table::Assets, &row.fields()?)?;
        self.statistics.count(Table::Assets, "", 1);
        Ok(())
    }

    /// Ends the run and puts the file in its place.
    ///
    /// # Errors
    /// If the disk is full or the target cannot be replaced; the target is as it was then. Only if its folder cannot be
    /// synced afterwards, the new file stands there already.
    pub fn finish(mut self, end: RunEnd) -> Result<Written, WriteError> {
        self.insert_runs(end)?;
        let mut sealed = self.database.finish().map_err(WriteError::Working)?;
        if !sealed.twice.is_empty() {
            let folder = self.folder.as_deref();
            self.database = merge::merge(sealed, &self.run.sync_id, &mut self.statistics, folder)?;
            self.insert_runs(end)?;
            sealed = self.database.finish().map_err(WriteError::Working)?;
        }
        // What fails of the working file is told as that, not as the target.
        let frame = sealed.framed().map_err(WriteError::Working)?;
        let bytes = self.target.put(frame)?;
        Ok(Written { bytes, statistics: self.statistics })
    }

    /// The rows of the kept runs and of the one that ends.
    fn insert_runs(&mut self, end: RunEnd) -> Result<(), WriteError> {
        let token =
            format!(r#"{{"current_action_id":{0},"completed_actions_count":{0},"version":1}}"#, end.actions);
        let own = KeptRun {
            sync_id: self.run.sync_id.clone(),
            started_at: write_time(self.run.started_at),
            ended_at: Some(write_time(end.ended_at)),
            token,
            sync_type: self.run.sync_type.name().to_owned(),
            parent_sync_id: self.run.parent_sync_id.clone(),
            stats: Some(self.statistics.json()),
        };
        self.kept.iter().chain([&own]).try_for_each(|run| {
            let fields = run.fields()?;
            self.database.insert(Table::SyncRuns.place(), &fields).map_err(WriteError::Working)
        })
    }

    /// Adds a row of the run that is written: its columns, its run and its time.
    fn insert(&mut self, table: Table, columns: &[Field<'_>]) -> Result<(), WriteError> {
        let mut fields = [Field::Null; MOST_COLUMNS];
        let all = columns.iter().copied();
        let all = all.chain([Field::Text(&self.run.sync_id), Field::Text(&self.discovered_at)]);
        let count = fields.iter_mut().zip(all).map(|(place, field)| *place = field).count();
        let fields = fields.get(..count).unwrap_or_default();
        self.database.insert(table.place(), fields).map_err(WriteError::Working)
    }
}

/// Columns of the widest table, `id` not counted.
const MOST_COLUMNS: usize = 11;
