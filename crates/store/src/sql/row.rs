use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::{Column, DatabaseError};

/// One row of an answer.
pub(crate) enum Row {
    Sqlite(Vec<Value>),
    Postgres(AnyRow),
}

/// A value of SQLite.
pub(crate) enum Value {
    Null,
    Number(i64),
    Real(f64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Row {
    /// The value of a column, by its place from 0.
    ///
    /// # Errors
    /// If there is no such column, or it holds something else.
    pub(crate) fn try_get<'r, T: Column<'r>>(&'r self, place: usize) -> Result<T, DatabaseError> {
        match self {
            Self::Postgres(row) => Ok(row.try_get(place)?),
            Self::Sqlite(values) => {
                values.get(place).and_then(T::of).ok_or_else(|| DatabaseError::column(place))
            }
        }
    }
}

impl std::fmt::Debug for Row {
    /// Without its values, which may be anything.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a row")
    }
}
