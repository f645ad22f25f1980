use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use protos::c1::connector::v2::{Entitlement, Resource, ResourceId, ResourceType};
use rusqlite::OptionalExtension as _;

use super::database::Database;
use super::decode::decode_row;
use super::scan::{Filter, PageStart, Query, scan};
use super::stored::Stored;
use super::{ReadError, Reader, SyncRun};
use crate::layout::Table;

/// Messages that are kept at hand, of each kind.
const MOST_KEPT: usize = 20_000;
/// Rows that are numbered in memory where a file has no index.
const MOST_NUMBERED: usize = 5_000_000;

/// Finds resource types, resources and entitlements of a run by their ids.
pub(crate) struct Finder<'a> {
    reader: &'a Reader,
    run: &'a SyncRun,
    types: RefCell<HashMap<String, Option<Rc<ResourceType>>>>,
    resources: RefCell<HashMap<String, Option<Rc<Resource>>>>,
    entitlements: RefCell<HashMap<String, Option<Rc<Entitlement>>>>,
}

impl<'a> Finder<'a> {
    pub(crate) fn new(reader: &'a Reader, run: &'a SyncRun) -> Self {
        Self {
            reader,
            run,
            types: RefCell::default(),
            resources: RefCell::default(),
            entitlements: RefCell::default(),
        }
    }

    pub(crate) fn resource_type(&self, id: &str) -> Result<Option<Rc<ResourceType>>, ReadError> {
        self.find(&self.types, id)
    }

    pub(crate) fn entitlement(&self, id: &str) -> Result<Option<Rc<Entitlement>>, ReadError> {
        self.find(&self.entitlements, id)
    }

    /// The resource with this type and id. Joined by a colon they may name another pair, which is not taken for it.
    pub(crate) fn resource(&self, id: &ResourceId) -> Result<Option<Rc<Resource>>, ReadError> {
        let found = self.find(&self.resources, &format!("{}:{}", id.resource_type, id.resource))?;
        Ok(found.filter(|resource| {
            let own = resource.id.as_ref();
            own.is_some_and(|own| own.resource_type == id.resource_type && own.resource == id.resource)
        }))
    }

    fn find<T: Stored>(
        &self,
        kept: &RefCell<HashMap<String, Option<Rc<T>>>>,
        id: &str,
    ) -> Result<Option<Rc<T>>, ReadError> {
        if let Some(known) = kept.borrow().get(id) {
            return Ok(known.clone());
        }
        let found = find::<T>(self.reader, &self.run.id, id)?.map(Rc::new);
        let mut kept = kept.borrow_mut();
        if kept.len() >= MOST_KEPT {
            kept.clear();
        }
        kept.insert(id.to_owned(), found.clone());
        Ok(found)
    }
}

/// The message with this id in a run.
pub(crate) fn find<T: Stored>(reader: &Reader, run: &str, id: &str) -> Result<Option<T>, ReadError> {
    let Some(database) = reader.database() else { return Ok(None) };
    let table = T::TABLE;
    let failed = |source| ReadError::Database { what: table.name(), source };
    let columns = T::columns(database);
    if database.is_indexed(table)? {
        let sql = format!(
            "SELECT id, {columns} FROM main.{} WHERE external_id = $1 AND sync_id = $2 ORDER BY id LIMIT 1",
            table.name()
        );
        database.refill();
        let mut statement = database.connection().prepare_cached(&sql).map_err(failed)?;
        let mut rows = statement.query([id, run]).map_err(failed)?;
        let Some(row) = rows.next().map_err(failed)? else { return Ok(None) };
        let number = row.get(0).map_err(failed)?;
        return decode_row(row, number).map(|(message, _)| Some(message));
    }
    let Some(number) = number_of(database, table, run, id)? else { return Ok(None) };
    let sql = format!("SELECT id, {columns} FROM main.{} WHERE id = $1", table.name());
    database.refill();
    let mut statement = database.connection().prepare_cached(&sql).map_err(failed)?;
    let found =
        statement.query_row([number], |row| Ok(decode_row(row, number))).optional().map_err(failed)?;
    found.transpose().map(|found| found.map(|(message, _)| message))
}

/// The row with this id, in a table without an index: all ids of the run are read once.
fn number_of(database: &Database, table: Table, run: &str, id: &str) -> Result<Option<i64>, ReadError> {
    let key = (table.name(), run.to_owned());
    if let Some(numbers) = database.places.borrow().get(&key) {
        return Ok(numbers.get(id).copied());
    }
    let mut numbers = HashMap::new();
    let filter = Filter::default();
    let mut token = Some(i64::MIN);
    while let Some(from) = token {
        let start = PageStart { token: from, size: 10_000 };
        let query = Query { table, columns: "external_id", run, filter: &filter, start };
        token = scan(database, &query, &mut |row, number| {
            let cell = super::decode::Cell { table, column: "external_id", number };
            let id = cell.text(row, 1)?;
            numbers.entry(id.to_owned()).or_insert(number);
            if numbers.len() > MOST_NUMBERED {
                return Err(ReadError::Rows {
                    table: table.name(),
                    row: number,
                    why: "is one of too many for a table without an index",
                });
            }
            Ok(id.len())
        })?;
    }
    let found = numbers.get(id).copied();
    database.places.borrow_mut().insert(key, numbers);
    Ok(found)
}
