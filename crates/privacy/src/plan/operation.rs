use std::fmt;

use connector::writes::WriteRequest;
use datastore::{SqlOperation, SqlValue, Write};
use graph::MaskingGrade;
use model::{CollectionAddress, Outcome};
use serde::{Deserialize, Deserializer, Serialize};
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

/// What is sent, so that nothing else is needed to send it. A secret stands in it by name only.
#[derive(Clone, PartialEq)]
pub enum Call {
    /// An HTTP request.
    Http {
        /// Name of the collection that the request belongs to.
        endpoint: String,
        /// The request's place in the connector file.
        place: String,
        /// Method.
        method: String,
        /// Whole URL.
        url: String,
        /// Headers without authentication, in order.
        headers: Vec<(String, String)>,
        /// Body as sent: a JSON value stands for its compact text, a JSON text for itself.
        body: Option<Value>,
    },
    /// An SQL statement over the rows of one collection.
    Sql {
        /// What it does to them.
        write: Write,
        /// The columns that it writes; none for a deletion.
        columns: Vec<String>,
        /// Its text; values stand in `parameters`.
        sql: String,
        /// Bound values, in order, each with its type.
        parameters: Vec<SqlValue>,
    },
}

impl From<WriteRequest> for Call {
    fn from(request: WriteRequest) -> Self {
        let is_json = request.is_json();
        let WriteRequest { place, endpoint, method, url, headers, body } = request;
        let body = body.map(|text| shown_body(text, is_json));
        Self::Http { endpoint, place, method, url, headers, body }
    }
}

/// A body as JSON where that gives exactly the same text again.
fn shown_body(text: String, is_json: bool) -> Value {
    let parsed = if is_json { serde_json::from_str::<Value>(&text).ok() } else { None };
    match parsed.map(|value| (value.to_string(), value)) {
        Some((compact, value)) if compact == text && !value.is_string() => value,
        Some(_) | None => Value::String(text),
    }
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
    headers: Option<Vec<(String, String)>>,
    // A body that is JSON's null is a body.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    body: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    endpoint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sql: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parameters: Option<Vec<SqlValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    write: Option<Write>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    columns: Option<Vec<String>>,
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

/// A value that is there, `null` included.
fn some<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// The part of the file that says what is sent.
#[derive(Default)]
struct CallFile {
    method: Option<String>,
    url: Option<String>,
    headers: Option<Vec<(String, String)>>,
    body: Option<Value>,
    endpoint: Option<String>,
    place: Option<String>,
    sql: Option<String>,
    parameters: Option<Vec<SqlValue>>,
    write: Option<Write>,
    columns: Option<Vec<String>>,
}

impl From<Call> for CallFile {
    fn from(call: Call) -> Self {
        match call {
            Call::Http { endpoint, place, method, url, headers, body } => Self {
                method: Some(method),
                url: Some(url),
                headers: Some(headers),
                body,
                endpoint: Some(endpoint),
                place: Some(place),
                ..Self::default()
            },
            Call::Sql { write, columns, sql, parameters } => Self {
                sql: Some(sql),
                parameters: Some(parameters),
                write: Some(write),
                columns: Some(columns),
                ..Self::default()
            },
        }
    }
}

impl TryFrom<CallFile> for Call {
    type Error = &'static str;

    fn try_from(file: CallFile) -> Result<Self, Self::Error> {
        match file {
            CallFile {
                method: Some(method),
                url: Some(url),
                headers: Some(headers),
                body,
                endpoint: Some(endpoint),
                place: Some(place),
                sql: None,
                parameters: None,
                write: None,
                columns: None,
            } => Ok(Self::Http { endpoint, place, method, url, headers, body }),
            CallFile {
                method: None,
                url: None,
                headers: None,
                body: None,
                endpoint: None,
                place: None,
                sql: Some(sql),
                parameters: Some(parameters),
                write: Some(write),
                columns: Some(columns),
            } => Ok(Self::Sql { write, columns, sql, parameters }),
            _ => Err("an operation is either a whole request or a whole statement"),
        }
    }
}

impl From<Operation> for OperationFile {
    fn from(operation: Operation) -> Self {
        let CallFile { method, url, headers, body, endpoint, place, sql, parameters, write, columns } =
            CallFile::from(operation.call);
        Self {
            order: operation.order,
            connection: operation.connection,
            collections: operation.collections,
            method,
            url,
            headers,
            body,
            endpoint,
            place,
            sql,
            parameters,
            write,
            columns,
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
        let OperationFile {
            method,
            url,
            headers,
            body,
            endpoint,
            place,
            sql,
            parameters,
            write,
            columns,
            ..
        } = file;
        let call = CallFile { method, url, headers, body, endpoint, place, sql, parameters, write, columns };
        let call = Call::try_from(call)?;
        if matches!(call, Call::Sql { .. }) && file.collections.len() != 1 {
            return Err("a statement changes the rows of one collection");
        }
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
