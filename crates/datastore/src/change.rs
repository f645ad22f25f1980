//! From rows and new values to statements by primary key (privacy-requests, E-13, E-18).

mod batch;
mod single;

use std::collections::BTreeMap;

use graph::{GraphCollection, MaskedRow, Segment, ValuePath};
use model::Row;
use serde_json::Value;

use crate::dialect::{Dialect, Writer};
use crate::operation::{SqlOperation, Write};
use crate::table::{Column, ColumnKind, Table};
use crate::value::Scalar;
use crate::{Database, DatabaseError, Fault};

/// Most rows that one statement names.
const MOST_KEYS: usize = 1000;

/// New values for one row. Not `Debug`: it is personal data.
#[derive(Clone)]
pub struct RowChange {
    /// The row as it was read; its key is taken from it.
    pub row: Row,
    /// Place → new value; of equal places the last counts (privacy-requests E-6).
    pub values: Vec<(ValuePath, Value)>,
}

impl RowChange {
    /// What masking made of `row`.
    pub fn masked(row: Row, masked: &MaskedRow) -> Self {
        let values = masked.values.iter().map(|value| (value.path.clone(), value.value.clone())).collect();
        Self { row, values }
    }
}

/// Statements that were asked for, and what of it cannot be written.
#[derive(Debug, Default)]
pub struct Changes {
    /// The statements, each over at most 1,000 rows.
    pub planned: Vec<PlannedChange>,
    /// In the order of the rows.
    pub refused: Vec<RefusedChange>,
}

/// One statement, and which of the rows it names.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedChange {
    /// The statement.
    pub operation: SqlOperation,
    /// Positions of its rows.
    pub rows: Vec<usize>,
}

/// Something that no statement writes.
#[derive(Debug)]
pub struct RefusedChange {
    /// Position of the row.
    pub row: usize,
    /// The place whose new value does not fit; `None`: the row cannot be named, so nothing of it is
    /// written.
    pub place: Option<ValuePath>,
    /// Why.
    pub fault: Fault,
}

/// A column with the value it is compared with or gets.
struct Cell {
    column: Column,
    value: Scalar,
}

/// A new value below a column.
struct Inner {
    column: Column,
    below: Vec<Segment>,
    value: Value,
}

/// One row, ready to be written.
struct Prepared {
    /// Its position.
    row: usize,
    key: Vec<Cell>,
    cells: Vec<Cell>,
    inner: Vec<Inner>,
}

/// The table and everything that statements about it have in common.
struct Target<'a> {
    dialect: Dialect,
    table: &'a Table,
    collection: &'a GraphCollection,
    write: Write,
}

impl Database {
    /// The statements that write the new values, each over at most 1,000 rows.
    ///
    /// Every row is named by its full primary key, as the dataset marks it, with the values it had
    /// when it was read. Where the dataset marks less than the table's key, each row has a statement of
    /// its own, which fails if it names several. A row without new values gives nothing.
    ///
    /// A row that cannot be named and a value that does not fit are refused on their own
    /// ([`Fault::IncompleteKey`], [`Fault::NotWritable`], [`Fault::NotNull`]); the rest is written.
    ///
    /// # Errors
    /// [`Fault::NoPrimaryKey`] where no row can be named, [`Fault::NoColumn`] where dataset and table
    /// differ, and why the catalogue cannot be read.
    pub async fn update(
        &self,
        collection: &GraphCollection,
        changes: &[RowChange],
    ) -> Result<Changes, DatabaseError> {
        let made = self.statements(collection, Write::Update, changes).await;
        made.map_err(|fault| self.error(Some(&collection.address), fault))
    }

    /// The statements that delete `rows`, each over at most 1,000 of them.
    ///
    /// # Errors
    /// As [`Database::update`].
    pub async fn delete(&self, collection: &GraphCollection, rows: &[Row]) -> Result<Changes, DatabaseError> {
        let changes: Vec<_> =
            rows.iter().map(|row| RowChange { row: row.clone(), values: Vec::new() }).collect();
        let made = self.statements(collection, Write::Delete, &changes).await;
        made.map_err(|fault| self.error(Some(&collection.address), fault))
    }

    async fn statements(
        &self,
        collection: &GraphCollection,
        write: Write,
        changes: &[RowChange],
    ) -> Result<Changes, Fault> {
        let table = self.table(&collection.address).await?;
        let target = Target { dialect: self.driver().dialect(), table: &table, collection, write };
        let key = target.key_columns()?;
        // Less than the table's key may name several rows. Only a statement for one row finds out: among
        // many, a row too much would make up for one that is gone.
        let batches = target.holds_key(&key) && self.driver().takes_batches().await?;
        let most = if batches { MOST_KEYS } else { 1 };
        let mut made = Changes::default();
        // Rows that get values in the same columns, until there are enough for a statement.
        let mut open: BTreeMap<Vec<String>, Vec<Prepared>> = BTreeMap::new();
        for (row, change) in changes.iter().enumerate() {
            let prepared = match target.prepare(&key, change, (row, &mut made.refused)) {
                Ok(prepared) => prepared,
                Err(fault @ Fault::IncompleteKey { .. }) => {
                    made.refused.push(RefusedChange { row, place: None, fault });
                    continue;
                }
                Err(fault) => return Err(fault),
            };
            if write == Write::Update && prepared.cells.is_empty() && prepared.inner.is_empty() {
                continue;
            }
            if !prepared.inner.is_empty() {
                made.planned.push(self.planned(&target, &[prepared]));
                continue;
            }
            let shape = prepared.cells.iter().map(|cell| cell.column.name.clone()).collect();
            let rows = open.entry(shape).or_default();
            rows.push(prepared);
            if rows.len() >= most {
                made.planned.push(self.planned(&target, &std::mem::take(rows)));
            }
        }
        let rest = open.values().filter(|rows| !rows.is_empty());
        made.planned.extend(rest.map(|rows| self.planned(&target, rows)));
        Ok(made)
    }

