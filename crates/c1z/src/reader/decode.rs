use rusqlite::Row;
use rusqlite::types::ValueRef;

use super::ReadError;
use super::stored::Stored;
use crate::layout::Table;
use crate::writer::MOST_BLOB_BYTES;

/// Place of the content in each query; in front of it stands the row's number.
const DATA: usize = 1;

/// The message of a row, with what its columns add, and how many bytes of the file all of them are.
pub(super) fn decode_row<T: Stored>(row: &Row<'_>, number: i64) -> Result<(T, usize), ReadError> {
    let cell = Cell { table: T::TABLE, column: "data", number };
    let data = cell.blob(row, DATA)?.ok_or_else(|| cell.wrong("bytes"))?;
    if data.len() > MOST_BLOB_BYTES {
        return Err(ReadError::Rows {
            table: T::TABLE.name(),
            row: number,
            why: "is larger than any that a connector sends",
        });
    }
    let mut message = T::decode(data).map_err(|source| ReadError::Content {
        table: T::TABLE.name(),
        row: number,
        message: T::NAME,
        source,
    })?;
    message.complete(row, number)?;
    Ok((message, read_bytes(row) + 1))
}

/// How many bytes the values of a row have: ids in columns become part of a message, so they count like its content.
pub(super) fn read_bytes(row: &Row<'_>) -> usize {
    let values = (DATA..).map_while(|place| row.get_ref(place).ok());
    values
        .map(|value| match value {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len(),
            ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => 0,
        })
        .sum()
}

/// A value of a row, as errors name it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell {
    pub(crate) table: Table,
    pub(crate) column: &'static str,
    pub(crate) number: i64,
}

impl Cell {
    /// Text; empty where there is nothing.
    pub(crate) fn text<'a>(self, row: &'a Row<'_>, place: usize) -> Result<&'a str, ReadError> {
        match row.get_ref(place) {
            Ok(ValueRef::Text(text)) => std::str::from_utf8(text).map_err(|_| self.wrong("text")),
            Ok(ValueRef::Null) => Ok(""),
            Ok(ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Blob(_)) | Err(_) => {
                Err(self.wrong("text"))
            }
        }
    }

    /// Bytes, or nothing.
    pub(crate) fn blob<'a>(self, row: &'a Row<'_>, place: usize) -> Result<Option<&'a [u8]>, ReadError> {
        match row.get_ref(place) {
            Ok(ValueRef::Blob(bytes)) => Ok(Some(bytes)),
            Ok(ValueRef::Null) => Ok(None),
            Ok(ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Text(_)) | Err(_) => {
                Err(self.wrong("bytes"))
            }
        }
    }

    fn wrong(self, expected: &'static str) -> ReadError {
        ReadError::Value { table: self.table.name(), column: self.column, row: self.number, expected }
    }
}
