//! How an operation stands in a plan file.

use datastore::{SqlValue, Write};
use graph::MaskingGrade;
use model::{CollectionAddress, Outcome};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{Call, Operation, Reason, Reversibility, Uses, Verification};

/// An operation as it stands in the file, flat.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OperationFile {
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
