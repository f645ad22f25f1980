use std::fmt::Write as _;

use rusqlite::{Row, params_from_iter};

use super::database::Database;
use super::decode::{Cell, decode_row};
use super::stored::Stored;
use super::{ReadError, Reader, SyncRun};
use crate::layout::Table;

/// The most rows of a page (baton DB-10).
const MOST_ROWS: usize = 10_000;
/// A page ends after the row that makes it this large.
const MOST_BYTES: usize = 4 << 20;

/// Which rows are wanted; all of those that are named have to fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Type of the resource, or of the resource that an entitlement or grant is on.
    pub resource_type: Option<String>,
    /// Id of the resource that an entitlement or grant is on.
    pub resource: Option<String>,
    /// Id of a grant's entitlement.
    pub entitlement: Option<String>,
    /// Type and id of who holds a grant.
    pub principal: Option<(String, String)>,
}

impl Filter {
    /// Columns of a table and what has to stand in them.
    fn conditions<'a>(&'a self, table: Table) -> Vec<(&'static str, &'a str)> {
        let mut conditions = Vec::new();
        let mut add = |column, value: Option<&'a String>| {
            if let Some(value) = value {
                conditions.push((column, value.as_str()));
            }
        };
        match table {
            Table::Resources => add("resource_type_id", self.resource_type.as_ref()),
            Table::Entitlements | Table::Grants => {
                add("resource_type_id", self.resource_type.as_ref());
                add("resource_id", self.resource.as_ref());
            }
            Table::ResourceTypes | Table::Assets | Table::SyncRuns => {}
        }
        if table == Table::Grants {
            add("entitlement_id", self.entitlement.as_ref());
            add("principal_resource_type_id", self.principal.as_ref().map(|(kind, _)| kind));
            add("principal_resource_id", self.principal.as_ref().map(|(_, id)| id));
        }
        conditions
    }
}

/// Where a page begins and how many rows it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageStart {
    /// The number of its first row: 0, or what the page before told.
    pub token: i64,
    /// Most rows; 0 or above 10,000 stands for 10,000.
    pub size: usize,
}

/// A page of rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Where the next page begins; nothing after the last one.
    pub next: Option<i64>,
}

/// Rows of a run, a page of which is in memory. After an error nothing more comes.
#[derive(Debug)]
pub struct Rows<'a, T> {
    reader: &'a Reader,
    run: &'a SyncRun,
    filter: &'a Filter,
    page: std::vec::IntoIter<T>,
    next: Option<i64>,
    bytes_left: u64,
}

impl<'a, T: Stored> Rows<'a, T> {
    pub(super) fn new(reader: &'a Reader, run: &'a SyncRun, filter: &'a Filter) -> Self {
        let bytes_left = reader.database().map_or(0, Database::bytes);
        let next = reader.database().map(|_| i64::MIN);
        Self { reader, run, filter, page: Vec::new().into_iter(), next, bytes_left }
    }

    fn turn(&mut self) -> Result<(), ReadError> {
        let (Some(database), Some(token)) = (self.reader.database(), self.next.take()) else { return Ok(()) };
        let mut rows = Vec::new();
        let query = Query {
            table: T::TABLE,
            columns: T::columns(database),
            run: &self.run.id,
            filter: self.filter,
            start: PageStart { token, size: MOST_ROWS },
        };
        let next = scan(database, &query, &mut |row, number| {
            let (message, bytes) = decode_row::<T>(row, number)?;
            self.bytes_left = spend(self.bytes_left, bytes, T::TABLE, number)?;
            rows.push(message);
            Ok(bytes)
        })?;
        self.page = rows.into_iter();
        self.next = next;
        Ok(())
    }
}

impl<T: Stored> Iterator for Rows<'_, T> {
    type Item = Result<T, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.page.next() {
                return Some(Ok(row));
            }
            self.next?;
            if let Err(error) = self.turn() {
                return Some(Err(error));
            }
        }
    }
}

/// Takes a row off the bytes that a file can still hold.
///
/// Each byte of a file belongs to one row. A file in which the same pages are rows again and again would keep a reader
/// busy for ever, or fill its memory.
pub(super) fn spend(left: u64, bytes: usize, table: Table, row: i64) -> Result<u64, ReadError> {
    let more = ReadError::Rows { table: table.name(), row, why: "is more than the file holds" };
    left.checked_sub(bytes as u64).ok_or(more)
}

