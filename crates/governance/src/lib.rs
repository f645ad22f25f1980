//! Who has access to what: syncs of an application's accounts, groups, roles and resources, and what follows
//! from them.
//!
//! For: reading what a connector file lists ([`Sync`]), putting it together as rows ([`SyncSink`]), grants that
//! follow from grants ([`expansion`]), who reaches what ([`reach`]), and changes of access ([`change`]). Not for:
//! calls (`connector`), keeping (`store`), files (`c1z`), or what a person sees of it (`tutela`).

mod assembly;
pub mod change;
mod entitlement_graph;
pub mod expansion;
mod file;
mod file_part;
mod finish;
mod item;
mod kept;
mod listing;
mod mapping;
pub mod number;
pub mod reach;
mod report;
mod sink;
mod sync;

pub use assembly::resource_type_row;
pub use file::{EpochError, FileError, FileTimes};
pub use file_part::{FileDepth, FilePart};
pub use finish::ReadSync;
pub use mapping::MappingError;
pub use report::{KindCause, KindReport, KindStatus, SyncOutcome, SyncReport};
pub use sink::{SinkError, SyncSink};
pub use sync::{Sync, SyncError, SyncParts, SyncProgress, SyncRequest};