    fn planned(&self, target: &Target<'_>, rows: &[Prepared]) -> PlannedChange {
        PlannedChange {
            operation: self.operation(target, rows),
            rows: rows.iter().map(|prepared| prepared.row).collect(),
        }
    }

    fn operation(&self, target: &Target<'_>, rows: &[Prepared]) -> SqlOperation {
        let mut writer = Writer::new(target.dialect);
        let sql = match rows {
            [row] => target.single(row, &mut writer),
            rows => target.batch(rows, &mut writer),
        };
        let written = rows.first().map(Prepared::columns).unwrap_or_default();
        SqlOperation {
            connection: self.connection().clone(),
            collection: target.collection.address.clone(),
            write: target.write,
            columns: written,
            keys: rows.len() as u64,
            sql,
            parameters: writer.parameters,
        }
    }
}

impl Target<'_> {
    /// The columns of the key that the dataset marks.
    fn key_columns(&self) -> Result<Vec<Column>, Fault> {
        let fields = self.collection.all_fields();
        let marked = fields.iter().filter(|(_, field)| field.primary_key);
        let mut columns = Vec::new();
        for (path, _) in marked {
            match path.as_slice() {
                [name] => columns.push(self.table.column(name)?.clone()),
                nested => return Err(Fault::IncompleteKey { column: nested.join(".") }),
            }
        }
        if columns.is_empty() {
            return Err(Fault::NoPrimaryKey { table_key: self.table.key() });
        }
        columns.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(columns)
    }

    /// Whether the marked columns hold the table's primary key, so that they name one row at most.
    fn holds_key(&self, marked: &[Column]) -> bool {
        let key = self.table.key();
        !key.is_empty() && key.iter().all(|name| marked.iter().any(|column| column.name == *name))
    }

    /// The row with its key and its new values; values that do not fit go to `refused`.
    fn prepare(
        &self,
        key: &[Column],
        change: &RowChange,
        (row, refused): (usize, &mut Vec<RefusedChange>),
    ) -> Result<Prepared, Fault> {
        let key = key.iter().map(|column| {
            let missing = || Fault::IncompleteKey { column: column.name.clone() };
            let value = change.row.get(&column.name).ok_or_else(missing)?;
            match Scalar::of(value, &column.kind) {
                None | Some(Scalar::Null) => Err(missing()),
                Some(value) => Ok(Cell { column: column.clone(), value }),
            }
        });
        let mut prepared =
            Prepared { row, key: key.collect::<Result<_, _>>()?, cells: Vec::new(), inner: Vec::new() };
        let mut last: BTreeMap<&ValuePath, &Value> = BTreeMap::new();
        for (path, value) in &change.values {
            last.insert(path, value);
        }
        for (path, value) in last {
            match self.place(path, value, &mut prepared) {
                Ok(()) => {}
                Err(fault @ (Fault::NotWritable { .. } | Fault::NotNull { .. })) => {
                    refused.push(RefusedChange { row, place: Some(path.clone()), fault });
                }
                Err(fault) => return Err(fault),
            }
        }
        Ok(prepared)
    }

    /// Sorts one new value in: a whole column, or something below one.
    fn place(&self, path: &ValuePath, value: &Value, prepared: &mut Prepared) -> Result<(), Fault> {
        let column = self.table.column(path.column().unwrap_or_default())?.clone();
        let refused = || Fault::NotWritable { path: declared_path(path), declared: column.declared.clone() };
        if column.generated {
            return Err(refused());
        }
        let below: Vec<Segment> = path.segments().iter().skip(1).cloned().collect();
        if below.is_empty() {
            if value.is_null() && column.not_null {
                return Err(Fault::NotNull { column: Some(column.name) });
            }
            let value = Scalar::of(value, &column.kind).ok_or_else(refused)?;
            prepared.cells.push(Cell { column, value });
            return Ok(());
        }
        let fits = match &column.kind {
            ColumnKind::Json | ColumnKind::Text | ColumnKind::Any => true,
            ColumnKind::Array(element) => {
                let only_positions = below.iter().all(|segment| matches!(segment, Segment::Position(_)));
                only_positions && Scalar::of(value, element).is_some()
            }
            _ => false,
        };
        if !fits {
            return Err(refused());
        }
        prepared.inner.push(Inner { column, below, value: value.clone() });
        Ok(())
    }
}

impl Prepared {
    /// The columns that are written, each once.
    fn columns(&self) -> Vec<String> {
        let whole = self.cells.iter().map(|cell| &cell.column.name);
        let mut names: Vec<String> =
            whole.chain(self.inner.iter().map(|inner| &inner.column.name)).cloned().collect();
        names.sort();
        names.dedup();
        names
    }
}

/// The path without positions: keys of arrays are nobody's name, keys of objects are the dataset's.
fn declared_path(path: &ValuePath) -> String {
    let keys = path.segments().iter().filter_map(|segment| match segment {
        Segment::Key(name) => Some(name.as_str()),
        Segment::Position(_) => None,
    });
    keys.collect::<Vec<_>>().join(".")
}
