use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use protos::c1::connector::v2::{Entitlement, Resource, ResourceId, ResourceType};
use rusqlite::OptionalExtension as _;

use super::database::Database;
use super::decode::decode_row;
use super::scan::{Filter, PageStart, Query, scan, spend};
use super::stored::Stored;
use super::{ReadError, Reader, SyncRun};
use crate::layout::Table;

/// Messages that are kept at hand, of each kind.
const MOST_KEPT: usize = 20_000;
/// The most bytes that these may have, encoded.
const MOST_KEPT_BYTES: usize = 16 << 20;
/// Rows that are numbered in memory where a file has no index.
const MOST_NUMBERED: usize = 5_000_000;

/// Finds resource types, resources and entitlements of a run by their ids.
pub(crate) struct Finder<'a> {
    reader: &'a Reader,
    run: &'a SyncRun,
    types: RefCell<Kept<ResourceType>>,
    resources: RefCell<Kept<Resource>>,
    entitlements: RefCell<Kept<Entitlement>>,
}

/// Messages by their ids, and the ids that name nothing.
#[derive(Default)]
struct Kept<T> {
    messages: HashMap<String, Option<Rc<T>>>,
    bytes: usize,
}

impl<T: Stored> Kept<T> {
    fn keep(&mut self, id: &str, found: Option<Rc<T>>) {
        let bytes = id.len() + found.as_ref().map_or(0, |message| message.encoded_len());
        if self.messages.len() >= MOST_KEPT || self.bytes.saturating_add(bytes) > MOST_KEPT_BYTES {
            self.messages.clear();
            self.bytes = 0;
        }
        self.bytes += bytes;
        self.messages.insert(id.to_owned(), found);
    }
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

    fn find<T: Stored>(&self, kept: &RefCell<Kept<T>>, id: &str) -> Result<Option<Rc<T>>, ReadError> {
        if let Some(known) = kept.borrow().messages.get(id) {
            return Ok(known.clone());
        }
        let found = find::<T>(self.reader, &self.run.id, id)?.map(Rc::new);
        kept.borrow_mut().keep(id, found.clone());
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
    let mut bytes_left = database.bytes();
    let mut token = Some(i64::MIN);
    while let Some(from) = token {
        let start = PageStart { token: from, size: 10_000 };
        let query = Query { table, columns: "external_id", run, filter: &filter, start };
        token = scan(database, &query, &mut |row, number| {
            let cell = super::decode::Cell { table, column: "external_id", number };
            let id = cell.text(row, 1)?;
            bytes_left = spend(bytes_left, id.len() + 1, table, number)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_at_hand_has_an_end_in_bytes_too() {
        let mut kept = Kept::default();
        let large = Rc::new(ResourceType { display_name: "x".repeat(4 << 20), ..ResourceType::default() });

        for number in 0..20 {
            kept.keep(&number.to_string(), Some(Rc::clone(&large)));
            assert!(kept.bytes <= MOST_KEPT_BYTES && kept.messages.contains_key(&number.to_string()));
        }

        assert!(kept.messages.len() < 4);
    }
}
