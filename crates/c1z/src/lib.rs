//! Reads and writes `.c1z` files: who has access to one application, in one file.
//!
//! For: files of version 1, row by row, and the questions that explorers of such files answer.
//! Not for: deciding anything about access, running connectors, or the service they talk to.
//!
//! ```
//! use c1z::{Filter, Limits, NewRun, Reader, RunChoice, RunEnd, SyncType, Writer};
//! use protos::c1::connector::v2::ResourceType;
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("sync.c1z");
//! let started_at = "2026-11-22T05:25:10Z".parse()?;
//! let sync_id = protos::Ksuid::new(1_795_325_110, [7; 16])?.to_string();
//! let run = NewRun { sync_id, started_at, sync_type: SyncType::Full, parent_sync_id: String::new() };
//! let mut writer = Writer::create(&path, None, run)?;
//! writer.resource_type(&ResourceType { id: "user".to_owned(), ..ResourceType::default() })?;
//! writer.finish(RunEnd { ended_at: started_at, actions: 1 })?;
//!
//! let reader = Reader::open(&path, None, &Limits::default())?;
//! let run = reader.run(&RunChoice::Newest { now: started_at })?;
//! let all = Filter::default();
//! let types: Vec<ResourceType> = reader.rows(run, &all).collect::<Result<_, _>>()?;
//! assert_eq!(types[0].id, "user");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod container;
mod explorer;
mod frame;
mod layout;
mod pages;
mod reader;
mod statistics;
mod wall_clock;
mod writer;

pub use explorer::{
    EXPORT_COLUMNS, Explorer, ExportLine, Finding, Findings, Missing, MissingKind, compare, difference, syncs,
};
pub use reader::{
    DeclaredLength, Filter, Limits, Page, PageStart, ReadError, Reader, Rows, RunChoice, Stored, SyncRun,
};
pub use statistics::Statistics;
pub use writer::{
    AssetRow, EntitlementRow, Expansion, GrantRow, NewRun, ResourceRow, ResourceTypeRow, RunEnd, SyncType,
    WriteError, Writer, Written,
};
