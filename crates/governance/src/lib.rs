//! Who has access to what: syncs of an application's accounts, groups, roles and resources, and what follows
//! from them.
//!
//! For: reading what a connector file lists ([`Sync`]), putting it together as rows ([`SyncSink`]), grants that
//! follow from grants ([`expansion`]), who reaches what ([`reach`]), changes of access ([`change`]), and what was
//! used ([`activity`]). Not for: calls (`connector`), keeping (`store`), files (`c1z`), or what a person sees of
//! it (`tutela`).

pub mod activity;
mod aside;
mod assembly;
pub mod change;
mod entitlement_graph;
pub mod expansion;
mod file;
mod file_base;
mod file_sink;
mod finish;
pub mod inventory;
mod item;
mod kept;
mod listing;
mod mapping;
pub mod number;
mod outlet;
mod plan;
pub mod reach;
mod report;
mod sink;
pub mod source;
mod sync;
mod sync_part;
pub mod worker;

pub use assembly::resource_type_row;
pub use c1z::Expansion;
pub use file::{EpochError, FileError, FileTimes};
pub use file_base::FileBase;
pub use file_sink::FileSink;
pub use finish::ReadSync;
pub use item::{AccountStatus, AccountType};
pub use mapping::MappingError;
pub use report::{KindCause, KindReport, KindStatus, SyncOutcome, SyncReport};
pub use sink::{SinkError, SyncSink};
pub use sync::{Sync, SyncError, SyncParts, SyncProgress, SyncRequest};
pub use sync_part::{NamedResource, SyncDepth, SyncPart};
