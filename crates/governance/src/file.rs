//! The rows of a sync as a `.c1z` file.

use std::path::Path;

use crypto::PartsHash;
use jiff::Timestamp;
use prost::Message;
use protos::Ksuid;
use protos::annotations;
use protos::c1::connector::v2::{Entitlement, Grant, GrantExpandable, Resource, ResourceType};
use thiserror::Error;

use crate::file_part::FilePart;
use crate::finish::ReadSync;
use crate::report::SyncReport;
use crate::sink::{SinkError, SyncSink};
use crate::sync::SyncError;

/// When and under which id a file says that it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileTimes {
    /// When it was made, and an id of its own.
    Own,
    /// At this moment, under an id that follows from it and from the rows: the same workspace gives the same
    /// file (`SOURCE_DATE_EPOCH`).
    Fixed(Timestamp),
}

/// A time that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("SOURCE_DATE_EPOCH is not a number of seconds since 1970; unset it, or correct it")]
pub struct EpochError;

impl FileTimes {
    /// As the variable `SOURCE_DATE_EPOCH` says; nothing and an empty text say nothing.
    ///
    /// # Errors
    /// [`EpochError`] if it is not a number of seconds.
    pub fn of_epoch(text: Option<&str>) -> Result<Self, EpochError> {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(Self::Own) };
        let at = text.trim().parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
        at.map(Self::Fixed).ok_or(EpochError)
    }
}

/// Why there is no file.
#[derive(Debug, Error)]
pub enum FileError {
    /// The sync.
    #[error(transparent)]
    Sync(#[from] SyncError),
    /// The file.
    #[error(transparent)]
    Write(#[from] c1z::WriteError),
    /// Its time has no place in an id.
    #[error(
        "the time of the file does not fit into a sync id: {0}; set SOURCE_DATE_EPOCH to one from 2014 to 2150"
    )]
    Time(#[from] protos::KsuidError),
}

impl ReadSync {
    /// Writes the rows of the sync to a `.c1z` file at `target`; nothing stands there before the end. The
    /// report names the sync as the file does.
    ///
    /// # Errors
    /// [`FileError`] if rows or file fail; what stood at `target` stays then.
    pub async fn write(&self, target: &Path, times: FileTimes) -> Result<SyncReport, FileError> {
        self.write_part(target, times, &FilePart::default()).await
    }

    /// The same with some of the rows only. The report counts all of them.
    ///
    /// # Errors
    /// As [`ReadSync::write`].
    pub async fn write_part(
        &self,
        target: &Path,
        times: FileTimes,
        part: &FilePart,
    ) -> Result<SyncReport, FileError> {
        let (started, ended, id) = match times {
            FileTimes::Own => {
                let started = self.sync().started_at();
                let id = Ksuid::new(started.as_second(), uuid::Uuid::new_v4().into_bytes())?;
                (started, self.sync().clock().now(), id)
            }
            FileTimes::Fixed(at) => {
                let (hash, _) = self.assemble(part.sink(ContentHash(PartsHash::new()))).await?;
                (at, at, Ksuid::of_digest(at.as_second(), &hash.into_inner().0.finish())?)
            }
        };
        let run = c1z::NewRun {
            sync_id: id.to_string(),
            started_at: started,
            sync_type: part.sync_type(),
            parent_sync_id: String::new(),
        };
        let writer = c1z::Writer::create(
            target,
            target.parent().filter(|folder| !folder.as_os_str().is_empty()),
            run,
        )?;
        let (sink, mut report) = self.assemble(part.sink(FileSink(writer))).await?;
        let actions = report.kinds.len() as u64;
        sink.into_inner().0.finish(c1z::RunEnd { ended_at: ended, actions })?;
        report.sync_id = Some(id.to_string());
        Ok(report)
    }
}

/// Writes rows to a file.
struct FileSink(c1z::Writer);

impl SyncSink for FileSink {
    fn resource_type(&mut self, row: &ResourceType) -> Result<(), SinkError> {
        self.0.resource_type(row).map_err(SinkError::new)
    }

    fn resource(&mut self, row: &Resource) -> Result<(), SinkError> {
        self.0.resource(row).map_err(SinkError::new)
    }

    fn entitlement(&mut self, row: &Entitlement) -> Result<(), SinkError> {
        self.0.entitlement(row).map_err(SinkError::new)
    }

    fn grant(&mut self, row: &Grant, expandable: Option<&GrantExpandable>) -> Result<(), SinkError> {
        let Some(expandable) = expandable else { return self.0.grant(row).map_err(SinkError::new) };
        let mut row = row.clone();
        annotations::append(&mut row.annotations, expandable);
        self.0.grant(&row).map_err(SinkError::new)
    }
}

/// A hash over all rows in their order.
struct ContentHash(PartsHash);

impl ContentHash {
    fn add(&mut self, row: &impl Message) {
        self.0.add(row.encode_to_vec());
    }
}

impl SyncSink for ContentHash {
    fn resource_type(&mut self, row: &ResourceType) -> Result<(), SinkError> {
        self.add(row);
        Ok(())
    }

    fn resource(&mut self, row: &Resource) -> Result<(), SinkError> {
        self.add(row);
        Ok(())
    }

    fn entitlement(&mut self, row: &Entitlement) -> Result<(), SinkError> {
        self.add(row);
        Ok(())
    }

    fn grant(&mut self, row: &Grant, expandable: Option<&GrantExpandable>) -> Result<(), SinkError> {
        self.add(row);
        if let Some(expandable) = expandable {
            self.add(expandable);
        }
        Ok(())
    }
}
