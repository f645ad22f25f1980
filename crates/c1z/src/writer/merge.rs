use std::collections::{HashMap, HashSet};
use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension as _, Row};

use super::WriteError;
use crate::layout::{TABLES, Table};
use crate::pages::{Database, Field, Sealed, TableLayout, Twice};
use crate::statistics::Statistics;

/// The columns that a later row with the same id replaces (baton DB-4, DB-7).
const REPLACED: [&str; 4] = ["content_type", "data", "expansion", "needs_expansion"];

/// Copies a database in which rows came twice into one in which each stands once, without the runs.
///
/// That rows come twice is rare: a connector listed something on two pages. So it costs nothing while rows come, and a
/// second pass where it happened.
pub(super) fn merge(
    mut sealed: Sealed,
    sync_id: &str,
    statistics: &mut Statistics,
    folder: Option<&Path>,
) -> Result<Database, WriteError> {
    let mut copy = match folder {
        Some(folder) => tempfile::NamedTempFile::new_in(folder),
        None => tempfile::NamedTempFile::new(),
    }
    .map_err(WriteError::Working)?;
    sealed.write_plain(copy.as_file_mut()).map_err(WriteError::Working)?;
    let connection = Connection::open(copy.path()).map_err(WriteError::Merge)?;
    let mut database = Database::create(TABLES, folder).map_err(WriteError::Working)?;
    for (place, layout) in TABLES.iter().enumerate() {
        if place == Table::SyncRuns.place() {
            continue;
        }
        let twice = sealed.twice.iter().find(|(name, _)| *name == layout.name);
        let twice = Joined::new(twice.map(|(_, rows)| rows.as_slice()).unwrap_or_default());
        let mut copying = Copying { connection: &connection, database: &mut database, place, layout };
        copying.run(&twice, sync_id, statistics)?;
    }
    Ok(database)
}

/// Which rows give their content to which, and which are left out.
struct Joined {
    content_of: HashMap<i64, i64>,
    left_out: HashSet<i64>,
}

impl Joined {
    fn new(twice: &[Twice]) -> Self {
        let mut content_of = HashMap::new();
        for row in twice {
            let newest = content_of.entry(row.first.cast_signed()).or_insert(row.later.cast_signed());
            *newest = (*newest).max(row.later.cast_signed());
        }
        Self { content_of, left_out: twice.iter().map(|row| row.later.cast_signed()).collect() }
    }
}

struct Copying<'a> {
    connection: &'a Connection,
    database: &'a mut Database,
    place: usize,
    layout: &'static TableLayout,
}

impl Copying<'_> {
    fn run(&mut self, joined: &Joined, sync_id: &str, statistics: &mut Statistics) -> Result<(), WriteError> {
        let name = self.layout.name;
        let sql = format!("SELECT * FROM {name} NOT INDEXED ORDER BY id");
        let of_row = format!("SELECT * FROM {name} WHERE id = $1");
        let connection = self.connection;
        let mut all = connection.prepare(&sql).map_err(WriteError::Merge)?;
        let mut one = connection.prepare(&of_row).map_err(WriteError::Merge)?;
        let names: Vec<String> = all.column_names().into_iter().map(str::to_owned).collect();
        let mut rows = all.query([]).map_err(WriteError::Merge)?;
        while let Some(row) = rows.next().map_err(WriteError::Merge)? {
            let id: i64 = row.get(0).map_err(WriteError::Merge)?;
            if joined.left_out.contains(&id) {
                uncount(self.place, row, sync_id, statistics).map_err(WriteError::Merge)?;
                continue;
            }
            let Some(newest) = joined.content_of.get(&id) else {
                self.insert(&names, row, row)?;
                continue;
            };
            let inserted = one.query_row([newest], |newest| Ok(self.insert(&names, row, newest))).optional();
            inserted.map_err(WriteError::Merge)?.unwrap_or(Ok(()))?;
        }
        Ok(())
    }

    fn insert(&mut self, names: &[String], row: &Row<'_>, newest: &Row<'_>) -> Result<(), WriteError> {
        let mut fields = Vec::with_capacity(names.len());
        for (column, name) in names.iter().enumerate().skip(1) {
            let from = if REPLACED.contains(&name.as_str()) { newest } else { row };
            fields.push(match from.get_ref(column).map_err(WriteError::Merge)? {
                ValueRef::Integer(number) => Field::Integer(number),
                ValueRef::Text(text) => Field::Text(std::str::from_utf8(text).unwrap_or_default()),
                ValueRef::Blob(bytes) => Field::Blob(bytes),
                ValueRef::Null | ValueRef::Real(_) => Field::Null,
            });
        }
        self.database.insert(self.place, &fields).map_err(WriteError::Working)
    }
}

/// Takes a row that is left out off the counts, if it is of the run that is written.
fn uncount(
    place: usize,
    row: &Row<'_>,
    sync_id: &str,
    statistics: &mut Statistics,
) -> Result<(), rusqlite::Error> {
    const COUNTED: [(Table, &str); 5] = [
        (Table::ResourceTypes, "external_id"),
        (Table::Resources, "resource_type_id"),
        (Table::Entitlements, "resource_type_id"),
        (Table::Grants, "resource_type_id"),
        (Table::Assets, "external_id"),
    ];
    let run: String = row.get("sync_id")?;
    if let Some((table, column)) = COUNTED.into_iter().find(|(table, _)| table.place() == place)
        && run == sync_id
    {
        statistics.count(table, &row.get::<_, String>(column)?, -1);
    }
    Ok(())
}