/// One page.
pub(super) fn page<T: Stored>(
    database: &Database,
    run: &str,
    filter: &Filter,
    start: PageStart,
) -> Result<Page<T>, ReadError> {
    let size = if (1..=MOST_ROWS).contains(&start.size) { start.size } else { MOST_ROWS };
    let start = PageStart { size, ..start };
    let mut rows = Vec::new();
    let query = Query { table: T::TABLE, columns: T::columns(database), run, filter, start };
    let next = scan(database, &query, &mut |row, number| {
        let (message, bytes) = decode_row::<T>(row, number)?;
        rows.push(message);
        Ok(bytes)
    })?;
    Ok(Page { rows, next })
}

/// How many rows of a run the filter leaves.
pub(super) fn count(database: &Database, table: Table, run: &str, filter: &Filter) -> Result<u64, ReadError> {
    let mut count = 0;
    let mut token = Some(i64::MIN);
    while let Some(from) = token {
        let start = PageStart { token: from, size: MOST_ROWS };
        let query = Query { table, columns: "NULL", run, filter, start };
        token = scan(database, &query, &mut |_, _| {
            count += 1;
            Ok(1)
        })?;
    }
    Ok(count)
}

/// Gives columns of text of a run's rows to `each`.
pub(super) fn columns<const N: usize>(
    database: &Database,
    (table, columns): (Table, &str),
    run: &str,
    each: &mut dyn FnMut([&str; N]),
) -> Result<(), ReadError> {
    let filter = Filter::default();
    let mut bytes_left = database.bytes();
    let mut token = Some(i64::MIN);
    while let Some(from) = token {
        let start = PageStart { token: from, size: MOST_ROWS };
        let query = Query { table, columns, run, filter: &filter, start };
        token = scan(database, &query, &mut |row, number| {
            let cell = Cell { table, column: "external_id", number };
            let mut texts = [""; N];
            for (place, text) in (1..).zip(&mut texts) {
                *text = cell.text(row, place)?;
            }
            let bytes = texts.iter().map(|text| text.len()).sum::<usize>() + 1;
            bytes_left = spend(bytes_left, bytes, table, number)?;
            each(texts);
            Ok(bytes)
        })?;
    }
    Ok(())
}

/// What a scan looks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Query<'a> {
    pub(super) table: Table,
    /// What is read of a row after its number, in SQL.
    pub(super) columns: &'a str,
    pub(super) run: &'a str,
    pub(super) filter: &'a Filter,
    pub(super) start: PageStart,
}

/// Gives rows of a run to `each`, which says how large they are, and says where the next page begins.
pub(super) fn scan(
    database: &Database,
    query: &Query<'_>,
    each: &mut dyn FnMut(&Row<'_>, i64) -> Result<usize, ReadError>,
) -> Result<Option<i64>, ReadError> {
    let name = query.table.name();
    let failed = |source| ReadError::Database { what: name, source };
    let conditions = query.filter.conditions(query.table);
    let mut sql =
        format!("SELECT id, {} FROM main.{name} NOT INDEXED WHERE id >= $1 AND sync_id = $2", query.columns);
    for (place, (column, _)) in (3..).zip(&conditions) {
        let _ = write!(sql, " AND {column} = ${place} COLLATE BINARY");
    }
    let _ = write!(sql, " ORDER BY id LIMIT {}", query.start.size + 1);
    database.refill();
    let mut statement = database.connection().prepare_cached(&sql).map_err(failed)?;
    let values: Vec<&dyn rusqlite::ToSql> = [&query.start.token as &dyn rusqlite::ToSql, &query.run]
        .into_iter()
        .chain(conditions.iter().map(|(_, value)| value as &dyn rusqlite::ToSql))
        .collect();
    let mut rows = statement.query(params_from_iter(values)).map_err(failed)?;
    let (mut count, mut bytes, mut before) = (0, 0, None);
    while let Some(row) = rows.next().map_err(failed)? {
        let number: i64 = row.get(0).map_err(failed)?;
        if before.is_some_and(|before| number <= before) {
            return Err(ReadError::Rows { table: name, row: number, why: "comes again" });
        }
        if count == query.start.size || bytes >= MOST_BYTES {
            return Ok(Some(number));
        }
        before = Some(number);
        count += 1;
        bytes += each(row, number)?;
    }
    Ok(None)
}
