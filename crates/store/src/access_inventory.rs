//! The inventory: who had access to what, connection by connection, with its history (architecture §4).
//!
//! A state names for each part which rows are in force; parts are made of sealed chunks. Parts and chunks are
//! known by what they hold, so that what did not change is kept once, however many states have it.

mod chunk;
mod decide;
mod find;
mod forget;
mod id;
mod key;
mod put;
mod remove;
mod seen;

use jiff::Timestamp;
use model::ConnectionKey;
use serde::{Deserialize, Serialize};

use crate::StoreError;
use crate::sql::Row;
use crate::store::{count, time, time_or_none};
use crate::words::text_enum;

pub use chunk::{InventoryCursor, SealedChunk};
pub use forget::InventoryForgotten;
pub use id::{InventoryChunkId, InventoryPartId, InventoryStateId};
pub use key::InventoryKey;
pub use put::{NewInventoryPart, NewInventoryState};
pub use seen::SeenInventory;

text_enum! {
    /// What became of a state of an inventory.
    InventoryStanding "the standing of a state of an inventory" {
        /// It is in force, or was.
        Taken = "taken",
        /// Much was gone from it; a person is to say whether that is so.
        Held = "held",
        /// A person said that it is not so.
        Dismissed = "dismissed",
        /// Another sync came before anybody said anything.
        Replaced = "replaced",
    }
}

text_enum! {
    /// Where the rows of a state came from.
    InventoryOrigin "the origin of a state of an inventory" {
        /// A sync of ours.
        Sync = "sync",
        /// A file that somebody else made.
        File = "file",
        /// The connection was removed.
        Removal = "removal",
    }
}

text_enum! {
    /// How far a kind of resources is known.
    InventoryKindStatus "the status of a kind of an inventory" {
        /// All of it, as of its time.
        Complete = "complete",
        /// The last sync could not read it to its end: what is shown is older, or nothing.
        Incomplete = "incomplete",
        /// The plan or the token does not allow it: nothing is shown.
        Unavailable = "unavailable",
        /// There is no such kind any more: nothing is shown.
        Removed = "removed",
    }
}

/// How much there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InventoryCounts {
    /// Resources.
    pub resources: u64,
    /// Entitlements.
    pub entitlements: u64,
    /// Grants, without those that follow from others.
    pub grants: u64,
}

/// A state of the inventory of a connection, without its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InventoryState {
    /// Its id.
    pub id: InventoryStateId,
    /// The connection.
    pub connection: ConnectionKey,
    /// What became of it.
    pub standing: InventoryStanding,
    /// Where its rows came from.
    pub origin: InventoryOrigin,
    /// Id of the run, or of the sync of the file.
    pub source: Option<String>,
    /// When its newest rows were read.
    pub read_at: Timestamp,
    /// When it was kept.
    pub kept_at: Timestamp,
    /// Since when it is, or was, in force; each of a connection has another time.
    pub taken_at: Option<Timestamp>,
    /// When a sync last found the same.
    pub seen_at: Timestamp,
    /// How many parts are others than in the state before it.
    pub changed: u64,
    /// How much is shown of all kinds together.
    pub counts: InventoryCounts,
    /// Why it is, or was, held back.
    pub reason: Option<String>,
    /// All kinds, in the order of the connector's file.
    pub kinds: Vec<InventoryKind>,
}

/// What a state knows of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InventoryKind {
    /// Its id.
    pub kind: String,
    /// How far it is known.
    pub status: InventoryKindStatus,
    /// When what is shown of it was read; with [`InventoryKindStatus::Removed`] when it was last there.
    pub as_of: Option<Timestamp>,
    /// Why it is not complete, or what is to be known besides.
    pub reason: Option<String>,
}

/// The rows of one part as a state has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InventoryPart {
    /// Stands for the rows.
    pub id: InventoryPartId,
    /// The kind.
    pub kind: String,
    /// Grants of this kind on it; empty: the kind itself, its resources, and what can be held on them.
    pub holder: String,
    /// When they were read.
    pub as_of: Timestamp,
    /// How many they are.
    pub counts: InventoryCounts,
}

/// The columns of a state; what follows is put behind.
macro_rules! states {
    ($rest:literal) => {
        concat!(
            "SELECT id, connection, standing, origin, source, read_at, kept_at, taken_at, seen_at, changed, ",
            "resources, entitlements, grants, reason, kinds FROM inventory_state ",
            $rest
        )
    };
}
use states;

/// A kind in the form in which a state keeps it.
#[derive(Debug, Serialize, Deserialize)]
struct KeptKind {
    kind: String,
    status: String,
    as_of: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

fn kinds_text(kinds: &[InventoryKind]) -> String {
    let kept = kinds.iter().map(|kind| KeptKind {
        kind: kind.kind.clone(),
        status: kind.status.as_str().to_owned(),
        as_of: kind.as_of.map(Timestamp::as_microsecond),
        reason: kind.reason.clone(),
    });
    serde_json::to_string(&kept.collect::<Vec<_>>()).expect("texts and numbers are always JSON")
}

fn kinds_of(text: &str) -> Result<Vec<InventoryKind>, StoreError> {
    let damaged = |_| StoreError::Damaged { what: "the kinds of an inventory" };
    let kept: Vec<KeptKind> = serde_json::from_str(text).map_err(damaged)?;
    let kind = |kind: KeptKind| {
        Ok(InventoryKind {
            status: InventoryKindStatus::parse(&kind.status)?,
            as_of: time_or_none(kind.as_of)?,
            kind: kind.kind,
            reason: kind.reason,
        })
    };
    kept.into_iter().map(kind).collect()
}

fn state(row: &Row) -> Result<InventoryState, StoreError> {
    let connection: String = row.try_get(1)?;
    Ok(InventoryState {
        id: InventoryStateId::kept(row.try_get(0)?),
        connection: connection
            .parse()
            .map_err(|_| StoreError::Damaged { what: "the connection of an inventory" })?,
        standing: InventoryStanding::parse(&row.try_get::<String>(2)?)?,
        origin: InventoryOrigin::parse(&row.try_get::<String>(3)?)?,
        source: row.try_get(4)?,
        read_at: time(row.try_get(5)?)?,
        kept_at: time(row.try_get(6)?)?,
        taken_at: time_or_none(row.try_get(7)?)?,
        seen_at: time(row.try_get(8)?)?,
        changed: count(row.try_get(9)?)?,
        counts: counts(row, 10)?,
        reason: row.try_get(13)?,
        kinds: kinds_of(&row.try_get::<String>(14)?)?,
    })
}

/// The three counts that begin at a column.
fn counts(row: &Row, first: usize) -> Result<InventoryCounts, StoreError> {
    Ok(InventoryCounts {
        resources: count(row.try_get(first)?)?,
        entitlements: count(row.try_get(first + 1)?)?,
        grants: count(row.try_get(first + 2)?)?,
    })
}
