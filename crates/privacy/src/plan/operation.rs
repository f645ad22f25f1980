use std::fmt;

use graph::MaskingGrade;
use model::{CollectionAddress, Outcome};
use serde::{Deserialize, Serialize};
use serde_json::Value;

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

/// What is sent. Secrets are masked in it.
#[derive(Clone, PartialEq)]
pub enum Call {
    /// An HTTP request.
    Http {
        /// Method.
        method: String,
        /// Whole URL.
        url: String,
        /// Body as sent: JSON if it is JSON, else its text.
        body: Option<Value>,
    },
    /// An SQL statement.
    Sql {
        /// Its text; values stand in `parameters`.
        sql: String,
        /// Bound values, in order.
        parameters: Vec<Value>,
    },
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

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http { method, .. } => write!(f, "Http({method} …)"),
            Self::Sql { .. } => f.write_str("Sql(…)"),
        }
    }
}

/// An operation as it stands in the file, flat.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OperationFile {
    order: u64,
    connection: String,
    collections: Vec<CollectionAddress>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sql: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parameters: Option<Vec<Value>>,
    rows: u64,
    reason: Vec<Reason>,
    expected: Outcome,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    grade: Option<MaskingGrade>,
    reversibility: Reversibility,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cost: Option<String>,
    verification: Verification,
    repeatable: bool,
    tracked: bool,
    waits_for: Vec<u64>,
    uses: Uses,
}

impl From<Operation> for OperationFile {
    fn from(operation: Operation) -> Self {
        let (method, url, body, sql, parameters) = match operation.call {
            Call::Http { method, url, body } => (Some(method), Some(url), body, None, None),
            Call::Sql { sql, parameters } => (None, None, None, Some(sql), Some(parameters)),
        };
        Self {
            order: operation.order,
            connection: operation.connection,
            collections: operation.collections,
            method,
            url,
            body,
            sql,
            parameters,
            rows: operation.rows,
            reason: operation.reason,
            expected: operation.expected,
            grade: operation.grade,
            reversibility: operation.reversibility,
            cost: operation.cost,
            verification: operation.verification,
            repeatable: operation.repeatable,
            tracked: operation.tracked,
            waits_for: operation.waits_for,
            uses: operation.uses,
        }
    }
}

impl TryFrom<OperationFile> for Operation {
    type Error = &'static str;

    fn try_from(file: OperationFile) -> Result<Self, Self::Error> {
        let call = match (file.method, file.url, file.sql, file.parameters) {
            (Some(method), Some(url), None, None) => Call::Http { method, url, body: file.body },
            (None, None, Some(sql), Some(parameters)) if file.body.is_none() => Call::Sql { sql, parameters },
            _ => return Err("an operation has either `method` and `url`, or `sql` and `parameters`"),
        };
        Ok(Self {
            order: file.order,
            connection: file.connection,
            collections: file.collections,
            call,
            rows: file.rows,
            reason: file.reason,
            expected: file.expected,
            grade: file.grade,
            reversibility: file.reversibility,
            cost: file.cost,
            verification: file.verification,
            repeatable: file.repeatable,
            tracked: file.tracked,
            waits_for: file.waits_for,
            uses: file.uses,
        })
    }
}
