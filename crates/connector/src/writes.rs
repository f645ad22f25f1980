//! From rows and their masked values to write requests as data (saas-config 20.6–20.16).
//!
//! Nothing here sends anything. A [`WriteRequest`] is what a plan shows and what is sent later: the
//! values that were drawn for it (`<uuid>`, the time, random masks) stand in it, secrets stand in it
//! by name only. Two requests built from the same values are equal.

mod bound;
mod expand;
pub(crate) mod params;
mod prepare;
mod request;
pub(crate) mod secret_mark;

use std::collections::HashMap;

use model::{CallStats, Row};
use serde_json::Value;
use spec::connector_file::{Per, Request};
use spec::reference::FieldReference;
use thiserror::Error;

pub use expand::{SourceRow, write_rows};
pub use params::fields_needed;
pub use request::WriteRequest;

use crate::build::BuildError;
use crate::inputs::Inputs;
use crate::person::Person;
use crate::script::HookError;

/// What writes are made of, besides rows.
#[derive(Clone, Copy)]
pub struct WriteSource<'a> {
    /// The request of the file; its variant is already chosen.
    pub request: &'a Request,
    /// Name of its collection; `data_protection_request` for that of the whole application.
    pub endpoint: &'a str,
    /// How often it is sent.
    pub per: Per,
    /// Who is erased.
    pub person: &'a Person,
    /// The input map of the collection, from the rows that were read (saas-config 17).
    pub inputs: &'a Inputs,
    /// All values of the fields that [`fields_needed`] names, in the order read.
    pub field_values: &'a HashMap<FieldReference, Vec<Value>>,
}

/// One row of the collection with what masking made of it. `Debug` shows nothing of it.
#[derive(Clone, Default)]
pub struct WriteRow {
    /// The row as read; empty for a collection that is only deleted (saas-config 20.10).
    pub row: Row,
    /// `<masked_object_fields>` (saas-config 20.12).
    pub masked: Row,
    /// `<all_object_fields>` (saas-config 20.13).
    pub all: Row,
}

impl std::fmt::Debug for WriteRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WriteRow").finish_non_exhaustive()
    }
}

/// The writes of one request, and what cannot be written.
#[derive(Debug, Default)]
pub struct Writes {
    /// In the order in which they are sent.
    pub planned: Vec<PlannedWrite>,
    /// In the order of the rows.
    pub unwritten: Vec<Unwritten>,
    /// What the reads of a script cost.
    pub stats: CallStats,
}

/// One write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedWrite {
    /// The call.
    pub request: WriteRequest,
    /// Positions of the rows that it stands for; empty for a write for the whole person.
    pub rows: Vec<usize>,
    /// How many values its batch holds; 1 without one.
    pub values: usize,
    /// It must not be sent before the one in front of it has ended: a script returned both, in this order.
    pub follows: bool,
}

/// Something that no call is made for.
#[derive(Debug)]
pub struct Unwritten {
    /// Positions of the rows concerned; empty for a write for the whole person.
    pub rows: Vec<usize>,
    /// Why.
    pub reason: UnwrittenReason,
}

/// Why no call is made. Names places and params, never values.
#[derive(Debug, Error)]
pub enum UnwrittenReason {
    /// The call cannot be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A value is missing and the file says that the call may be left out then.
    #[error("left out by `skip_missing_param_values`: {0}")]
    Skipped(#[source] BuildError),
    /// The body is made of masked values, and there are none.
    #[error("nothing in this row is masked, so {place} would change nothing")]
    NothingMasked {
        /// The request's place in the file.
        place: String,
    },
    /// A value is needed, and several are known that belong to other rows.
    #[error(
        "`{param}` of {place} comes from another collection, where {count} values are known; refer to a field of \
         the row itself, so that each row gets its own"
    )]
    Ambiguous {
        /// The request's place in the file.
        place: String,
        /// The param value.
        param: String,
        /// How many values there are.
        count: usize,
    },
    /// Several params with several values each.
    #[error(
        "{place} takes several values of both `{one}` and `{other}`, and nothing says which belong together"
    )]
    TwoLists {
        /// The request's place in the file.
        place: String,
        /// A param value.
        one: String,
        /// Another one.
        other: String,
    },
    /// Masked values of one row in a call for many.
    #[error(
        "{place} puts values of one row into a call for many rows; send it once per row, without `batch`"
    )]
    RowInBatch {
        /// The request's place in the file.
        place: String,
    },
    /// The filled body is no JSON.
    #[error("the body of {place} is no JSON once it is filled in; check its braces, quotes and commas")]
    BodyNotJson {
        /// The request's place in the file.
        place: String,
    },
    /// The script did not make it.
    #[error(transparent)]
    Script(#[from] HookError),
    /// The script was not asked, because its last read failed.
    #[error(
        "the script of {place} was not asked about this row, because a read for an earlier one failed; try later"
    )]
    ScriptStopped {
        /// The request's place in the file.
        place: String,
    },
    /// The script makes no write of it.
    #[error("the script of {place} returned no write for it")]
    NothingReturned {
        /// The request's place in the file.
        place: String,
    },
    /// The answer that comes later would have to be asked for in a way that is not built.
    #[error(
        "{place} is answered later by `{strategy}`, which cannot be followed; say `callback`, `track`, or \
         `polling` with `correlation_id_path` and a status request that reads"
    )]
    NotFollowed {
        /// The request's place in the file.
        place: String,
        /// The strategy as written.
        strategy: String,
    },
    /// A value that looks like the name of a secret.
    #[error("a value for {place} holds text that stands for a secret; it was not used")]
    SecretMark {
        /// The request's place in the file.
        place: String,
    },
}

#[cfg(test)]
mod tests;
