//! The rows of a sync as a `.c1z` file.

use std::path::Path;

use crypto::PartsHash;
use futures::future::join;
use jiff::Timestamp;
use prost::Message;
use protos::Ksuid;
use protos::c1::connector::v2::{Entitlement, Grant, GrantExpandable, Resource, ResourceType};
use thiserror::Error;

use crate::aside::aside;
use crate::file_base::FileBase;
use crate::file_sink::FileSink;
use crate::finish::{ReadSync, both_ends};
use crate::outlet::Outlet;
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

/// What a file says of its making.
#[derive(Debug)]
pub(crate) struct FileRun {
    started: Timestamp,
    /// Nothing is when it is.
    ended: Option<Timestamp>,
    id: Ksuid,
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
    /// The file that single resources are to be added to cannot be read.
    #[error(
        "{source}; resources are added to the file that is there: name another one, or one that is not there yet"
    )]
    Base {
        /// Why.
        #[from]
        source: c1z::ReadError,
    },
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
    /// Single resources are added to the newest sync of everything that the file holds ([`FileBase`]); the rest of
    /// what stood there is replaced.
    ///
    /// # Errors
    /// [`FileError`] if rows or file fail; what stood at `target` stays then.
    pub async fn write(&self, target: &Path, times: FileTimes) -> Result<SyncReport, FileError> {
        let run = self.file_run(times).await?;
        self.write_from((target, &run), self.outlet()).await
    }

    /// When, and under which id, a file says that it was made.
    pub(crate) async fn file_run(&self, times: FileTimes) -> Result<FileRun, FileError> {
        match times {
            FileTimes::Own => {
                let started = self.sync().started_at();
                let id = Ksuid::new(started.as_second(), uuid::Uuid::new_v4().into_bytes())?;
                Ok(FileRun { started, ended: None, id })
            }
            FileTimes::Fixed(at) => {
                let (hash, _) = self.assemble(ContentHash(PartsHash::new())).await?;
                Ok(FileRun {
                    started: at,
                    ended: Some(at),
                    id: Ksuid::of_digest(at.as_second(), &hash.0.finish())?,
                })
            }
        }
    }

    /// Writes the rows of `outlet`, which others may take too.
    pub(crate) async fn write_from(
        &self,
        (target, run): (&Path, &FileRun),
        mut outlet: Outlet,
    ) -> Result<SyncReport, FileError> {
        let part = &self.sync().part;
        let base = if part.is_of_resources() { FileBase::find(target)? } else { None };
        let new = c1z::NewRun {
            sync_id: run.id.to_string(),
            started_at: run.started,
            sync_type: part.sync_type(),
            parent_sync_id: base.as_ref().map(|base| base.id().to_owned()).unwrap_or_default(),
        };
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
        let mut writer = c1z::Writer::create(target, folder, new)?;
        if let Some(base) = base {
            base.keep_in(&mut writer)?;
        }
        writer.expanded(part.expansion());
        let inlet = outlet.inlet();
        let take = aside(move || inlet.give_to(FileSink::new(writer)));
        let (sink, report): (FileSink, SyncReport) =
            both_ends::<_, _, SyncError, _, _>(join(take, self.hand_out(outlet)).await)?;
        // Only now is it known that all rows are there, and that somebody still wants the file.
        let ended_at = run.ended.unwrap_or_else(|| self.sync().clock().now());
        let end = c1z::RunEnd { ended_at, actions: report.kinds.len() as u64 };
        aside(move || sink.into_writer().finish(end)).await?;
        Ok(SyncReport { sync_id: Some(run.id.to_string()), ..report })
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
