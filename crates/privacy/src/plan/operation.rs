mod call;
mod file;

use std::fmt;

use connector::writes::WriteRequest;
use datastore::SqlOperation;
use graph::MaskingGrade;
use model::{CollectionAddress, Outcome};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use call::Call;
use file::OperationFile;

/// One write: an HTTP request, or an SQL statement over at most 1,000 keys.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "OperationFile", into = "OperationFile")]
pub struct Operation {
    /// Its number, from 1; set when the plan is sealed.
    pub order: u64,
    /// Key of the connection.
    pub connection: String,
    /// What it erases or corrects.
    pub collections: Vec<CollectionAddress>,
    /// What is sent.
    pub call: Call,
    /// Rows that it changes; 1 for a request that stands for the whole person.
    pub rows: u64,
    /// Why.
    pub reason: Vec<Reason>,
    /// The outcome if all goes well.
    pub expected: Outcome,
    /// How well the old values are gone then.
    pub grade: Option<MaskingGrade>,
    /// Whether it can be undone.
    pub reversibility: Reversibility,
    /// What it costs, if the application counts or bills it.
    pub cost: Option<String>,
    /// How it will be verified.
    pub verification: Verification,
    /// The same write may be sent twice without harm.
    pub repeatable: bool,
    /// It starts a job that is followed to its end.
    pub tracked: bool,
    /// Numbers of the operations that must have ended before.
    pub waits_for: Vec<u64>,
    /// What it was made from; if that changes, it is not sent.
    pub uses: Uses,
}

/// Why an operation is done.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// Key of the policy's rule.
    pub rule: String,
    /// The data category.
    pub category: String,
    /// Declared paths of the fields, with dots.
    pub fields: Vec<String>,
}

/// Whether an operation can be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reversibility {
    /// By nobody.
    Irreversible,
    /// By the application, for a while, on request.
    ByVendor,
    /// From a backup only.
    FromBackup,
}

/// How an operation is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verification {
    /// The collections are read again.
    ReadAgain,
    /// The request that the connector file states under `verify` is sent.
    Request,
    /// The application's word that the job ended is all there is.
    JobOnly,
    /// Not at all: nothing can be read.
    None,
}

/// What an operation was made from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Uses {
    /// Rows that it changes or deletes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<UsedRow>,
    /// Values that it carries, for an operation that is done once per person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<UsedValues>,
}

/// One row by its keyed hashes ([`RowMarker`](super::RowMarker)).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsedRow {
    /// Its collection.
    pub address: CollectionAddress,
    /// Keyed hash of its key.
    pub key: String,
    /// Keyed hash of all of it.
    pub content: String,
}

/// All values of one field by their keyed hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsedValues {
    /// The collection.
    pub address: CollectionAddress,
    /// The field's path, with dots.
    pub field: String,
    /// Keyed hash of the distinct values.
    pub hash: String,
}

impl Operation {
    /// The request that is sent, exactly as it was prepared; `None` for a statement.
    pub fn write_request(&self) -> Option<WriteRequest> {
        let Call::Http { endpoint, place, method, url, headers, body } = &self.call else { return None };
        let text = |body: &Value| body.as_str().map_or_else(|| body.to_string(), str::to_owned);
        Some(WriteRequest {
            place: place.clone(),
            endpoint: endpoint.clone(),
            method: method.clone(),
            url: url.clone(),
            headers: headers.clone(),
            body: body.as_ref().map(text),
        })
    }

    /// The statement that is sent, exactly as it was prepared; `None` for a request.
    pub fn sql_operation(&self) -> Option<SqlOperation> {
        let Call::Sql { write, columns, sql, parameters } = &self.call else { return None };
        Some(SqlOperation {
            connection: self.connection.parse().ok()?,
            collection: self.collections.first()?.clone(),
            write: *write,
            columns: columns.clone(),
            keys: self.rows,
            sql: sql.clone(),
            parameters: parameters.clone(),
        })
    }

    /// How many writes it counts as: a statement changes as many rows as it names.
    pub fn writes(&self) -> u64 {
        match self.call {
            Call::Http { .. } => 1,
            Call::Sql { .. } => self.rows.max(1),
        }
    }
}

/// Shows no URL, body or parameter.
impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Operation({}, {}, {:?})", self.order, self.connection, self.call)
    }
}
