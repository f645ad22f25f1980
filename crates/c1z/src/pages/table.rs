use std::io;
use std::path::Path;

use super::key;
use super::page_file::PageFile;
use super::record::{Field, write_record};
use super::sorted::{SortedKeys, sorted_ahead};
use super::sorter::Sorter;
use super::tree::{Tree, TreeKind};

/// What a table is called, how it is declared, and its indexes. Its first column is `id`, the number of the row.
#[derive(Debug)]
pub(crate) struct TableLayout {
    pub(crate) name: &'static str,
    pub(crate) sql: &'static str,
    pub(crate) indexes: &'static [Index],
}

/// An index over columns of text.
#[derive(Debug)]
pub(crate) struct Index {
    pub(crate) name: &'static str,
    pub(crate) sql: &'static str,
    /// Places of its columns in a row, `id` not counted.
    pub(crate) columns: &'static [usize],
    pub(crate) entries: Entries,
}

/// What an index has an entry for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entries {
    /// Each row.
    Rows,
    /// Each row, and no two of them with the same columns.
    Unique,
    /// Each row; `id` is one of its columns, the last.
    RowsWithId,
    /// Rows in which the column at this place is neither nothing nor 0.
    RowsWith(usize),
}

/// Two rows with one id: the earlier one stays, with the content of the later one (baton DB-4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Twice {
    pub(crate) first: u64,
    pub(crate) later: u64,
}

/// A table while its rows come.
pub(super) struct Table {
    layout: &'static TableLayout,
    tree: Tree,
    rows: u64,
    sorters: Vec<Sorter>,
    record: Vec<u8>,
    fields: Vec<Field<'static>>,
}

/// A table or index as the schema names it.
pub(super) struct Object {
    pub(super) kind: &'static str,
    pub(super) name: &'static str,
    pub(super) table: &'static str,
    pub(super) root: u32,
    pub(super) sql: &'static str,
}

impl Table {
    pub(super) fn new(layout: &'static TableLayout, folder: Option<&Path>) -> Self {
        let sorters = layout.indexes.iter().map(|_| Sorter::new(folder.map(Path::to_owned))).collect();
        Self {
            layout,
            tree: Tree::new(TreeKind::Table),
            rows: 0,
            sorters,
            record: Vec::new(),
            fields: Vec::new(),
        }
    }

    pub(super) fn layout(&self) -> &'static TableLayout {
        self.layout
    }

    pub(super) fn insert(&mut self, file: &mut PageFile, fields: &[Field<'_>]) -> io::Result<()> {
        self.rows += 1;
        let row = self.rows;
        self.record.clear();
        let mut with_id: Vec<Field<'_>> = std::mem::take(&mut self.fields);
        with_id.push(Field::Null);
        with_id.extend_from_slice(fields);
        write_record(&with_id, &mut self.record);
        self.fields = emptied(with_id);
        self.tree.add_row(file, row, &self.record)?;
        for (index, sorter) in self.layout.indexes.iter().zip(&mut self.sorters) {
            if index.entries.hold(fields) {
                let columns = index.columns.iter().filter_map(|place| fields.get(*place).copied());
                sorter.add(|out| key::write_key(columns, row, out))?;
            }
        }
        Ok(())
    }

    /// Ends the table and its indexes; the second list is of rows that came twice, in no order.
    pub(super) fn finish(self, file: &mut PageFile) -> io::Result<(Vec<Object>, Vec<Twice>)> {
        let layout = self.layout;
        let root = self.tree.finish(file)?;
        let table = Object { kind: "table", name: layout.name, table: layout.name, root, sql: layout.sql };
        let mut objects = vec![table];
        let mut twice = Vec::new();
        sorted_ahead(self.sorters, |place, keys| {
            let Some(index) = layout.indexes.get(place) else { return Ok(()) };
            let root = write_index(index, keys, file, &mut twice)?;
            objects.push(Object {
                kind: "index",
                name: index.name,
                table: layout.name,
                root,
                sql: index.sql,
            });
            Ok(())
        })?;
        Ok((objects, twice))
    }
}

impl Entries {
    fn hold(self, fields: &[Field<'_>]) -> bool {
        match self {
            Self::Rows | Self::Unique | Self::RowsWithId => true,
            Self::RowsWith(place) => {
                !matches!(fields.get(place), None | Some(Field::Null | Field::Integer(0)))
            }
        }
    }
}

fn write_index(
    index: &Index,
    keys: &SortedKeys,
    file: &mut PageFile,
    twice: &mut Vec<Twice>,
) -> io::Result<u32> {
    let mut tree = Tree::new(TreeKind::Index);
    let mut record = Vec::new();
    let mut before = Vec::new();
    let mut first = 0;
    let mut room = Vec::new();
    keys.each(|sorted| {
        let row = key::row(sorted);
        if index.entries == Entries::Unique {
            if before == key::columns(sorted) {
                twice.push(Twice { first, later: row });
            } else {
                first = row;
                before.clear();
                before.extend_from_slice(key::columns(sorted));
            }
        }
        let mut fields: Vec<Field<'_>> = std::mem::take(&mut room);
        key::read_key(sorted, &mut fields);
        let number = Field::Integer(row.cast_signed());
        fields.push(number);
        if index.entries == Entries::RowsWithId {
            fields.push(number);
        }
        record.clear();
        write_record(&fields, &mut record);
        room = emptied(fields);
        tree.add_entry(file, &record)
    })?;
    tree.finish(file)
}

/// The list without its fields and with its room, for fields that live elsewhere.
fn emptied(mut fields: Vec<Field<'_>>) -> Vec<Field<'static>> {
    fields.clear();
    fields.into_iter().map(|_| Field::Null).collect()
}
